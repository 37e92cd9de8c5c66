"""Still images: order, orientation, modes."""

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.common.image_numbers import images_of
from cdfi.video.pixels.formats import layout, read_components, write_components
from cdfi.video.writing.image_files import read_image, write_image


def test_images_are_in_natural_order(tmp_path):
    for name in ("b10.png", "b9.png", "a.jpg", "B11.PNG", "notes.txt", "._a.jpg"):
        (tmp_path / name).touch()
    assert [path.name for path in images_of(tmp_path).paths] == [
        "a.jpg",
        "b9.png",
        "b10.png",
        "B11.PNG",
    ]


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


def deep(form, height=16, width=24):
    """A picture of 16 bits, whose low bytes matter."""
    parts = len(layout(form).planes)
    grid = torch.arange(height * width).reshape(height, width)
    return write_components([(grid * 97 + 31 * i) % 65536 for i in range(parts)], form)


def same(one, other):
    pairs = zip(read_components(one), read_components(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("form", ["gray16le", "rgb48le", "rgba64le", "ya16le"])
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".tif"])
def test_16_bits_are_kept(tmp_path, form, suffix):
    write_image(deep(form), tmp_path / f"a{suffix}")
    back = read_image(tmp_path / f"a{suffix}")
    if form == "ya16le" and suffix != ".png":  # as grey with alpha of 8 bits: red, green and blue
        grey, alpha = read_components(deep(form))
        assert all(map(torch.equal, read_components(back), [grey, grey, grey, alpha]))
    else:
        assert same(back, deep(form))
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_16_bits_are_kept_in_a_ppm_with_comments(tmp_path):
    write_image(deep("rgb48le"), tmp_path / "a.ppm")
    written = (tmp_path / "a.ppm").read_bytes()
    assert same(read_image(tmp_path / "a.ppm"), deep("rgb48le"))
    magic, rest = written[:3], written[3:]
    (tmp_path / "b.ppm").write_bytes(magic + b"# made by hand\n" + rest)
    assert read_image(tmp_path / "b.ppm").format.name == "rgb48le"


def test_grey_of_16_bits_by_another_program_is_read(tmp_path):
    grid = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 97
    Image.fromarray(grid).save(tmp_path / "a.tiff")
    assert same(read_image(tmp_path / "a.tiff"), deep("gray16le"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_images_are_turned_as_shallow_ones_are(tmp_path, orientation):
    shallow = np.arange(16 * 24, dtype=np.uint8).reshape(16, 24)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(shallow).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(shallow.astype(np.uint16)).save(tmp_path / "b.png", exif=exif)
    one, other = read_image(tmp_path / "a.png"), read_image(tmp_path / "b.png")
    np.testing.assert_array_equal(one.to_ndarray(), other.to_ndarray())


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_samples_that_no_picture_has_are_refused(tmp_path, kind):
    Image.fromarray(np.ones((4, 8), kind)).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match=r"a\.tiff: expected samples of 8 or 16 bits"):
        read_image(tmp_path / "a.tiff")
