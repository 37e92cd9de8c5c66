"""The display of a job: live picture, note of the progress bar, summary, disk warning."""

import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from cdfi.cli.job_display import JobDisplay
from cdfi.cli.main import main
from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.jobs import watch
from cdfi.video.timing.frame import OutputFrame
from tests.video.video_clips import Clip, Mean, picture, times_of, write_clip


@pytest.fixture
def command(monkeypatch, capsys):
    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Mean())

    def run(*words):
        status = main(["interpolate", *map(str, words), "--preset", "ultrafast"])
        return status, *capsys.readouterr()

    return run


def test_the_live_picture_shows_a_frame_between_its_neighbours(tmp_path, command, monkeypatch):
    monkeypatch.setattr(watch, "LIVE_SECONDS", 0)
    source, live = write_clip(tmp_path / "in.mp4", Clip(4)), tmp_path / "live.png"
    assert command(source, "-o", tmp_path / "out.mp4", "--live", live)[0] == 0
    with Image.open(live) as picture:
        assert picture.size == (3 * 64, 48)
        left, middle, right = np.split(np.asarray(picture, float), 3, axis=1)
    assert abs(left - right).mean() > 1
    assert abs(middle - (left + right) / 2).mean() < 0.5 * abs(left - right).mean()


@pytest.mark.long
def test_several_processes_keep_the_live_picture(tmp_path):
    source, live = write_clip(tmp_path / "in.mp4", Clip(6)), tmp_path / "live.png"
    display = JobDisplay(live)
    options = Options(segment=2, encoding=Encoding(preset="ultrafast"))
    target = tmp_path / "out.mp4"
    interpolate_video(source, target, options=options, model=Mean(), jobs=2, watch=display)
    with Image.open(live) as picture:
        assert picture.size == (3 * 64, 48)


def test_processes_do_not_replace_each_others_live_pictures_at_once(tmp_path):
    path, other = tmp_path / "live.png", tmp_path / "other.png"
    path.write_bytes(b"of another process")
    images = [picture(number, Clip()) for number in range(3)]
    for target in (path, other):
        live = watch.LivePicture(target)
        for pts, image in enumerate(images):
            live.add(OutputFrame(pts, image, interpolated=pts == 1))
    assert path.read_bytes() == b"of another process"
    assert other.exists()
    begun = path.stat().st_mtime - 2 * watch.LIVE_SECONDS
    os.utime(path, (begun, begun))
    live = watch.LivePicture(path)
    for pts, image in enumerate(images):
        live.add(OutputFrame(pts, image, interpolated=pts == 1))
    assert path.read_bytes() != b"of another process"


@pytest.mark.parametrize("name", ["live", "live.txt", "live.mp4"])
def test_the_live_picture_needs_the_name_of_an_image(tmp_path, command, name):
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    status, _, err = command(source, "-o", tmp_path / "out.mp4", "--live", tmp_path / name)
    assert status == 1
    assert err == f"cdfi: --live: expected a name such as live.jpg, got {tmp_path / name}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_the_summary_has_size_time_and_rate(tmp_path, command):
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    status, out, _ = command(source, "-o", tmp_path / "out.mp4")
    assert status == 0
    first, second = out.splitlines()
    assert "7 frames, 3 of them interpolated" in first
    assert "MB" in second
    assert "frames/s" in second


def test_the_note_has_the_segment_and_the_decisions():
    display = JobDisplay(None)
    display.on_start(12, 2)
    assert display.note == ""
    display.on_frame(2, None, Counter({"source frames": 1, "scene cuts held": 1}))
    assert display.note == "segment 3 of 12, 1 scene cuts held"


def test_a_disk_that_may_become_full_is_named_before_the_first_frame(
    tmp_path, command, monkeypatch
):
    monkeypatch.setattr("cdfi.video.jobs.disk.free_disk", lambda target: 10)
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    status, _, err = command(source, "-o", tmp_path / "out.mp4")
    assert status == 0
    assert "are free: free some space" in err
    assert len(times_of(tmp_path / "out.mp4")) == 7
