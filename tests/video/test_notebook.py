"""Frames as pictures in a notebook."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import cdfi

CLIP = np.random.default_rng(0).integers(0, 256, (3, 8, 10, 3), dtype=np.uint8)
TENSOR = torch.from_numpy(CLIP).permute(0, 3, 1, 2).float() / 255


def shown(frames: Any, **settings: Any) -> Image.Image:
    """The image inside the HTML."""
    html = cdfi.show_frames(frames, **settings)._repr_html_()
    (text,) = re.findall(r"base64,([^\"]+)", html)
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.mark.parametrize(
    "frame", [CLIP[0], TENSOR[0], Image.fromarray(CLIP[0])], ids=lambda x: type(x).__name__
)
def test_a_frame_is_shown_as_it_is(frame: Any) -> None:
    image = shown(frame)
    assert image.format == "PNG"
    np.testing.assert_array_equal(np.asarray(image), CLIP[0])


@pytest.mark.parametrize(
    "clip", [CLIP, TENSOR, TENSOR[None], list(CLIP)], ids=lambda x: type(x).__name__
)
def test_a_clip_is_shown_as_an_animation(clip: Any) -> None:
    image = shown(clip, fps=10)
    assert (image.format, image.n_frames, image.size) == ("WEBP", 3, (10, 8))
    image.load()
    assert image.info["duration"] == 100


def test_the_range_of_values_is_obeyed() -> None:
    image = shown(TENSOR[0] * 2 - 1, value_range=(-1, 1))
    np.testing.assert_array_equal(np.asarray(image), CLIP[0])


@pytest.mark.parametrize(
    ("frames", "settings", "message"),
    [
        (TENSOR * 2 - 1, {}, "pass value_range"),
        (TENSOR[:, :2], {}, "expected RGB images"),
        (TENSOR, {"fps": 0}, "expected fps above 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    frames: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cdfi.show_frames(frames, **settings)
