"""Bilinear backward warping of feature maps."""
