"""Files that once gave no result, or a result with an unreported loss."""

import av
import numpy as np
import pytest
import torch
from av.sidedata.sidedata import Type
from PIL import Image

from cdfi.cli.main import main
from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.pixels.formats import write_components
from cdfi.video.reading.crop import has_crop
from cdfi.video.reading.decoder import decoder_for
from tests.video.case_files import CASES, copy, kinds_of, make, sample_table_seconds, tags_of
from tests.video.video_clips import Clip, Mean, images_of, times_of, write_clip

EDGES = ("start", "end")


def chapters_of(path):
    """The starts and ends of all chapters, in seconds."""
    with av.open(str(path)) as container:
        return [
            tuple(float(c[k] * c["time_base"]) for k in ("start", "end"))
            for c in container.chapters()
        ]


def transparent(path):
    """The fraction of transparent pixels of each frame."""
    return [
        (image.reformat(format="rgba").to_ndarray()[..., 3] < 128).mean()
        for image in images_of(path)
    ]


def cover_of(path):
    """The content of a file's last video stream."""
    with av.open(str(path)) as container:
        return b"".join(map(bytes, container.demux(container.streams.video[-1])))


class Refuses(Mean):
    """Fails the test if a frame is interpolated."""

    def between(self, *arguments):
        raise AssertionError("a frame was interpolated")


def test_a_timecode_track_is_kept(tmp_path):
    report = make("tc.mov", tmp_path / "x.mov")
    assert report.frames == 19 and report.warnings == []
    assert kinds_of(tmp_path / "x.mov") == ["video", "audio", "data"]
    assert tags_of(tmp_path / "x.mov", 2)["timecode"] == "01:00:00:00"


def test_a_timecode_that_the_container_does_not_hold_is_named(tmp_path):
    report = make("tc.mov", tmp_path / "x.ts")
    assert any("tag timecode" in line for line in report.warnings)


def test_a_chapter_before_the_video_stays_at_0(tmp_path):
    make("multi.mkv", tmp_path / "x.mkv", slow=2)
    assert chapters_of(tmp_path / "x.mkv") == [
        (0.0, pytest.approx(0.379)),
        (pytest.approx(0.379), pytest.approx(0.779)),
    ]


def test_slowed_sound_is_stretched_by_default(tmp_path):
    assert not make("multi.mkv", tmp_path / "x.mkv", slow=2).warnings
    with av.open(str(tmp_path / "x.mkv")) as made:
        assert [stream.codec_context.name for stream in made.streams.audio] == ["aac", "aac"]


def test_an_encoder_without_alpha_gets_opaque_frames_and_a_line(tmp_path):
    report = make("alpha.mov", tmp_path / "x.mp4")
    assert report.frames == 11
    assert any("the alpha channel is lost" in line for line in report.warnings)
    with av.open(str(tmp_path / "x.mp4")) as made:
        assert made.streams.video[0].codec_context.name == "hevc"


def test_vp9_keeps_the_alpha_of_a_gif(tmp_path):
    make("anim.gif", tmp_path / "x.webm")
    with av.open(str(tmp_path / "x.webm")) as made:
        stream = made.streams.video[0]
        context = decoder_for(stream)
        frames = [f for p in made.demux(stream) for f in context.decode(p if p.size else None)]
    assert len(frames) == 9
    opaque = frames[0].reformat(format="rgba").to_ndarray()[..., 3] >= 128
    assert 1 - opaque.mean() == pytest.approx(transparent(CASES / "anim.gif")[0], abs=0.02)


def test_lost_alpha_is_named(tmp_path):
    (line,) = make("alpha.webm", tmp_path / "x.mp4").warnings
    assert "the alpha channel is lost" in line


def test_a_gif_keeps_its_transparency(tmp_path):
    make("anim.gif", tmp_path / "x.gif")
    given, made = transparent(CASES / "anim.gif"), transparent(tmp_path / "x.gif")
    assert made[::2] == pytest.approx(given, abs=0.01)


@pytest.mark.parametrize(
    ("name", "factor", "limit"), [("x.gif", 8, "100 frames/s"), ("x.mkv", 64, "1000 frames/s")]
)
def test_a_rate_above_the_containers_clock_is_refused_at_once(tmp_path, name, factor, limit):
    with pytest.raises(ValueError, match=f"holds {limit} at most"):
        interpolate_video(
            CASES / "small.mp4", tmp_path / name, options=Options(factor=factor), model=Refuses()
        )
    assert not list(tmp_path.iterdir())


