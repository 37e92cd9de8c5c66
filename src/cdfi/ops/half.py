"""Which devices are quick at half precision."""

from collections.abc import Mapping
from typing import Any

import torch


def quick_bf16(device: torch.device) -> bool:
    """Whether ``device`` has instructions to multiply in bfloat16.

    A processor without them (no AVX512-BF16, no AMX) computes it correctly, but matrix
    products a hundred times slower than float32.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # An older PyTorch cannot say what the processor can do.
    can: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))
