"""The table of all operations: how to call them, what defines them, and on which inputs."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops import (
    adacof,
    adacof_reference,
    adacof_rows_from_logits,
    cost_volume,
    cost_volume_reference,
    cubic_warp,
    cubic_warp_reference,
    details,
    details_reference,
    match_features,
    match_features_reference,
    refine_flow,
    refine_flow_reference,
    tap_softmax,
    warp,
    warp_reference,
)
from cdfi.ops.resize.op import resize, resize_rows

#: Whether Triton interprets its kernels, which it decides when they are defined.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
HALVES = [torch.float16, torch.bfloat16]


@dataclass(frozen=True)
class Case:
    """Sizes and settings of one call; each operation uses those that it has."""

    size: tuple[int, int] = (5, 7)
    channels: int = 3
    reach: float = 2.0  # standard deviation of offsets and flows, in pixels
    kernel: int = 3
    dilation: int = 1
    rounding: str = "floor"
    radius: int = 2
    levels: int = 1
    top: int = 0


#: Cases that all operations share: odd sizes, every vector width, far-out-of-frame offsets.
SHARED = {
    "default": Case(),
    "1x1": Case(size=(1, 1)),
    "row": Case(size=(1, 9)),
    "column": Case(size=(8, 1)),
    "13x11": Case(size=(13, 11)),
    "wide": Case(size=(2, 70)),
    "1 channel": Case(channels=1),
    "4 channels": Case(channels=4),
    "5 channels": Case(channels=5),
    "16 channels": Case(channels=16),
    "63 channels": Case(channels=63),
    "70 channels": Case(size=(2, 3), channels=70),
    "far": Case(reach=30.0),
    "very far": Case(reach=1e5),
}

Tensors = list[Tensor]
Results = tuple[Tensor, ...]


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


@dataclass(frozen=True)
class Operation:
    """A row of the table.

    Attributes:
        run: calls the public function; its results as a tuple.
        reference: calls the definition, on the same arguments.
        inputs: makes the tensors of a case, in float64.
        learned: indices of the tensors that have a gradient.
        cases: the cases, by name.
        registered: name and arguments of the ``torch.library`` operations behind it.
        half: whether half precision is computed in float32 on a CPU and rounded once.
        gradcheck: whether the gradient is the numerical one.
        close: share of values that have to agree on a GPU, in float32. Below 1 if decisions that
            depend on rounding are part of the operation.
        loose: relative tolerance in float32.
    """

    run: Callable[[Tensors, Case], Results]
    reference: Callable[[Tensors, Case], Results]
    inputs: Callable[[Case], Tensors]
    learned: tuple[int, ...] = ()
    cases: dict[str, Case] = field(default_factory=lambda: SHARED)
    registered: Callable[[Tensors, Case], dict[str, tuple[Any, ...]]] = lambda tensors, case: {}
    half: bool = True
    gradcheck: bool = True
    close: float = 1.0
    loose: float = 1e-5


def adacof_inputs(case: Case) -> Tensors:
    height, width = case.size
    pad = (case.kernel - 1) * case.dilation
    image = random(2, case.channels, height + pad, width + pad)
    weight, *offsets = (random(2, case.kernel**2, height, width) for _ in range(3))
    return [image, weight, *(case.reach * offset for offset in offsets)]


def sampling(case: Case) -> dict[str, Any]:
    return {"dilation": case.dilation, "rounding": case.rounding}


def adacof_registered(tensors: Tensors, case: Case) -> dict[str, tuple[Any, ...]]:
    settings = (0, case.dilation, case.rounding)
    detached = [tensor.detach() for tensor in tensors]
    grad = torch.ones_like(adacof_reference(*detached, **sampling(case)))
    return {
        "adacof": (*tensors, *settings),
        "adacof_backward": (grad, *detached, *settings, True, True),
    }


def logits_inputs(case: Case) -> Tensors:
    image, logits, *offsets = adacof_inputs(case)
    frame, flow = random(2, 3, *image.shape[2:]), random(2, 2, *case.size)
    return [frame, image, 10 * logits, *offsets, flow]


def rows_from_logits(tensors: Tensors, case: Case) -> Results:
    frame, features, *maps, flow = tensors
    images = [frame, features]
    return tuple(adacof_rows_from_logits(images, *maps, row=0, flow=flow, **sampling(case)))


def rows_from_logits_reference(tensors: Tensors, case: Case) -> Results:
    frame, features, logits, offset_y, offset_x, flow = tensors
    maps = (tap_softmax(logits), offset_y + flow[:, :1], offset_x + flow[:, 1:])
    return tuple(adacof_reference(image, *maps, **sampling(case)) for image in (frame, features))


def volume_inputs(case: Case) -> Tensors:
    return [random(2, case.channels, *case.size) for _ in range(2)]


def volume_registered(tensors: Tensors, case: Case) -> dict[str, tuple[Any, ...]]:
    detached = [tensor.detach() for tensor in tensors]
    grad = random(2, (2 * case.radius + 1) ** 2, *case.size).to(tensors[0])
    return {
        "cost_volume": (*tensors, case.radius),
        "cost_volume_backward": (grad, *detached, case.radius),
    }


def details_inputs(case: Case) -> Tensors:
    border, (height, width) = 2, case.size
    frame = random(2, case.channels, height + 2 * border + case.top, width + 2 * border)
    return [frame, case.reach * random(2, 2, height, width), random(2, 2, height, width)]


def refine_inputs(case: Case) -> Tensors:
    height, width = case.size
    rough = torch.rand(2, 2, case.channels, -(-height // 4), -(-width // 4), dtype=torch.float64)
    frames = [F.interpolate(x, case.size, mode="bilinear", align_corners=False) for x in rough]
    return [*frames, case.reach * random(2, 4, height, width)]


def warp_inputs(case: Case) -> Tensors:
    return [random(2, case.channels, *case.size), case.reach * random(2, 2, *case.size)]


def cubic_inputs(case: Case) -> Tensors:
    return [*warp_inputs(case), 2 * torch.rand(2, 1, *case.size, dtype=torch.float64)]


def match_inputs(case: Case) -> Tensors:
    (features0, flow0), (features1, flow1) = warp_inputs(case), warp_inputs(case)
    return [features0, features1, flow0, flow1]


def rows_inputs(case: Case) -> Tensors:
    return [random(2, case.channels, *(max(size, 2) for size in case.size))]


def rows_of(x: Tensor) -> tuple[int, int, tuple[int, int], int, int]:
    """First row and rows of the input; size of the output, and rows from -1 to one after it."""
    height, width = x.shape[2:]
    return 0, height, (2 * height, 2 * width), -1, 2 * height + 1


def rows_reference(x: Tensor) -> Tensor:
    size = rows_of(x)[2]
    return F.pad(F.interpolate(x, size, mode="bilinear", align_corners=True), (0, 0, 1, 1))


def resize_inference(x: Tensor) -> Tensor:
    with torch.no_grad():
        return resize(x, (11, 3), align_corners=False)


OPERATIONS = {
    "adacof": Operation(
        lambda t, case: (adacof(*t, **sampling(case)),),
        lambda t, case: (adacof_reference(*t, **sampling(case)),),
        adacof_inputs,
        learned=(0, 1, 2, 3),
        cases=SHARED
        | {
            "truncated": Case(rounding="trunc"),
            "truncated, far": Case(rounding="trunc", reach=1e30),
            "truncated, 63 channels": Case(rounding="trunc", channels=63),
            "extremely far": Case(reach=1e30),
            "integer offsets": Case(reach=0.0),
            "1 tap": Case(kernel=1),
            "1 tap, dilated": Case(kernel=1, dilation=3),
            "2 x 2 taps": Case(kernel=2),
            "5 x 5 taps": Case(kernel=5),
            "11 x 11 taps, dilated": Case(kernel=11, dilation=2),
        },
        registered=adacof_registered,
    ),
    "adacof_rows_from_logits": Operation(
        rows_from_logits,
        rows_from_logits_reference,
        logits_inputs,
        cases=SHARED | {"truncated": Case(rounding="trunc"), "dilated": Case(dilation=2)},
        half=False,  # features in bfloat16 are multiplied as such
    ),
    "cost_volume": Operation(
        lambda t, case: (cost_volume(*t, case.radius),),
        lambda t, case: (cost_volume_reference(*t, case.radius),),
        volume_inputs,
        learned=(0, 1),
        cases=SHARED
        | {
            "radius 1": Case(radius=1),
            "radius beyond the frame": Case(size=(3, 2), radius=3),
            "radius 4": Case(size=(2, 9), radius=4),
        },
        registered=volume_registered,
    ),
    "details": Operation(
        lambda t, case: (details(*t, top=case.top),),
        lambda t, case: (details_reference(*t, case.top),),
        details_inputs,
        learned=(2,),
        cases=SHARED | {"some rows": Case(top=3)},
        registered=lambda t, case: {"details": (*t, case.top)},
    ),
    "refine_flow": Operation(
        lambda t, case: refine_flow(*t, case.levels),
        lambda t, case: refine_flow_reference(*t, case.levels),
        refine_inputs,
        learned=(2,),
        cases=SHARED
        | {"3 levels": Case(size=(20, 28), levels=3), "1 x 2 cells": Case(size=(4, 8), levels=3)},
        registered=lambda t, case: {"refine_flow": (*t, case.levels)},
        gradcheck=False,  # the shift counts as a constant
        close=0.98,
    ),
    "warp": Operation(
        lambda t, case: (warp(*t),),
        lambda t, case: (warp_reference(*t),),
        warp_inputs,
        learned=(0, 1),
        registered=lambda t, case: {"warp": tuple(t)},
        loose=1e-4,
    ),
    "cubic_warp": Operation(
        lambda t, case: (cubic_warp(*t),),
        lambda t, case: (cubic_warp_reference(*t),),
        cubic_inputs,
        learned=(0, 1, 2),
        registered=lambda t, case: {"cubic_warp": tuple(t)},
        loose=1e-4,
    ),
    "match_features": Operation(
        lambda t, case: (match_features(*t, case.radius),),
        lambda t, case: (match_features_reference(*t, case.radius),),
        match_inputs,
        learned=(0, 1, 2, 3),
        registered=lambda t, case: {"match_features": (*t, case.radius)},
        loose=1e-4,
    ),
    "resize": Operation(
        lambda t, case: (resize_inference(*t),),
        lambda t, case: (F.interpolate(*t, (11, 3), mode="bilinear", align_corners=False),),
        rows_inputs,
        half=False,
    ),
    "resize_rows": Operation(
        lambda t, case: (resize_rows(*t, *rows_of(*t)),),
        lambda t, case: (rows_reference(*t),),
        rows_inputs,
        half=False,
    ),
}
#: Each operation with each of its cases.
ROWS = [(name, case) for name, row in OPERATIONS.items() for case in row.cases]
