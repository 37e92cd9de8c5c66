"""How far is each stage of a network from what the machine's arithmetic and memory allow?

Usage: python benchmarks/limits.py [--model M ...] [--size HxW ...] [--precision P] [--repeats N]

The limit of a stage is the longer of two times: its floating-point operations (convolutions, warps,
cost volumes, flow refinement and details) over the measured rate of matrix products, and its bytes
(each of these reads its inputs and writes its output once) over the measured rate of copies. As in
``cdfi interpolate``, the process keeps the memory it frees. Prints JSON, and a table for the docs
with --table; reports nothing if the strips differ from the full frame.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from machine import machine
from torch.utils._python_dispatch import TorchDispatchMode

from cdfi.common.allocator import keep_freed_memory
from cdfi.evaluation.cost import details_flops, refine_flow_flops
from cdfi.interpolation import strips
from cdfi.interpolation.memory import choose_tiling
from cdfi.models import NETWORKS, Network

#: Owner and name of each function -> its name in the table.
STAGES: dict[tuple[Any, str], str] = {
    (strips, "strip_inputs"): "U-Net, cost volumes",
    (Network, "refine"): "flow refinement",
    (strips, "_hidden_rows"): "heads, hidden",
    (strips, "_head_rows"): "heads, last",
    (strips, "adacof_rows_from_logits"): "softmax, warps",
    (strips, "scaled_details"): "detail restoration",
    (strips, "_finish"): "GridNet, blend",
}
SIDE = 2048  # of the matrices whose product is timed
COPIED = 1 << 28  # bytes of the copy that is timed
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Stages:
    """Times every stage in a context, and counts the work that is reported to it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.flops: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self._now: list[str] = []
        self._old: dict[tuple[Any, str], Any] = {}

    def __enter__(self) -> "Stages":
        for function, stage in STAGES.items():
            self._old[function] = getattr(*function)
            setattr(*function, self._timed(stage, self._old[function]))
        return self

    def __exit__(self, *_: object) -> None:
        for function, old in self._old.items():
            setattr(*function, old)

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self._now.append(stage)
            start = time.perf_counter()
            result = function(*args, **kwargs)
            spent = time.perf_counter() - start
            self._now.pop()
            self.seconds[stage] += spent
            if self._now:  # a stage within another
                self.seconds[self._now[-1]] -= spent
            return result

        return run

    def add_work(self, flops: int, size: int) -> None:
        """Count work for the stage that is running."""
        stage = self._now[-1] if self._now else "other"
        self.flops[stage] += flops
        self.bytes[stage] += size


class Count(TorchDispatchMode):
    """Counts convolutions, warps, cost volumes, flow refinement and details."""

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self._stages = stages

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in ("convolution", "conv2d"):
            x, weight = args[:2]
            flops = 2 * result.numel() * weight[0].numel()
            self._stages.add_work(
                flops, sum(t.numel() * t.element_size() for t in (x, weight, result))
            )
        elif name in ("adacof", "adacof_pair"):
            images, maps = (args[:1], args[1:4]) if name == "adacof" else (args[:2], args[2:5])
            results = (result,) if name == "adacof" else result
            # A strip reads its rows of an image; four neighbours a tap, a product and a sum each.
            rows = maps[0].shape[2] / images[0].shape[2]
            size = int(rows * sum(t.numel() * t.element_size() for t in images))
            size += sum(t.numel() * t.element_size() for t in (*maps, *results))
            self._stages.add_work(8 * maps[0].shape[1] * sum(t.numel() for t in results), size)
        elif name == "cost_volume":
            size = sum(t.numel() * t.element_size() for t in (*args[:2], result))
            self._stages.add_work(2 * result.numel() * args[0].shape[1], size)
        elif name == "refine_flow":
            size = sum(t.numel() * t.element_size() for t in (*args[:3], *result))
            self._stages.add_work(refine_flow_flops(args[0].shape, None, None, args[3]), size)
        elif name == "details":
            frame, flow, band_weights = args[:3]
            size = int(flow.shape[2] / frame.shape[2] * frame.numel() * frame.element_size())
            size += sum(t.numel() * t.element_size() for t in (flow, band_weights, result))
            self._stages.add_work(details_flops(frame.shape, flow.shape), size)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", nargs="+", default=["aligned-adacof", "compressed-adacof", "cdfi"]
    )
    parser.add_argument("--size", nargs="+", default=["480x640"])
    parser.add_argument("--precision", default="fp32", choices=DTYPES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="a table in Markdown instead of JSON")
    arguments = parser.parse_args()
    keep_freed_memory()
    half = torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16")
    rates = {"flops": matrix_rate(DTYPES[arguments.precision]), "bytes": copy_rate()}
    rows = []
    for model in arguments.model:
        for size in arguments.size:
            torch.manual_seed(0)
            network = Network(NETWORKS[model]).eval().to(memory_format=torch.channels_last)
            with torch.inference_mode():
                check(network)
                with half:
                    rows += measure(network, model, size, rates, arguments.repeats)
    result = {
        "question": __doc__.splitlines()[0],
        "precision": arguments.precision,
        "rates": rates,
        "rows": rows,
        "machine": machine(),
    }
    print(table(result) if arguments.table else json.dumps(result, indent=2))


