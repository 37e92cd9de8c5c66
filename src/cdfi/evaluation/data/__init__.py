"""Data sets of frame triplets: layouts, videos, pictures and downloads."""
