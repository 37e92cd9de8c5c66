"""Pixel formats and colours: between the planes of a video frame and RGB."""
