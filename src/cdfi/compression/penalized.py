"""The step that optimizers with a sparsity penalty share."""

from abc import abstractmethod
from collections.abc import Callable
from typing import overload

import torch
from torch.optim import Optimizer


class PenalizedOptimizer(Optimizer):
    """An optimizer whose step is ``_update``; it handles the closure as ``torch.optim`` does."""

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step; with ``closure``, evaluate it first and return its loss.

        Raises:
            ValueError: a gradient is sparse or not finite; no parameter of its group has changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._update()
        return loss

    @abstractmethod
    def _update(self) -> None:
        """Change the parameters, without recording gradients."""
