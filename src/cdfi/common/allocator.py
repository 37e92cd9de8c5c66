"""Free memory of a device, and the C library's handling of freed memory."""

import ctypes
import sys

import psutil
import torch

#: Fraction of the free memory that is left to other processes.
MARGIN = 0.2
#: Bytes a process that keeps freed memory holds, for each byte it needs at once (measured: 1.3 for
#: networks without synthesis, up to 1.5 with it).
ALLOCATOR_OVERHEAD = 1.5
#: From glibc's malloc.h: M_MMAP_MAX, no blocks apart from the heap; M_TRIM_THRESHOLD, never shrink.
_MALLOPT = ((-4, 0), (-1, -1))
_keeps_freed = False  # a setting of the process, as the C library's is


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next tensors; return whether that is possible.

    By default the C library returns large blocks to the system when they are freed. Every tensor of
    a frame's size then begins as pages that the system fills with zeros one by one, which takes a
    tenth of the time of a frame (docs/benchmarks.md). Kept memory is fragmented, so the process
    grows: from then on, :func:`free_memory` divides by ``ALLOCATOR_OVERHEAD``.

    The setting concerns the whole process until it ends, so call it in programs of your own only.
    Linux with glibc; elsewhere it has no effect.
    """
    global _keeps_freed
    if sys.platform.startswith("linux") and not _keeps_freed:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        _keeps_freed = mallopt is not None and all(mallopt(*row) for row in _MALLOPT)
    return _keeps_freed


def free_memory(device: torch.device) -> int:
    """Return the bytes that a network may take on ``device``: the free ones, less a margin."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * (1 - MARGIN))
    available = psutil.virtual_memory().available
    return int(available * (1 - MARGIN) / (ALLOCATOR_OVERHEAD if _keeps_freed else 1))
