"""Exit statuses of the commands."""

FAILED = 1  # after an error, or a check that fails
WRONG_USE = 2  # after a command line that cannot be understood
INTERRUPTED = 130  # after Ctrl-C
