"""Compression-driven design: prune, read the densities, derive the small network; for any model."""
