"""Named starting points for a run: the published recipe, and the one for our own weights."""

from dataclasses import replace

from cdfi.training.args import TrainArgs

_EVERY_CHANGE = ("horizontal", "vertical", "rotate", "reverse", "channels", "brightness")

_BUNDLED = TrainArgs(
    he_init=True,
    loss="1*Charb+0.2*Lap",
    crop=128,
    augment=_EVERY_CHANGE,
    steps=100_000,
    optimizer="Muon",
    lr=1.5e-3,
    weight_decay=0.4,  # of Muon's filters: nothing else holds their size (docs/training.md)
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

#: Name -> arguments; the command line changes single ones.
PRESETS: dict[str, TrainArgs] = {
    "paper": TrainArgs(),
    "bundled": _BUNDLED,
    "fine-tune": replace(_BUNDLED, steps=20_000, lr=3e-4, guidance=0.01, warp=0.1),
}
