"""The memory a frame takes by strips, and the largest pieces within a budget."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from cdfi.common.multiples import round_up
from cdfi.interpolation.strip_inputs import CHANNEL_BLOCK, FRAME_CHANNELS
from cdfi.models import Config
from cdfi.models.gridnet import GridNet
from cdfi.models.network import MULTIPLE
from cdfi.ops.details.reference import BANDS

#: Rows of a strip of full-resolution maps, and of the tallest piece that GridNet is given.
STRIP, CHUNK = 32, 512
#: Narrow frames get taller strips: fewer calls for the same memory.
STRIP_PIXELS = 61_440
#: A GPU needs tall pieces to be busy: pixels of a strip and of a chunk, a quarter and all of
#: 1920 x 1080 (strips of 32 rows took twice as long on an H200; docs/benchmarks.md).
GPU_STRIP_PIXELS, GPU_CHUNK_PIXELS = 272 * 1920, 1088 * 1920
SMALLEST_STRIP, SMALLEST_CHUNK = 8, 64
LARGEST_TILE, SMALLEST_TILE = 2048, 256
FLOAT = 4  # bytes
#: Floats per pixel that the finest level of flow refinement holds: frames, flows, sampled sides and
#: products.
REFINING = 45
#: Floats that GridNet holds at its peak for each input value (measured): if other chunks follow,
#: and if its one chunk is the whole frame and may be overwritten.
GRIDNET, GRIDNET_ALONE = 3.4, 2.0
#: Frames of full size that a computation by tiles holds: both inputs, the sum and the weights.
TILED_FRAMES = 6


class Tiling(NamedTuple):
    """Rows of a chunk and of a strip; the side of a tile, or 0 if the frame is not tiled."""

    chunk: int
    strip: int
    tile: int


def choose_tiling(
    config: Config, height: int, width: int, batch: int, budget: int, gpu: bool = False
) -> Tiling:
    """Return the largest pieces that ``budget`` bytes allow: smaller strips first, then tiles.

    Args:
        config: architecture of the network.
        height: rows of a frame.
        width: columns of a frame.
        batch: frames that are computed together.
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
            peak = partial(peak_bytes, config, chunk=CHUNK, strip=STRIP)
            return Tiling(CHUNK, STRIP, choose_tile(peak, height, width, batch, budget))
    return Tiling(chunk, strip, 0)


def choose_tile(
    peak: Callable[[int, int], int], height: int, width: int, batch: int, budget: int
) -> int:
    """Return the side of the largest square tile, a power of two, that ``budget`` bytes allow.

    Args:
        peak: bytes for a tile of a height and a width.
        height: rows of a frame.
        width: columns of a frame.
        batch: frames that are computed together.
        budget: bytes.

    Raises:
        ValueError: not even the smallest tile fits.
    """
    frames = TILED_FRAMES * height * width * FLOAT
    tile = LARGEST_TILE
    while (peak(tile, tile) + frames) * batch > budget:
        tile //= 2
        if tile < SMALLEST_TILE:
            raise ValueError(
                f"{budget / 1e9:.2f} GB of memory are too little for frames of {width} x {height}: "
                "give it more with --memory, or scale the frames down"
            )
    return tile


def peak_bytes(config: Config, height: int, width: int, chunk: int, strip: int) -> int:
    """Return the bytes that ``middle_by_strips`` takes at its peak, in float32.

    The largest of four peaks: U-Net, flow refinement, resizing a level of features to full size,
    and strips. Checked against the resident peak of the bundled networks
    (benchmarks/network_memory.py); what the process holds anyway comes in addition.

    Args:
        config: architecture of the network.
        height: rows of a frame.
        width: columns of a frame.
        chunk: rows of a chunk.
        strip: rows of a strip.
    """
    height, width = (round_up(size, MULTIPLE) for size in (height, width))
    pixels = height * width
    inputs = _input_floats(config, height, width)
    resizing = inputs + pixels * 2 * max(config.pyramid, default=0)
    strips = inputs + width * _floats_per_column(config, height, chunk, strip)
    refining = pixels * (config.encoder[1][-1] / 4 + REFINING) if config.refine else 0
    return int(FLOAT * max(_unet_floats(config, pixels), refining, resizing, strips))


def _unet_floats(config: Config, pixels: int) -> int:
    """Return the floats of two tensors of the first stage, of copies, and of the cost volumes.

    The copies are in the layout of the convolution library.
    """
    neighbours = max(map(sum, pairwise((6, *config.encoder[0]))))
    volumes = sum(count / 4**stage for stage, count in enumerate(config.volumes))
    return pixels * int(12 + 2 * neighbours + volumes)


def _feature_channels(config: Config) -> int:
    """Return the channels of the joint features in memory, padded to whole blocks."""
    used = sum(config.pyramid)
    return round_up(used + FRAME_CHANNELS, CHANNEL_BLOCK) if used else 0


def _input_floats(config: Config, height: int, width: int) -> float:
    """Return the floats that strips read: bordered frames and features, decoded features, flow."""
    bordered = (height + 2 * config.reach) * (width + 2 * config.reach)
    flow = 4 if config.refine else 0
    return bordered * (2 * FRAME_CHANNELS + _feature_channels(config)) + height * width * (
        config.encoder[1][-1] / 4 + 6 + flow
    )


def _floats_per_column(config: Config, height: int, chunk: int, strip: int) -> float:
    """Return the floats per column: a chunk with the halo of GridNet, and a strip of maps."""
    features = _feature_channels(config)
    rows = _tallest(height, chunk, GridNet.halo if features else 0)
    heads = [widths for widths, _ in config.heads.values()]
    hidden = (sum(widths[-1] for widths in heads) + max(map(max, heads))) / 4
    gridnet = GRIDNET_ALONE if height <= chunk else GRIDNET
    warps = 2 * (FRAME_CHANNELS + features * gridnet)
    # Band weights, the details they scale, and the sums.
    details = 2 * (BANDS + 2 * FRAME_CHANNELS) if config.detail else 0
    maps = 10 * config.taps + 4 * (FRAME_CHANNELS + features) + details
    return rows * (hidden + warps) + min(strip, height) * maps


def _tallest(height: int, chunk: int, halo: int) -> int:
    """Return the rows of the tallest chunk with its halo, which the edges of the frame cut off."""
    ends = min(height, chunk + halo)
    return max(ends, min(height, chunk + 2 * halo)) if height > 2 * chunk else ends
