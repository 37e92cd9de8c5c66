"""Refinement of a bilateral optical flow by registration."""
