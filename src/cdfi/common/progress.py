"""The one type of progress callback."""

from collections.abc import Callable

#: Called with the work done and the total; the total is None if it is unknown.
Progress = Callable[[int, int | None], None]
