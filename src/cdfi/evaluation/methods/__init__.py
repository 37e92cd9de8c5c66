"""Methods that predict a middle frame: networks, classical baselines, saved predictions."""
