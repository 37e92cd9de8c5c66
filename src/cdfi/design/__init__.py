"""Compression-driven design of our networks: prune, derive, retrain with a teacher, compare."""
