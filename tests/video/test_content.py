"""The content of frames: cuts, repeats, rests, fields."""

from fractions import Fraction

import av
import pytest
import torch

from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.pixels.formats import read_components, write_components
from tests.video.video_clips import Clip, Mean, images_of, picture, times_of, write_clip

LOSSLESS = Encoding(codec="ffv1")


def run(source, target, **options):
    maker = Mean()
    report = interpolate_video(
        source, target, options=Options(encoding=LOSSLESS, **options), model=maker
    )
    return report, maker


def brightness(path):
    return [read_components(image)[0].float().mean().item() for image in images_of(path)]


def flat(level, clip):
    parts = [torch.full(part.shape, 128) for part in read_components(picture(0, clip))]
    parts[0].fill_(level)
    return write_components(parts, clip.pix_fmt)


def clip_of(path, levels, pattern=False):
    clip = Clip(len(levels), codec="ffv1", options={})
    make = picture if pattern else flat
    return write_clip(path, clip, [make(level, clip) for level in levels])


def test_the_frame_before_a_cut_is_held(tmp_path):
    source = clip_of(tmp_path / "in.mkv", [40, 44, 48, 200, 204, 208])
    report, _ = run(source, tmp_path / "out.mkv")
    assert brightness(tmp_path / "out.mkv") == [40, 42, 44, 46, 48, 48, 200, 202, 204, 206, 208]
    assert report.counts["scene cuts held"] == 1


def test_without_scenes_a_cut_is_mixed(tmp_path):
    source = clip_of(tmp_path / "in.mkv", [40, 44, 200, 204])
    report, _ = run(source, tmp_path / "out.mkv", scene_threshold=None)
    assert brightness(tmp_path / "out.mkv")[3] == 122
    assert "scene cuts held" not in report.counts


def test_a_higher_threshold_lets_a_small_cut_pass(tmp_path):
    source = clip_of(tmp_path / "in.mkv", [40, 44, 100, 104])
    report, _ = run(source, tmp_path / "out.mkv", scene_threshold=40.0)
    assert "scene cuts held" not in report.counts


def test_static_stretches_do_not_run_the_network(tmp_path):
    source = clip_of(tmp_path / "in.mkv", [3, 3, 3, 3, 4, 5], pattern=True)
    report, maker = run(source, tmp_path / "out.mkv")
    assert maker.calls == 2
    assert report.counts["static pairs passed through"] == 3
    assert report.interpolated == 2


def test_repeats_are_interpolated_across_with_their_original_timing(tmp_path):
    source = clip_of(tmp_path / "in.mkv", [40, 40, 48, 48, 56, 56])
    report, _ = run(source, tmp_path / "out.mkv", dedup=True)
    assert brightness(tmp_path / "out.mkv") == [40, 42, 44, 46, 48, 50, 52, 54, 56, 56, 56]
    assert times_of(tmp_path / "out.mkv") == [Fraction(number, 50) for number in range(11)]
    assert report.counts["duplicates interpolated across"] == 2


def test_a_long_rest_is_no_repeat(tmp_path):
    source = clip_of(tmp_path / "in.mkv", [40] * 8 + [48, 56])
    report, _ = run(source, tmp_path / "out.mkv", dedup=True)
    assert brightness(tmp_path / "out.mkv")[:16] == [40] * 15 + [44]
    assert "duplicates interpolated across" not in report.counts


@pytest.mark.parametrize("segment", [1, 2, 3, 5])
def test_segments_do_not_change_what_is_decided(tmp_path, segment):
    levels = [40, 40, 48, 48, 56, 56, 56, 56, 56, 56, 64, 200, 200, 208, 216, 216]
    source = clip_of(tmp_path / "in.mkv", levels)
    whole, _ = run(source, tmp_path / "whole.mkv", dedup=True)
    parts, _ = run(source, tmp_path / "parts.mkv", dedup=True, segment=segment)
    assert whole.counts == parts.counts
    assert brightness(tmp_path / "whole.mkv") == brightness(tmp_path / "parts.mkv")
    assert times_of(tmp_path / "whole.mkv") == times_of(tmp_path / "parts.mkv")


def interlaced(path, segmented=False):
    """Write frames flagged interlaced; their fields are of two instants unless ``segmented``."""
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "x264-params": "tff=1"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.flags |= 1 << 18  # AV_CODEC_FLAG_INTERLACED_DCT
        for number in range(8):
            image, later = (picture(2 * number + half, Clip()) for half in (0, 1))
            if not segmented:
                parts = read_components(image)
                for part, other in zip(parts, read_components(later)):
                    part[1::2] = other[1::2]
                image = write_components(parts, "yuv420p")
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    return path


def test_interlaced_input_is_refused_with_the_remedy(tmp_path):
    source = interlaced(tmp_path / "in.mp4")
    with pytest.raises(ValueError, match="is interlaced: give --deinterlace"):
        run(source, tmp_path / "out.mkv")


def test_progressive_segmented_frames_need_no_filter(tmp_path):
    source = interlaced(tmp_path / "in.mp4", segmented=True)
    report, _ = run(source, tmp_path / "out.mkv")
    assert report.warnings == []
    assert len(images_of(tmp_path / "out.mkv")) == 15


def test_interlaced_input_is_filtered_if_requested(tmp_path):
    source = interlaced(tmp_path / "in.mp4")
    run(source, tmp_path / "out.mkv", deinterlace=True)
    assert times_of(tmp_path / "out.mkv") == [Fraction(number, 50) for number in range(15)]
