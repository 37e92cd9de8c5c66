"""Work is never lost: segments, resuming, the lock, a full disk."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cdfi.common.files import create
from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.jobs.sealed import read_sealed
from cdfi.video.jobs.workfolder import WorkFolder
from tests.video.video_clips import (
    Clip,
    Dies,
    Mean,
    Stops,
    images_of,
    samples_of,
    times_of,
    write_clip,
)

OPTIONS = Options(encoding=Encoding(preset="ultrafast"), segment=4)
KILLABLE = """
import sys, time
sys.path.insert(0, {folder!r})
from tests.video.video_clips import Mean
from cdfi.video import Encoding, Options, interpolate_video
class Mean(Mean):
    def between(self, *arguments):
        time.sleep({pause})
        return super().between(*arguments)
interpolate_video({source!r}, {target!r},
    options=Options(encoding=Encoding(preset="ultrafast"), segment=4), model=Mean())
"""


def same_frames(first, second):
    assert times_of(first) == times_of(second)
    for before, after in zip(samples_of(first), samples_of(second), strict=True):
        for left, right in zip(before, after):
            np.testing.assert_array_equal(left, right)


@pytest.fixture
def source(tmp_path):
    options = {"preset": "fast", "crf": "20", "bf": "3", "g": "9"}
    return write_clip(tmp_path / "in.mp4", Clip(30, options=options, audio=True))


@pytest.fixture
def whole(tmp_path, source):
    target = tmp_path / "whole.mp4"
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    return target


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("boom"), OSError(28, "full")])
def test_an_interrupted_run_is_taken_up_and_gives_the_same_frames(tmp_path, source, whole, error):
    target = tmp_path / "out.mp4"
    with pytest.raises(type(error)):
        interpolate_video(source, target, options=OPTIONS, model=Stops(17, error))
    work = WorkFolder(target).path
    assert not target.exists()
    kept = sorted(path.name for path in work.glob("*.mkv"))
    assert len(kept) >= 3
    resumed = Mean()
    interpolate_video(source, target, options=OPTIONS, model=resumed)
    assert resumed.calls <= 29 - 4 * len(kept)
    assert not work.exists()
    same_frames(target, whole)


def test_a_run_that_fails_before_its_first_segment_leaves_nothing(tmp_path, source):
    with pytest.raises(RuntimeError):
        interpolate_video(
            source, tmp_path / "out.mp4", options=OPTIONS, model=Stops(1, RuntimeError())
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_half_written_segment_is_made_again(tmp_path, source, whole):
    target = tmp_path / "out.mp4"
    with pytest.raises(RuntimeError):
        interpolate_video(source, target, options=OPTIONS, model=Stops(17, RuntimeError()))
    damaged = WorkFolder(target).segment(1)
    damaged.write_bytes(damaged.read_bytes()[:100])
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    same_frames(target, whole)


@pytest.mark.parametrize("change", ["options", "source", "model"])
@pytest.mark.long
def test_changed_work_is_refused_or_started_again(tmp_path, source, change):
    target = tmp_path / "out.mp4"
    with pytest.raises(RuntimeError):
        interpolate_video(source, target, options=OPTIONS, model=Stops(17, RuntimeError()))
    options, maker = OPTIONS, Mean()
    if change == "options":
        options = Options(factor=3, encoding=OPTIONS.encoding, segment=4)
    elif change == "source":
        write_clip(source, Clip(31))
    else:
        maker.fingerprint = "another mean"
    with pytest.raises(ValueError, match=f"unfinished run with another .*{change}.*--overwrite"):
        interpolate_video(source, target, options=options, model=maker)
    report = interpolate_video(source, target, options=options, model=maker, overwrite=True)
    assert len(images_of(target)) == report.frames


def test_two_runs_on_one_target_do_not_mix(tmp_path, source):
    target = tmp_path / "out.mp4"
    messages = []

    class Meddles(Mean):
        def between(self, *arguments):
            if not messages:
                with pytest.raises(BlockingIOError) as caught:
                    interpolate_video(source, target, options=OPTIONS, model=Mean())
                messages.append(str(caught.value))
            return super().between(*arguments)

    report = interpolate_video(source, target, options=OPTIONS, model=Meddles())
    assert f"is being written by another run (process {os.getpid()})" in messages[0]
    assert len(images_of(target)) == report.frames


def killed(source, target, delays, pause):
    """Run in processes of their own, each killed after a delay; how many were."""
    folder = str(Path(__file__).parents[3])
    code = KILLABLE.format(folder=folder, source=str(source), target=str(target), pause=pause)
    kills = 0
    for delay in delays:
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        manifest = WorkFolder(target).path / "manifest.json"
        while process.poll() is None and not manifest.exists():
            time.sleep(0.01)
        time.sleep(delay)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    return kills


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.long
def test_a_killed_run_is_taken_up(tmp_path, source, whole):
    target = tmp_path / "out.mp4"
    assert killed(source, target, [0.5], 0.1) == 1
    assert not target.exists()
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    same_frames(target, whole)


@pytest.mark.slow
def test_ten_kills_at_random_moments_lose_nothing(tmp_path, source, whole):
    target = tmp_path / "out.mp4"
    seed = int(time.time())
    moments = np.random.default_rng(seed).uniform(0, 1.2, 10)
    assert killed(source, target, moments, 0.4) == 10, f"seed {seed}"
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    same_frames(target, whole)


@pytest.mark.long
def test_segments_by_several_processes_give_the_same_frames(tmp_path, source, whole):
    target = tmp_path / "out.mp4"
    seen = []
    report = interpolate_video(
        source,
        target,
        options=OPTIONS,
        model=Mean(),
        jobs=2,
        progress=lambda done, total: seen.append(done),
    )
    assert seen[-1] == report.frames == 59
    same_frames(target, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interpolator", "error", "message"),
    [
        (Stops(0, ValueError("a bad frame")), ValueError, "^a bad frame$"),
        (Stops(0, OSError(28, "No space left")), OSError, "no space left on the disk"),
        (Stops(0, KeyError("x")), RuntimeError, "^KeyError: 'x'$"),
        (Dies(), ChildProcessError, "^a process that encodes segments died, .* fewer --jobs$"),
    ],
)
def test_an_error_in_a_process_is_raised(tmp_path, source, interpolator, error, message):
    with pytest.raises(error, match=message):
        interpolate_video(source, tmp_path / "out.mp4", options=OPTIONS, model=interpolator, jobs=2)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_finished_segments_stay(tmp_path, source, monkeypatch):
    target = tmp_path / "out.mp4"

    def full(path):
        return open("/dev/full", "w+b") if path.name == "000003.part" else create(path)  # noqa: PTH123

    with monkeypatch.context() as patch:
        patch.setattr("cdfi.video.jobs.segments.create", full)
        with pytest.raises(
            OSError, match="no space left on the disk; the finished segments are kept"
        ):
            interpolate_video(source, target, options=OPTIONS, model=Mean())
    assert not target.exists()
    assert len(list(WorkFolder(target).path.glob("*.json"))) == 4  # three records, the manifest
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    assert len(images_of(target)) == 59


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 100 kB, and a function that makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    try:
        mounted = mount("size=100k")
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a tmpfs takes Linux and root")
    yield folder, lambda: mount("remount", "size=20m")
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.long
def test_a_small_disk_fills_up_and_the_run_goes_on_when_it_has_grown(tmp_path, source, small_disk):
    folder, grow = small_disk
    options = Options(encoding=Encoding(codec="ffv1"), segment=4)
    target = folder / "out.mkv"
    with pytest.raises(OSError, match="no space left on the disk; the finished segments are kept"):
        interpolate_video(source, target, options=options, model=Mean())
    assert not target.exists()
    finished = len(list(WorkFolder(target).path.glob("*.mkv")))
    assert 0 < finished < 8
    assert grow()
    maker, asked = Mean(), []
    between = maker.between
    maker.between = lambda *frames: asked.append(frames) or between(*frames)
    interpolate_video(source, target, options=options, model=maker)
    assert len(asked) <= 29 - 4 * finished + 4  # what was finished is not made again
    assert not WorkFolder(target).path.exists()
    whole = tmp_path / "whole.mkv"
    interpolate_video(source, whole, options=options, model=Mean())
    same_frames(target, whole)


def test_the_manifest_names_source_options_and_model(tmp_path, source):
    target = tmp_path / "out.mp4"
    with pytest.raises(RuntimeError):
        interpolate_video(source, target, options=OPTIONS, model=Stops(17, RuntimeError()))
    manifest = read_sealed(WorkFolder(target).path / "manifest.json")
    assert {"source", "options", "model", "encoder"} <= manifest.keys()
