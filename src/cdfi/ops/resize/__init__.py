"""Bilinear resizing of maps and of some of their rows."""
