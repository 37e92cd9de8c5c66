"""What a model costs: parameters, operations, time and peak memory at a size and precision."""

import math
import multiprocessing
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from cdfi.common.allocator import keep_freed_memory
from cdfi.common.devices import choose_device
from cdfi.interpolation import Interpolator
from cdfi.models import Architecture, build_network
from cdfi.ops.refine_flow.reference import COARSE_MOVES, FINEST_MOVES, NEIGHBOURS


@dataclass(frozen=True)
class CostTask:
    """What to measure.

    Attributes:
        model: a name or a file.
        width: of a frame, in pixels.
        height: of a frame, in pixels.
        precision: as for :class:`cdfi.Interpolator`.
        device: where frames are computed.
        runs: frames that are timed.
        warm_up: frames before these, which are not timed.
        compile: use ``torch.compile``, which compiles during the warm-up.
    """

    model: str
    width: int
    height: int
    precision: str
    device: str
    runs: int
    warm_up: int
    compile: bool = False


@dataclass(frozen=True)
class Cost:
    """The cost of one frame.

    Attributes:
        precision: the one in use ("auto" resolved).
        parameters: of the network.
        flops: floating-point operations, a multiply-add counting as two.
        seconds: median time of a frame, without the first ones.
        fastest: the least of them.
        peak_bytes: peak resident memory of a process that does only this, libraries included, or
            the largest amount allocated on the CUDA device; None if the system does not report it.
    """

    model: str
    width: int
    height: int
    precision: str
    parameters: int
    flops: int
    seconds: float
    fastest: float
    peak_bytes: int | None

    def as_dict(self) -> dict[str, object]:
        """Return the fields by name."""
        return asdict(self)


def measure(task: CostTask) -> Cost:
    """Measure the cost of ``task`` in a new process, so that nothing else is in its memory.

    As in ``cdfi interpolate``, the process keeps the memory it frees.

    Raises:
        ValueError: the model, precision or device is unknown.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, keep_freed_memory) as pool:
        return pool.submit(measure_here, task).result()


def measure_here(task: CostTask) -> Cost:
    """Measure in this process; its peak memory includes everything that it did before."""
    device = choose_device(task.device)
    precision: Any = task.precision
    interpolator = Interpolator(task.model, device, precision=precision, compile=task.compile)
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(2, 1, 3, task.height, task.width, generator=generator).to(device)
    seconds = list(_times(lambda: interpolator(frames[0], frames[1]), device, task))
    network = interpolator.network
    return Cost(
        model=task.model,
        width=task.width,
        height=task.height,
        precision=interpolator.precision,
        parameters=sum(weights.numel() for weights in network.parameters()),
        flops=count_flops(network.config, task.height, task.width),
        seconds=statistics.median(seconds),
        fastest=min(seconds),
        peak_bytes=peak_memory(device),
    )


def _times(run: Callable[[], object], device: torch.device, task: CostTask) -> Iterator[float]:
    """Yield the seconds of each run after the warm-up."""
    for number in range(task.warm_up + task.runs):
        start = time.perf_counter()
        run()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        if number >= task.warm_up:
            yield time.perf_counter() - start


def count_flops(config: Architecture, height: int, width: int) -> int:
    """Return the operations of one frame of ``height`` x ``width``; nothing is computed.

    Convolutions are counted as PyTorch counts them, and our operations by :func:`adacof_flops`,
    :func:`cost_volume_flops`, :func:`refine_flow_flops` and :func:`details_flops`.
    """
    with torch.device("meta"):
        network, frame = build_network(config).eval(), torch.empty(1, 3, height, width)
    inputs = (frame, frame, 0.5) if network.takes_time else (frame, frame)
    ours = {
        torch.ops.cdfi.adacof: adacof_flops,
        torch.ops.cdfi.cost_volume: cost_volume_flops,
        torch.ops.cdfi.refine_flow: refine_flow_flops,
        torch.ops.cdfi.details: details_flops,
    }
    counter = FlopCounterMode(display=False, custom_mapping=ours)
    with counter, torch.no_grad():
        network(*inputs)
    return int(counter.get_total_flops())


def adacof_flops(input_shape: Any, weight_shape: Any, *_: Any, **__: Any) -> int:
    """Return the operations of a warp: per pixel and tap 4 corner weights and 4 sums a channel."""
    batch, taps, height, width = weight_shape
    corners = 4
    return int(batch * taps * height * width * corners * 2 * (1 + input_shape[1]))


def cost_volume_flops(shape: Any, _: Any, radius: int, **__: Any) -> int:
    """Return the operations of a cost volume: a multiply-add per channel and displacement."""
    return int(2 * math.prod(shape) * (2 * radius + 1) ** 2)


def refine_flow_flops(frame: Any, _: Any, __: Any, levels: int, **___: Any) -> int:
    """Return the operations of flow refinement, counted along its formulas.

    An evaluation is two bilinear samples and a squared difference per colour, and one window: nine
    multiply-adds per axis. A step is five products per colour, five windows, and about 30 for the
    rest. A level evaluates twice at first, once after a step, and once per neighbour.
    """
    batch, channels, height, width = frame
    window = 2 * 2 * 9
    evaluation, step = (2 * 8 + 3) * channels + window, 12 * channels + 5 * window + 30
    total = 0
    for level in range(levels):
        steps = [move == 0 for move in (COARSE_MOVES if level else FINEST_MOVES)]
        evaluations = 2 + sum(1 if is_step else len(NEIGHBOURS) for is_step in steps)
        operations = evaluations * evaluation + sum(steps) * step
        total += operations * batch * height * width // 4**level
    return total


def details_flops(frame: Any, flow: Any, *_: Any, **__: Any) -> int:
    """Return the operations of one side's details: 16 pixels, a sum per channel."""
    batch, _, height, width = flow
    return int(16 * (8 + 2 * frame[1]) * batch * height * width)


def peak_memory(device: torch.device) -> int | None:
    """Return the most bytes in use so far; see :class:`Cost`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():
        # Unlike getrusage, this does not count the parent's memory before the process began.
        high = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
        return 1024 * int(high.group(1)) if high else None
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
