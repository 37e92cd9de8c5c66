"""One video by several workers: any of them may die, and the result is that of one process."""

import json
import os
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pytest

from cdfi.cli.main import main
from cdfi.common.files import create
from cdfi.video import Encoding, ModelSpec, Options, interpolate_video
from cdfi.video.jobs.claims import own_claim
from cdfi.video.jobs.job_file import read_description
from cdfi.video.jobs.sealed import read_sealed, sealed_json
from cdfi.video.jobs.status import job_status
from cdfi.video.jobs.watch import JobWatch
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.options import options_from_json
from cdfi.video.timing.moment import parse_moment
from cdfi.video.work import work
from tests.cli.interpolate_inputs import tiny_model
from tests.video.jobs.test_segments import same_frames
from tests.video.video_clips import Clip, write_clip

OPTIONS = Options(encoding=Encoding(preset="ultrafast"), segment=4)
needs_a_full_device = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs a device that is always full"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return ModelSpec(tiny_model(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    clip = Clip(30, options={"preset": "fast", "bf": "2", "g": "9"}, audio=True)
    return write_clip(tmp_path_factory.mktemp("source") / "in.mp4", clip)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, source, model):
    target = tmp_path_factory.mktemp("whole") / "whole.mp4"
    interpolate_video(source, target, options=OPTIONS, model=model)
    return target


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    for module in ("claimed", "scheduling", "run"):
        monkeypatch.setattr(f"cdfi.video.jobs.{module}.POLL", 0.02)


@contextmanager
def planned(source, target, model, **settings):
    """Plan a job in a thread, which waits for others; at the end its result must be there."""
    errors = []

    def run():
        settings.setdefault("options", OPTIONS)
        try:
            interpolate_video(source, target, model=model, workers="external", **settings)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    folder = WorkFolder(target).path
    wait_for(lambda: (folder / "job.json").exists() or errors)
    yield folder
    thread.join(300)
    assert not errors and not thread.is_alive()


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


@pytest.mark.long
def test_external_workers_give_the_same_frames(tmp_path, source, whole, model):
    target, progress = tmp_path / "out.mp4", []
    with planned(source, target, model, progress=lambda *n: progress.append(n)) as folder:
        assert work([folder], once=True) == 8
        status = job_status(folder)
        assert (status.finished, status.segments, status.written, status.frames) == (1, 8, 8, 59)
        assert work([folder], exit_when_idle=True) == 51
    same_frames(target, whole)
    assert progress[-1] == (59, 59)
    assert not folder.exists()


