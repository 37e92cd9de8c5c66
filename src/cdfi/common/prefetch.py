"""Run a generator in its own thread, a bounded number of items ahead of its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
POLL = 0.1  # seconds between checks that the consumer still wants items


class _End:
    """Mark the end of the items, with the error that ended them if there was one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Worker(Generic[T]):
    """The producing thread, and the queue between it and the consumer."""

    def __init__(self, items: Iterable[T], size: int) -> None:
        self.items = items
        self.ready: queue.Queue[T | _End] = queue.Queue(size)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="cdfi-prefetch", daemon=True)

    def _run(self) -> None:
        error: BaseException | None = None
        items = iter(self.items)
        try:
            for item in items:
                if not self._put(item):
                    break
        except BaseException as caught:  # raised again in the consumer's thread
            error = caught
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
        self._put(_End(error))

    def _put(self, item: T | _End) -> bool:
        """Queue ``item``; return False if the consumer has stopped."""
        while not self.stop.is_set():
            try:
                self.ready.put(item, timeout=POLL)
            except queue.Full:
                continue
            return True
        return False


def prefetch(items: Iterable[T], size: int) -> Generator[T, None, None]:
    """Yield ``items``, which a thread computes up to ``size`` items in advance.

    An error in ``items`` is raised here, after the items before it. If the consumer stops early
    (an error, Ctrl-C), the thread ends and ``items`` is closed before this generator returns.
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
