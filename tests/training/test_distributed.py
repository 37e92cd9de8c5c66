"""Two processes train as one would with twice the batch."""

import csv
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from torch.distributed.run import get_args_parser

from cdfi.common.devices import choose_device
from cdfi.training.args import TrainArgs
from cdfi.training.distributed import join_processes
from cdfi.training.loop import train
from tests.training.tiny_runs import make_photos, tiny_args

LAUNCH = """
import atexit
import sys
from pathlib import Path
from cdfi.training.args import TrainArgs
from cdfi.training.loop import train
from cdfi.training.record import Record
Record.validate = lambda record, device: setattr(record._state, "best", 31.5)
tasks = Path("/proc/self/task")  # Linux only
atexit.register(lambda: sys.stdout.write(f"threads {len(list(tasks.glob('*'))) or 1}\\n"))
outcome = train(TrainArgs.from_json(Path(sys.argv[1]).read_text()))
sys.stdout.write(f"{'leads' if outcome.leads else 'follows'} {outcome.best}\\n")  # in one piece
"""


def _two_processes(args: TrainArgs, tmp_path: Path) -> str:
    """What they printed."""
    script = tmp_path / "launch.py"
    script.write_text(LAUNCH)
    file = tmp_path / "args.json"
    file.write_text(args.to_json())
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*torchrun, str(script), str(file)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torchrun_accepts_the_commands_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    commands = re.findall(r"torchrun (--[^'`#]*?)(?:'|\n\n|```)", text.replace("\\\n", " "))
    assert len(commands) == 3
    for words in map(shlex.split, commands):
        parsed = get_args_parser().parse_args([w.replace("$SLURM_NNODES", "4") for w in words])
        assert (parsed.training_script, parsed.training_script_args[0]) == (
            "cdfi.cli.main",
            "train",
        )


def _losses(args: TrainArgs) -> list[float]:
    with (Path(args.out) / args.run / "train.csv").open() as lines:
        return [float(row["loss"]) for row in csv.DictReader(lines)]


@pytest.mark.long
def test_two_processes_give_the_loss_curve_of_one_with_twice_the_batch(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    args = tiny_args(
        tmp_path,
        data=(f"synthetic={photos}:0.5", f"triplets={tmp_path / 'triplets'}:0.5"),
        optimizer="SGD",
        lr=0.05,
        guidance=0.01,
        warp=0.1,
        guidance_until=1.0,
        steps=5,
    )
    train(replace(args, run="one", batch=4))
    printed = _two_processes(replace(args, run="two", batch=2), tmp_path)
    one, two = _losses(replace(args, run="one")), _losses(replace(args, run="two"))
    assert len(one) == 5
    assert two == pytest.approx(one, rel=1e-5)
    # One of them scores and speaks, and all know the score.
    lines = sorted(printed.splitlines())
    assert lines[:2] == ["follows 31.5", "leads 31.5"]
    # The group's threads are gone before Python ends: one that comes late aborts the process.
    assert lines[2:] == ["threads 1", "threads 1"]


def test_a_single_process_needs_no_fabric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert join_processes("cpu").count == 1


def test_several_processes_without_fabric_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(ValueError, match=r"cdfi\[train\]"):
        join_processes("cpu")


def test_a_missing_device_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no device 'tpu' here; there is .*cpu"):
        choose_device("tpu")