def test_a_gif_that_browsers_play_slowly_is_named(tmp_path):
    report = make("small.mp4", tmp_path / "x.gif", factor=3)
    assert any("browsers play frames of less than 1/50 s" in line for line in report.warnings)


def test_the_sample_table_lasts_as_long_as_the_source(tmp_path):
    make("longlast.mkv", tmp_path / "x.mp4")
    assert sample_table_seconds(tmp_path / "x.mp4") == pytest.approx(2.76)
    make("small.mp4", tmp_path / "y.mp4")
    assert sample_table_seconds(tmp_path / "y.mp4") == pytest.approx(0.24)


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_named_values_of_cameras_are_kept(tmp_path, suffix):
    report = make("iphone.mov", tmp_path / f"x{suffix}")
    given, made = tags_of(CASES / "iphone.mov"), tags_of(tmp_path / f"x{suffix}")
    named = {key for key in given if key.startswith("com.apple.")}
    assert len(named) == 4 and {key: made[key] for key in named} == {k: given[k] for k in named}
    assert report.warnings == []


def test_tags_that_the_container_does_not_hold_are_named(tmp_path):
    lines = make("iphone.mov", tmp_path / "x.ts").warnings
    assert any("tag com.apple.quicktime.make" in line and "tag title" in line for line in lines)


def test_a_spherical_mapping_is_named(tmp_path):
    (line,) = make("sph.mkv", tmp_path / "x.mkv").warnings
    assert line == "sph.mkv: .mkv does not keep the spherical mapping"


def test_a_crop_of_matroska_is_named(tmp_path):
    """The element of 11 bytes that holds its colour becomes a crop of 8 lines and a void."""
    data = (CASES / "sph.mkv").read_bytes()
    start = data.index(b"\x55\xb0\x88")
    crop = b"\x54\xbb\x81\x08\xec\x85" + bytes(5)
    cropped = tmp_path / "crop.mkv"
    cropped.write_bytes(data[:start] + crop + data[start + len(crop) :])
    lines = interpolate_video(cropped, tmp_path / "x.mkv", options=Options(), model=Mean()).warnings
    assert any("its crop is not kept" in line for line in lines)
    assert not has_crop(CASES / "sph.mkv")


def test_a_crop_of_mp4_is_found(tmp_path):
    box = (40).to_bytes(4, "big") + b"clap" + bytes(32)
    (tmp_path / "crop.mp4").write_bytes((CASES / "small.mp4").read_bytes() + box)
    assert has_crop(tmp_path / "crop.mp4") and not has_crop(CASES / "small.mp4")


@pytest.mark.parametrize("name", ["x.ts", "x.gif", "x_%03d.png"])
def test_a_rotation_that_the_target_does_not_hold_is_named(tmp_path, name):
    lines = make("rot90.mp4", tmp_path / name).warnings
    assert any("does not keep" in line and "the rotation" in line for line in lines)


def test_sound_that_the_source_hides_is_not_copied(tmp_path):
    for name in ("x.mkv", "x.mp4"):
        make("trim.mp4", tmp_path / name)
        with av.open(str(tmp_path / name)) as made:
            assert sum(frame.samples for frame in made.decode(audio=0)) == 20032


def test_a_cover_is_an_attachment_in_matroska_and_a_stream_in_mp4(tmp_path):
    report = make("attc.mkv", tmp_path / "x.mkv")
    assert report.warnings == []
    assert tags_of(tmp_path / "x.mkv", 3) == {"filename": "cover.png", "mimetype": "image/png"}
    (line,) = make("attc.mkv", tmp_path / "x.mp4").warnings
    assert line.endswith("cannot hold attachment stream 2 (f.ttf)")
    assert cover_of(CASES / "attc.mkv") == cover_of(tmp_path / "x.mp4")
    copied = interpolate_video(
        tmp_path / "x.mp4", tmp_path / "y.mkv", options=Options(), model=Mean()
    )
    assert copied.warnings == []
    assert tags_of(tmp_path / "y.mkv", 2)["filename"] == "cover.png"


