"""The released checkpoints' layout: their key names, and the architecture their shapes imply."""

import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cdfi.models.config import MAP_HEADS, STAGES, Config, Features, Rounding

State = Mapping[str, Tensor]

#: What a dict of a training run calls the dict of tensors inside it.
WRAPPERS = ("state_dict", "model", "params", "params_ema")

_HEADS = {
    "Weight1": "weight0",
    "Alpha1": "alpha0",
    "Beta1": "beta0",
    "Weight2": "weight1",
    "Alpha2": "alpha1",
    "Beta2": "beta1",
    "Occlusion": "occlusion",
    "Blend": "blend",
}

#: Released key (a pattern) -> ours. The released network counts stages from 1 and sides from 1.
_RENAMES: list[tuple[str, Any]] = [
    (r"get_kernel\.moduleConv(\d)\.", lambda m: f"encoder.{int(m[1]) - 1}."),
    (r"get_kernel\.moduleDeconv(\d)\.", lambda m: f"decoder.{STAGES - int(m[1])}."),
    (r"get_kernel\.moduleUpsample(\d)\.1\.", lambda m: f"upsample.{STAGES - int(m[1])}.0."),
    (r"get_kernel\.module([A-Z][a-z]+\d?)\.7\.", lambda m: f"heads.{_HEADS[m[1]]}.last."),
    (r"get_kernel\.module([A-Z][a-z]+\d?)\.", lambda m: f"heads.{_HEADS[m[1]]}.hidden."),
    (r"get_kernel\.module1by1_(\d)\.", lambda m: f"project.{int(m[1]) - 1}."),
    (r"context_synthesis\.lateral_init\.", "synthesis.first."),
    (r"context_synthesis\.lateral_final\.", "synthesis.last."),
    (r"context_synthesis\.(lateral|down|up)_(\d)_(\d)\.", r"synthesis.\1.\2.\3."),
]
_BLOCKS = [
    (r"^(synthesis\..*)\.f\.", r"\1.body."),
    (r"^(synthesis\.(first|last))\.conv\.", r"\1.skip."),
]


def is_released(state: State) -> bool:
    """Return whether the keys are those of a released network."""
    return any("get_kernel." in key for key in state)


def unwrap(checkpoint: object) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, without the wrappers and prefixes that training adds.

    Raises:
        ValueError: there is no dict of tensors inside.
    """
    for key in WRAPPERS:
        if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get(key), Mapping):
            checkpoint = checkpoint[key]
    if not isinstance(checkpoint, Mapping) or not checkpoint:
        raise ValueError("expected a checkpoint with a dict of tensors, found none")
    wrong = [key for key, value in checkpoint.items() if not isinstance(value, Tensor)]
    if wrong:
        raise ValueError(f"expected a dict of tensors; these entries are not tensors: {wrong[:5]}")
    return {str(key).removeprefix("module."): value for key, value in checkpoint.items()}


def rename(state: State) -> dict[str, Tensor]:
    """Return the released ``state`` under our names; keys that match no rule are kept."""
    return {_rename(key): value for key, value in state.items()}


def _rename(key: str) -> str:
    for pattern, name in _RENAMES:
        new, found = re.subn(rf"^{pattern}", name, key)
        if found:
            for block, body in _BLOCKS:
                new = re.sub(block, body, new)
            return new
    return key


def infer(state: State, rounding: Rounding, padding: int, features: Features) -> Config:
    """Return the Config whose network has the shapes of ``state`` (our names).

    Shapes do not depend on the dilation; every published K has one dilation (5 -> 1, 11 -> 2).

    Raises:
        ValueError: a layer that every network has is missing, or K * K is not a square.
    """

    def out(key: str) -> int:
        if f"{key}.weight" not in state:
            raise ValueError(
                f"this is no AdaCoF or CDFI checkpoint: it has no {key}.weight (its keys begin "
                f"{list(state)[:3]})"
            )
        return state[f"{key}.weight"].shape[0]

    def triple(prefix: str) -> tuple[int, int, int]:
        return (out(f"{prefix}.0"), out(f"{prefix}.2"), out(f"{prefix}.4"))

    heads: dict[str, Any] = {name: triple(f"heads.{name}.hidden") for name in MAP_HEADS}
    kernel = math.isqrt(out("heads.weight0.last"))
    synthesis = "synthesis.first.body.1.weight" in state
    return Config(
        kernel=kernel,
        dilation=2 if kernel >= 11 else 1,
        encoder=tuple(triple(f"encoder.{s}") for s in range(STAGES)),
        decoder=tuple(triple(f"decoder.{s}") for s in range(STAGES - 1)),
        **heads,
        occlusion=triple("heads.occlusion.hidden"),
        blend=triple("heads.blend.hidden") if synthesis else None,
        pyramid=tuple(out(f"project.{s}") for s in range(STAGES)) if synthesis else (),
        grid=_grid(state) if synthesis else (),
        rounding=rounding,
        projection_padding=padding,
        features=features,
    )


def _grid(state: State) -> tuple[int, ...]:
    return tuple(state[f"synthesis.lateral.{r}.0.body.1.weight"].shape[0] for r in range(3))
