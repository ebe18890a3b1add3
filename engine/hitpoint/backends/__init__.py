"""What runs the graphs of a bundle: ONNX Runtime and TensorRT behind one protocol."""
