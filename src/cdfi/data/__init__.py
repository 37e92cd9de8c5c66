"""Training data: from videos, photos and triplet folders to batches. PyTorch and NumPy alone."""
