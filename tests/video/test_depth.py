"""Depth, layout, range, tags, HDR metadata and alpha are kept."""

import itertools
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from av.sidedata.sidedata import Type

from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.reading.source import chroma_location, read_source
from tests.video.video_clips import Clip, Mean, images_of, picture, samples_of, write_clip

HDR10 = (9, 9, 16, 1)
HLG = (9, 9, 18, 1)
MASTER = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
HDR_OPTIONS = {
    "preset": "ultrafast",
    "crf": "12",
    "x265-params": f"log-level=none:master-display={MASTER}:max-cll=1000,400:hdr10=1",
    "chroma_sample_location": "topleft",
}


def run(source, target, **encoding):
    return interpolate_video(
        source, target, options=Options(encoding=Encoding(**encoding)), model=Mean()
    )


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [
        ("yuv420p", "libx264"),
        ("yuv422p", "libx264"),
        ("yuv444p", "libx264"),
        ("yuv420p10le", "libx265"),
        ("yuv422p10le", "libx265"),
        ("yuv444p10le", "libx265"),
        ("yuv420p12le", "libx265"),
        ("gray", "libx264"),
        ("gray10le", "libx264"),
        ("yuv444p12le", "ffv1"),
        ("gbrp10le", "ffv1"),
        ("rgba", "png"),
    ],
)
def test_each_depth_and_layout_keeps_its_format(tmp_path, pix_fmt, codec):
    ours = {"libx264": "h264", "libx265": "hevc"}.get(codec, codec)
    options = {"preset": "ultrafast"} if codec.startswith("libx26") else {}
    suffix = ".mov" if codec == "png" else ".mkv"
    clip = Clip(4, pix_fmt=pix_fmt, codec=codec, options=options)
    source = write_clip(tmp_path / f"in{suffix}", clip)
    run(source, tmp_path / f"out{suffix}", codec=ours, preset="ultrafast" if options else None)
    images = images_of(tmp_path / f"out{suffix}")
    assert len(images) == 7
    assert images[0].format.name == images_of(source)[0].format.name
    for before, after in zip(samples_of(source), samples_of(tmp_path / f"out{suffix}")[::2]):
        for first, second in zip(before, after):
            assert abs(first.astype(float) - second).mean() < 0.01 * first.max()


