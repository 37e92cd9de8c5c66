"""Precision of the computation: its names, and the one a device and a network get by default."""

from typing import Literal, get_args

import torch

from cdfi.common.devices import quick_bf16
from cdfi.models import Architecture

Precision = Literal["auto", "fp32", "bf16", "fp16"]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def automatic_precision(device: torch.device, config: Architecture) -> str:
    """Return half precision if the device is fast in it and the frames do not suffer, else "fp32".

    Networks that compute only where to sample: bf16, on GPUs since Ampere and processors with
    AVX512-BF16 or AMX; fp16 has too small a range for them (the encoder of aligned-adacof overflows
    on a GPU). Networks that compute colours: fp16 on CUDA, as bf16 has eight bits for a colour.
    """
    if config.computes_colours:
        return "fp16" if device.type == "cuda" else "fp32"
    quick = device.type in ("cpu", "cuda") and quick_bf16(device)
    return "bf16" if quick else "fp32"


def check_precision(precision: str) -> None:
    """Raise an error for an unknown precision.

    Raises:
        ValueError: ``precision`` is not a :data:`Precision`.
    """
    known = get_args(Precision)
    if precision not in known:
        raise ValueError(f"expected a precision of {', '.join(known)}; got {precision!r}")
