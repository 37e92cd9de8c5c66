"""Means of what the steps measured since the last report, and how fast they went."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Adds up scalars on their device, so that measuring never waits for it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start over."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._samples = 0
        self._since = time.monotonic()

    @property
    def filled(self) -> bool:
        """Whether anything was added."""
        return bool(self._sums)

    def add(self, values: Mapping[str, Tensor], samples: int) -> None:
        """Take in one batch's scalars."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1
        self._samples += samples

    def means(self) -> tuple[list[str], Tensor]:
        """The names and, in one tensor, the means since the last reset."""
        names = list(self._sums)
        return names, torch.stack([self._sums[name] / self._counts[name] for name in names])

    def speed(self) -> float:
        """Samples a second since the last reset."""
        return self._samples / max(1e-9, time.monotonic() - self._since)