@pytest.mark.parametrize(
    "colour", [(1, 1, 1, 1), (6, 6, 6, 2), (5, 5, 6, 1), HDR10, HLG, (2, 2, 2, 0)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_colour_tags_are_written_back(tmp_path, colour, suffix):
    source = write_clip(tmp_path / f"in{suffix}", Clip(3, colour=colour))
    run(source, tmp_path / f"out{suffix}", preset="ultrafast")
    with av.open(str(source)) as given, av.open(str(tmp_path / f"out{suffix}")) as made:
        tags = []
        for file in (given, made):
            context, frame = file.streams.video[0].codec_context, next(file.decode(video=0))
            tags.append(
                [
                    (o.colorspace, o.color_primaries, o.color_trc, o.color_range)
                    for o in (context, frame)
                ]
            )
    assert tags[0] == tags[1]


def test_hdr10_keeps_its_side_data_and_chroma_position(tmp_path):
    clip = Clip(5, pix_fmt="yuv420p10le", codec="libx265", colour=HDR10, options=HDR_OPTIONS)
    source = write_clip(tmp_path / "in.mp4", clip)
    given = read_source(source)
    assert given.mastering is not None and struct.unpack("=II", given.light[:8]) == (1000, 400)
    assert given.colour.location == "topleft"
    for codec, preset in (("hevc", "ultrafast"), ("av1", "12")):
        target = tmp_path / f"{codec}.mp4"
        run(source, target, codec=codec, preset=preset)
        made = read_source(target)
        assert made.colour == given.colour
        assert made.pix_fmt == "yuv420p10le"
        assert made.light == given.light
        assert figures(made.mastering) == pytest.approx(
            figures(given.mastering), rel=1e-3, abs=1e-4
        )


def figures(mastering):
    pairs = struct.unpack("=20i", mastering[:80])
    return [float(Fraction(a, b)) for a, b in zip(pairs[::2], pairs[1::2])]


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix", "options"),
    [
        ("ffv1", "yuva420p", ".mkv", {}),
        ("prores_ks", "yuva444p10le", ".mov", {}),
        ("libvpx-vp9", "yuva420p", ".webm", {"crf": "10", "b": "0", "cpu-used": "8"}),
    ],
)
def test_alpha_is_kept_and_interpolated(tmp_path, codec, pix_fmt, suffix, options):
    clip = Clip(3, pix_fmt=pix_fmt, codec=codec, options=options)
    source = tmp_path / f"in{suffix}"
    frames = [faded(picture(number, clip), share) for number, share in enumerate((0.4, 0.5, 0.6))]
    write_clip(source, clip, frames)
    run(source, tmp_path / f"out{suffix}")
    images, peak = decoded_with_alpha(tmp_path / f"out{suffix}")
    levels = [image[-1].astype(float).mean() / peak for image in images]
    assert levels == pytest.approx([0.4, 0.45, 0.5, 0.55, 0.6], abs=0.01)


def faded(image, share):
    from cdfi.video.pixels.formats import layout, read_components, write_components

    parts = [part.clone() for part in read_components(image)]
    parts[-1] = torch.full(parts[-1].shape, share * layout(image.format.name).peak)
    return write_components(parts, image.format.name)


def decoded_with_alpha(path):
    from cdfi.video.pixels.formats import layout, read_components
    from cdfi.video.reading.decoder import decoder_for

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = decoder_for(stream)
        frames = [f for p in container.demux(stream) for f in context.decode(p if p.size else None)]
    assert all(f.format.name.startswith("yuva") for f in frames)
    parts = [[part.numpy() for part in read_components(frame)] for frame in frames]
    return parts, layout(frames[0].format.name).peak


def test_rgb_sources_are_encoded_with_tags_that_are_true(tmp_path):
    clip = Clip(3, pix_fmt="rgb24", codec="png", options={})
    source = write_clip(tmp_path / "in.mov", clip)
    run(source, tmp_path / "out.mp4", codec="h264", crf=4, preset="ultrafast")
    made = images_of(tmp_path / "out.mp4")
    assert made[0].format.name == "yuv444p"
    assert (made[0].colorspace, made[0].color_range) == (6, 1)
    for before, after in zip(images_of(source), made[::2]):
        rgb = after.reformat(format="rgb24", src_colorspace="ITU601").to_ndarray()
        assert abs(rgb.astype(float) - before.to_ndarray()).mean() < 3


def test_the_chroma_position_is_read(tmp_path):
    for place in ("left", "topleft", "center"):
        options = {"preset": "ultrafast", "chroma_sample_location": place}
        path = write_clip(tmp_path / f"{place}.mp4", Clip(2, options=options))
        assert chroma_location(images_of(path)[0]) == place


def test_frames_of_a_static_hdr_scene_do_not_flicker(tmp_path, monkeypatch):
    monkeypatch.setattr("cdfi.video.timing.scene_changes.is_same", lambda *pair: False)
    clip = Clip(4, pix_fmt="yuv420p10le", codec="ffv1", colour=HDR10, options={})
    source = write_clip(tmp_path / "in.mkv", clip, [picture(1, clip) for _ in range(4)])
    run(source, tmp_path / "out.mkv", codec="ffv1")
    frames = samples_of(tmp_path / "out.mkv")
    for first, second in itertools.pairwise(frames):
        for before, after in zip(first, second):
            np.testing.assert_array_equal(before, after)


def test_side_data_types_are_those_of_this_pyav():
    assert {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"} <= set(Type.__members__)
