"""Data sets of frame triplets: layouts, videos, images and downloads."""
