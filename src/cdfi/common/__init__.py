"""What several packages need: files, threads, devices, downloads and other helpers."""
