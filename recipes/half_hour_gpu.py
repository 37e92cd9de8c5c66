"""Train any of the networks on one GPU under a time limit; a checkpoint in, a checkpoint out.

    python recipes/half_hour_gpu.py --data data --network aligned-adacof --minutes 28 --out gpu
    python recipes/half_hour_gpu.py --data data --resume gpu --minutes 28 --from 0.5 --out gpu2

Photos and shots lie on the device as bytes; scenes are rendered, shots cropped and everything
augmented there, and the loop waits for the device only to log. ``--from`` and ``--to`` say which
part of the whole schedule (learning rate, guidance) this sitting is, so that several add up.
``--set NAME=VALUE`` changes any other choice. The folder ``--out`` gets
checkpoint.pt, last.safetensors (averaged weights), train.csv and validation.csv.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from cdfi import weights
from cdfi.common.cache import training_cache
from cdfi.data.augment import CHANGES, augment
from cdfi.data.batch import Batch, join
from cdfi.data.clips import Take, cached_takes
from cdfi.data.held_out import clip_triplets
from cdfi.data.photos import photo_cache
from cdfi.data.render import render
from cdfi.data.scenes import LAYERS, NUMBERS, draw_scene
from cdfi.data.storage import mapped
from cdfi.data.synthetic import patch_corners
from cdfi.models import Config, Network
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs, changed
from cdfi.training.build import build_network
from cdfi.training.checkpoint import State
from cdfi.training.dead_layers import silent_layers
from cdfi.training.logs import Log
from cdfi.training.losses.flow import anneal
from cdfi.training.losses.objective import Objective
from cdfi.training.losses.terms import parse_loss
from cdfi.training.meter import Meter
from cdfi.training.optim.ema import WeightAverage
from cdfi.training.optim.optimizers import build_optimizer
from cdfi.training.optim.schedules import Length, rate
from cdfi.training.presets import PRESETS
from cdfi.training.validate import average_baseline_psnr, pick_samples, validate

_CROPS_TRIED = 3
_SPARSE = 16  # rows and columns looked at to see how much a crop changes
_MILLION = 1_000_000  # the schedule's unit: progress is told in millionths


class Photos:
    """Synthetic scenes from photos on the device.

    Args:
        file: uint8 (photos, height, width, 3), as ``photo_cache`` makes it.
        device: where to keep and render them.
    """

    def __init__(self, file: Path, device: torch.device) -> None:
        self._photos = torch.from_numpy(np.array(mapped(file))).to(device)

    def batch(self, count: int, side: int, motion: float) -> Batch:
        """New scenes; not a byte comes from the host."""
        numbers = torch.rand(count, LAYERS, NUMBERS, device=self._photos.device)
        scene = draw_scene(numbers, side, motion)
        patch, corners = patch_corners(scene, self._photos.shape, side)
        span = torch.arange(patch, device=numbers.device)
        rows = corners[..., 1, None, None] + span[:, None]
        columns = corners[..., 2, None, None] + span
        patches = self._photos[corners[..., 0, None, None], rows, columns]
        return render(scene, patches.permute(0, 1, 4, 2, 3), side)


class DeviceShots:
    """Real triplets from takes of any size, in one long run of pixels on the device.

    Args:
        takes: what to train on.
        side: of the crops; smaller takes are left out.
        device: where to keep them.
    """

    def __init__(self, takes: list[Take], side: int, device: torch.device) -> None:
        takes = [take for take in takes if min(take.height, take.width) >= side]
        if not takes:
            raise ValueError(f"no take is as large as the crop of {side} pixels: lower --side")
        sizes = [take.frames * take.height * take.width for take in takes]
        self._pixels = torch.empty(sum(sizes), 3, dtype=torch.uint8, device=device)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        for take, start, size in zip(takes, starts, sizes):
            pixels = torch.from_numpy(np.array(take.pixels())).view(size, 3)
            self._pixels[start : start + size] = pixels.to(device)
        rows = [(start, take.frames, take.height, take.width) for take, start in zip(takes, starts)]
        self._takes = torch.tensor(rows, device=device)
        self._side = side

    def batch(self, count: int) -> Batch:
        """Triplets at strides 1 to 3; of three random crops, the one that changes most."""
        device = self._takes.device
        u = torch.rand(count, 3 + 2 * _CROPS_TRIED, device=device)
        start, frames, height, width = self._takes[(u[:, 0] * len(self._takes)).long()].unbind(1)
        stride = 1 + (u[:, 1] * ((frames - 1) // 2).clamp(max=3)).long()
        first = (u[:, 2] * (frames - 2 * stride)).long()
        instants = first[:, None] + stride[:, None] * torch.arange(3, device=device)
        planes = start[:, None] + instants * (height * width)[:, None]  # (N, 3): each frame's start
        room = torch.stack((height, width), 1) - self._side + 1
        corners = (u[:, 3:].view(count, _CROPS_TRIED, 2) * room[:, None]).long()
        top, left = self._liveliest(planes, corners, width).unbind(1)
        span = torch.arange(self._side, device=device)
        frames8 = self._gather(planes, top[:, None] + span, left[:, None] + span, width)
        frame0, middle, frame1 = (frames8.permute(1, 0, 4, 2, 3).float() / 255).unbind(0)
        flow, seen = torch.zeros_like(middle[:, :2]), torch.zeros_like(middle[:, :1])
        half = torch.full((count, 1, 1, 1), 0.5, device=device)
        return Batch(frame0, middle, frame1, flow, flow, seen, seen, half)

    def _liveliest(self, planes: Tensor, corners: Tensor, width: Tensor) -> Tensor:
        sparse = torch.linspace(0, self._side - 1, _SPARSE, device=planes.device).long()
        change = []
        for top, left in (corner.unbind(1) for corner in corners.unbind(1)):
            outer = planes[:, ::2]
            frames = self._gather(outer, top[:, None] + sparse, left[:, None] + sparse, width)
            change.append((frames[:, 0].float() - frames[:, 1].float()).abs().mean((1, 2, 3)))
        best = torch.stack(change, 1).argmax(1)
        return corners.gather(1, best[:, None, None].expand(-1, 1, 2))[:, 0]

    def _gather(self, planes: Tensor, rows: Tensor, columns: Tensor, width: Tensor) -> Tensor:
        """Pixels (N, frames, rows, columns, 3); the frames start at ``planes``, (N, frames)."""
        place = rows[:, :, None] * width[:, None, None] + columns[:, None, :]
        return self._pixels[planes[:, :, None, None] + place[:, None]]


@dataclass
class Sitting:
    """One run of this script."""

    args: TrainArgs
    state: State
    photos: Photos
    shots: DeviceShots
    held_out: np.ndarray | None
    minutes: float
    begin: float
    end: float
    out: Path
    log_every: int

    def go(self) -> None:
        """Train until the time is up or the steps are done; leave the checkpoint."""
        args, state = self.args, self.state
        device = next(state.network.parameters()).device
        objective = Objective(state.network, parse_loss(args.loss), args)
        self.out.mkdir(parents=True, exist_ok=True)
        log, meter = Log(self.out, state.step), Meter()
        began, saved, last = time.monotonic(), time.monotonic(), state.step + args.steps
        done = False
        while not done:
            passed = (time.monotonic() - began) / (60 * self.minutes)
            progress = self.begin + (self.end - self.begin) * min(1.0, passed)
            measured = self._step(objective, progress, device)
            meter.add(measured, args.batch)
            done = state.step == last or passed >= 1
            if state.step % self.log_every == 0 or done:
                names, means = meter.means()
                values = dict(
                    zip(names, means.tolist())
                )  # the only place that waits for the device
                log.row("train", state.step, {**values, "samples_per_second": meter.speed()})
                shown = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
                print(f"{state.step}  {progress:.3f}  {meter.speed():.0f}/s  {shown}", flush=True)
                meter.reset()
            if done or time.monotonic() - saved > 60 * args.checkpoint_minutes:
                self._save(log, device)
                saved = time.monotonic()
        log.close()

    def _step(
        self, objective: Objective, progress: float, device: torch.device
    ) -> dict[str, Tensor]:
        args, state = self.args, self.state
        for group in state.optimizer.param_groups:
            group["lr"] = rate(round(progress * _MILLION), args, Length(_MILLION, 1)) * min(
                1.0, (state.step + 1) / args.warmup
            )
        synthetic = self.photos.batch(args.batch // 2, args.crop, args.motion)
        batch = join([synthetic, self.shots.batch(args.batch - args.batch // 2)])
        numbers = torch.rand(args.batch, len(CHANGES), device=device)
        batch = augment(batch, numbers, args.augment)
        measured = objective(batch, anneal(progress, args.guidance_until))
        measured["loss"].backward()
        parameters = [p for p in state.network.parameters() if p.grad is not None]
        forget_what_is_not_finite([p.grad for p in parameters])
        nn.utils.clip_grad_norm_(parameters, args.clip)
        state.optimizer.step()
        state.optimizer.zero_grad(set_to_none=True)
        state.average.update(state.network, state.step)
        state.step += 1
        return measured

    def _save(self, log: Log, device: torch.device) -> None:
        network, info = self.state.average.network, {"step": str(self.state.step)}
        if self.held_out is not None:
            score = validate(network, self.held_out, device)
            log.row("validation", self.state.step, {"psnr": score})
            print(f"{self.state.step}  held-out shots: {score:.3f} dB", flush=True)
            info["validation_psnr"] = f"{score:.4f}"
            if silent := silent_layers(network, pick_samples(self.held_out), device):
                print(f"{self.state.step}  nothing gets through {', '.join(silent)}", flush=True)
        checkpoint.save(self.state, self.args, self.out / checkpoint.NAME)
        weights.save(network, self.out / "last.safetensors", info)


def forget_what_is_not_finite(gradients: list[Tensor]) -> None:
    """A bad batch moves nothing: asking whether it is one would be a wait for the device.

    All gradients at once, as one run of numbers: they are dense, in whichever order.
    """
    runs = [g.as_strided((g.numel(),), (1,)) for g in gradients]
    whole = torch.cat(runs).nan_to_num_(0.0, 0.0, 0.0)
    torch._foreach_copy_(runs, whole.split([run.numel() for run in runs]))


def prepare(options: argparse.Namespace) -> Sitting:
    """Everything onto the device."""
    device = torch.device(options.device)
    torch.backends.cudnn.benchmark = True
    args = replace(
        PRESETS["bundled"],
        network=options.network,
        weights=options.weights,
        batch=options.batch,
        crop=options.side,
        lr=options.lr,
        steps=options.steps,
        warmup=options.warmup,
        compile=options.compile,
        checkpoint_minutes=options.save_minutes,
        run=options.out.name,
    )
    args = changed(args, {}, options.set)
    content = checkpoint.read(options.resume) if options.resume else None
    network = Network(Config.from_json(content["config"])) if content else build_network(args)
    network = network.to(device).to(memory_format=torch.channels_last).train()
    optimizer = build_optimizer(network, args, 1)
    state = State(network, optimizer, WeightAverage(network, args.ema))
    if content:
        checkpoint.restore(state, content, options.resume)
    cache = options.cache or training_cache()
    takes = cached_takes(options.data / "train" / "clips", cache)
    held_out = clip_triplets(takes)
    if held_out is not None:
        print(f"held-out shots: averaging scores {average_baseline_psnr(held_out):.2f} dB")
    training = [take for take in takes if not take.held_out]
    return Sitting(
        args,
        state,
        Photos(photo_cache(options.data / "train" / "stills", cache), device),
        DeviceShots(training, options.side, device),
        held_out,
        options.minutes,
        options.begin,
        options.end,
        options.out,
        options.log_every,
    )


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The options; times in minutes, parts of the schedule from 0 to 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="holds train/clips, train/stills")
    parser.add_argument("--network", default="aligned-adacof", help="a name, or a Config's file")
    parser.add_argument("--weights", default="", help="start from these")
    parser.add_argument("--resume", type=Path, help="continue from this checkpoint")
    parser.add_argument("--out", type=Path, default=Path("half-hour"))
    parser.add_argument("--cache", type=Path, help="for decoded data")
    parser.add_argument("--minutes", type=float, default=28.0)
    parser.add_argument("--from", dest="begin", type=float, default=0.0)
    parser.add_argument("--to", dest="end", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=10**9, help="at most so many")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--warmup", type=int, default=300, help="steps, of fresh networks")
    parser.add_argument("--save-minutes", type=float, default=4.0)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE, as of cdfi train")
    parser.add_argument("--device", default="cuda")
    return parser.parse_args(words)


if __name__ == "__main__":
    prepare(parse()).go()
