"""Read a video: its container, index, streams and decoded frames."""
