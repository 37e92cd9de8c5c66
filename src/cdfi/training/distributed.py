"""One process or many: the few things a training loop needs to know about it."""

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
        """The module, such that backward averages gradients over the processes."""
        ...

    @contextmanager
    def no_sync(self, module: nn.Module, enabled: bool) -> Iterator[None]:
        """While ``hold``, gradients add up in each process and are not exchanged yet."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss."""
        ...

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over the processes."""
        ...

    def all_reduce_max(self, value: Tensor) -> Tensor:
        """The largest of a scalar over the processes."""
        ...

    def shutdown(self) -> None:
        """All has gone well: what the processes share may end in order when this one does."""
        ...


class SingleProcess:
    """One process; needs nothing but PyTorch."""

    rank, count = 0, 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, module: nn.Module) -> nn.Module:
        return module

    @contextmanager
    def no_sync(self, module: nn.Module, enabled: bool) -> Iterator[None]:
        yield

    def backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def mean(self, value: Tensor) -> Tensor:
        return value

    def all_reduce_max(self, value: Tensor) -> Tensor:
        return value

    def shutdown(self) -> None:
        pass


class FabricProcesses:
    """PyTorch DDP through Lightning Fabric, in processes that torchrun or Slurm started.

    Fabric finds the address, rank and device by itself under both, and wraps gloo and NCCL alike.
    """

    def __init__(self, device: torch.device) -> None:
        purpose = "training in several processes"
        fabric = need("lightning_fabric", purpose, "cdfi[train]")
        strategies = need("lightning_fabric.strategies", purpose, "cdfi[train]")
        count, local = _world_size(), int(os.environ.get("LOCAL_WORLD_SIZE", _world_size()))
        self._fabric: Any = fabric.Fabric(
            accelerator=device.type,
            devices=local,
            num_nodes=count // local,
            strategy=strategies.DDPStrategy(
                broadcast_buffers=False
            ),  # the only buffer never changes
        )
        self._fabric.launch()
        self.device: torch.device = self._fabric.device
        self.rank: int = self._fabric.global_rank
        self.count: int = self._fabric.world_size

    def wrap(self, module: nn.Module) -> nn.Module:
        wrapped: nn.Module = self._fabric.setup_module(module)
        return wrapped

    @contextmanager
    def no_sync(self, module: nn.Module, enabled: bool) -> Iterator[None]:
        with self._fabric.no_backward_sync(module, enabled=enabled):
            yield

    def backward(self, loss: Tensor) -> None:
        self._fabric.backward(loss)

    def mean(self, value: Tensor) -> Tensor:
        mean: Tensor = self._fabric.all_reduce(value, reduce_op="mean")
        return mean

    def all_reduce_max(self, value: Tensor) -> Tensor:
        gathered: Tensor = self._fabric.all_gather(value)
        return gathered.max()

    def shutdown(self) -> None:
        atexit.register(_end_group)  # not now: a run may follow in the same process


def join_processes(device: str) -> Processes:
    """The processes this one belongs to: as launched by torchrun, or alone.

    Args:
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ValueError: the device is not there, or Lightning Fabric is needed and absent.
    """
    chosen = choose_device(device)
    return FabricProcesses(chosen) if _world_size() > 1 else SingleProcess(chosen)


def _end_group() -> None:
    """Stop the threads of the process group while Python still runs.

    They drop the tensors of the last exchange when they come to it. If Python is ending by then,
    the process aborts, and torchrun ends the others with it (pytorch/pytorch#179291).
    """
    gc.collect()  # a wrapped module holds the group
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
