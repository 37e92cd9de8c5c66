"""Presets of training arguments: the published recipe, and the one of the bundled weights."""

from dataclasses import replace
from typing import Literal

from cdfi.training.args import TrainArgs

_ALL_AUGMENTATIONS = ("horizontal", "vertical", "rotate", "reverse", "channels", "brightness")

_BUNDLED = TrainArgs(
    he_init=True,
    loss="1*Charb+0.2*Lap",
    crop=128,
    augment=_ALL_AUGMENTATIONS,
    steps=100_000,
    optimizer="Muon",
    lr=1.5e-3,
    weight_decay=0.4,  # of the filters: nothing else limits their norm (docs/training.md)
    schedule="cosine",
    warmup=100,
    clip=1.0,
    ema=0.999,
    guidance=0.02,
    warp=0.2,
    guidance_until=0.7,
    precision="auto",
    validate_every=1000,
)

_FLOW = replace(
    _BUNDLED,
    network="flow",
    crop=256,
    batch=32,
    motion=40.0,
    any_instant=True,
    guidance=0.03,
    guidance_until=0.8,
    precision="auto",
)

Preset = Literal["paper", "bundled", "fine-tune", "flow"]

#: Options of the command line change single arguments of these.
PRESETS: dict[Preset, TrainArgs] = {
    "paper": TrainArgs(),
    "bundled": _BUNDLED,
    "flow": _FLOW,
    "fine-tune": replace(_BUNDLED, steps=20_000, lr=3e-4, guidance=0.01, warp=0.1),
}
