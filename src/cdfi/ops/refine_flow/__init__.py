"""Refinement of a bilateral optical flow by registration of the two frames."""
