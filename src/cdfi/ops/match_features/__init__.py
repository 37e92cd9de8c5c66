"""Warp the features of two frames to the instant between them and compare them."""
