"""The detail bands that bilinear sampling loses."""
