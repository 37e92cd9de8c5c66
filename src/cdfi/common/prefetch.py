"""Running a generator in a thread of its own, a bounded number of items ahead of its user."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
POLL = 0.1  # seconds between looks at whether the other side is still there


class _End:
    """The last item: how the generator ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Worker(Generic[T]):
    def __init__(self, items: Iterable[T], size: int) -> None:
        self.items = items
        self.ready: queue.Queue[T | _End] = queue.Queue(size)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="cdfi-ahead", daemon=True)

    def _run(self) -> None:
        error: BaseException | None = None
        items = iter(self.items)
        try:
            for item in items:
                if not self._put(item):
                    break
        except BaseException as caught:  # handed to the user's thread, which raises it
            error = caught
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
        self._put(_End(error))

    def _put(self, item: T | _End) -> bool:
        while not self.stop.is_set():
            try:
                self.ready.put(item, timeout=POLL)
            except queue.Full:
                continue
            return True
        return False


def ahead(items: Iterable[T], size: int) -> Generator[T, None, None]:
    """The same items, made in a thread that stays at most ``size`` ahead.

    An error in ``items`` is raised here, after the items before it. When the user stops early (an
    error, Ctrl-C), the thread ends and ``items`` is closed before this returns.
    """
    worker = _Worker(items, size)
    worker.thread.start()
    try:
        while True:
            item = worker.ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        worker.stop.set()
        worker.thread.join()
