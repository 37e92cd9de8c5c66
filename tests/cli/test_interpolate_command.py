"""``cdfi interpolate`` on images, folders and videos."""

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.interpolate_inputs import write_image
from tests.video.video_clips import Clip, Mean, images_of, times_of, write_clip

VIDEOS = (
    "asl_bird.mkv",
    "cats_playing.mp4",
    "sintel_snow.mp4",
    pytest.param("bbb_720p.mp4", marks=pytest.mark.slow),
)
FAST = ("--preset", "ultrafast")


def test_two_images_give_the_middle_one(tmp_path, command):
    first, second = write_image(tmp_path / "a.png", 0), write_image(tmp_path / "b.png", 4)
    assert command(first, second, "-o", tmp_path / "c.png") == 0
    with Image.open(tmp_path / "c.png") as made:
        assert (made.size, made.mode) == ((40, 24), "RGB")
    assert str(tmp_path / "c.png") in command.out


def test_sixteen_bits_and_alpha_of_images_are_kept(tmp_path, command):
    for number in range(2):
        frame = av.VideoFrame.from_ndarray(
            np.full((8, 8, 4), 20000 + number, np.uint16), "rgba64le"
        )
        context = av.CodecContext.create("png", "w")
        context.width, context.height, context.pix_fmt = 8, 8, "rgba64be"
        context.time_base = Fraction(1, 25)
        packets = [*context.encode(frame.reformat(format="rgba64be")), *context.encode(None)]
        (tmp_path / f"{number}.png").write_bytes(b"".join(map(bytes, packets)))
    assert command(tmp_path / "0.png", tmp_path / "1.png", "-o", tmp_path / "c.png") == 0
    with av.open(str(tmp_path / "c.png")) as made:
        image = next(made.decode(video=0))
    assert image.format.name == "rgba64be"
    assert set(np.unique(image.reformat(format="rgba64le").to_ndarray()[..., 3])) <= {20000, 20001}


def test_a_folder_of_images_gives_a_folder(tmp_path, command):
    (tmp_path / "in").mkdir()
    for number in (1, 2, 10):  # by number, not by letter
        write_image(tmp_path / "in" / f"{number}.png", number)
    report = command.json(tmp_path / "in", "-o", tmp_path / "out", "--factor", 4)
    assert (report["frames"], report["interpolated"]) == (9, 6)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{number:06d}.png" for number in range(9)]
    for number, name in zip((1, 2, 10), names[::4]):
        given, made = (
            np.asarray(Image.open(path))
            for path in (tmp_path / "in" / f"{number}.png", tmp_path / "out" / name)
        )
        np.testing.assert_array_equal(given, made)


def test_images_of_several_kinds_keep_what_each_has(tmp_path, command):
    (tmp_path / "in").mkdir()
    Image.new("L", (24, 16), 90).save(tmp_path / "in" / "1.png")
    Image.new("RGB", (24, 16), (200, 30, 60)).save(tmp_path / "in" / "2.png")
    assert command(tmp_path / "in", "-o", tmp_path / "out") == 0, command.err
    made = [Image.open(path) for path in sorted((tmp_path / "out").iterdir())]
    assert [image.mode for image in made] == ["L", "RGB", "RGB"]
    assert made[2].getpixel((5, 5)) == (200, 30, 60)


def test_a_dry_run_of_images_writes_nothing(tmp_path, command):
    (tmp_path / "in").mkdir()
    for number in (1, 2):
        write_image(tmp_path / "in" / f"{number}.png", number)
    assert command.json(tmp_path / "in", "--dry-run", "--factor", 4)["frames"] == 5
    pair = (tmp_path / "in" / "1.png", tmp_path / "in" / "2.png")
    assert command.json(*pair, "--dry-run")["interpolated"] == 1
    assert len(list(tmp_path.rglob("*"))) == 3


