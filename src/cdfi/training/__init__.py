"""Training: a run's arguments, losses, optimizers, loop and record."""
