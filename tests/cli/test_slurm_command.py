"""The script of cdfi slurm, and Slurm itself where it is installed."""

import subprocess
import tempfile
from pathlib import Path

import pytest

from cdfi.cli.main import main
from cdfi.video import interpolate_video
from cdfi.video.jobs.workfolder import WorkFolder
from tests.cli.interpolate_inputs import tiny_model
from tests.cli.slurm_cluster import output, slurm_cluster, wait_for, why_not
from tests.video.jobs.test_segments import same_frames
from tests.video.video_clips import Clip, write_clip

ROOT = Path(__file__).parents[2]


def script(words, capsys):
    assert main(["slurm", *words]) == 0
    return capsys.readouterr().out


def test_the_script_has_an_array_that_is_requeued_and_a_join(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a film.mkv").write_bytes(b"")
    words = ["a film.mkv", "--fps", "60", "-x", "tune=film", "--tasks", "5", "--gpus", "1"]
    text = script([*words, "--time", "2:00:00", "--sbatch", "account=lab"], capsys)
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    for line in ("requeue", "signal=B:USR1@120", "time=2:00:00", "gres=gpu:1", "account=lab"):
        assert f"\n#SBATCH --{line}\n" in text
    assert "--array=1-5" in text and "afterok:" in text and "afterany:" in text
    assert "interpolate --quiet 'a film.mkv' --fps 60 -x tune=film)" in text
    assert f"work '{tmp_path}/.a film_60fps.mkv.cdfi-work')" in text


def test_several_videos_have_a_work_folder_each(tmp_path, capsys):
    for name in ("a.mkv", "b.mp4"):
        (tmp_path / name).write_bytes(b"")
    text = script([str(tmp_path / "a.mkv"), str(tmp_path / "b.mp4"), "-o", "out"], capsys)
    assert f"work {Path.cwd()}/out/.a.mkv.cdfi-work {Path.cwd()}/out/.b.mp4.cdfi-work)" in text


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["gone.mkv"], 1, "gone.mkv does not exist"),
        (["{film}", "--fpss", "60"], 2, "No such option: --fpss"),
        (["{film}", "--codec", "h999"], 1, "h999"),
        (["{film}", "--fps", "x"], 1, "x"),
        (["{film}", "--ray"], 1, "--ray does not go with cdfi slurm: leave it out"),
        (["{film}", "--workers", "external"], 1, "--workers does not go with cdfi slurm"),
        (["{image}", "{image}"], 1, "cdfi slurm is for videos"),
    ],
)
def test_wrong_calls_print_one_line_and_no_script(tmp_path, capsys, words, status, line):
    names = {"film": tmp_path / "film.mkv", "image": tmp_path / "image.png"}
    for path in names.values():
        path.write_bytes(b"")
    assert main(["slurm", *(word.format(**names) for word in words)]) == status
    out, err = capsys.readouterr()
    assert out == "" and line in err and err.count("\n") == 1


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    found = Clip(30, options={"preset": "fast", "bf": "2", "g": "9"}, audio=True)
    return write_clip(tmp_path_factory.mktemp("source") / "in.mp4", found)


@pytest.mark.long
def test_a_job_is_planned_for_later(tmp_path, clip, capsys):
    """The steps of the script, one after the other, without Slurm."""
    model, target = tiny_model(tmp_path), tmp_path / "out.mp4"
    words = ["interpolate", str(clip), "-o", str(target), "--model", str(model), "--device", "cpu"]
    folder = WorkFolder(target).path
    assert main([*words, "--workers", "later"]) == 0
    assert capsys.readouterr().out == f"planned: {folder}\n"
    assert main(["work", str(folder), "--exit-when-idle"]) == 0
    assert capsys.readouterr().out == "59 frames written\n"
    made = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.mkv")}
    assert main([*words, "--workers", "later"]) == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.mkv")} == made
    assert main(words) == 0
    assert not folder.exists() and target.exists()


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_slurm_makes_the_same_frames_after_a_signal_before_the_limit(
    tmp_path, clip, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    model, target = tiny_model(tmp_path), tmp_path / "out.mp4"
    words = [str(clip), "-o", str(target), "--model", str(model), "--factor", "8"]
    (tmp_path / "job.sh").write_text(script([*words, "--tasks", "2", "--cpus", "1"], capsys))
    folder = WorkFolder(target).path
    with tempfile.TemporaryDirectory() as home, slurm_cluster(Path(home)) as environment:
        environment["PYTHONPATH"] = str(ROOT / "src")
        command = ["bash", str(tmp_path / "job.sh")]
        subprocess.run(command, env=environment, check=True)
        wait_for(lambda: folder.exists() and [*folder.glob("[0-9]*.claim")])
        running = output(["squeue", "--noheader", "--states=R", "--format=%i"], environment)
        stopped = running.split()
        for number in stopped:
            output(["scancel", "--batch", "--signal=USR1", number], environment)
        wait_for(lambda: not output(["squeue", "--noheader"], environment), 900)
    logs = "".join(path.read_text() for path in tmp_path.glob("slurm-*.out"))
    assert stopped and logs.count("requeued before the time limit") == len(stopped), logs
    assert target.exists(), logs
    expected = tmp_path / "expected.mp4"
    interpolate_video(clip, expected, model=model, factor=8)
    same_frames(target, expected)
