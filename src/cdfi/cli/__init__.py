"""The command line: one typed function for each command. No other package writes to stdout."""
