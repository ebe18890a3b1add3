"""From a PyTorch checkpoint to the ONNX graphs of a bundle, and from a bundle to TensorRT engines."""
