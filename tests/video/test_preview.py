"""The source's first seconds beside the result."""

from fractions import Fraction

import numpy as np
import pytest

from cdfi.video import Encoding, Options, interpolate_video, write_preview
from tests.video.case_files import CASES
from tests.video.video_clips import Clip, Mean, images_of, prefetch_threads, times_of, write_clip

FAST = Encoding(preset="ultrafast")


def shown(tmp_path, clip, options=None, **more):
    source, target = write_clip(tmp_path / "in.mp4", clip), tmp_path / "side.mp4"
    return write_preview(
        source, target, options=options or Options(encoding=FAST), model=Mean(), **more
    ), target


def test_it_counts_all_frames_and_the_interpolated_ones(tmp_path):
    preview, target = shown(tmp_path, Clip(12))
    assert preview == (23, 11)
    assert len(times_of(target)) == 23


def test_it_counts_the_frames_at_another_rate(tmp_path):
    preview, _ = shown(tmp_path, Clip(11), Options(fps=Fraction(100), encoding=FAST))
    assert preview == (44, 30)  # the last frame is shown for four ticks


def test_it_ends_after_the_given_seconds(tmp_path):
    preview, target = shown(tmp_path, Clip(12), seconds=0.25)
    assert times_of(target) == [Fraction(number, 50) for number in range(13)]
    assert preview.frames == 13


def test_a_single_frame_is_a_clip(tmp_path):
    preview, target = shown(tmp_path, Clip(12), seconds=0.01)
    assert preview == (1, 0)
    assert times_of(target) == [0]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_an_impossible_length_is_refused(tmp_path, seconds):
    with pytest.raises(ValueError, match="seconds above 0"):
        shown(tmp_path, Clip(2), seconds=seconds)


def test_the_threads_end_after_an_error_of_the_encoder(tmp_path, monkeypatch):
    def fail(writer, frame):
        raise OSError("the disk is broken")

    before = prefetch_threads()  # of other tests
    monkeypatch.setattr("cdfi.video.preview.SegmentWriter.add", fail)
    with pytest.raises(OSError, match="broken") as caught:
        shown(tmp_path, Clip(40))
    assert not prefetch_threads() - before
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    del caught  # until here its traceback keeps the generators alive


def test_a_turned_video_is_shown_side_by_side(tmp_path):
    """It is stored as 160 x 90 and shown as 90 x 160."""
    write_preview(CASES / "rot90.mp4", tmp_path / "side.mp4", model=Mean(), preset="ultrafast")
    first = images_of(tmp_path / "side.mp4")[0]
    assert (first.width, first.height) == (160, 180)
    assert abs(first.rotation) == 90


def test_motion_blur_is_shown_beside_the_source(tmp_path):
    source = write_clip(tmp_path / "in.mkv", Clip(4, codec="ffv1", options={}))
    settings = {"model": Mean(), "codec": "ffv1", "factor": 2, "scene_threshold": None}
    write_preview(source, tmp_path / "sharp.mkv", **settings)
    settings["motion_blur"] = 180
    write_preview(source, tmp_path / "side.mkv", **settings)
    interpolate_video(source, tmp_path / "alone.mkv", **settings)
    sharp, side, alone = (luma_of(tmp_path / f"{x}.mkv") for x in ("sharp", "side", "alone"))
    assert side.shape == sharp.shape
    assert np.array_equal(side[..., :64], sharp[..., :64])
    assert np.array_equal(side[..., 64:], alone)
    assert not np.array_equal(side[..., 64:], sharp[..., 64:])


def luma_of(path):
    return np.stack([image.to_ndarray(format="gray") for image in images_of(path)])
