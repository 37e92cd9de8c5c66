"""Images to images: tags, gaps, animations, damage."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from cdfi.video import Options, interpolate_folder, interpolate_images, interpolate_video
from cdfi.video.image_gaps import gaps_of
from cdfi.video.writing.image_files import read_image, write_image
from cdfi.video.writing.image_tags import ImageTags, read_tags
from tests.video.video_clips import Mean

CASES = Path(__file__).parent / "cases"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def two(folder, suffix=".png", mode="RGB", **tags):
    """Two images of a gradient."""
    ramp = np.linspace(0, 200, 32 * 24 * len(Image.new(mode, (1, 1)).getbands())).astype(np.uint8)
    paths = []
    for number in range(2):
        image = Image.fromarray((ramp + 20 * number).reshape(24, 32, -1).squeeze(), mode)
        paths.append(folder / f"in{number}{suffix}")
        image.save(paths[-1], **tags)
    return paths


def middle(paths, target):
    """Interpolate two images and return the warnings."""
    lines = []
    interpolate_images(*paths, target, model=Mean(), on_warning=lines.append)
    return lines


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_profile_and_resolution_are_kept(tmp_path, suffix):
    lines = middle([CASES / "icc_0.jpg", CASES / "icc_1.jpg"], tmp_path / f"m{suffix}")
    given, made = read_tags(CASES / "icc_0.jpg"), read_tags(tmp_path / f"m{suffix}")
    assert lines == []
    assert made.icc == given.icc is not None
    assert made.dpi == given.dpi


@pytest.mark.parametrize(("suffix", "lost"), [(".webp", 1), (".bmp", 1), (".ppm", 2), (".tga", 2)])
def test_what_a_format_does_not_keep_is_named(tmp_path, suffix, lost):
    paths = two(tmp_path, icc_profile=PROFILE, dpi=(300, 150))
    lines = middle(paths, tmp_path / f"m{suffix}")
    assert len(lines) == lost
    assert read_image(tmp_path / f"m{suffix}").width == 32
    if suffix == ".webp":
        assert read_tags(tmp_path / "m.webp").icc == PROFILE


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_deep_images_keep_profile_and_resolution(tmp_path, suffix):
    samples = np.linspace(0, 65535, 24 * 32 * 3).astype("<u2").reshape(24, 32, 3)
    image = read_image_of(samples)
    tags = ImageTags(PROFILE, (300.0, 150.0))
    assert write_image(image, tmp_path / f"a{suffix}", tags) == []
    found = read_tags(tmp_path / f"a{suffix}")
    assert found.icc == PROFILE
    assert found.dpi == pytest.approx((300, 150), abs=0.02)
    back = read_image(tmp_path / f"a{suffix}")
    assert (back.to_ndarray(format="rgb48le") == samples).all()


def read_image_of(samples):
    from av.video.frame import VideoFrame

    return VideoFrame.from_ndarray(samples, "rgb48le")


def test_a_profile_of_other_colours_is_left_out_and_named(tmp_path):
    paths = two(tmp_path, mode="L", icc_profile=PROFILE)
    (line,) = middle(paths, tmp_path / "m.png")
    assert "colour profile" in line
    assert read_tags(tmp_path / "m.png").icc is None


def test_alpha_that_is_lost_is_named(tmp_path):
    (line,) = middle(two(tmp_path, mode="RGBA"), tmp_path / "m.jpg")
    assert "alpha" in line


def test_images_of_different_profiles_are_named(tmp_path):
    first = two(tmp_path, icc_profile=PROFILE)[0]
    second = shutil.copy(tmp_path / "in1.png", tmp_path / "other.png")
    Image.open(second).save(second)
    Image.open(first).save(tmp_path / "plain.png", icc_profile=None)
    (line,) = middle([first, tmp_path / "plain.png"], tmp_path / "m.png")
    assert "differ in their colour profiles" in line


def test_a_folder_keeps_each_images_tags_and_names_gaps(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number, dpi in ((1, 72), (2, 100), (5, 300), (6, 50)):
        Image.new("RGB", (16, 16), (number * 9, 0, 0)).save(
            folder / f"f100{number}.png", dpi=(dpi, dpi), icc_profile=PROFILE
        )
    lines = []
    count = interpolate_folder(folder, tmp_path / "out", model=Mean(), on_warning=lines.append)
    assert count == 7
    (line,) = lines
    assert "f1002.png is followed by f1005.png: 2 images seem to be missing" in line
    found = [read_tags(tmp_path / "out" / f"{number:06d}.png") for number in range(7)]
    assert [round(tags.dpi[0]) for tags in found] == [72, 72, 100, 100, 300, 300, 50]
    assert {tags.icc for tags in found} == {PROFILE}


def test_even_steps_and_plain_names_are_no_gaps():
    assert gaps_of([Path(f"a{number}.png") for number in (10, 12, 14)]) == []
    assert gaps_of([Path(f"{name}.png") for name in "abd"]) == []
    assert len(gaps_of([Path(f"a{number}.png") for number in (1, 2, 4, 5, 9)])) == 2


def test_targa_images_are_taken(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(2):
        Image.new("RGB", (16, 16), (number * 9, 0, 0)).save(folder / f"{number}.tga")
    assert interpolate_folder(folder, tmp_path / "out", model=Mean()) == 3


def test_a_folder_without_images_is_refused_with_what_it_holds(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.psd").touch()
    with pytest.raises(ValueError, match=r"holds 0 images, expected .*; its files are: 3 \.psd"):
        interpolate_folder(tmp_path, tmp_path / "out", model=Mean())


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_animations_are_refused_with_a_remedy(tmp_path, suffix):
    frames = [Image.new("RGB", (16, 16), (60 * number, 0, 0)) for number in range(3)]
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    with pytest.raises(ValueError, match=f"a{suffix} is an animation of 3 frames: convert it"):
        read_image(path)


def test_pipes_and_standard_input_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(ValueError, match=r"pipe\.mp4 is a pipe or a device"):
        interpolate_video(
            tmp_path / "pipe.mp4", tmp_path / "x.mp4", options=Options(), model=Mean()
        )
    with pytest.raises(ValueError, match="standard input cannot be read twice"):
        interpolate_video("-", tmp_path / "x.mp4", options=Options(), model=Mean())
