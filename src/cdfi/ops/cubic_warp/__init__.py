"""Backward warping of frames with cubic convolution of adjustable sharpness."""
