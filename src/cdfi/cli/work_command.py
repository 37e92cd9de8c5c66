"""``cdfi work``: compute segments of videos that another process has planned."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cdfi.cli.console import stderr, stdout
from cdfi.cli.early_checks import check_device
from cdfi.cli.network_options import DeviceOption

Folders = Annotated[
    list[str],
    Argument(
        help="Work folders: .NAME.cdfi-work in the folder of the result NAME; or the URL that cdfi "
        "serve has printed."
    ),
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

    The folder must be on a disk that both machines share. Without one, give the URL that cdfi serve
    has printed: the videos of its jobs are fetched, and finished segments are sent back.

    A segment whose worker is gone is made by another one. The command ends when the segments of all
    videos are finished and verified; with a URL, it waits for more jobs.

    Example: cdfi work /films/.film_x2.mkv.cdfi-work
    """
    check_device(device)
    from cdfi.video.remote.connection import is_url
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
        on_refusal=on_refusal if len(folders) > 1 or is_url(folders[0]) else None,
    )
    stdout.print(f"{frames} frames written")
    if refused:
        raise ValueError(f"{len(refused)} jobs could not be worked on; see the errors above")
