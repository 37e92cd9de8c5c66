"""Training in one process or several: the operations that differ between the two."""

import atexit
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cdfi.common.devices import choose_device
from cdfi.common.extras import need


class Processes(Protocol):
    """The processes that train together, one device each."""

    device: torch.device
    rank: int
    count: int

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module, wrapped so that backward averages gradients over the processes."""
        ...

    @contextmanager
    def no_sync(self, module: nn.Module, enabled: bool) -> Iterator[None]:
        """Accumulate gradients in each process without exchanging them, if ``enabled``."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of the loss."""
        ...

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        ...

    def all_reduce_max(self, value: Tensor) -> Tensor:
        """Return the maximum of a scalar over the processes."""
        ...

    def shutdown(self) -> None:
        """Release what the processes share, when this process exits."""
        ...


class SingleProcess:
    """One process; needs only PyTorch."""

    rank, count = 0, 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module itself."""
        return module

    @contextmanager
    def no_sync(self, module: nn.Module, enabled: bool) -> Iterator[None]:
        """Do nothing: there is nothing to exchange."""
        yield

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of the loss."""
        loss.backward()  # type: ignore[no-untyped-call]

    def mean(self, value: Tensor) -> Tensor:
        """Return the value itself."""
        return value

    def all_reduce_max(self, value: Tensor) -> Tensor:
        """Return the value itself."""
        return value

    def shutdown(self) -> None:
        """Do nothing: nothing is shared."""


class FabricProcesses:
    """PyTorch DDP through Lightning Fabric, in processes that torchrun or Slurm started.

    Fabric finds the address, rank and device by itself under both, and supports gloo and NCCL.
    """

    def __init__(self, device: torch.device) -> None:
        purpose = "training in several processes"
        fabric = need("lightning_fabric", purpose, "cdfi[train]")
        strategies = need("lightning_fabric.strategies", purpose, "cdfi[train]")
        count = _world_size()
        local = int(os.environ.get("LOCAL_WORLD_SIZE", count))
        self._fabric: Any = fabric.Fabric(
            accelerator=device.type,
            devices=local,
            num_nodes=count // local,
            # the only buffer never changes
            strategy=strategies.DDPStrategy(broadcast_buffers=False),
        )
        self._fabric.launch()
        self.device: torch.device = self._fabric.device
        self.rank: int = self._fabric.global_rank
        self.count: int = self._fabric.world_size

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module wrapped in DDP."""
        wrapped: nn.Module = self._fabric.setup_module(module)
        return wrapped

    @contextmanager
    def no_sync(self, module: nn.Module, enabled: bool) -> Iterator[None]:
        """Accumulate gradients in each process without exchanging them, if ``enabled``."""
        with self._fabric.no_backward_sync(module, enabled=enabled):
            yield

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of the loss, averaged over the processes."""
        self._fabric.backward(loss)

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        mean: Tensor = self._fabric.all_reduce(value, reduce_op="mean")
        return mean

    def all_reduce_max(self, value: Tensor) -> Tensor:
        """Return the maximum of a scalar over the processes."""
        gathered: Tensor = self._fabric.all_gather(value)
        return gathered.max()

    def shutdown(self) -> None:
        """Destroy the process group when this process exits: another run may follow before."""
        atexit.register(_end_group)


def join_processes(device: str) -> Processes:
    """Return the processes that this one belongs to: those that torchrun started, or itself.

    Args:
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ValueError: the device does not exist, or Lightning Fabric is needed and not installed.
    """
    chosen = choose_device(device)
    return FabricProcesses(chosen) if _world_size() > 1 else SingleProcess(chosen)


def _end_group() -> None:
    """Stop the threads of the process group while Python still runs.

    They release the tensors of the last exchange late. If Python is exiting by then, the process
    aborts, and torchrun ends the others with it (pytorch/pytorch#179291).
    """
    gc.collect()  # a wrapped module references the group
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