def test_colons_in_names_are_no_protocols(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy("small.mp4", tmp_path / "clip:1.mp4")
    report = interpolate_video("clip:1.mp4", "a:b.mp4", options=Options(), model=Mean())
    assert report.frames == len(images_of(tmp_path / "a:b.mp4")) == 11


def test_a_leading_dash_is_part_of_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy("small.mp4", tmp_path / "-i.mp4")
    report = interpolate_video("-i.mp4", "-o.mp4", options=Options(), model=Mean())
    assert report.frames == len(images_of(tmp_path / "-o.mp4"))


@pytest.mark.parametrize("name", ["100% real.mp4", "50%d.mp4", "%05d.mkv"])
def test_percent_signs_in_the_names_of_videos_are_no_patterns(tmp_path, name):
    source = copy("small.mp4", tmp_path / f"in {name}".replace(".mkv", ".mp4"))
    report = interpolate_video(source, tmp_path / name, options=Options(), model=Mean())
    assert report.frames == len(images_of(tmp_path / name))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_name_of_a_track_is_kept(tmp_path, suffix):
    make("multi.mp4", tmp_path / f"x{suffix}")
    tags = tags_of(tmp_path / f"x{suffix}", 2)
    assert tags.get("title", tags.get("name")) == "Commentary"


def test_a_gif_that_is_played_once_stays_so(tmp_path):
    make("once.gif", tmp_path / "x.gif")
    with Image.open(tmp_path / "x.gif") as image:
        assert "loop" not in image.info
    make("small.mp4", tmp_path / "y.gif")
    with Image.open(tmp_path / "y.gif") as image:
        assert image.info["loop"] == 0


def test_times_that_have_to_move_are_named(tmp_path):
    assert make("small.mp4", tmp_path / "x.mkv").warnings == []
    assert times_of(tmp_path / "x.mkv")[0] == 0
    lines = make("multi.mp4", tmp_path / "y.mkv").warnings
    assert any("all streams are 0.002 s later" in line for line in lines)


def test_odd_sizes_are_padded_in_formats_that_every_player_has(tmp_path):
    (line,) = make("odd.mkv", tmp_path / "x.mp4").warnings
    assert "97 x 65 becomes 98 x 66" in line
    first = images_of(tmp_path / "x.mp4")[0]
    assert (first.width, first.height, first.format.name) == (98, 66, "yuv420p")


def test_images_name_the_streams_that_they_do_not_hold(tmp_path):
    (line,) = make("multi.mp4", tmp_path / "x%d.png").warnings
    assert "cannot hold audio stream 1 (aac), audio stream 2 (aac), subtitle stream 3" in line


def test_closed_files_keep_the_side_data_names_of_this_pyav():
    assert {"SPHERICAL", "STEREO3D", "ICC_PROFILE", "A53_CC"} <= set(Type.__members__)


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        (["--fps", "1e9"], "10000"),
        (["--fps", "1e400"], "expected a rate such as 60"),
        (["--factor", "1000000"], "1000"),
        (["--slow", "1000000"], "1000"),
        (["--jobs", "100000"], "jobs must be from 1 to"),
        (["--scene-threshold", "nan"], "from 0 to 100"),
        (["--scene-threshold", "-1"], "from 0 to 100"),
    ],
)
def test_absurd_values_are_refused_with_their_bound(tmp_path, capsys, options, bound):
    source = copy("small.mp4", tmp_path / "in.mp4")
    assert main(["interpolate", str(source), "-o", str(tmp_path / "x.mp4"), *options]) == 1
    error = capsys.readouterr().err
    assert bound in error and error.count("\n") <= 2, error
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_network_precision_reaches_a_deeper_format(tmp_path):
    """Half-way between two neighbouring 8-bit greys lies a 10-bit code between theirs."""

    clip = Clip(2, codec="ffv1", options={}, pix_fmt="yuv444p", colour=(1, 1, 1, 1))

    greys = [
        write_components([torch.full((48, 64), value), *[torch.full((48, 64), 128)] * 2], "yuv444p")
        for value in (100, 101)
    ]
    source = write_clip(tmp_path / "in.mkv", clip, greys)
    encoding = Encoding(codec="ffv1", pix_fmt="yuv444p10le")
    options = Options(encoding=encoding, scene_threshold=None)
    interpolate_video(source, tmp_path / "x.mkv", options=options, model=Mean())
    means = [np.frombuffer(image.planes[0], "<u2").max() for image in images_of(tmp_path / "x.mkv")]
    assert means == [400, 402, 404]
