"""Import large packages in less time."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Pause the garbage collector, and exclude what is imported from later collections.

    Modules leave next to nothing for it to find. In the import of PyTorch it takes a tenth of the
    time; each later search through these modules, and the one at the end of the process, takes
    tenths of a second.
    """
    was_enabled, loaded = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > loaded:
            gc.freeze()
        if was_enabled:
            gc.enable()
