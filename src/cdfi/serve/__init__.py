"""The web page: ``cdfi serve``. PyTorch and PyAV are only loaded by its child processes."""
