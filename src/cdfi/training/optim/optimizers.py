"""The optimizers that a run can choose by name."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from cdfi.common.choices import unknown_name
from cdfi.training.arg_groups import OptimArgs
from cdfi.training.optim.muon import Muon

Build = Callable[[list[nn.Parameter], OptimArgs, int], Optimizer]
_PROX_EPOCHS = 10  # as in the published extended example; then orthant steps to the end


def build_optimizer(network: nn.Module, args: OptimArgs, epoch_steps: int) -> Optimizer:
    """Return the optimizer that ``args`` name, over the parameters that are trained.

    Args:
        network: its parameters that require gradients are optimized.
        args: name, learning rate and weight decay.
        epoch_steps: steps in an epoch, the unit of the phases of OBProxSG.

    Raises:
        ValueError: an unknown name; the message shows similar ones.
    """
    rows = {name.lower(): build for name, build in OPTIMIZERS.items()}
    build = rows.get(args.optimizer.lower())
    if build is None:
        raise unknown_name("optimizer", args.optimizer, OPTIMIZERS)
    return build([p for p in network.parameters() if p.requires_grad], args, epoch_steps)


def _torch(kind: type[Optimizer], **settings: Any) -> Build:
    def build(parameters: list[nn.Parameter], args: OptimArgs, _: int) -> Optimizer:
        make: Any = kind  # the constructors share lr and weight_decay, but no type says so
        optimizer: Optimizer = make(
            parameters, lr=args.lr, weight_decay=args.weight_decay, **settings
        )
        return optimizer

    return build


def _muon(parameters: list[nn.Parameter], args: OptimArgs, _: int) -> Optimizer:
    return Muon(parameters, args.lr, args.weight_decay)


def _obproxsg(parameters: list[nn.Parameter], args: OptimArgs, epoch_steps: int) -> Optimizer:
    from cdfi.compression.obproxsg import OBProxSG

    return OBProxSG(
        parameters,
        lr=args.lr,
        lambda_=args.weight_decay,
        steps_per_epoch=epoch_steps,
        prox_epochs=_PROX_EPOCHS,
        orthant_epochs=math.inf,
        eps=1e-4,
    )


OPTIMIZERS: dict[str, Build] = {
    "SGD": _torch(torch.optim.SGD, momentum=0.9),
    "ADAM": _torch(torch.optim.Adam, betas=(0.9, 0.999)),
    "RMSprop": _torch(torch.optim.RMSprop),
    "ADAMax": _torch(torch.optim.Adamax, betas=(0.9, 0.999)),
    "AdamW": _torch(torch.optim.AdamW, betas=(0.9, 0.99)),
    "Muon": _muon,
    "OBProxSG": _obproxsg,
}
