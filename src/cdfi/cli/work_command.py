"""``cdfi work``: compute segments of videos that another process has planned."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cdfi.cli.console import stderr, stdout
from cdfi.cli.early_checks import check_device
from cdfi.cli.network_options import DeviceOption

Folders = Annotated[
    list[Path], Argument(help="Work folders: .NAME.cdfi-work in the folder of the result NAME.")
]
Once = Annotated[bool, Option("--once", help="End after one segment.")]
ExitWhenIdle = Annotated[
    bool, Option("--exit-when-idle", help="End when no segment is free, instead of waiting.")
]


def work(
    folders: Folders,
    device: DeviceOption = None,
    once: Once = False,
    exit_when_idle: ExitWhenIdle = False,
) -> None:
    """Make segments of videos that cdfi interpolate has planned, on this or another machine.

    The folder must be on a disk that both machines share. A segment whose worker is gone is made
    by another one. The command ends when the segments of all videos are finished and verified.

    Example: cdfi work /films/.film_x2.mkv.cdfi-work
    """
    check_device(device)
    from cdfi.video.work import work as make_segments

    refused: list[str] = []

    def on_refusal(folder: Path, line: str) -> None:
        refused.append(line)
        stderr.print(f"cdfi: {line}", style="red", markup=False)

    frames = make_segments(
        folders,
        device=device,
        once=once,
        exit_when_idle=exit_when_idle,
        on_refusal=on_refusal if len(folders) > 1 else None,
    )
    stdout.print(f"{frames} frames written")
    if refused:
        raise ValueError(f"{len(refused)} of {len(folders)} folders failed; see the errors above")
