"""Conversion of decoded pixel formats to working formats."""

import numpy as np
import pytest
from av.video.frame import VideoFrame

from cdfi.video.pixels.formats import (
    PACKED,
    SAME_SAMPLES,
    layout,
    read_components,
    reformatted,
    to_working,
    working_format,
    write_components,
)

RANDOM = np.random.RandomState(0)


def noise(name, width=32, height=16):
    """A frame of random samples."""
    import torch

    form = layout(name)
    sizes = [form.size(index, width, height) for index in range(len(form.planes))]
    parts = [torch.from_numpy(RANDOM.randint(0, form.peak + 1, size)) for size in sizes]
    return write_components(parts, name)


@pytest.mark.parametrize(
    "name", [name for name, twin in SAME_SAMPLES.items() if twin not in ("rgb24", "gray", "bgra")]
)
def test_reordered_samples_come_back_unchanged(name):
    given = noise(SAME_SAMPLES[name])
    back = to_working(reformatted(given, name))
    assert back.format.name == working_format(name)
    for before, after in zip(read_components(given), read_components(back)):
        assert (before == after).all()


@pytest.mark.parametrize("name", ["bgr48le", "bgr48be", "bgra64le", "bgra64be"])
def test_deep_packed_formats_are_read_without_a_copy(name):
    assert name in PACKED
    given = noise(name)
    same = reformatted(given, "gbrap16le" if "a" in name else "gbrp16le")
    for before, after in zip(read_components(given), read_components(same)):
        assert (before.int() & 0xFFFF == after.int() & 0xFFFF).all()


@pytest.mark.parametrize("name", ["bgr565le", "rgb565be", "bgr555le"])
def test_colours_of_few_bits_span_the_whole_range(name):
    image = VideoFrame(2, 1, name)
    size = image.planes[0].buffer_size
    image.planes[0].update(b"\xff" * 2 + bytes(size - 2))
    red, green, blue = read_components(to_working(image))
    assert red[0].tolist() == green[0].tolist() == blue[0].tolist() == [255, 0]


@pytest.mark.parametrize("name", ["rgbf32le", "xyz12le", "bayer_rggb8"])
def test_other_formats_are_refused_with_a_remedy(name):
    with pytest.raises(ValueError, match=f"{name} is not supported: convert the video first"):
        working_format(name)
