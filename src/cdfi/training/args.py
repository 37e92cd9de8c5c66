"""A training run as data: every choice that makes it, kept as JSON in its folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from cdfi.common.choices import did_you_mean

Precision = Literal["auto", "float32", "bf16"]


@dataclass(frozen=True)
class TrainArgs:
    """The choices of one run. The defaults are the published recipe (AdaCoF, CVPR 2020).

    Attributes:
        network: a name out of ``NETWORKS``, or a JSON file with a Config; empty is that of the
            weights, and without weights compressed-adacof.
        weights: start from these (a name or a file); empty starts from scratch.
        overlap: take the weights of a similar network, as far as the shapes overlap.
        fresh: with ``overlap``, starts of the names of parameters that start fresh all the same.
        freeze: starts of the names of parameters that stay as they are, such as "encoder".
        he_init: start fresh layers scaled for ReLU (He et al., ICCV 2015), half of the first
            filters comparing the frames; off, as published, they start as PyTorch has it.
        data: sources as ``KIND=FOLDER[:WEIGHT]``; kinds are rows of ``sources.KINDS``.
        run: name of the run, and of its folder under ``out``.
        out: where runs are kept.
        cache: where decoded data is kept; empty is the user's cache folder.
        loss: terms as ``WEIGHT*NAME+...``; names are rows of ``LOSSES``.
        vgg: torchvision's VGG16 file, for the VGG loss; empty is its usual place.
        batch: samples a step and process.
        accumulate: batches whose gradients are added up before a step.
        crop: side of square crops in pixels; 0 trains on whole frames.
        augment: names out of ``CHANGES``.
        epochs: passes over the data; ``steps``, if not 0, counts instead.
        steps: optimizer steps of the whole run.
        optimizer: a row of ``OPTIMIZERS``.
        lr: learning rate, before the schedule.
        weight_decay: as the optimizer defines it; OBProxSG takes it for its lambda.
        schedule: a row of ``SCHEDULES``.
        decay_epochs: epochs after which the rate falls; several for multi-step.
        decay: factor by which it falls.
        warmup: steps of linear warm-up, for the cosine schedule.
        clip: longest gradient (2-norm); 0 does not clip.
        ema: decay of the averaged weights; 0 keeps no average.
        guidance: weight of the flow loss (per pixel of error) at the start.
        warp: weight of the loss on each side's warp alone at the start.
        guidance_until: share of the run after which both are 0.
        motion: longest motion of synthetic layers, pixels a half step.
        estimate_motion: guide real shots as well, by the motion that OpenCV's DIS flow finds.
        precision: of the convolutions, "float32" or "bf16"; "auto" is bf16 where the device has
            instructions for it (elsewhere it is many times slower).
        compile: run the network through ``torch.compile``.
        skip_nan: leave out steps whose loss or gradient is not finite instead of stopping.
        max_minutes: end this sitting after so long, with a checkpoint; 0 has no limit.
        checkpoint_minutes: how often the run is saved.
        validate_every: steps between validations; 0 validates at the end of each epoch.
        log_every: steps between log rows.
        workers: processes that prepare data; 0 prepares it in between steps.
        device: "auto", "cpu", "cuda", "mps".
        seed: of the weights and the data.
    """

    network: str = ""
    weights: str = ""
    overlap: bool = False
    fresh: tuple[str, ...] = ()
    freeze: tuple[str, ...] = ()
    he_init: bool = False
    data: tuple[str, ...] = ()
    run: str = "run"
    out: str = "runs"
    cache: str = ""
    loss: str = "1*Charb+0.01*g_Spatial+0.005*VGG"
    vgg: str = ""
    batch: int = 8
    accumulate: int = 1
    crop: int = 0
    augment: tuple[str, ...] = ("horizontal", "vertical", "reverse")
    epochs: int = 100
    steps: int = 0
    optimizer: str = "ADAMax"
    lr: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "step"
    decay_epochs: tuple[int, ...] = (20,)
    decay: float = 0.5
    warmup: int = 0
    clip: float = 0.0
    ema: float = 0.0
    guidance: float = 0.0
    warp: float = 0.0
    guidance_until: float = 0.5
    motion: float = 14.0
    estimate_motion: bool = False
    precision: Precision = "float32"
    compile: bool = False
    skip_nan: bool = False
    max_minutes: float = 0.0
    checkpoint_minutes: float = 5.0
    validate_every: int = 0
    log_every: int = 20
    workers: int = 1
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "accumulate", "log_every"):
            _check(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("crop", "steps", "clip", "guidance", "warp", "max_minutes", "workers"):
            _check(getattr(self, name) >= 0, name, "not negative", getattr(self, name))
        _check(self.overlap or not self.fresh, "fresh", "with overlap=true", self.fresh)
        _check(self.lr > 0, "lr", "above 0", self.lr)
        _check(0 <= self.ema < 1, "ema", "in [0, 1)", self.ema)
        known = get_args(Precision)
        _check(self.precision in known, "precision", " or ".join(known), self.precision)
        _check(self.steps > 0 or self.epochs > 0, "steps", "above 0 where epochs is 0", self.steps)

    def to_json(self) -> str:
        """Readable JSON that ``from_json`` takes back."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "TrainArgs":
        """The run that ``text`` describes.

        Raises:
            ValueError: no JSON object, unknown fields, or impossible values.
        """
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"training arguments are a JSON object; this is no JSON: {error}"
            ) from error
        if not isinstance(row, dict):
            raise ValueError("training arguments are a JSON object of names and values")
        return changed(cls(), {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})


def changed(base: TrainArgs, values: Mapping[str, Any], settings: Sequence[str] = ()) -> TrainArgs:
    """``base`` with other values, and with settings given as text.

    Args:
        base: what else holds.
        values: by name.
        settings: ``NAME=VALUE``; several values of one name are separated by commas.

    Raises:
        ValueError: an unknown name, text that is no such value, or an impossible value.
    """
    values = {**values, **dict(_parsed(text) for text in settings)}
    unknown = set(values) - {field.name for field in fields(TrainArgs)}
    if unknown:
        raise ValueError(f"unknown training arguments {sorted(unknown)}; --set help lists them")
    return replace(base, **values)


def _parsed(text: str) -> tuple[str, Any]:
    """A name and its value, read as the kind of value it has by default."""
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    known = [field.name for field in fields(TrainArgs)]
    if not equals or name not in known:
        hint = did_you_mean(name, known) or "; --set help lists them"
        raise ValueError(f"expected NAME=VALUE with the name of an argument, not {text!r}{hint}")
    try:
        return name, _read(value, getattr(TrainArgs(), name))
    except ValueError as error:
        raise ValueError(f"{name} cannot be {value!r}: {error}") from error


def _read(text: str, like: object) -> Any:
    if isinstance(like, tuple):
        return tuple(_read(part, like[0] if like else "") for part in text.split(",") if part)
    if isinstance(like, bool):
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError("it is true or false")
        return text.lower() in ("true", "1", "yes")
    kind: Any = type(like)
    return kind(text)


def _check(holds: bool, name: str, wanted: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, not {value}")
