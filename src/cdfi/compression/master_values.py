"""Float32 copies of parameters in half precision, so that small steps are not lost."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def with_masters(
    pairs: list[tuple[Tensor, Tensor]], state: Mapping[Tensor, dict[str, Any]]
) -> list[tuple[Tensor, Tensor]]:
    """Return (x, gradient) with a float32 master value in place of each x in half precision.

    A parameter that has changed since the last step, by loading weights for example, starts again
    from its new value.
    """
    found = []
    for x, grad in pairs:
        if x.dtype in HALF:
            own = state[x]
            if "master" not in own or not torch.equal(own["master"].to(x.dtype), x):
                own["master"] = x.detach().float()
            x, grad = own["master"], grad.float()
        found.append((x, grad))
    return found


def write_back(pairs: list[tuple[Tensor, Tensor]], state: Mapping[Tensor, dict[str, Any]]) -> None:
    """Round the master values to the parameters; zeros stay exact."""
    for x, _ in pairs:
        if x.dtype in HALF:
            x.copy_(state[x]["master"])
