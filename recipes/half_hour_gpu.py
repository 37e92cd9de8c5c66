"""Train a network on one GPU under a time limit, from a checkpoint to the next.

    python recipes/half_hour_gpu.py --data data --network aligned-adacof --minutes 28 --out gpu
    python recipes/half_hour_gpu.py --data data --network flow --preset flow --out gpu
    python recipes/half_hour_gpu.py --data data --resume gpu --minutes 28 --from 0.5 --out gpu2

Photos and shots are kept on the device as bytes; scenes are rendered, shots cropped and both
augmented there, and the loop waits for the device only to log. ``--from`` and ``--to`` are the part
of the schedules (learning rate, guidance) that this session covers, so that several sessions make
one run. ``--set NAME=VALUE`` changes any other argument of a run. The folder ``--out`` gets the
files of every run: checkpoint.pt, last.safetensors, best.safetensors, train.csv, validation.csv.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from cdfi.common.cache import training_cache
from cdfi.common.files import write_text
from cdfi.data.clips import cached_takes
from cdfi.data.device_sources import DeviceScenes, DeviceShots, device_batches
from cdfi.data.held_out import clip_triplets
from cdfi.data.photos import photo_cache
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs, changed
from cdfi.training.callback import Callback, Outcome
from cdfi.training.loop import train
from cdfi.training.presets import PRESETS


class Print(Callback):
    """Prints every message and log row."""

    def on_message(self, text: str) -> None:
        """Print a message."""
        print(text, flush=True)

    def on_log(self, note: str) -> None:
        """Print loss and speed."""
        print(note, flush=True)


def timed(minutes: float, begin: float, end: float) -> Callable[[], float]:
    """Return a function from now to the fraction of the schedules that is done."""
    started = time.monotonic()
    return lambda: begin + (end - begin) * min(1.0, (time.monotonic() - started) / (60 * minutes))


def run_args(options: argparse.Namespace) -> TrainArgs:
    """Return the arguments of the run; a resumed one keeps its network."""
    done, network = 0, options.network
    if options.resume:
        content = checkpoint.read(options.resume)
        done, network = content["numbers"]["step"], str(options.out / "config.json")
        write_text(Path(network), content["config"] + "\n")
    args = replace(
        PRESETS[options.preset],
        network=network,
        weights=options.weights,
        batch=options.batch,
        crop=options.side,
        lr=options.lr,
        steps=done + options.steps,
        warmup=options.warmup,
        compile=options.compile,
        max_minutes=options.minutes,
        checkpoint_minutes=options.save_minutes,
        log_every=options.log_every,
        zero_nan=True,
        device=options.device,
        out=str(options.out.parent),
        run=options.out.name,
    )
    return changed(args, {}, options.set)


def main(words: list[str] | None = None) -> Outcome:
    """Load everything onto the device, and train."""
    options = parse(words)
    args, device = run_args(options), torch.device(options.device)
    torch.backends.cudnn.benchmark = True
    cache = options.cache or training_cache()
    takes = cached_takes(options.data / "train" / "clips", cache)
    photos = photo_cache(options.data / "train" / "stills", cache)
    training, any_instant = [take for take in takes if not take.held_out], args.any_instant
    scenes = DeviceScenes(photos, args.crop, args.motion, device, any_instant=any_instant)
    shots = DeviceShots(training, args.crop, device, any_instant=any_instant)
    return train(
        args,
        options.resume,
        Print(),
        batches=device_batches(scenes, shots, args.batch, args.augment),
        held_out=clip_triplets(takes),
        progress=timed(options.minutes, options.begin, options.end),
    )


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Return the options; times in minutes, parts of the schedules from 0 to 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="holds train/clips, train/stills")
    parser.add_argument("--network", default="aligned-adacof", help="a name, or a Config's file")
    parser.add_argument("--preset", default="bundled", choices=PRESETS)
    parser.add_argument("--weights", default="", help="start from these")
    parser.add_argument("--resume", type=Path, help="continue from this checkpoint")
    parser.add_argument("--out", type=Path, default=Path("half-hour"))
    parser.add_argument("--cache", type=Path, help="for decoded data")
    parser.add_argument("--minutes", type=float, default=28.0)
    parser.add_argument("--from", dest="begin", type=float, default=0.0)
    parser.add_argument("--to", dest="end", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=10**9, help="at most this many")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--warmup", type=int, default=300, help="steps of linear warm-up")
    parser.add_argument("--save-minutes", type=float, default=4.0)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE, as of cdfi train")
    parser.add_argument("--device", default="cuda")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
