"""Bad input to ``cdfi interpolate``: one clear line, and nothing lost or half-written."""

import itertools
import os
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.cli.interpolate_inputs import write_image
from tests.media import sliding, write_video
from tests.video.video_clips import Clip, add_tone, images_of, picture, times_of, write_clip

TAKE_NUMBERS = ("--fps", "--rate", "--slow", "--start", "--end", "--duration", "--memory")
FAST = ("--preset", "ultrafast")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "in.mp4", Clip(audio=True))


@pytest.fixture
def refused(command, tmp_path):
    """Run the command, which must fail with one line and change nothing in the folder."""

    def run(*words, status=1):
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        assert command(*words) == status
        if status == 1:
            assert len(command.err.strip().splitlines()) == 1
        assert "Traceback" not in command.err
        assert command.out == ""
        after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        assert before == after
        return command.err

    return run


def test_a_missing_file(refused, tmp_path):
    assert "nothing.mp4 does not exist" in refused(tmp_path / "nothing.mp4")


def test_no_file_at_all_is_a_wrong_use(refused):
    refused(status=2)


def test_an_unknown_option_is_a_wrong_use(refused, clip):
    refused(clip, "--faktor", "2", status=2)


def test_a_folder_without_images(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds 0 images, expected two or more" in refused(tmp_path / "empty")


def test_a_folder_among_videos(refused, clip, tmp_path):
    (tmp_path / "out").mkdir()
    assert "of images is interpolated alone" in refused(
        tmp_path, tmp_path / "no.mp4", "-o", tmp_path / "out"
    )


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.png", "a.txt"])
def test_files_with_meaningless_content(refused, tmp_path, name):
    for content in (b"", b"hello", bytes(5000)):
        (tmp_path / name).write_bytes(content)
        words = (tmp_path / name,) * (2 if name.endswith("png") else 1)
        error = refused(*words, "-o", tmp_path / f"out{Path(name).suffix}")
        assert name in error


def test_one_image_alone(refused, tmp_path):
    error = refused(write_image(tmp_path / "a.png"))
    assert "expected two images, a folder of images, or videos" in error


def test_images_of_different_sizes(refused, tmp_path):
    first = write_image(tmp_path / "a.png")
    second = write_image(tmp_path / "b.png", size=(24, 40))
    error = refused(first, second, "-o", tmp_path / "c.png")
    assert "40 x 24" in error
    assert "24 x 40" in error


def test_a_truncated_image(refused, tmp_path):
    first, second = write_image(tmp_path / "a.png"), write_image(tmp_path / "b.png")
    second.write_bytes(second.read_bytes()[: second.stat().st_size // 2])
    assert "b.png is" in refused(first, second, "-o", tmp_path / "c.png")


def test_an_unknown_image_format(refused, tmp_path):
    first, second = write_image(tmp_path / "a.png"), write_image(tmp_path / "b.png")
    assert "unsupported image format" in refused(first, second, "-o", tmp_path / "c.xyz")


@pytest.mark.parametrize("words", [("--fps", "60"), ("--slow", "2")])
def test_images_have_no_times(refused, tmp_path, words):
    first, second = write_image(tmp_path / "a.png"), write_image(tmp_path / "b.png")
    assert "images have no times" in refused(first, second, *words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--factor", "1"), "factor must be a whole number from 2 to 1000, got 1"),
        (("--factor", "0"), "factor must be"),
        (("--factor", "-2"), "factor must be"),
        (("--fps", "0"), "a rate is above 0"),
        (("--fps", "fast"), "expected a rate such as 60"),
        (("--fps", "10"), "fps 10 is below the source's 25"),
        (("--factor", "2", "--fps", "60"), "expected one of them"),
        (("--slow", "0"), "slow must be"),
        (("--codec", "h265"), "unknown codec 'h265'"),
        (("--codec", "aac"), "is not a video encoder"),
        (("--pix-fmt", "yuv999p"), "yuv999p"),
        (("--preset", "warp"), "preset"),
        (("-x", "nonsense"), "expected key=value"),
        (("-x", "no-such=1"), "no-such"),
        (("--memory", "much"), "expected a size such as 4GB"),
        (("--memory", "1KB"), "--memory"),
        (("--device", "abacus"), "abacus"),
        (("--jobs", "0"), "jobs must be from 1 to"),
        *(((name, "1e999999999"), f"{name}: expected") for name in TAKE_NUMBERS),
        *(((name, "9" * 300), f"{name}: expected") for name in TAKE_NUMBERS),
        (("--slow", "1e50"), "slow must be from 1 to"),
        (("--rate", "1e50"), "rate must be above 0 and at most"),
    ],
)
def test_impossible_options(refused, clip, tmp_path, words, text):
    assert text in refused(clip, "-o", tmp_path / "out.mp4", *words)


def test_a_quality_that_the_encoder_does_not_have(refused, clip, tmp_path):
    words = ("--codec", "prores", "--crf", "3")
    error = refused(clip, "-o", tmp_path / "out.mov", *words)
    assert "encoder prores_ks has no crf: give its own options with -x" in error


def test_an_unknown_model_shows_similar_names(refused, clip, tmp_path):
    error = refused(clip, "-o", tmp_path / "o.mp4", "--model", "compresed-adacof")
    assert "compressed-adacof" in error


def test_a_result_that_exists_is_not_replaced(refused, clip, tmp_path):
    (tmp_path / "out.mp4").write_text("precious")
    error = refused(clip, "-o", tmp_path / "out.mp4")
    assert "exists: give --overwrite to replace it" in error


def test_the_source_is_never_replaced(refused, tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(3))
    assert "is the source itself" in refused(source, "-o", source, "--overwrite")


def test_an_unsupported_container(refused, clip, tmp_path):
    assert "unsupported container .doc; expected one of .mp4" in refused(
        clip, "-o", tmp_path / "out.doc"
    )


def test_a_codec_that_the_container_does_not_take(refused, clip, tmp_path):
    assert ".webm cannot hold libx264" in refused(
        clip, "-o", tmp_path / "out.webm", "--codec", "h264", *FAST
    )


def test_a_pattern_without_a_number(refused, clip, tmp_path):
    assert "expected a pattern with one number" in refused(clip, "-o", tmp_path / "a%s%d.png")


def test_a_numbered_image_that_is_there_already(refused, clip, tmp_path):
    (tmp_path / "a00007.png").write_bytes(b"mine")
    assert "a00007.png exists: give --overwrite" in refused(clip, "-o", tmp_path / "a%05d.png")


def test_images_do_not_replace_themselves(refused, tmp_path):
    pair = [write_image(tmp_path / f"{number}.png", number) for number in range(2)]
    for words in ((tmp_path, "-o", tmp_path), (*pair, "-o", pair[1])):
        assert "is the source itself" in refused(*words, "--overwrite")


@pytest.mark.parametrize(
    "words", [("--crf", "20"), ("--audio", "copy"), ("--dedup",), ("--jobs", "2"), ("--preview",)]
)
def test_options_of_videos_are_refused_for_images(refused, tmp_path, words):
    pair = [write_image(tmp_path / f"{number}.png", number) for number in range(2)]
    assert f"{words[0]}" in (said := refused(*pair, *words))
    assert "for videos, not for images" in said


def test_a_dry_run_refuses_what_the_run_would(refused, tmp_path):
    (tmp_path / "in").mkdir()
    assert "holds 0 images" in refused(tmp_path / "in", "--dry-run")
    pair = [write_image(tmp_path / f"{number}.png", number) for number in range(2)]
    there = write_image(tmp_path / "there.png")
    assert "exists: give --overwrite" in refused(*pair, "-o", there, "--dry-run")


def test_a_video_of_images_needs_their_rate(refused, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(2):
        write_image(tmp_path / "in" / f"{number}.png", number)
    assert "--rate 24" in refused(tmp_path / "in", "-o", tmp_path / "movie.mp4")
    assert not (tmp_path / "movie.mp4").exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_an_output_folder_that_is_not_writable(refused, clip, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert "is not writable" in refused(clip, "-o", tmp_path / "locked" / "out.mp4")


def test_several_videos_need_a_folder(refused, clip, tmp_path):
    assert "several videos need an output folder" in refused(clip, clip, "-o", tmp_path / "out.mp4")


def test_several_videos_of_one_name(refused, clip, tmp_path):
    assert "the same name" in refused(clip, clip, "-o", tmp_path)


def test_a_file_with_sound_alone(refused, tmp_path):
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        add_tone(container, container.add_stream("aac", rate=48000, layout="mono"), 0.5)
    assert "has no video stream, only audio" in refused(tmp_path / "in.mp4")


def test_a_single_frame(refused, tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(1))
    assert "has a single frame" in refused(source, "-o", tmp_path / "out.mp4")


def test_an_unsupported_pixel_format(refused, tmp_path):
    clip = Clip(3, pix_fmt="rgb24", codec="rawvideo", options={})
    source = tmp_path / "in.nut"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gbrpf32le"
        for number in range(3):
            container.mux(stream.encode(picture(number, clip).reformat(format="gbrpf32le")))
    assert "pixel format gbrpf32le is not supported" in refused(source, "-o", tmp_path / "o.mp4")


def test_a_huge_declared_size(refused, tmp_path):
    header = b"YUV4MPEG2 W60000 H60000 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + bytes(1000)
    (tmp_path / "in.y4m").write_bytes(header)
    error = refused(tmp_path / "in.y4m", "-o", tmp_path / "o.mp4")
    assert "in.y4m" in error


@pytest.mark.long
def test_a_truncated_video_is_decoded_up_to_its_end(command, tmp_path):
    clip = Clip(60, options={"preset": "ultrafast", "g": "10"})
    source = write_clip(tmp_path / "in.mkv", clip)
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3])
    report = command.json(source, "-o", tmp_path / "out.mkv", *FAST)
    assert 60 < report["frames"] < 110
    assert len(images_of(tmp_path / "out.mkv")) == report["frames"]


@pytest.mark.long
def test_flipped_bits_are_skipped_with_a_warning(command, tmp_path):
    clip = Clip(60, options={"preset": "ultrafast", "g": "10"})
    source = write_clip(tmp_path / "in.ts", clip)
    content = bytearray(source.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    source.write_bytes(content)
    report = command.json(source, "-o", tmp_path / "out.mkv", *FAST)
    assert report["frames"] > 40
    assert len(images_of(tmp_path / "out.mkv")) == report["frames"]
    assert any("damaged packets" in line for line in report["warnings"])


@pytest.mark.long
def test_damage_that_the_decoder_conceals_is_a_warning(command, tmp_path):
    source = write_video(tmp_path / "in.mp4", sliding(30))
    content = bytearray(source.read_bytes())
    start = content.index(b"mdat") + 1500
    content[start : start + 200] = bytes(200)
    source.write_bytes(content)
    report = command.json(source, "-o", tmp_path / "out.mkv", *FAST)
    assert report["frames"] == 59
    assert any("damaged frames kept" in line for line in report["warnings"])


@pytest.mark.long
def test_a_size_that_changes_in_the_stream_is_scaled_with_a_warning(command, tmp_path):
    parts = [write_clip(tmp_path / f"{w}.ts", Clip(40, size=(w, 48))) for w in (64, 96)]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    report = command.json(source, "-o", tmp_path / "out.mkv", *FAST)
    assert any("scaled to the first frame's" in line for line in report["warnings"])
    assert {(image.width, image.height) for image in images_of(tmp_path / "out.mkv")} == {(64, 48)}


def test_frames_of_one_time_are_all_kept(command, tmp_path):
    source, given = tmp_path / "in.mkv", [0, 40, 40, 80, 120, 120, 160, 200]
    retime(write_clip(tmp_path / "plain.mkv", Clip(8, codec="ffv1", options={})), source, given)
    report = command.json(source, "-o", tmp_path / "out.mkv", *FAST)
    times = times_of(tmp_path / "out.mkv")
    assert times == sorted(set(times))
    assert [float(time) for time in times[::2]] == pytest.approx(
        [time / 1000 for time in given], abs=0.005
    )
    assert any("frames moved" in line for line in report["warnings"])


@pytest.mark.long
def test_missing_times_are_counted_at_the_stream_rate(command, tmp_path):
    source = write_clip(tmp_path / "in.h264", Clip(10))
    report = command.json(source, "-o", tmp_path / "out.mp4", *FAST)
    assert report["frames"] == 19
    times = times_of(tmp_path / "out.mp4")
    assert len({later - sooner for sooner, later in itertools.pairwise(times)}) == 1


def retime(given, target, times):
    """Write a copy of ``given`` with the packets' times replaced."""
    with av.open(str(given)) as source, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(source.streams.video[0], opaque=True)
        packets = (packet for packet in source.demux(video=0) if packet.size)
        for time, packet in zip(times, packets):
            packet.time_base, packet.pts, packet.dts = Fraction(1, 1000), time, time
            packet.stream = stream
            made.mux_one(packet)