@pytest.mark.long
def test_two_workers_share_a_job(tmp_path, source, whole, model):
    target, counts = tmp_path / "out.mp4", []
    with planned(source, target, model) as folder:
        threads = [threading.Thread(target=lambda: counts.append(work([folder]))) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    assert len(counts) == 2 and sum(counts) >= 59
    same_frames(target, whole)


@pytest.mark.long
def test_a_run_is_helped_by_another_worker(tmp_path, source, whole, model):
    """A local run and an external worker take segments of the same job."""
    target = tmp_path / "out.mp4"
    interpolate_video(source, target, options=OPTIONS, model=model, watch=Helper(target))
    same_frames(target, whole)


class Helper(JobWatch):
    """Makes one segment as another worker when the run writes its first frame."""

    def __init__(self, target):
        self.target, self.helped = target, False

    def on_frame(self, segment, frame, counts):
        if not self.helped:
            self.helped = True
            assert work([WorkFolder(self.target).path], once=True) == 8


@pytest.mark.long
def test_a_segment_of_a_dead_worker_is_made_by_the_others(tmp_path, source, whole, model):
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        dead = replace(own_claim(), process=2**22 - 7, started=1.0)
        (folder / "000002.claim").write_text(json.dumps(asdict(dead)))
        (folder / f"000002.{dead.worker}.part").write_bytes(b"half of a segment")
        work([folder], exit_when_idle=True)
    same_frames(target, whole)


@pytest.mark.long
def test_a_segment_of_a_worker_that_is_stuck_is_repeated(tmp_path, source, whole, model):
    """Its claim stays alive, but nothing comes of it."""
    target = tmp_path / "out.mp4"

    class Stuck(Helper):
        def on_frame(self, segment, frame, counts):
            folder = WorkFolder(self.target).path
            if not self.helped:
                self.helped = True
                alive = replace(own_claim(), host="elsewhere", taken=1.0)
                (folder / "000005.claim").write_text(json.dumps(asdict(alive)))

    interpolate_video(source, target, options=OPTIONS, model=model, watch=Stuck(target))
    same_frames(target, whole)


@pytest.mark.cluster
def test_a_run_in_processes_waits_for_a_segment_of_another_worker(tmp_path, source, whole, model):
    target = tmp_path / "out.mp4"
    alive = replace(own_claim(), host="elsewhere")
    folder = WorkFolder(target).path

    class Watch(JobWatch):
        def on_start(self, segments, finished):
            (folder / "000003.claim").write_text(json.dumps(asdict(alive)))
            threading.Timer(3.0, (folder / "000003.claim").unlink).start()

    interpolate_video(source, target, options=OPTIONS, model=model, jobs=2, watch=Watch())
    same_frames(target, whole)


@pytest.mark.long
def test_a_damaged_segment_of_a_worker_is_made_again(tmp_path, source, whole, model):
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        work([folder], once=True)
        segment = next(folder.glob("000000.*.mkv"))
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(bytes(content))
        work([folder])
    same_frames(target, whole)


@needs_a_full_device
@pytest.mark.long
def test_a_full_disk_at_one_worker_leaves_its_segment_to_others(
    tmp_path, source, whole, model, monkeypatch
):
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        with monkeypatch.context() as patch:
            patch.setattr("cdfi.video.jobs.segments.create", lambda path: full_file(create(path)))
            refused(folder, match="cdfi-work: no space left on the disk: free some space and start")
        left = {path.name for path in folder.iterdir()}
        assert not any(name.endswith((".claim", ".part")) for name in left)
        work([folder])
    same_frames(target, whole)


def full_file(file):
    """Return a file on a full disk in place of one that has just been created."""
    file.close()
    return Path("/dev/full").open("w+b")


@pytest.mark.long
def test_workers_leave_when_all_is_verified_though_the_planner_has_died(tmp_path, source, model):
    target = tmp_path / "out.mp4"
    with pytest.raises(RuntimeError, match="killed before the join"), dying_before_the_join():
        interpolate_video(source, target, options=OPTIONS, model=model)
    assert work([WorkFolder(target).path]) == 0
    assert interpolate_video(source, target, options=OPTIONS, model=model).frames == 59


@contextmanager
def dying_before_the_join():
    def dies(*_):
        raise RuntimeError("killed before the join")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cdfi.video.interpolate._finish", dies)
        yield


@pytest.mark.long
def test_a_worker_repeats_a_segment_of_one_that_is_stuck(tmp_path, source, whole, model):
    """The planner makes nothing itself, so the other worker must."""
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        stuck = replace(own_claim(), host="elsewhere", taken=1.0)
        (folder / "000003.claim").write_text(json.dumps(asdict(stuck)))
        assert work([folder], exit_when_idle=True) == 59
    same_frames(target, whole)


@pytest.mark.long
def test_one_worker_makes_several_videos_and_builds_its_network_once(
    tmp_path, source, whole, model, monkeypatch
):
    built, build = [], ModelSpec.build
    monkeypatch.setattr(ModelSpec, "build", lambda spec: built.append(spec) or build(spec))
    targets, lines = [tmp_path / "one.mp4", tmp_path / "two.mp4"], []
    with planned(source, targets[0], model) as first, planned(source, targets[1], model) as second:
        folders = [first, tmp_path, second]
        assert work(folders, on_refusal=lambda folder, line: lines.append(line)) == 2 * 59
    assert len(built) == 1
    assert len(lines) == 1 and "is not the work folder of a planned job" in lines[0]
    for target in targets:
        same_frames(target, whole)


@pytest.mark.long
def test_a_finished_segment_whose_record_is_not_seen_yet_is_not_made_again(
    tmp_path, source, whole, model, monkeypatch
):
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        assert work([folder], once=True) == 8
        with monkeypatch.context() as patch:
            recorded = WorkFolder.recorded
            patch.setattr(WorkFolder, "recorded", lambda self: recorded(self) - {0})
            assert work([folder], once=True) == 8
            assert len(list(folder.glob("000000.*.mkv"))) == 1
        work([folder])
    same_frames(target, whole)


def test_a_segment_whose_file_is_seen_after_its_record_is_kept(
    tmp_path, source, whole, model, monkeypatch
):
    target = tmp_path / "out.mp4"
    found, looks = WorkFolder._media, []

    def late(self, number, record):
        looks.append(number)
        return None if looks.count(2) < 3 and number == 2 else found(self, number, record)

    with planned(source, target, model) as folder:
        monkeypatch.setattr(WorkFolder, "_media", late)
        work([folder], exit_when_idle=True)
    assert looks.count(2) >= 3
    same_frames(target, whole)


@pytest.mark.long
def test_a_source_that_changes_during_the_work_is_one_clear_line(tmp_path, source, model):
    clip = tmp_path / "in.mp4"
    clip.write_bytes(source.read_bytes())
    before = clip.read_bytes()

    class Changes(JobWatch):
        def on_start(self, segments, finished):
            clip.write_bytes(before + b"0")

    with pytest.raises(ValueError, match="changed while it was interpolated.*--overwrite$"):
        interpolate_video(clip, tmp_path / "o.mp4", options=OPTIONS, model=model, watch=Changes())


def test_a_folder_whose_marker_was_never_finished_is_used(tmp_path, source, model):
    target = tmp_path / "out.mp4"
    folder = WorkFolder(target).path
    folder.mkdir()
    (folder / ".cdfi-work.0123456789abcdef.part").write_text("work fol")
    assert interpolate_video(source, target, options=OPTIONS, model=model).frames == 59
    assert not folder.exists()


def test_options_survive_the_job_file():
    options = Options(
        fps=Fraction(60000, 1001),
        slow=Fraction(5, 2),
        start=parse_moment("1:23.5"),
        duration=parse_moment("120f"),
        hold=("1,2,3,4",),
        encoding=Encoding(codec="h264", crf=20, extra={"tune": "film"}),
    )
    assert options_from_json(json.loads(json.dumps(options.as_json()))) == options


def refused(folder, *, match):
    with pytest.raises((ValueError, OSError), match=match) as caught:
        work([folder], exit_when_idle=True)
    assert "\n" not in str(caught.value)


@pytest.mark.long
def test_folders_that_cannot_be_worked_on_are_one_clear_line(tmp_path, source, model):
    refused(tmp_path / "gone", match="does not exist: expected a work folder")
    refused(tmp_path, match="is not the work folder of a planned job")
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        description = read_sealed(folder / "job.json")
        for change, line in (
            ({"version": 99}, r"planned by another version of cdfi \(format 99, expected 1\)"),
            ({"source": "/no/film.mp4", "relative": "../../no"}, "does not exist on this machine"),
            ({"options": {"factor": 3}}, "job.json is damaged|not those of this version"),
            (
                {"options": {**description["options"], "factor": 3}},
                "than the planned job: this version of cdfi reads the options differently",
            ),
        ):
            (folder / "job.json").write_text(sealed_json({**description, **change}))
            refused(folder, match=line)
        (folder / "job.json").write_text(sealed_json(description))
        assert read_description(folder).frames == 59
        work([folder])


@pytest.mark.long
def test_machines_that_would_make_other_frames_are_refused(tmp_path, source, model, monkeypatch):
    clip = tmp_path / "in.mp4"
    clip.write_bytes(source.read_bytes())
    with planned(clip, tmp_path / "out.mp4", model) as folder:
        with monkeypatch.context() as patch:
            patch.setattr("cdfi.video.jobs.job.libav_versions", lambda: "1.0")
            refused(folder, match="the version of libav differs here: install the same version of")
        with monkeypatch.context() as patch:
            patch.setattr("cdfi.video.jobs.job_file.fingerprint", lambda model: "another")
            refused(folder, match="the model or its precision differs here")
        with monkeypatch.context() as patch:
            patch.setattr("cdfi.video.jobs.plan.codec_row", no_encoder)
            refused(folder, match="cannot be worked on here: there is no encoder libx264")
        with changed(clip):
            refused(folder, match="the video has changed since it was planned")
        work([folder])


def no_encoder(name, target, pix_fmt):
    raise ValueError("there is no encoder libx264 in this installation")


@contextmanager
def changed(path):
    """Append a byte to a file during the block."""
    content = path.read_bytes()
    path.write_bytes(content + b"0")
    yield
    path.write_bytes(content)


@pytest.mark.parametrize("of", ["the folder", "the folder above it"])
def test_a_folder_without_permission_is_one_clear_line(tmp_path, of):
    above = tmp_path / "share"
    folder = above / ".film.mkv.cdfi-work"
    folder.mkdir(parents=True)
    (folder if of == "the folder" else above).chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        refused(folder, match="may not be read or written by this user: run cdfi as the user that")
    finally:
        if root:
            os.seteuid(0)
        above.chmod(0o700)
        folder.chmod(0o700)


@pytest.mark.long
def test_a_source_on_another_mount_point_is_found_beside_the_folder(tmp_path, source, model):
    home = tmp_path / "here"
    home.mkdir()
    clip = home / "in.mp4"
    clip.write_bytes(source.read_bytes())
    with planned(clip, home / "out.mp4", model) as folder:
        seen = tmp_path / "there"
        seen.symlink_to(home)
        description = read_sealed(folder / "job.json")
        moved = {**description, "source": "/elsewhere/in.mp4"}
        (folder / "job.json").write_text(sealed_json(moved))
        assert work([seen / folder.name]) == 59


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"workers": "remote"}, 'workers must be "local" or "external"'),
        ({"workers": "external", "jobs": 2}, "jobs is for local workers"),
    ],
)
def test_wrong_workers_are_refused(tmp_path, source, model, settings, line):
    with pytest.raises(ValueError, match=line):
        interpolate_video(source, tmp_path / "out.mp4", model=model, **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_commands_work_and_show_the_state(tmp_path, source, model, capsys):
    target = tmp_path / "out.mp4"
    with planned(source, target, model) as folder:
        assert main(["work", str(folder), "--once"]) == 0
        assert capsys.readouterr().out == "8 frames written\n"
        stranger = replace(own_claim(), host="render-7")
        (folder / "000004.claim").write_text(json.dumps(asdict(stranger)))
        assert main(["status", str(folder)]) == 0
        out = capsys.readouterr().out
        assert "1 of 8 segments, 8 of 59 frames" in out
        assert re.search(r"segment 4: process \d+ on render-7, seen \d+ s ago", out)
        assert main(["status", str(folder), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["claims"][0]["owner"]["host"] == "render-7"
        (folder / "000004.claim").unlink()
        work([folder])
