"""Means of the losses since the last log row, and the speed."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Sums of scalars, kept on their device so that adding never waits for it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Clear the sums and restart the clock."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._samples = 0
        self._since = time.monotonic()

    @property
    def filled(self) -> bool:
        """Whether anything was added."""
        return bool(self._sums)

    def add(self, values: Mapping[str, Tensor], samples: int) -> None:
        """Add the scalars of one batch."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1
        self._samples += samples

    def means(self) -> tuple[list[str], Tensor]:
        """Return the names and, in one tensor, the means since the last reset."""
        names = list(self._sums)
        return names, torch.stack([self._sums[name] / self._counts[name] for name in names])

    def speed(self) -> float:
        """Return the samples per second since the last reset."""
        return self._samples / max(1e-9, time.monotonic() - self._since)
