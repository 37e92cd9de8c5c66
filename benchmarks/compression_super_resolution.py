"""What does a super-resolution network lose at a quarter of its parameters, by method?

The network is one of the SRVGG kind: convolutions with PReLU, PixelShuffle, and the enlarged input.
It learns to enlarge photos by 2, is fine-tuned with the penalty of each method, made smaller, and
trained again. The last 20 photos are the test set. The number of steps is the same for all methods:
python benchmarks/compression_super_resolution.py PHOTOS [seeds] [steps]
"""

import copy
import statistics
import sys
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from machine import print_seeds
from PIL import Image
from torch import Tensor, nn

from cdfi.compression import HSPG, Budget, OBProxSG, channel_groups, density, derive
from cdfi.compression import derive_by_importance as ranked

CROP, BATCH, TEST, SCALE, RATIO = 48, 8, 20, 2, 4
METHODS = ("OBProxSG", "HSPG", "magnitude, local", "magnitude, global")


class Enlarge(nn.Module):
    """Convolutions at the small size, PixelShuffle, and the enlarged input added."""

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        body: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.PReLU(width)]
        for _ in range(depth):
            body += [nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)]
        self.body = nn.Sequential(*body, nn.Conv2d(width, 3 * SCALE**2, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        enlarged = F.interpolate(x, scale_factor=SCALE, mode="nearest")
        return F.pixel_shuffle(self.body(x), SCALE) + enlarged


def read(folder: Path) -> list[Tensor]:
    """Return the photos as (3, 360, 480) in [0, 1]: large enough, and quickly cropped."""
    photos = []
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as image:
            small = image.convert("RGB").resize((480, 360), Image.Resampling.LANCZOS)
        photos.append(torch.from_numpy(numpy.asarray(small).copy()).permute(2, 0, 1).float() / 255)
    return photos


def pair(sharp: Tensor) -> tuple[Tensor, Tensor]:
    """Return the reduced images and the images."""
    small = F.interpolate(sharp, scale_factor=1 / SCALE, mode="bicubic", antialias=True)
    return small.clamp(0, 1), sharp


def batch(photos: list[Tensor]) -> tuple[Tensor, Tensor]:
    crops = []
    for i in torch.randint(len(photos), (BATCH,)).tolist():
        top = int(torch.randint(photos[i].shape[1] - CROP, ()))
        left = int(torch.randint(photos[i].shape[2] - CROP, ()))
        crops.append(photos[i][:, top : top + CROP, left : left + CROP])
    return pair(torch.stack(crops))


def train(
    model: nn.Module, photos: list[Tensor], optimizer: torch.optim.Optimizer, steps: int
) -> None:
    for _ in range(steps):
        small, sharp = batch(photos)
        optimizer.zero_grad()
        F.l1_loss(model(small), sharp).backward()
        optimizer.step()


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), 1e-3)


@torch.no_grad()
def psnr(model: nn.Module, photos: list[Tensor]) -> float:
    """Return the mean PSNR in dB over the test photos."""
    errors = []
    for photo in photos:
        small, sharp = pair(photo[None])
        errors.append(float((model(small).clamp(0, 1) - sharp).square().mean()))
    return statistics.mean(-10 * numpy.log10(error) for error in errors)


def smaller(model: nn.Module, photos: list[Tensor], method: str, steps: int) -> nn.Module:
    """Return the network that a method makes, with a quarter of the parameters."""
    model, example = copy.deepcopy(model), (torch.rand(1, 3, 16, 16),)
    phases = {"steps_per_epoch": 1, "prox_epochs": steps // 2}
    if method == "OBProxSG":
        optimizer: torch.optim.Optimizer = OBProxSG(
            model.parameters(), lr=1e-3, lambda_=2e-5, betas=(0.9, 0.999), **phases
        )
    elif method == "HSPG":
        groups = channel_groups(model, example)
        optimizer = HSPG(model, groups, lr=1e-3, lambda_=2e-5, betas=(0.9, 0.999), **phases)
    else:
        optimizer = adam(model)
    train(model, photos, optimizer, steps)
    budget = Budget(parameters=count(model) // RATIO)
    if method.startswith("magnitude"):
        return ranked(model, example, ranking=method.split(", ")[1], budget=budget).module
    densities = {row.name: row.density for row in density(model)}
    return derive(model, example, densities, budget=budget).module


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def main(folder: str, seeds: int = 3, steps: int = 400) -> None:
    torch.set_num_threads(1)
    photos = read(Path(folder))
    found: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}

    def note(name: str, model: nn.Module) -> None:
        found.setdefault(name, []).append(psnr(model, photos[-TEST:]))
        sizes[name] = count(model)
        print(name, found[name][-1], sizes[name], file=sys.stderr, flush=True)

    for seed in range(seeds):
        torch.manual_seed(seed)
        model = Enlarge()
        train(model, photos[:-TEST], adam(model), 2 * steps)
        note("dense", model)
        for method in METHODS:
            torch.manual_seed(seed)
            small = smaller(model, photos[:-TEST], method, steps)
            note(f"{method}, before retraining", small)
            train(small, photos[:-TEST], adam(small), 2 * steps)
            note(method, small)
        torch.manual_seed(seed)
        narrow = Enlarge(width=15)  # the width of a quarter of the parameters
        train(narrow, photos[:-TEST], adam(narrow), 5 * steps)
        note("narrow from scratch", narrow)
    print_seeds(__doc__, sizes, found)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
