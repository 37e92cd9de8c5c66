"""``cdfi slurm``: a script that interpolates videos on a Slurm cluster."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from cdfi.cli.console import stdout

Words = Annotated[
    list[str], Argument(help="Videos and options of cdfi interpolate.", metavar="VIDEO...")
]
Tasks = Annotated[int, Option(help="Workers at a time, each a task of the array.", min=1)]
Time = Annotated[str | None, Option(help="Time limit of each task, such as 4:00:00.")]
Partition = Annotated[str | None, Option(help="Partition of the jobs.")]
Gpus = Annotated[int, Option(help="GPUs of each task.", min=0)]
Cpus = Annotated[int, Option(help="Processors of each task.", min=1)]
Mem = Annotated[str | None, Option(help="Memory of each task, such as 16G.")]
More = Annotated[list[str] | None, Option("--sbatch", help="Another option of sbatch; repeatable.")]
#: Options of ``cdfi interpolate`` that a script cannot have, with their values without them.
UNFIT = {
    "ray_": None,
    "workers": "local",
    "preview": False,
    "dry_run": False,
    "live": None,
}

SCRIPT = """\
#!/bin/bash
# Interpolates videos on Slurm, in three steps: one job plans, an array of jobs makes segments, and
# one job joins them. Submit all with: bash {name}
{directives}

set -u
cd {here}
interpolate=({interpolate})
work=({work})

requeue() {{  # before the time limit: stop the step, and put this task back into the queue
    kill -INT "$child"
    wait "$child"
    echo "requeued before the time limit"
    task=$SLURM_JOB_ID  # of the last task it is the number of the whole array
    [ -z "${{SLURM_ARRAY_JOB_ID-}}" ] || task=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID
    scontrol requeue "$task"
    exit 0
}}

run() {{
    set -m  # so that the step can be interrupted
    "$@" &
    child=$!
    trap requeue USR1
    wait "$child"
}}

case "${{1-submit}}" in
submit)
    script=$(realpath "$0")
    planned=$(sbatch --parsable "$script" plan) || exit
    made=$(sbatch --parsable --array=1-{tasks} --kill-on-invalid-dep=yes \\
        --dependency="afterok:${{planned%%;*}}" "$script" work) || exit
    sbatch --dependency="afterany:${{made%%;*}}" "$script" join
    ;;
plan) run "${{interpolate[@]}}" --workers later ;;
work) run "${{work[@]}}" --exit-when-idle ;;
join) run "${{interpolate[@]}}" ;;
*) echo "expected submit, plan, work or join, got $1" >&2; exit 2 ;;
esac
"""


def slurm(
    words: Words,
    tasks: Tasks = 8,
    time: Time = None,
    partition: Partition = None,
    gpus: Gpus = 0,
    cpus: Cpus = 4,
    mem: Mem = None,
    sbatch: More = None,
) -> None:
    """Print a script that interpolates videos on a Slurm cluster.

    It takes the options of cdfi interpolate. All nodes must see the videos and this installation of
    cdfi at the same paths.

    Example: cdfi slurm film.mkv --fps 60 --tasks 16 --gpus 1 --time 4:00:00 > job.sh; bash job.sh
    """
    folders = [Path(folder).absolute() for folder in _work_folders(words)]
    asked = {
        "time": time,
        "partition": partition,
        "cpus-per-task": cpus,
        "gres": f"gpu:{gpus}" if gpus else None,
        "mem": mem,
    }
    fixed = ["job-name=cdfi", "requeue", "open-mode=append", "signal=B:USR1@120"]
    options = [f"{name}={value}" for name, value in asked.items() if value is not None]
    more = [option.removeprefix("--") for option in sbatch or []]
    command = [sys.executable, "-m", "cdfi.cli.main"]
    script = SCRIPT.format(
        name="job.sh",
        directives="\n".join(f"#SBATCH --{option}" for option in [*fixed, *options, *more]),
        here=shlex.quote(str(Path.cwd())),
        interpolate=shlex.join([*command, "interpolate", "--quiet", *words]),
        work=shlex.join([*command, "work", *map(os.fspath, folders)]),
        tasks=tasks,
    )
    stdout.print(script.rstrip("\n"), markup=False)


def _work_folders(words: Sequence[str]) -> list[Path]:
    """Return the work folders of a call of ``cdfi interpolate``, after checking its words.

    Raises:
        UsageError, OSError, ValueError: the call is wrong, or not one for a script.
    """
    from cdfi.cli.application import build
    from cdfi.cli.first_check import check_words
    from cdfi.cli.option_presets import expand_presets

    full = expand_presets(["interpolate", *words])
    app = build(full)
    check_words(app, full)
    group: Any = typer.main.get_command(app)
    command = group.commands["interpolate"]
    given = command.make_context("cdfi interpolate", full[1:]).params
    for name, usual in UNFIT.items():
        if given[name] != usual:
            option = name.strip("_").replace("_", "-")
            raise ValueError(f"--{option} does not go with cdfi slurm: leave it out")
    return [_folder_of(target) for target in _targets(given)]


def _targets(given: dict[str, Any]) -> list[Path]:
    """Return the results of a call of ``cdfi interpolate`` from its parameters."""
    from cdfi.cli.inputs import find_inputs
    from cdfi.cli.result_names import is_video_name, result_paths
    from cdfi.video import Options, is_image
    from cdfi.video.timing.rate import parse_rate, parse_slow

    inputs, several = find_inputs(given["inputs"])
    output = given["output"]
    folders = [path for path in inputs if path.is_dir()]
    if any(map(is_image, inputs)) or (folders and not (output and is_video_name(output))):
        raise ValueError("cdfi slurm is for videos: images are made by cdfi interpolate")
    fps, slow = given["fps_"], given["slow_"]
    options = Options(
        factor=given["factor_"],
        fps=None if fps is None else parse_rate(fps),
        slow=1 if slow is None else parse_slow(slow),
    )
    return result_paths(inputs, output, options, several=several)


def _folder_of(target: Path) -> Path:
    from cdfi.video.jobs.folder_names import folder_name

    return target.with_name(folder_name(target.name))