def matrix_rate(dtype: torch.dtype) -> float:
    """Floating-point operations a second in a product of square matrices."""
    a, b = torch.rand(2, SIDE, SIDE).to(dtype)
    return 2 * SIDE**3 / median(seconds(lambda: a @ b) for _ in range(7))


def copy_rate() -> float:
    """Bytes a second, read and written, in a copy that no cache holds."""
    source = torch.rand(COPIED // 4)
    target = torch.empty_like(source)
    return 2 * COPIED / median(seconds(lambda: target.copy_(source)) for _ in range(7))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def check(network: Network) -> None:
    frames = torch.rand(2, 1, 3, 96, 64)
    error = (strips.middle_by_strips(network, *frames, 32, 8) - network(*frames)).abs().max()
    if error > 1e-4:
        raise SystemExit(f"nothing is reported: strips differ from the whole frame by {error}")


def measure(
    network: Network, model: str, size: str, rates: dict[str, float], repeats: int
) -> list[dict[str, object]]:
    """Return seconds, limits and gaps of every stage, and of the frame in total."""
    height, width = map(int, size.split("x"))
    frames = torch.rand(2, 1, 3, height, width)
    pieces = choose_tiling(network.config, height, width, 1, budget=1 << 40)

    def run() -> None:
        strips.middle_by_strips(network, *frames, pieces.chunk, pieces.strip)

    work = Stages()
    with work, Count(work):
        run()  # warms up as well
    totals, parts = [], []
    for _ in range(repeats):
        with Stages() as stages:
            totals.append(seconds(run))
        parts.append(stages.seconds)
    taken = {stage: median(part[stage] for part in parts) for stage in STAGES.values()}
    taken["other"] = median(w - sum(p.values()) for w, p in zip(totals, parts))
    taken["total"] = median(totals)
    work.flops["total"], work.bytes["total"] = work.flops.total(), work.bytes.total()
    rows: list[dict[str, object]] = []
    for stage, spent in taken.items():
        arithmetic = work.flops[stage] / rates["flops"]
        memory = work.bytes[stage] / rates["bytes"]
        limit = max(arithmetic, memory)
        row = {"model": model, "size": size, "stage": stage, "seconds": spent}
        row |= {"gflop": work.flops[stage] / 1e9, "gbyte": work.bytes[stage] / 1e9}
        row |= {"arithmetic": arithmetic, "memory": memory}
        rows.append(row | {"gap": spent / limit if limit else None})
    return rows


def table(result: dict[str, Any]) -> str:
    rates = result["rates"]
    lines = [
        f"{rates['flops'] / 1e9:.0f} GFLOP/s in matrix products ({result['precision']}), "
        f"{rates['bytes'] / 1e9:.1f} GB/s in copies.",
        "",
        "| network | frame | stage | seconds | arithmetic | memory | gap |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        gap = "" if row["gap"] is None else f"{row['gap']:.1f}"
        cells = [f"{row[name]:.3f}" for name in ("seconds", "arithmetic", "memory")]
        lines.append(
            f"| `{row['model']}` | {row['size']} | {row['stage']} | {' | '.join(cells)} | {gap} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
