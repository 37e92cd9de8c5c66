"""Choose a device, and find out whether it computes quickly in bfloat16."""

from collections.abc import Mapping
from typing import Any

import torch


def choose_device(device: torch.device | str | None = None) -> torch.device:
    """Return the given device, or the best one present: CUDA, then MPS (Apple), then the CPU.

    Args:
        device: a device or its name, such as "cpu", "cuda:1" or "mps"; None and "auto" mean the
            best one present.

    Raises:
        ValueError: the device does not exist here; the message lists those that do.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    kinds = [kind for kind, found in present.items() if found]
    if device is None or device == "auto":
        return torch.device(kinds[0])
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"there is no device {str(device)!r} here; there is {', '.join(kinds)}"
        ) from error
    return chosen


def quick_bf16(device: torch.device) -> bool:
    """Return whether ``device`` has instructions to multiply in bfloat16.

    A processor without them (no AVX512-BF16, no AMX) computes it correctly, but matrix
    products a hundred times slower than float32.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Older versions of PyTorch do not report the capabilities of the processor.
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
