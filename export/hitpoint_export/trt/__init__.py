"""From a bundle to TensorRT engines: strongly typed graphs, profiles, the build, and a cache with a seal."""
