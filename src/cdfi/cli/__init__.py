"""The command line: one typed function a command, and the only room that writes to stdout."""
