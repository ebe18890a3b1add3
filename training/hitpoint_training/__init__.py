"""Everything that needs PyTorch: corpus, codec, U-Net, training and the evaluation of checkpoints."""
