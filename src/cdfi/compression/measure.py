"""Measure a module on this device: time of a run, and memory."""

import time
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from cdfi.compression.tracing.trace import Example, call_with, call_with_own, copied, evaluating

#: Runs before the first that is measured, and measured runs.
WARM_UP, REPEATS = 2, 9


def latency(model: nn.Module, example: Example) -> float:
    """Return the median time of a run in evaluation mode, in milliseconds.

    The device is that of the example, with as many threads as torch uses now.
    """
    device = _device(example)
    times = []
    with evaluating(model):
        for _ in range(WARM_UP + REPEATS):
            _wait(device)
            start = time.perf_counter()
            call_with(model, example)
            _wait(device)
            times.append((time.perf_counter() - start) * 1e3)
    return median(times[WARM_UP:])


def peak_memory(model: nn.Module, example: Example) -> int:
    """Return the largest number of bytes in tensors at any moment of a run in evaluation mode.

    Parameters and buffers are included, the arguments and buffers inside a kernel are not. The
    tensors are counted, so the number is the same on every device.
    """
    own = copied(example)
    live = _LiveTensors([*model.parameters(), *model.buffers()], pytree.tree_leaves(own))
    with evaluating(model), live:
        call_with_own(model, own)
    return live.peak


class _LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that operations return, as long as they exist."""

    def __init__(self, permanent: list[Tensor], arguments: list[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        storages = [tensor.untyped_storage() for tensor in permanent]
        given = [leaf.untyped_storage() for leaf in arguments if isinstance(leaf, Tensor)]
        self.total = sum({storage._cdata: storage.nbytes() for storage in storages}.values())
        self.known = {storage._cdata for storage in storages + given}
        self.live: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = self.total

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.live = {key: row for key, row in self.live.items() if not _gone(row[0])}
        for leaf in pytree.tree_leaves(result):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self.known:
                    reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                    self.live[storage._cdata] = reference, storage.nbytes()
        self.peak = max(self.peak, self.total + sum(size for _, size in self.live.values()))
        return result


def _gone(reference: StorageWeakRef) -> bool:
    return bool(reference.expired())  # type: ignore[no-untyped-call]


def _device(example: Example) -> torch.device:
    tensors = [leaf for leaf in pytree.tree_leaves(example) if isinstance(leaf, Tensor)]
    return tensors[0].device if tensors else torch.device("cpu")


def _wait(device: torch.device) -> None:
    """Wait for the kernels that were started on an accelerator."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
