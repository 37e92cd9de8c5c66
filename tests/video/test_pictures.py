"""Still images: order, orientation, modes."""

import numpy as np
import pytest
from PIL import Image

from cdfi.video.pictures import images_in, read_image, write_image


def test_images_are_ordered_as_people_number_them(tmp_path):
    for name in ("b10.png", "b9.png", "a.jpg", "B11.PNG", "notes.txt", "._a.jpg"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["a.jpg", "b9.png", "b10.png", "B11.PNG"]


def test_an_image_is_turned_upright(tmp_path):
    image = Image.fromarray(np.arange(24 * 16 * 3, dtype=np.uint8).reshape(16, 24, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned; to be shown a quarter turn on
    image.save(tmp_path / "a.png", exif=exif)
    upright = read_image(tmp_path / "a.png")
    assert (upright.width, upright.height) == (16, 24)
    np.testing.assert_array_equal(upright.to_ndarray(), np.rot90(np.asarray(image), -1))


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("L", "gray"),
        ("RGB", "rgb24"),
        ("RGBA", "rgba"),
        ("P", "rgb24"),
        ("1", "rgb24"),
        ("LA", "rgba"),
    ],
)
def test_each_mode_becomes_a_format_that_shows_it(tmp_path, mode, name):
    Image.new(mode, (8, 4)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").format.name == name


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp", ".jpg"])
def test_what_is_written_is_read_back(tmp_path, suffix):
    ramp = np.add.outer(np.arange(16), np.arange(24)).astype(np.uint8)[..., None].repeat(3, 2) * 4
    Image.fromarray(ramp).save(tmp_path / "a.png")
    write_image(read_image(tmp_path / "a.png"), tmp_path / f"b{suffix}")
    back = read_image(tmp_path / f"b{suffix}").to_ndarray().astype(int)
    assert abs(back - ramp).mean() < 3
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"a.png", f"b{suffix}"})


def test_an_unknown_ending_leaves_nothing(tmp_path):
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="unsupported image format"):
        write_image(read_image(tmp_path / "a.png"), tmp_path / "b.nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
