"""TimedNetwork: the interface of networks that compute a frame at any instant."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn


class Architecture(Protocol):
    """The architecture of a network: what ``Config`` and ``FlowConfig`` have in common."""

    @property
    def computes_colours(self) -> bool:
        """Whether a convolution computes colours, instead of only where and how to sample them."""

    def to_json(self) -> str:
        """Return one line of JSON that describes the architecture."""


class TimedNetwork(nn.Module, ABC):
    """Base class of networks that compute the frame at any instant between two frames.

    ``network(frame0, frame1, t)`` is ``between(prepare(frame0, frame1), t)``: what does not depend
    on t is computed once per pair of frames. Networks that compute the middle frame only, such as
    :class:`cdfi.models.Network`, have ``takes_time = False``.

    Attributes:
        takes_time: True.
        config: the architecture.
    """

    takes_time: ClassVar[bool] = True
    config: Architecture

    def __repr__(self) -> str:
        count = sum(parameter.numel() for parameter in self.parameters())
        return f"{type(self).__name__}({count / 1e6:.2f} M parameters)"

    @abstractmethod
    def prepare(self, frame0: Tensor, frame1: Tensor) -> Any:
        """Return what all instants between two frames share.

        Args:
            frame0: (N, 3, H, W), RGB in [0, 1], any size.
            frame1: the same.

        Returns:
            A state for :meth:`between`: tensors and plain values, in any structure. It must not
            depend on values of tensors in a way that makes a GPU wait (no ``item()``).
        """

    @abstractmethod
    def between(self, state: Any, t: float | Tensor) -> Tensor:
        """Return the frame at ``t``, (N, 3, H, W), not clamped.

        Args:
            state: of :meth:`prepare`; it is not changed.
            t: instant in (0, 1), 0 at ``frame0`` and 1 at ``frame1``: a number or a 0-d tensor.
        """

    @abstractmethod
    def predict(self, state: Any, t: float | Tensor) -> Any:
        """Return the frame at ``t`` as ``middle``, and the other values that losses need."""

    @abstractmethod
    def peak_bytes(self, height: int, width: int) -> int:
        """Return the bytes that one pair of float32 frames takes at the peak of both steps."""

    def forward(self, frame0: Tensor, frame1: Tensor, t: float | Tensor) -> Tensor:
        """Return the frame at ``t``, (N, 3, H, W), not clamped; see :meth:`between`."""
        return self.between(self.prepare(frame0, frame1), t)
