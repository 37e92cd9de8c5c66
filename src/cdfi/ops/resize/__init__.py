"""Bilinear resizing of maps, or of some of their rows."""
