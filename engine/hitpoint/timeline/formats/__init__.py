"""Every timeline format, one module each: bytes to and from a `Sheet`, in a guarded child process."""
