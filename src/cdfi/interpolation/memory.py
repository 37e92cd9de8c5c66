"""What the network takes of the memory, and the largest pieces that stay within a budget."""

import ctypes
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch

from cdfi.interpolation.strips import CHANNEL_BLOCK, FRAME_CHANNELS
from cdfi.models import Config
from cdfi.models.gridnet import GridNet
from cdfi.models.network import MULTIPLE
from cdfi.ops.details.op import BANDS

#: Rows of the full-resolution maps at a time, and the tallest piece GridNet is given.
STRIP, CHUNK = 32, 512
#: Narrow frames get taller strips: fewer calls for the same memory.
STRIP_PIXELS = 61_440
#: A GPU is kept busy by tall pieces alone: pixels a strip and a chunk have there, a quarter and all
#: of 1920 x 1080 (strips of 32 rows took twice as long on an H200; docs/benchmarks.md).
GPU_STRIP_PIXELS, GPU_CHUNK_PIXELS = 272 * 1920, 1088 * 1920
SMALLEST_STRIP, SMALLEST_CHUNK = 8, 64
SMALLEST_TILE = 256
#: What is left to others of the memory that is free.
MARGIN = 0.2
#: What a process that keeps freed memory holds, for each byte it needs at once (measured: 1.3 for
#: networks without synthesis, up to 1.5 with it).
ALLOCATOR_OVERHEAD = 1.5
FLOAT = 4
#: Of glibc's malloc.h: M_MMAP_MAX, no blocks apart from the heap; M_TRIM_THRESHOLD, never shrink.
_MALLOPT = ((-4, 0), (-1, -1))
_keeps_freed = False  # as the C library's setting, it is the process's
#: Floats a pixel that registration holds at its finest level: frames, ways, sides and products.
REFINING = 45
#: Floats GridNet holds at its peak, for each one that comes in (measured): where other chunks
#: follow, and where its one chunk is the whole frame and may be overwritten.
GRIDNET, GRIDNET_ALONE = 3.4, 2.0


class Tiling(NamedTuple):
    """Rows a chunk and a strip have; the side of a tile, or 0 where the frame stays whole."""

    chunk: int
    strip: int
    tile: int


def choose_tiling(
    config: Config, height: int, width: int, batch: int, budget: int, gpu: bool = False
) -> Tiling:
    """The largest pieces that ``budget`` bytes allow: smaller strips first, tiles at the last.

    Args:
        config, height, width, batch: the network, and the frames it gets.
        budget: bytes.
        gpu: whether for a GPU, which takes taller pieces.

    Raises:
        ValueError: not even the smallest tile fits.
    """
    chunk, strip = CHUNK, max(STRIP, STRIP_PIXELS // width // 8 * 8)
    if gpu:
        chunk = max(chunk, GPU_CHUNK_PIXELS // width // 8 * 8)
        strip = max(strip, GPU_STRIP_PIXELS // width // 8 * 8)
    while peak_bytes(config, height, width, chunk, strip) * batch > budget:
        if chunk > SMALLEST_CHUNK:
            chunk //= 2
        elif strip > SMALLEST_STRIP:
            strip //= 2
        else:
            return Tiling(CHUNK, STRIP, _tile(config, height, width, batch, budget))
    return Tiling(chunk, strip, 0)


def _tile(config: Config, height: int, width: int, batch: int, budget: int) -> int:
    frames = 6 * height * width * FLOAT
    tile = 2048
    while (peak_bytes(config, tile, tile, CHUNK, STRIP) + frames) * batch > budget:
        tile //= 2
        if tile < SMALLEST_TILE:
            raise ValueError(
                f"{budget / 1e9:.2f} GB of memory are too little for frames of {width} x {height}: "
                "give it more with --memory, or scale the frames down"
            )
    return tile


def peak_bytes(config: Config, height: int, width: int, chunk: int, strip: int) -> int:
    """Bytes that :func:`cdfi.interpolation.strips.middle_by_strips` takes at its peak, in float32.

    The largest of four peaks: the U-Net's (two neighbouring tensors of its first stage and two
    copies in the convolution library's layout, beside the cost volumes); the registration's; that
    of bringing a level of features to full size; and that of the strips: what they read, one chunk
    with the halo GridNet needs, and one strip of maps. Checked against the resident peak of the
    bundled networks (benchmarks/network_memory.py); what the process
    holds anyway is extra.
    """
    height, width = (-(-size // MULTIPLE) * MULTIPLE for size in (height, width))
    border = 2 * config.reach
    pixels, grown = height * width, (height + border) * (width + border)
    features = sum(config.pyramid)
    first = config.encoder[0]
    volumes = sum(count / 4**stage for stage, count in enumerate(config.volumes))
    neighbours = max(map(sum, pairwise((6, *first))))
    unet = pixels * int(12 + 2 * neighbours + volumes)
    block = -(-(features + FRAME_CHANNELS) // CHANNEL_BLOCK) * CHANNEL_BLOCK if features else 0
    rows = _tallest(height, chunk, GridNet.halo if features else 0)
    heads = [widths for widths, _ in config.heads.values()]
    hidden = (sum(widths[-1] for widths in heads) + max(map(max, heads))) / 4
    gridnet = GRIDNET_ALONE if height <= chunk else GRIDNET
    warps = 2 * (FRAME_CHANNELS + block * gridnet)
    # Gains, the details they scale, and the sums.
    details = 2 * (BANDS + 2 * FRAME_CHANNELS) if config.detail else 0
    maps = 10 * config.taps + 4 * (FRAME_CHANNELS + block) + details
    motion = 4 if config.refine else 0
    refining = pixels * (config.encoder[1][-1] / 4 + REFINING) if config.refine else 0
    read = grown * (2 * FRAME_CHANNELS + block) + pixels * (config.encoder[1][-1] / 4 + 6 + motion)
    joining = read + pixels * 2 * max(config.pyramid, default=0)
    strips = read + width * (rows * (hidden + warps) + min(strip, height) * maps)
    return int(FLOAT * max(unet, refining, joining, strips))


def _tallest(height: int, chunk: int, halo: int) -> int:
    """Rows of the tallest chunk with its halo: an end of the frame needs none beyond it."""
    ends = min(height, chunk + halo)
    return max(ends, min(height, chunk + 2 * halo)) if height > 2 * chunk else ends


def keep_freed_memory() -> bool:
    """Let this process keep what it frees for its next tensors; whether that can be had here.

    The C library hands large blocks back to the system when they are freed. Every tensor of a
    frame's size then begins as pages that the system fills with zeros one by one: a tenth of the
    time of a frame (docs/benchmarks.md). What is kept lies in pieces, so that the process grows:
    plans without a budget count with ``ALLOCATOR_OVERHEAD`` times their need from here on.

    For programs of our own; it concerns all of a process, for as long as it lives. Linux with
    glibc; elsewhere nothing happens.
    """
    global _keeps_freed
    if sys.platform.startswith("linux") and not _keeps_freed:
        setting = getattr(ctypes.CDLL(None), "mallopt", None)  # musl, for one, has none
        _keeps_freed = setting is not None and all(setting(*row) for row in _MALLOPT)
    return _keeps_freed


def free_memory(device: torch.device) -> int:
    """Bytes the network may take on ``device`` when nobody said: what is free, less a margin."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * (1 - MARGIN))
    return int(_free_on_host() * (1 - MARGIN) / (ALLOCATOR_OVERHEAD if _keeps_freed else 1))


def _free_on_host() -> int:
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 << 30  # Windows says it only through its own interfaces; a modest machine has this
