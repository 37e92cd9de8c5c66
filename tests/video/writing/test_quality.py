"""Words for quality: sizes fall from one to the next, "lossless" is exact, wrong ones are named."""

import functools
from fractions import Fraction
from typing import get_args

import av
import numpy as np
import pytest

from cdfi.video import Encoding, interpolate_video
from cdfi.video.options import Quality
from cdfi.video.writing.codecs import CODECS, CodecRow, named_row
from cdfi.video.writing.quality import LEVELS, asked_options, fitting_formats, quality_options
from tests.video.video_clips import Mean

#: Codec -> container and pixel formats that it stores without loss.
LOSSLESS = [
    ("h264", "mkv", "yuv420p"),
    ("h264", "mkv", "yuv420p10le"),
    ("hevc", "mkv", "yuv420p"),
    ("hevc", "mkv", "yuv420p10le"),
    ("av1", "mkv", "yuv420p"),
    ("vp9", "webm", "yuv420p"),
    ("ffv1", "mkv", "yuv420p10le"),
]
LOSSY = [("h264", "mkv"), ("hevc", "mkv"), ("av1", "mkv"), ("vp9", "webm"), ("prores", "mov")]
FRAMES = 3


def planes_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=frame.format.name) for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A clip of smooth noise, which every loss shows."""

    def make(pix_fmt):
        path = tmp_path_factory.mktemp("noise") / f"{pix_fmt}.mkv"
        random = np.random.default_rng(0)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 128, 96, pix_fmt
            stream.time_base = Fraction(1, 25)
            for _ in range(FRAMES):
                image = random.integers(60, 200, (24, 32, 3), np.uint8).repeat(4, 0).repeat(4, 1)
                frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pix_fmt)
                frame.pts = None
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return functools.cache(make)


@pytest.mark.parametrize(("codec", "suffix", "pix_fmt"), LOSSLESS)
def test_lossless_keeps_every_sample(tmp_path, noise, codec, suffix, pix_fmt):
    source, target = noise(pix_fmt), tmp_path / f"out.{suffix}"
    interpolate_video(
        source, target, model=Mean(), codec=codec, quality="lossless", pix_fmt=pix_fmt
    )
    given, made = planes_of(source), planes_of(target)
    assert len(made) == 2 * FRAMES - 1
    for before, after in zip(given, made[::2]):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("codec", "suffix"), LOSSY)
def test_sizes_fall_with_the_words(tmp_path, noise, codec, suffix):
    sizes = []
    for word in ("high", "medium", "small"):
        target = tmp_path / f"{word}.{suffix}"
        interpolate_video(noise("yuv420p"), target, model=Mean(), codec=codec, quality=word)
        with av.open(str(target)) as container:
            sizes.append(sum(packet.size for packet in container.demux(video=0)))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] < 0.8 * sizes[0]


@pytest.mark.parametrize("name", LEVELS)
def test_every_encoder_has_high_medium_and_small(name):
    words = {"high", "medium", "small"}
    assert words <= set(LEVELS[name]) <= set(get_args(Quality))
    chosen = [quality_options(CodecRow(name), word, "yuv420p10le") for word in sorted(words)]
    assert all(isinstance(value, str) for options in chosen for value in options.values())


def test_every_codec_we_name_has_words_except_gif():
    assert {row.encoder for row in CODECS.values()} - set(LEVELS) == {"gif"}


def test_prores_is_chosen_by_a_profile(tmp_path, noise):
    tags = {}
    for profile in ("lt", "hq", "4444"):
        target = tmp_path / f"{profile}.mov"
        interpolate_video(noise("yuv420p"), target, model=Mean(), codec=f"prores:{profile}")
        with av.open(str(target)) as container:
            context = container.streams.video[0].codec_context
            tags[profile] = (context.codec_tag, context.pix_fmt[:6])
    assert tags == {
        "lt": ("apcs", "yuv422"),
        "hq": ("apch", "yuv422"),
        "4444": ("ap4h", "yuv444"),
    }


def test_alpha_stays_in_prores_of_every_quality():
    row, formats = named_row("prores"), ["yuva444p10le", "yuv422p10le"]
    for word in ("high", "medium", "small"):
        assert fitting_formats(row, Encoding(quality=word), formats) == formats
        assert quality_options(row, word, "yuva444p10le")["profile"] == "4444"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"quality": "small", "crf": 3}, "quality and crf were both given"),
        ({"quality": "best"}, "unknown quality 'best'"),
        ({"codec": "prores", "quality": "lossless"}, "prores_ks has no level lossless, only high"),
        ({"codec": "prores:best"}, "unknown profile of ProRes 'best'"),
        ({"codec": "mpeg4", "quality": "high"}, "encoder mpeg4 has no words for quality"),
    ],
)
def test_what_an_encoder_does_not_have_is_named(asked, text):
    with pytest.raises(ValueError, match=text):
        encoding = Encoding(**asked)
        asked_options(named_row((encoding.codec or "h264").partition(":")[0]), encoding, "yuv420p")


def test_parameters_of_the_user_are_added_to_those_of_the_quality():
    asked = Encoding(quality="lossless", extra={"x265-params": "bframes=0", "tune": "grain"})
    options = asked_options(named_row("hevc"), asked, "yuv420p")
    assert options == {"x265-params": "lossless=1:bframes=0", "tune": "grain"}
