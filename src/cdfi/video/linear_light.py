"""Interpolate images of linear light, whose values may be far above 1."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.pixels.linear_samples import from_planes, planes_of
from cdfi.video.timing.timeline import tolerance

HALF = Fraction(1, 2)
CURVE = 50.0  # of the logarithm that networks get; 18 % grey becomes 0.59 of white


def linear_between(
    left: VideoFrame,
    right: VideoFrame,
    count: int,
    interpolator: FrameInterpolator,
    hold: Tensor | None = None,
) -> list[VideoFrame]:
    """Return the ``count - 1`` images between two of linear light.

    Networks get ``log(1 + CURVE * light)``, scaled so that the brightest value of both images is 1.
    Negative light becomes 0. The precision is that of the first image. ``hold`` is a mask
    (1, H, W) of what is taken from the nearer of the two.

    Raises:
        ValueError: the images have different channels.
    """
    first, second = planes_of(left), planes_of(right)
    if first.shape[0] != second.shape[0]:
        raise ValueError(
            f"the images must have the same channels, got {first.shape[0]} and {second.shape[0]}"
        )
    half = "f16" in left.format.name
    times = [Fraction(step, count) for step in range(1, count)]
    colours = min(len(first), 3)
    light = _lights(first[:colours], second[:colours], times, interpolator)
    if len(first) == 4:
        alphas = _alphas(first[3:], second[3:], times, interpolator)
        light = [np.concatenate(pair) for pair in zip(light, alphas)]
    if hold is not None:
        mask = hold.numpy()
        near = [first if t < HALF else second for t in times]
        light = [one + mask * (held - one) for one, held in zip(light, near)]
    return [from_planes(one, half) for one in light]


def _lights(
    first: np.ndarray,
    second: np.ndarray,
    times: Sequence[Fraction],
    interpolator: FrameInterpolator,
) -> list[np.ndarray]:
    brightest = max(float(first.max()), float(second.max()), 1.0)
    scale = np.log1p(CURVE * brightest)

    def logarithm(light: np.ndarray) -> Tensor:
        return torch.from_numpy(np.log1p(CURVE * light.clip(0)) / scale)

    images = _between(logarithm(first), logarithm(second), times, interpolator)
    return [np.expm1(one * scale) / CURVE for one in images]


def _alphas(
    first: np.ndarray,
    second: np.ndarray,
    times: Sequence[Fraction],
    interpolator: FrameInterpolator,
) -> list[np.ndarray]:
    if np.array_equal(first, second):
        return [first] * len(times)
    left, right = (torch.from_numpy(one.clip(0, 1)) for one in (first, second))
    return _between(left, right, times, interpolator)


def _between(
    left: Tensor, right: Tensor, times: Sequence[Fraction], interpolator: FrameInterpolator
) -> list[np.ndarray]:
    """Return the planes at ``times`` between two images of one or three planes."""
    planes = left.shape[0]
    # The planes of libav are G, B, R; networks expect R, G, B.
    order, back = ([2, 0, 1], [1, 2, 0]) if planes == 3 else ([0, 0, 0], [0])
    near = tolerance(len(times) + 1)
    frames = interpolator.between(left[order].float(), right[order].float(), times, near)
    return [frame.cpu().float()[back].numpy() for frame in frames]
