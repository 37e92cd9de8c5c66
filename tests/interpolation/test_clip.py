"""Clips in memory: every kind in, the same kind out, source frames kept."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import cdfi
from tests.tiny import tiny_network

COUNT, HEIGHT, WIDTH = 4, 6, 5


class Mean:
    """Computes weighted means, and counts the batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def between(
        self, frame0: Tensor, frame1: Tensor, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[Tensor]:
        self.batches.append(len(frame0))
        for t in times:
            yield torch.lerp(frame0, frame1, float(t))


def pixels() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), dtype=np.uint8)


def tensor() -> Tensor:
    return torch.from_numpy(pixels()).permute(0, 3, 1, 2).float() / 255


KINDS: dict[str, Any] = {
    "images": lambda: [Image.fromarray(frame) for frame in pixels()],
    "array": pixels,
    "array of 16 bits": lambda: pixels().astype(np.uint16) * 257,
    "float array": lambda: pixels().astype(np.float32) / 255,
    "list of arrays": lambda: list(pixels()),
    "list of tensors": lambda: list(tensor()),
    "tensor": tensor,
    "half tensor": lambda: tensor().half(),
    "batch": lambda: torch.stack([tensor(), tensor().flip(0)]),
    "signed tensor": lambda: tensor() * 2 - 1,
}


def as_float(clip: Any, signed: bool) -> Tensor:
    """Any clip as float32 (B, T, 3, H, W) in [0, 1]."""
    if isinstance(clip, list) and isinstance(clip[0], Tensor):
        clip = torch.stack(clip)
    if isinstance(clip, Tensor):
        x = clip if clip.ndim == 5 else clip[None]
        return x.float() / 2 + 0.5 if signed else x.float()
    array = np.stack([np.asarray(frame) for frame in clip])
    top = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    return torch.from_numpy(array.astype(np.float32) / top).permute(0, 3, 1, 2)[None]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_kind_comes_back_with_frames_between(kind: str) -> None:
    clip, signed = KINDS[kind](), kind.startswith("signed")
    value_range = (-1.0, 1.0) if signed else (0.0, 1.0)
    result = cdfi.interpolate_frames(clip, Mean(), factor=3, value_range=value_range)
    assert type(result) is type(clip)
    assert type(result[0]) is type(clip[0])
    assert getattr(result, "dtype", None) == getattr(clip, "dtype", None)
    before, after = as_float(clip, signed), as_float(result, signed)
    assert after.shape[1] == 3 * (COUNT - 1) + 1
    assert torch.equal(after[:, ::3], before)
    expected = torch.lerp(before[:, :-1], before[:, 1:], 1 / 3)
    torch.testing.assert_close(after[:, 1::3], expected, rtol=0, atol=0.51 / 255)


def test_a_rate_gives_exact_instants() -> None:
    clip = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 2, 2) / 4
    result = cdfi.interpolate_frames(clip, Mean(), fps=60, source_fps=24)
    expected = torch.arange(8) * 24 / 60 / 4
    torch.testing.assert_close(result[:, 0, 0, 0], expected)


def test_pairs_are_computed_in_batches() -> None:
    mean = Mean()
    result = cdfi.interpolate_frames(tensor(), mean, batch=2)
    assert mean.batches == [2, 1]
    assert torch.equal(result, cdfi.interpolate_frames(tensor(), Mean()))


def test_a_network_computes_the_frames_of_a_clip() -> None:
    interpolator = cdfi.Interpolator(tiny_network(), device="cpu")
    clip = torch.rand(3, 3, 16, 16)
    result = cdfi.interpolate_frames(clip, interpolator, factor=2)
    torch.testing.assert_close(result[1], interpolator(clip[0], clip[1]))


def test_one_frame_stays_one_frame() -> None:
    assert torch.equal(cdfi.interpolate_frames(tensor()[:1], Mean()), tensor()[:1])


@pytest.mark.parametrize(
    ("clip", "settings", "message"),
    [
        (tensor() * 2 - 1, {}, r"outside 0 to 1: pass value_range=.*\(-1, 1\)"),
        (tensor() * float("nan"), {}, "outside 0 to 1"),
        (tensor()[:, :2], {}, r"expected RGB images, .*; got a Tensor of \(2, 6, 5\)"),
        (tensor()[0], {}, "expected a list of frames, an array or a tensor"),
        ([Image.new("L", (4, 4))], {}, r"expected RGB images, .*; got a Image of \(4, 4\) L"),
        ([Image.new("RGB", (4, 4)), Image.new("RGB", (5, 4))], {}, "the frames differ"),
        ([], {}, "expected at least one frame"),
        (tensor(), {"factor": 0}, "factor must be a whole number"),
        (tensor(), {"factor": 1.5}, "factor must be a whole number"),
        (tensor(), {"fps": 60}, "fps needs source_fps"),
        (tensor(), {"fps": 12, "source_fps": 24}, "frames would be lost"),
        (tensor(), {"fps": 48, "source_fps": 24, "factor": 2}, "expected one of them"),
        (tensor(), {"value_range": (1, 1)}, "expected value_range="),
        (tensor(), {"value_range": (1, -1)}, "expected value_range="),
        (tensor(), {"value_range": (0, float("nan"))}, "expected value_range="),
        (tensor(), {"value_range": (0, float("inf"))}, "expected value_range="),
        (torch.zeros(2, 3, 0, 5), {}, "expected frames of 1 x 1 pixels or more"),
        (torch.zeros(1, 2, 3, 4, 0), {}, "expected frames of 1 x 1 pixels or more"),
        (np.zeros((2, 0, 5, 3)), {}, "expected frames of 1 x 1 pixels or more"),
        (np.zeros((2, 4, 0, 3), np.uint8), {}, "expected frames of 1 x 1 pixels or more"),
        ([Image.new("RGB", (0, 4))] * 2, {}, "expected frames of 1 x 1 pixels or more"),
        (torch.zeros(0, 3, 4, 4), {}, "expected at least one frame"),
        (torch.zeros(0, 2, 3, 4, 4), {}, "expected at least one frame"),
        (tensor(), {"batch": 0}, "expected a batch of 1 pair or more"),
        (5, {}, "expected frames, got a int"),
    ],
)
def test_a_clip_that_cannot_be_interpolated_is_refused(
    clip: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cdfi.interpolate_frames(clip, Mean(), **settings)
