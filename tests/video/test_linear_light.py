"""OpenEXR and DPX images: linear light beyond 1, in half and float."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cdfi.video import interpolate_folder, interpolate_images, interpolate_video
from cdfi.video.writing.exr import from_planes, planes_of, read_exr, write_exr
from cdfi.video.writing.image_files import read_image
from tests.video.video_clips import Mean


def light(number: int, channels: int = 3) -> np.ndarray:
    """Samples G B R [A] of a lamp far brighter than white, in the values that half can hold."""
    ramp = np.linspace(0, 1, 20 * 24, dtype=np.float32).reshape(20, 24)
    planes = np.stack([ramp * (1 + plane + number) for plane in range(channels)])
    planes[:3, 5:9, 5:9] = 40 + number
    if channels == 4:
        planes[3] = ramp
    return planes.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_image_is_written_as_it_was_read(tmp_path: Path, half: bool, channels: int) -> None:
    write_exr(from_planes(light(0, channels), half), tmp_path / "a.exr")
    found = read_exr(tmp_path / "a.exr")
    assert ("f16" in found.format.name) is half
    np.testing.assert_array_equal(planes_of(found), light(0, channels))


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_folder_keeps_its_light_and_interpolates_beyond_white(
    tmp_path: Path, half: bool, channels: int
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        write_exr(from_planes(light(number, channels), half), tmp_path / "in" / f"a{number}.exr")
    assert interpolate_folder(tmp_path / "in", tmp_path / "out", model=Mean()) == 5
    made = [read_exr(tmp_path / "out" / f"{number:06d}.exr") for number in range(5)]
    for number in range(3):
        np.testing.assert_array_equal(planes_of(made[2 * number]), light(number, channels))
    middle = planes_of(made[1])
    assert ("f16" in made[1].format.name) is half
    wanted = (np.log1p(50 * light(0, channels)) + np.log1p(50 * light(1, channels))) / 2
    coloured = slice(None, 3)
    np.testing.assert_allclose(
        middle[coloured], np.expm1(wanted[coloured]) / 50, rtol=2e-3, atol=1e-4
    )
    assert middle[0, 6, 6] > 40


def test_two_images_give_one(tmp_path: Path) -> None:
    for number in range(2):
        write_exr(from_planes(light(number), half=True), tmp_path / f"{number}.exr")
    interpolate_images(tmp_path / "0.exr", tmp_path / "1.exr", tmp_path / "m.exr", model=Mean())
    assert planes_of(read_exr(tmp_path / "m.exr"))[0, 6, 6] == pytest.approx(40.5, rel=2e-3)


def test_linear_light_does_not_become_a_video(tmp_path: Path) -> None:
    for number in range(2):
        write_exr(from_planes(light(number), half=True), tmp_path / f"{number}.exr")
    with pytest.raises(ValueError, match="EXR holds linear light"):
        interpolate_video(tmp_path / "%d.exr", tmp_path / "o.mov", model=Mean(), rate=24)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write_exr(from_planes(light(0), half=True), tmp_path / "a.exr")
    content = (tmp_path / "a.exr").read_bytes()
    (tmp_path / "b.exr").write_bytes(content[: len(content) // 2])
    (tmp_path / "c.exr").write_bytes(b"no image")
    for name in ("b.exr", "c.exr"):
        with pytest.raises(ValueError, match=name):
            interpolate_images(tmp_path / name, tmp_path / name, tmp_path / "m.exr", model=Mean())


def test_dpx_images_become_images_of_16_bits(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        context = av.CodecContext.create("dpx", "w")
        context.width, context.height, context.pix_fmt = 24, 20, "rgb48be"
        context.time_base = Fraction(1, 25)
        samples = np.full((20, 24, 3), 20000 + 999 * number, np.uint16)
        frame = av.VideoFrame.from_ndarray(samples, "rgb48le").reformat(format="rgb48be")
        packets = context.encode(frame) + context.encode(None)
        (tmp_path / "in" / f"{number}.dpx").write_bytes(b"".join(map(bytes, packets)))
    interpolate_folder(tmp_path / "in", tmp_path / "out", model=Mean())
    made = [read_image(tmp_path / "out" / f"{number:06d}.png") for number in range(3)]
    levels = [int(image.to_ndarray(format="rgb48le")[0, 0, 0]) for image in made]
    assert levels == [20000, pytest.approx(20499, abs=2), 20999]
