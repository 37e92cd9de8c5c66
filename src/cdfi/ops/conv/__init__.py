"""A convolution fused with its bias and activation, for inference."""
