"""OpenEXR and DPX images: linear light beyond 1, in half and float."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cdfi.video import interpolate_folder, interpolate_images, interpolate_video
from cdfi.video.pixels.linear_samples import encoded, from_planes, planes_of
from cdfi.video.writing.exr import read_exr, write_exr
from cdfi.video.writing.image_files import read_image
from tests.video.video_clips import Mean, images_of, times_of


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


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_sequence_becomes_a_video_of_srgb(tmp_path: Path, half: bool, channels: int) -> None:
    for number in range(3):
        image = from_planes(light(number, channels), half)
        write_exr(image, tmp_path / f"shot.{number:04d}.exr")
    target = tmp_path / "o.mkv"
    report = interpolate_video(
        tmp_path / "shot.%04d.exr", target, model=Mean(), rate=24, codec="ffv1"
    )
    assert any("linear light becomes sRGB" in line for line in report.warnings)
    made = images_of(target)
    assert len(made) == 5
    assert times_of(target)[-1] == pytest.approx(Fraction(2, 24), abs=1e-3)
    codes = scene_linear_as_srgb(light(1, channels))
    wanted = codes[[2, 0, 1, 3][:channels]] if channels > 1 else np.repeat(codes, 3, 0)
    shown = made[2].to_ndarray(format="gbrap16le" if channels == 4 else "gbrp16le")
    assert np.abs(np.moveaxis(shown, -1, 0).astype(int) - wanted).max() <= 64  # of 65535
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc) == (1, 13)


def scene_linear_as_srgb(planes: np.ndarray) -> np.ndarray:
    """Samples G B R [A] in codes of 16 bits, by the formula of IEC 61966-2-1."""
    colours = planes[:3].clip(0, 1).astype(float)
    low, high = 12.92 * colours, 1.055 * colours ** (1 / 2.4) - 0.055
    codes = np.where(colours <= 0.0031308, low, high)
    return np.round(65535 * np.concatenate([codes, planes[3:].clip(0, 1)])).astype(int)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_linear_light_is_encoded_by_the_curve_of_srgb(half: bool, channels: int) -> None:
    planes = light(0, channels)
    planes[0, 0, :4] = -1, np.nan, np.inf, 2
    found = encoded(from_planes(planes, half))
    samples = [np.frombuffer(plane, "<u2").reshape(20, -1)[:, :24] for plane in found.planes]
    planes[0, 0, :4] = 0, 0, 1, 1
    assert np.abs(np.stack(samples).astype(int) - scene_linear_as_srgb(planes)).max() <= 1


def test_a_box_of_a_folder_is_held_from_the_nearest_image(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        write_exr(from_planes(light(number), half=False), tmp_path / "in" / f"{number}.exr")
    interpolate_folder(tmp_path / "in", tmp_path / "out", model=Mean(), factor=4, hold=("4,4,6,6",))
    first, last = light(0), light(1)
    for number, near in ((1, first), (2, last), (3, last)):
        made = planes_of(read_exr(tmp_path / "out" / f"{number:06d}.exr"))
        assert np.allclose(made[:, 4:10, 4:10], near[:, 4:10, 4:10], rtol=1e-5)
        assert not np.allclose(made[:, 12:, 12:], near[:, 12:, 12:], rtol=1e-3)


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
