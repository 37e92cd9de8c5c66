"""On how many networks of others do compression and Torch-Pruning work, and is the result right?

Each network is derived at the densities of half the weights; its outputs and gradients must exist,
and parameters without a gradient are not counted.
Then a quarter of the channels of each layer is set to zero, and remove_zeros must compute the same
on a new random input. Torch-Pruning removes half of the channels by
magnitude; the result must run and return the same shapes.

Run it in an environment that has the packages of compression_models.py and torch-pruning:
python benchmarks/compression_coverage.py [part of a name ...]
"""

import copy
import json
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from compression_models import cases
from machine import machine
from torch import Tensor, nn

from cdfi.compression import density, derive, remove_zeros
from cdfi.compression.tracing.outputs import tensor_leaves

SECONDS = 150  # of processor time, for each network and each of the two libraries
SHRUNK = 0.95  # of the parameters that are used, at most, counts as shrunk
TOLERANCE = 1e-4  # of the largest output


def main() -> None:
    define_missing_operators()
    rows = []
    for name, build, example in cases():
        if len(sys.argv) > 1 and not any(part in name for part in sys.argv[1:]):
            continue
        row = {"network": name, **check(build, example)}
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    counts = {side: Counter(row[side] for row in rows) for side in ("cdfi", "protect", "tp")}
    print(json.dumps({"question": __doc__, "counts": counts, "rows": rows, "machine": machine()}))


def define_missing_operators() -> None:
    """Define operators that torchvision registers at import, if its binary does not load."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        globals()["_library"] = library  # an operator lives as long as its library


def check(build: Callable[[], nn.Module], example: Callable[[], Any]) -> dict[str, object]:
    """Return what became of one network: shrinks, nothing, refused, wrong or not installed."""
    torch.manual_seed(0)
    try:
        model = randomised(build()).eval()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        return dict.fromkeys(("cdfi", "protect", "tp"), "not built") | {"why": reason}
    count = sum(p.numel() for p in model.parameters())
    start = time.process_time()
    at_once, left, why = limited(lambda: ours(model, example(), "error"))
    seconds = round(time.process_time() - start, 1)
    protect = at_once
    if at_once in ("refused", "nothing"):
        protect, left, _ = limited(lambda: ours(model, example(), "protect"))
    tp, tp_left, tp_why = limited(lambda: torch_pruning(build, example()))
    return {
        "cdfi": at_once, "protect": protect, "tp": tp, "parameters": count, "left": left,
        "tp_left": tp_left, "seconds": seconds, "why": why, "tp_why": tp_why,
    }  # fmt: skip


def limited(run: Callable[[], tuple[str, float]]) -> tuple[str, float, str]:
    """Return the result of a check, "refused" if it raises, and the message."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result, left = run()
        return result, round(left, 3), ""
    except Exception as error:
        return "refused", 1.0, f"{type(error).__name__}: {error}"[:400]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def randomised(model: nn.Module) -> nn.Module:
    """Give norms and learned scales random values: zeros and ones hide mistakes."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
    return model


def ours(model: nn.Module, example: Any, on_unknown: Any) -> tuple[str, float]:
    names = [row.name for row in density(model)]
    small = derive(model, example, dict.fromkeys(names, 0.5), on_unknown=on_unknown)
    left = trained(small.module, example) / trained(model, example)
    zeroed = with_zeros(model)
    compact = remove_zeros(zeroed, example, on_unknown=on_unknown)
    if difference(zeroed, compact, example) > TOLERANCE:
        return "wrong", left
    return "shrinks" if left < SHRUNK else "nothing", left


def torch_pruning(build: Callable[[], nn.Module], example: Any) -> tuple[str, float]:
    import torch_pruning as tp

    torch.manual_seed(0)
    model = randomised(build()).eval()
    before = trained(model, example)
    shapes = [t.shape for t in outputs(model, example)]
    pruner = tp.pruner.MetaPruner(
        model, example, importance=tp.importance.MagnitudeImportance(), pruning_ratio=0.5,
        ignored_layers=last_layers(model, shapes),
    )  # fmt: skip
    pruner.step()
    if [t.shape for t in outputs(model, example)] != shapes:
        return "wrong", 1.0
    left = trained(model, example) / before
    return "shrinks" if left < SHRUNK else "nothing", left


def last_layers(model: nn.Module, shapes: list[torch.Size]) -> list[nn.Module]:
    """Return the layers as wide as an output, which Torch-Pruning must be told to keep."""
    widths = {size for shape in shapes for size in shape[1:]}
    layers = [m for m in model.modules() if isinstance(m, (nn.modules.conv._ConvNd, nn.Linear))]
    return [m for m in layers[-3:] if getattr(m, "out_channels", None) in widths
            or getattr(m, "out_features", None) in widths]  # fmt: skip


def outputs(model: nn.Module, example: Any) -> list[Tensor]:
    with torch.no_grad():
        return tensor_leaves(model(*(tensor.clone() for tensor in example)))


def trained(model: nn.Module, example: Any) -> int:
    """Run a copy in training mode, compute gradients, and return the parameters that have some.

    The others belong to layers that the network does not use.
    """
    model = copy.deepcopy(model).train()
    result = tensor_leaves(model(*(tensor.clone() for tensor in example)))
    torch.stack(
        [t.float().square().mean() for t in result if t.is_floating_point()]
    ).sum().backward()
    return sum(p.numel() for p in model.parameters() if p.grad is not None)


def difference(model: nn.Module, other: nn.Module, example: Any) -> float:
    """Return the largest difference of outputs on a new random input, relative to the largest."""
    inputs = tuple(t if not t.is_floating_point() else torch.rand_like(t) for t in example)
    pairs = list(zip(outputs(model, inputs), outputs(other.eval(), inputs)))
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1e-12)) for a, b in pairs
               if a.is_floating_point())  # fmt: skip


def with_zeros(model: nn.Module) -> nn.Module:
    """Return a copy in which the first quarter of the channels of each layer and norm is zero."""
    with torch.no_grad():
        outputs_are_plain = copy.deepcopy(model)
        for module in outputs_are_plain.modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, nn.Parameter) and weight.dim() > 0:
                back = isinstance(module, nn.modules.conv._ConvTransposeNd)
                rows = weight.transpose(0, 1) if back else weight
                rows[: len(rows) // 4] = 0
                bias = getattr(module, "bias", None)
                if isinstance(bias, nn.Parameter):
                    bias[: len(bias) // 4] = 0
    return outputs_are_plain


if __name__ == "__main__":
    main()