def test_a_gif_has_the_colours_of_its_source(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    assert command(source, "-o", tmp_path / "out.gif") == 0, command.err
    given, made = images_of(source), images_of(tmp_path / "out.gif")
    given, made = (image[0].to_ndarray(format="rgb24").astype(int) for image in (given, made))
    assert abs(given.mean((0, 1)) - made.mean((0, 1))).max() < 12
    assert np.ptp(made.mean((0, 1))) > np.ptp(given.mean((0, 1))) / 2


@pytest.mark.parametrize("codec", ["dnxhd", "cfhd", "v210", "magicyuv"])
@pytest.mark.long
def test_an_encoder_that_matroska_does_not_take_has_other_segments(tmp_path, command, codec):
    source = write_clip(tmp_path / "in.mp4", Clip(4, size=(256, 128)))
    more = ("-x", "profile=dnxhr_hq") if codec == "dnxhd" else ()
    words = ("-o", tmp_path / "out.mov", "--codec", codec, *more)
    if codec == "dnxhd":
        words += ("--pix-fmt", "yuv422p")
    assert command(source, *words) == 0, command.err
    assert len(times_of(tmp_path / "out.mov")) == 7


def test_a_name_that_looks_like_markup_is_printed_as_it_is(tmp_path, command):
    source = write_clip(tmp_path / "[final] :cat:.mp4", Clip(4))
    assert command(source, *FAST) == 0, command.err
    assert str(tmp_path / "[final] :cat:_2x.mp4") in command.out


def test_a_container_that_cannot_be_written_becomes_mkv_in_a_folder_too(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4", Clip(4)).rename(tmp_path / "in.avi")
    (tmp_path / "out").mkdir()
    assert command.json(source, "-o", tmp_path / "out", *FAST)["target"].endswith("out/in.mkv")


def test_a_video_gives_a_video_beside_it(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4")
    report = command.json(source, *FAST)
    assert report["target"] == str(tmp_path / "in_2x.mp4")
    assert len(times_of(tmp_path / "in_2x.mp4")) == report["frames"] == 23


def test_the_options_of_the_encoder_reach_it(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4", Clip(3))
    words = (
        "--codec",
        "hevc",
        "--crf",
        "30",
        *FAST,
        "--pix-fmt",
        "yuv444p10le",
        "-x",
        "x265-params=bframes=0",
    )
    assert command(source, "-o", tmp_path / "out.mkv", *words) == 0
    with av.open(str(tmp_path / "out.mkv")) as made:
        context = made.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("hevc", "yuv444p10le")
        packets = [packet.pts for packet in made.demux(video=0) if packet.size]
    assert packets == sorted(packets)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("out.mp4", "h264"),
        ("out.mov", "h264"),
        ("out.mkv", "h264"),
        ("out.webm", "vp9"),
        ("out.gif", "gif"),
        ("out.ts", "h264"),
    ],
)
def test_each_container_has_its_default_codec(tmp_path, command, name, codec):
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    assert command(source, "-o", tmp_path / name) == 0, command.err
    with av.open(str(tmp_path / name)) as made:
        assert made.streams.video[0].codec_context.name == codec
    assert len(images_of(tmp_path / name)) == 7


@pytest.mark.long
def test_ten_bits_default_to_hevc(tmp_path, command):
    clip = Clip(3, pix_fmt="yuv420p10le", codec="ffv1", options={})
    source = write_clip(tmp_path / "in.mkv", clip)
    assert command(source, "-o", tmp_path / "out.mp4", *FAST) == 0
    with av.open(str(tmp_path / "out.mp4")) as made:
        context = made.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("hevc", "yuv420p10le")
        assert context.codec_tag == "hvc1"


def test_a_pattern_gives_numbered_images(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4", Clip(3))
    assert command(source, "-o", tmp_path / "frame%03d.png") == 0
    assert sorted(p.name for p in tmp_path.glob("*.png")) == [
        f"frame{n:03d}.png" for n in range(1, 6)
    ]
    with Image.open(tmp_path / "frame001.png") as image:
        assert image.size == (64, 48)


@pytest.mark.long
def test_several_videos_go_to_a_folder_and_report_a_line_each(tmp_path, command):
    (tmp_path / "out").mkdir()
    sources = [write_clip(tmp_path / f"{name}.mp4", Clip(3)) for name in "ab"]
    assert command(*sources, "-o", tmp_path / "out", "--json", *FAST) == 0
    lines = [json.loads(line) for line in command.out.splitlines()]
    assert [line["target"] for line in lines] == [str(tmp_path / "out" / f"{n}.mp4") for n in "ab"]


def test_one_bad_video_of_several_does_not_stop_the_others(tmp_path, command):
    (tmp_path / "out").mkdir()
    (tmp_path / "a.mp4").write_bytes(b"no video")
    good = write_clip(tmp_path / "b.mp4", Clip(3))
    assert command(tmp_path / "a.mp4", good, "-o", tmp_path / "out", *FAST) == 1
    assert (tmp_path / "out" / "b.mp4").exists()
    assert "a.mp4 is not a readable video" in command.err


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4")
    plan = command.json(source, "--dry-run", "--fps", "60")
    assert plan["source_frames"] == 12
    assert plan["frames"] == 29
    assert plan["rate"] == [25.0, 60.0]
    assert plan["memory"] > 0
    least, most = plan["estimated_seconds_range"]
    assert 0 < least <= plan["estimated_seconds"] <= most
    assert 0 < plan["disk_needed"] < plan["free_disk"]
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_dry_run_prints_a_table_with_units(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4")
    assert command(source, "--dry-run", "--fps", "60") == 0
    for text in ("12 -> 29", "25 -> 60 frames/s", "64 x 48", "0 of 1", "MB", " to ", "free"):
        assert text in command.out


def test_a_preview_shows_source_and_result_side_by_side(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4")
    assert command(source, "-o", tmp_path / "side.mp4", "--preview", "--crf", "4") == 0
    images = images_of(tmp_path / "side.mp4")
    assert (images[0].width, images[0].height, len(images)) == (128, 48, 23)
    first = images[0].to_ndarray(format="gray").astype(float)
    assert abs(first[:, :64] - first[:, 64:]).mean() < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "side.mp4"]


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_same_command_resumes(tmp_path, model):
    source, target = write_clip(tmp_path / "in.mp4", Clip(600)), tmp_path / "out.mp4"
    words = ["interpolate", str(source), "-o", str(target), "--model", str(model), *FAST]
    call = [sys.executable, "-m", "cdfi.cli.main", *words]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(tmp_path.glob(".out*/000001.json")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate()
    assert process.returncode == 130, complaints
    assert "Traceback" not in complaints
    assert not target.exists()
    assert subprocess.run(call, check=False).returncode == 0
    assert len(times_of(target)) == 1199


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("rate", [("--factor", "2"), ("--fps", "60")])
@pytest.mark.long
def test_real_files_keep_streams_times_and_tags(tmp_path, command, data, name, rate, monkeypatch):
    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Mean())
    source, target = data / "videos" / name, tmp_path / name
    assert command(source, "-o", target, *rate, *FAST) == 0, command.err
    with av.open(str(source)) as given, av.open(str(target)) as made:
        assert [s.type for s in given.streams] == [s.type for s in made.streams]
        before, after = given.streams.video[0], made.streams.video[0]
        for field in ("colorspace", "color_primaries", "color_trc", "color_range", "pix_fmt"):
            assert getattr(before, field) == getattr(after, field), field
        assert before.sample_aspect_ratio == after.sample_aspect_ratio
        for sound, copy in zip(given.streams.audio, made.streams.audio):
            assert sound.codec_context.name == copy.codec_context.name
    old, new = times_of(source), times_of(target)
    if rate[0] == "--factor":
        assert new[::2] == old
    else:
        tick = Fraction(1, 1000) if name.endswith("mkv") else 0  # Matroska counts milliseconds
        for number, time in enumerate(new):
            assert abs(time - (old[0] + Fraction(number, 60))) <= tick
        assert new[-1] >= old[-1]
