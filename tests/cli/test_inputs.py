"""Folders of clips, globs, numbered sequences, animations, and outputs that are created."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.interpolate_inputs import write_image
from tests.video.video_clips import Clip, images_of, times_of, write_clip

FAST = ("--preset", "ultrafast")


def write_sequence(folder, numbers, name="shot.{:04d}.png"):
    folder.mkdir(exist_ok=True)
    return [write_image(folder / name.format(number), number) for number in numbers]


def test_a_folder_of_clips_becomes_a_new_folder(tmp_path, command):
    for name in ("b2.mp4", "b10.mkv"):
        (tmp_path / "in").mkdir(exist_ok=True)
        write_clip(tmp_path / "in" / name, Clip(2))
    (tmp_path / "in" / ".hidden.mp4").write_bytes(b"")
    assert command(tmp_path / "in", "-o", tmp_path / "new" / "out", *FAST, "--json") == 0
    rows = [json.loads(line) for line in command.out.splitlines()]
    assert [row["target"][-6:] for row in rows] == ["b2.mp4", "10.mkv"]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "b10.mkv",
        "b2.mp4",
    ]


def test_a_glob_is_expanded(tmp_path, command):
    write_clip(tmp_path / "a1.mp4", Clip(2))
    write_clip(tmp_path / "b.mp4", Clip(2))
    assert command(tmp_path / "a*.mp4", "-o", tmp_path / "out", *FAST) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a1.mp4"]
    assert command(tmp_path / "c*.mp4", "-o", tmp_path / "out") == 1
    assert "no file matches" in command.err


def test_a_folder_of_clips_and_images_is_refused_with_an_example(tmp_path, command):
    write_clip(tmp_path / "a.mp4", Clip(2))
    write_sequence(tmp_path, (1, 2))
    assert command(tmp_path, "-o", tmp_path / "out") == 1
    assert "1 clips and 2 images: choose one kind" in command.err
    assert not (tmp_path / "out").exists()


def test_an_output_folder_of_a_failed_run_is_removed(tmp_path, command):
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    assert command(tmp_path / "bad.mp4", "-o", tmp_path / "new" / "deep" / "out.mp4") == 1
    assert not (tmp_path / "new").exists()
    write_clip(tmp_path / "in.mp4", Clip(2))
    assert command(tmp_path / "in.mp4", "-o", tmp_path / "new" / "deep" / "out.mp4", *FAST) == 0


@pytest.mark.parametrize("pattern", ["shot.%04d.png", "shot.####.png", "."])
def test_a_sequence_becomes_a_video(tmp_path, command, pattern):
    write_sequence(tmp_path / "in", range(1001, 1005))
    target = tmp_path / "out.mkv"
    words = (tmp_path / "in" / pattern, "-o", target, "--codec", "ffv1")
    assert command(*words) == 1
    assert "give their rate, such as --rate 24" in command.err
    report = command.json(*words, "--rate", "23.976")
    assert report["source"] == str(tmp_path / "in" / pattern)
    assert (report["frames"], report["interpolated"]) == (7, 3)
    assert times_of(target) == pytest.approx([n * 1001 / 48000 for n in range(7)], abs=1e-3)
    made = images_of(target)[2].to_ndarray(format="rgb24")
    with Image.open(tmp_path / "in" / "shot.1002.png") as given:
        np.testing.assert_array_equal(made, np.asarray(given))


@pytest.mark.long
def test_gaps_of_a_sequence_are_named_and_filled_at_their_instants(tmp_path, command):
    write_sequence(tmp_path / "in", (1, 2, 5, 6))
    pattern, target = tmp_path / "in" / "shot.%d.png", tmp_path / "out.mkv"
    assert command(pattern, "-o", target, "--codec", "ffv1", "--rate", "25") == 0
    assert "shot.0002.png is followed by shot.0005.png: 2 images are missing" in command.err
    assert len(times_of(target)) == 7
    report = command.json(
        pattern,
        "-o",
        target,
        "--codec",
        "ffv1",
        "--rate",
        "25",
        "--fill-gaps",
        "--overwrite",
        "--no-scenes",
    )
    assert (report["frames"], report["interpolated"]) == (12, 7)  # the last frame is shown twice
    made = images_of(target)
    for number, place in ((1, 0), (2, 2), (5, 8), (6, 10)):
        with Image.open(tmp_path / "in" / f"shot.{number:04d}.png") as given:
            np.testing.assert_array_equal(made[place].to_ndarray(format="rgb24"), np.asarray(given))


def test_gaps_of_a_folder_are_filled_with_images(tmp_path, command):
    write_sequence(tmp_path / "in", (1, 2, 5, 6))
    report = command.json(tmp_path / "in", "-o", tmp_path / "out", "--fill-gaps")
    assert (report["frames"], report["interpolated"]) == (11, 7)
    for number, place in ((1, 0), (2, 2), (5, 8), (6, 10)):
        with (
            Image.open(tmp_path / "in" / f"shot.{number:04d}.png") as given,
            Image.open(tmp_path / "out" / f"{place:06d}.png") as made,
        ):
            np.testing.assert_array_equal(np.asarray(made), np.asarray(given))


def test_a_sequence_becomes_numbered_images(tmp_path, command):
    write_sequence(tmp_path / "in", (1, 2, 3))
    assert command(tmp_path / "in" / "shot.%04d.png", "-o", tmp_path / "out" / "s.%03d.png") == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"s.{number:03d}.png" for number in range(1, 6)]


@pytest.mark.parametrize(
    ("codec", "suffix", "pix_fmt"),
    [
        ("targa", "tga", "bgr24"),
        ("tiff", "tif", "rgb48le"),
        ("png", "png", "rgb48be"),
        ("dpx", "dpx", "rgb48be"),
        ("dpx", "dpx", "gbrp10be"),
    ],
)
def test_formats_of_film_are_read_at_their_depth(tmp_path, command, codec, suffix, pix_fmt):
    (tmp_path / "in").mkdir()
    for number in range(3):
        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt = 64, 48, pix_fmt
        context.time_base = Fraction(1, 25)
        ramp = np.add.outer(np.arange(48), np.arange(64))[..., None] * np.array([200, 300, 400])
        frame = av.VideoFrame.from_ndarray((ramp + number * 4000).astype(np.uint16), "rgb48le")
        packets = context.encode(frame.reformat(format=pix_fmt)) + context.encode(None)
        (tmp_path / "in" / f"s{number}.{suffix}").write_bytes(b"".join(map(bytes, packets)))
    target = tmp_path / "out.mkv"
    report = command.json(
        tmp_path / "in" / f"s%d.{suffix}", "-o", target, "--rate", "24", "--codec", "ffv1"
    )
    assert (report["frames"], report["interpolated"], report["warnings"]) == (5, 2, [])
    made = images_of(target)[0].to_ndarray(format="rgb48le").astype(int)
    wanted = ramp if pix_fmt.startswith("rgb48") else None
    if wanted is not None:
        assert np.abs(made - wanted).max() == 0


def write_animation(path, count=3, **more):
    pixels = [np.full((24, 32, 3), 40 + 10 * n, np.uint8) for n in range(count)]
    images = [Image.fromarray(one) for one in pixels]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=[40, 80, 40], loop=0, **more
    )
    return path


@pytest.mark.parametrize("source", ["in.webp", "in.png", "in.gif"])
@pytest.mark.parametrize("target", ["out.webp", "out.apng", "out.gif", "out.mp4"])
def test_animations_are_read_and_written(tmp_path, command, source, target):
    more = {"lossless": True} if source == "in.webp" else {}
    write_animation(tmp_path / source, **more)
    report = command.json(tmp_path / source, "-o", tmp_path / target)
    assert (report["frames"], report["interpolated"]) == (5, 2)
    if target == "out.mp4":
        wanted = [0, 0.02, 0.04, 0.08, 0.12]
        assert times_of(tmp_path / target) == pytest.approx(wanted, abs=1e-3)
        return
    with Image.open(tmp_path / target) as made:
        shown = []
        for number in range(made.n_frames):
            made.seek(number)
            made.load()
            shown.append(made.info["duration"])
            if number % 2 == 0:
                level = np.asarray(made.convert("RGB")).mean()
                assert level == pytest.approx(40 + 5 * number, abs=2.5)
    assert shown == [20, 20, 40, 40, 40]


def test_a_damaged_animation_is_named(tmp_path, command):
    source = write_animation(tmp_path / "in.png", compress_level=0)
    source.write_bytes(source.read_bytes()[:-60])
    assert command(source, "-o", tmp_path / "out.mp4") == 1
    assert command.err.startswith(f"cdfi: {source} is damaged or incomplete: ")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_a_still_png_is_no_animation(tmp_path, command):
    write_image(tmp_path / "a.png")
    assert command(tmp_path / "a.png") == 1
    assert "expected two images" in command.err


def test_options_for_images_are_refused_for_a_video(tmp_path, command):
    write_clip(tmp_path / "in.mp4", Clip(2))
    for words in (("--rate", "24"), ("--fill-gaps",)):
        assert command(tmp_path / "in.mp4", *words) == 1
        assert "has times of its own" in command.err
