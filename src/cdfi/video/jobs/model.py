"""The model that interpolates the frames of a job, and its fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from cdfi.common.allocator import keep_freed_memory
from cdfi.common.devices import choose_device
from cdfi.common.exported_files import is_exported
from cdfi.common.scales import HALVINGS, check_scale
from cdfi.interpolation import Interpolator, Precision
from cdfi.interpolation.precision import automatic_precision
from cdfi.models import Network, TimedNetwork
from cdfi.models.families import takes_time as config_takes_time
from cdfi.weights import digest, identify, resolve_path

if TYPE_CHECKING:
    from cdfi.export.runtime import RuntimeInterpolator


class FrameInterpolator(Protocol):
    """An ``Interpolator``, or anything with the same method."""

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterable[Tensor]:
        """Return the frames (3, H, W) at ``times`` in (0, 1) between two frames in [0, 1]."""


@dataclass(frozen=True)
class ModelSpec:
    """A network by name, with where and how it runs; other processes can build it too.

    Attributes:
        name: of a model, or the path of its file.
        device: None means the best one present.
        precision: "auto", "fp32", "bf16" or "fp16".
        memory: a bound for what the network takes, in bytes; None means what is free.
        compile: compile the network with ``torch.compile``.
        keep: let each process that runs the network keep the memory that it frees; see
            :func:`cdfi.common.allocator.keep_freed_memory`.
        scale: of the frames whose motion is estimated; see :class:`Interpolator`.
        backend: "onnxruntime" or "openvino" for another runtime, for which ``device`` is then the
            name of a device; None means PyTorch, or the runtime of an exported file.
    """

    name: str | Path = "default"
    device: str | None = None
    precision: Precision = "auto"
    memory: int | None = None
    compile: bool = False
    keep: bool = False
    scale: str | None = None
    backend: str | None = None

    def build(self) -> Interpolator | RuntimeInterpolator:
        """Return the interpolator.

        Raises:
            OSError: the model's file cannot be read.
            ValueError: there is no such model, or the device or the precision is not supported.
        """
        if self.uses_runtime:
            return self._runtime()
        if self.keep:
            keep_freed_memory()
        return Interpolator(
            self.name,
            self.device,
            precision=self.precision,
            memory=self.memory,
            compile=self.compile,
            scale=self.scale,
        )

    @property
    def uses_runtime(self) -> bool:
        """Whether another runtime than PyTorch computes the frames."""
        return self.backend is not None or is_exported(self.name)

    def _runtime(self) -> RuntimeInterpolator:
        """Return the interpolator of another runtime.

        Raises:
            ValueError: as :meth:`build`, or an option applies to PyTorch only.
        """
        unsuitable = {
            f"precision {self.precision}": self.precision not in ("auto", "fp32"),
            "a bound for the memory": self.memory is not None,
            "compile": self.compile,
            f"scale {self.scale}": self.scale not in (None, "1"),
        }
        if given := [name for name, is_given in unsuitable.items() if is_given]:
            raise ValueError(f"{', '.join(given)}: for PyTorch only, not for another backend")
        from cdfi.export.runtime import RuntimeInterpolator

        return RuntimeInterpolator(self.name, self.backend, self.device)

    def fingerprint(self) -> str:
        """Return a text that is equal if the frames are equal; the network is not built.

        Raises:
            OSError, ValueError: as :meth:`build`.
        """
        if self.uses_runtime:
            return self._runtime().fingerprint
        found = identify(resolve_path(self.name))
        precision: str = self.precision
        if precision == "auto":
            precision = automatic_precision(choose_device(self.device), found.config)
        scale = HALVINGS[check_scale(self.scale or 1)]
        return _fingerprint(found.digest, found.config, precision, self.compile, scale)


#: What a user may give as ``model``.
AnyModel = ModelSpec | FrameInterpolator | Network | TimedNetwork | str | Path
#: What a job keeps: a description that each process builds, or an interpolator.
Model = ModelSpec | FrameInterpolator


def as_model(model: AnyModel | None) -> Model:
    """Return the model of a job from a name, a file, a network or an interpolator.

    None is the default model.

    Raises:
        ValueError: ``model`` is of another type.
    """
    if model is None:
        return ModelSpec()
    if isinstance(model, (str, Path)):
        return ModelSpec(model)
    if isinstance(model, (Network, TimedNetwork)):
        return Interpolator(model)
    if isinstance(model, ModelSpec) or hasattr(model, "between"):
        return model
    raise ValueError(
        "expected as model a name, a path, a network, an Interpolator or a ModelSpec; got a "
        f"{type(model).__name__}"
    )


def resolve_model(model: AnyModel | None) -> FrameInterpolator:
    """Return the interpolator for a model; build it if ``model`` only describes it."""
    chosen = as_model(model)
    return chosen.build() if isinstance(chosen, ModelSpec) else chosen


def takes_time(model: Model) -> bool:
    """Return whether ``model`` computes any instant at once; no network is built for it.

    Raises:
        OSError, ValueError: as :meth:`ModelSpec.build`.
    """
    if isinstance(model, ModelSpec) and model.uses_runtime:
        return model.build().takes_time
    if isinstance(model, ModelSpec):
        return config_takes_time(identify(resolve_path(model.name)).config)
    return bool(getattr(model, "takes_time", False))


def fingerprint(model: Model) -> str:
    """Return a text that is equal if the frames are equal; no network is built for it.

    It consists of weights, architecture and precision. For an object of another class it is the
    attribute ``fingerprint``, or the name of the class.
    """
    if isinstance(model, ModelSpec):
        return model.fingerprint()
    if isinstance(model, Interpolator):
        weights = digest(model.network.state_dict())
        scale = getattr(model.network, "halvings", 0)
        config = model.network.config
        return _fingerprint(weights, config, model.precision, model.compiled, scale)
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    return str(getattr(model, "fingerprint", name))


def _fingerprint(
    weights: str, config: object, precision: str, compiled: bool, halvings: int | None
) -> str:
    scaled = "" if halvings == 0 else f" halvings={halvings}"
    return f"{weights} {config} {precision}{' compiled' if compiled else ''}{scaled}"
