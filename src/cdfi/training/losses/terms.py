"""The terms of a loss such as ``1*Charb+0.005*VGG``."""

import math
import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.common.choices import unknown_name
from cdfi.data.batch import Batch
from cdfi.models import Prediction
from cdfi.training.losses.flow import displacement
from cdfi.training.losses.vgg import VggLoss

Measure = Callable[[Any, Batch], Tensor]  # of a Prediction or a FlowPrediction
#: Terms of the sampling maps of AdaCoF, which networks of the flow family do not have.
MAP_TERMS = frozenset({"g_Spatial", "g_Occlusion"})
_EPSILON = 1e-3  # of the Charbonnier function, as AdaCoF was trained
_PSNR_FLOOR = 1e-5  # mean squared error of 50 dB


class Term(NamedTuple):
    """One term of a loss: its weight, its name, and the function that computes it (a scalar)."""

    weight: float
    name: str
    measure: Measure


def charbonnier(x: Tensor) -> Tensor:
    """Return the mean of sqrt(x^2 + 0.001^2)."""
    return torch.sqrt(x * x + _EPSILON**2).mean()


def parse_loss(text: str, vgg: Path | None = None) -> list[Term]:
    """Return the terms of ``weight*NAME+weight*NAME...``; a missing weight is 1.

    Args:
        text: for example ``1*Charb+0.01*g_Spatial+0.005*VGG``.
        vgg: the VGG16 weights file, for the term VGG.

    Raises:
        ValueError: text of another form, an unknown name (the message shows similar ones), a weight
            that is not finite, or a missing VGG16 file.
    """
    return [_parse_term(part, vgg) for part in text.replace(" ", "").split("+")]


def _parse_term(text: str, vgg: Path | None) -> Term:
    match = re.fullmatch(r"(?:([0-9.eE-]+)\*)?([A-Za-z]\w*)", text)
    try:
        weight = float(match[1] or 1) if match else None
    except ValueError:
        weight = None
    if match is None or weight is None:
        raise ValueError(f"expected a loss like 1*Charb+0.01*g_Spatial, but one term is {text!r}")
    if not math.isfinite(weight):
        raise ValueError(f"the weight of a loss term must be finite, got {text!r}")
    name = match[2]
    if name not in LOSSES:
        raise unknown_name("loss", name, LOSSES)
    return Term(weight, name, LOSSES[name](vgg))


def smoothness(x: Tensor) -> Tensor:
    """Return the total variation of (N, C, H, W): Charbonnier means of differences along axes."""
    return charbonnier(x.diff(dim=3)) + charbonnier(x.diff(dim=2))


def laplacian(x: Tensor, y: Tensor, levels: int = 5) -> Tensor:
    """Return the L1 distance of two (N, C, H, W) Laplacian pyramids, level l weighted 2^l.

    Bojanowski et al., "Optimizing the Latent Space of Generative Networks", equation 5, as used for
    frame interpolation by Niklaus & Liu, CVPR 2018.
    """
    difference, total = x - y, x.new_zeros(())
    for level in range(levels):
        if min(difference.shape[2:]) < 2:
            break
        coarse = F.avg_pool2d(_blurred(difference), 2)
        restored = F.interpolate(coarse, difference.shape[2:], mode="bilinear")
        total = total + 2**level * (difference - restored).abs().mean()
        difference = coarse
    return total


def _blurred(x: Tensor) -> Tensor:
    """Return x smoothed by the 5-tap binomial filter along both axes."""
    kernel = _binomial(x.device).to(x.dtype).expand(x.shape[1], 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel, groups=x.shape[1])


@lru_cache(maxsize=4)
def _binomial(device: torch.device) -> Tensor:
    """Return the (5, 5) filter; cached, since a copy to a GPU is a synchronisation."""
    taps = torch.tensor([1, 4, 6, 4, 1], device=device) / 16
    return torch.outer(taps, taps)


def census(x: Tensor, y: Tensor, reach: int = 3) -> Tensor:
    """Return the soft distance of the census transforms of two (N, 3, H, W).

    It does not change if a constant is added to the brightness of an image.

    Meister et al., UnFlow, AAAI 2018: normalised differences to the 7 x 7 neighbours, then
    d^2 / (0.1 + d^2).
    """
    distance = (_census(x, reach) - _census(y, reach)).square()
    inside = (distance / (0.1 + distance))[..., reach:-reach, reach:-reach]
    return inside.mean()


def _census(x: Tensor, reach: int) -> Tensor:
    red, green, blue = x.unbind(1)
    grey = (0.2989 * red + 0.587 * green + 0.114 * blue)[:, None] * 255
    side = 2 * reach + 1
    around = F.unfold(grey, side, padding=reach)
    difference = around.view(len(x), -1, *grey.shape[2:]) - grey
    return difference / torch.sqrt(0.81 + difference.square())


def _image(measure: Callable[[Tensor, Tensor], Tensor], _: Path | None) -> Measure:
    """Return a loss that depends on the prediction and the true frame only."""
    return lambda parts, batch: measure(parts.middle.float(), batch.middle)


def _smooth_offsets(_: Path | None) -> Measure:
    """Return the total variation of the weighted offsets, averaged over taps as in the release."""

    def measure(parts: Prediction, batch: Batch) -> Tensor:
        total = batch.middle.new_zeros(())
        for maps in (parts.maps0, parts.maps1):
            for offset in displacement(maps):
                total = total + smoothness(offset / maps.weight.shape[1])
        return total

    return measure


def _smooth_occlusion(_: Path | None) -> Measure:
    return lambda parts, batch: smoothness(parts.occlusion.float())


def _vgg(weights: Path | None) -> Measure:
    network = VggLoss(weights)
    return lambda parts, batch: network(parts.middle.float(), batch.middle)


def _lpips(x: Tensor, y: Tensor) -> Tensor:
    from cdfi.metrics.lpips import lpips

    return lpips(x, y).mean()


def _charb(x: Tensor, y: Tensor) -> Tensor:
    return charbonnier(x - y)


def negative_psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return minus the mean PSNR of the samples, in dB, for values in [0, 1].

    This is the mean that evaluations report. Each sample is weighted by the inverse of its own
    error, while a mean of errors is dominated by the hardest samples; above 50 dB the weight stops
    growing. As in Chen et al., "HINet", CVPR Workshops 2021.
    """
    error = (x - y).square().flatten(1).mean(1)
    return 10 * torch.log10(error + _PSNR_FLOOR).mean()


LOSSES: dict[str, Callable[[Path | None], Measure]] = {
    "Charb": partial(_image, _charb),
    "L1": partial(_image, F.l1_loss),
    "MSE": partial(_image, F.mse_loss),
    "PSNR": partial(_image, negative_psnr),
    "Lap": partial(_image, laplacian),
    "Census": partial(_image, census),
    "LPIPS": partial(_image, _lpips),
    "VGG": _vgg,
    "g_Spatial": _smooth_offsets,
    "g_Occlusion": _smooth_occlusion,
}
