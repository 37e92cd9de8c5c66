"""Files of 8-bit RGB are read; the errors for others name the file."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.evaluation.data.rgb_images import read_rgb_image, save_rgb_image, to_rgb_image, to_tensor
from tests.evaluation.small_sets import noise, save


def sixteen_bit_png(path: Path) -> Path:
    """A valid 16-bit RGB PNG, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    pixels = zlib.compress(2 * (b"\0" + bytes(12)))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_an_8_bit_rgb_file_is_read_exactly(tmp_path: Path) -> None:
    pixels = noise(0)
    np.testing.assert_array_equal(read_rgb_image(save(tmp_path / "a.png", pixels)), pixels)


@pytest.mark.parametrize(
    ("mode", "name"),
    [("L", "grey"), ("LA", "grey with alpha"), ("RGBA", "RGB with alpha"), ("P", "palette")],
)
def test_other_channels_are_refused(tmp_path: Path, mode: str, name: str) -> None:
    Image.fromarray(noise(0)).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png: expected an 8-bit RGB image, got {name};"):
        read_rgb_image(tmp_path / "a.png")


def test_16_bit_colour_is_refused_though_pillow_would_cut_it(tmp_path: Path) -> None:
    file = sixteen_bit_png(tmp_path / "deep.png")
    assert Image.open(file).mode == "RGB"
    with pytest.raises(ValueError, match=r"deep\.png: .* got 16 bits a channel"):
        read_rgb_image(file)


def test_16_bit_grey_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png: .* got 16 bits a channel"):
        read_rgb_image(tmp_path / "deep.png")


def test_a_text_file_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not an image")
    with pytest.raises(ValueError, match=r"a\.png: not an image of PNG"):
        read_rgb_image(tmp_path / "a.png")


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    file = save(tmp_path / "a.png", noise(0))
    file.write_bytes(file.read_bytes()[:600])
    with pytest.raises(ValueError, match=r"a\.png: cannot be read"):
        read_rgb_image(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.png: no such file"):
        read_rgb_image(tmp_path / "gone.png")


def test_predictions_round_halves_upward_and_are_clamped() -> None:
    batch = torch.tensor([-1.0, 0.5 / 255, 1.49 / 255, 2.0]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    assert to_rgb_image(batch)[0, :, 0].tolist() == [0, 1, 1, 255]


def test_bytes_survive_conversion_to_a_tensor_and_back() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(to_rgb_image(to_tensor(every)), every)


def test_saving_an_image_leaves_no_temporary_file(tmp_path: Path) -> None:
    save_rgb_image(tmp_path / "new" / "a.png", noise(0))
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.png"]
