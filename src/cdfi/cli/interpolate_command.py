"""``cdfi interpolate``: videos, a folder of images, or two images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from cdfi.cli.early_checks import check_codec, check_network, model_names
from cdfi.cli.field_options import FieldOptions, Values, field_options
from cdfi.cli.inputs import find_inputs
from cdfi.cli.network_options import DEVICE_HELP, BackendName, PrecisionName
from cdfi.common.image_numbers import STILLS
from cdfi.common.quick_imports import quick_imports
from cdfi.common.ray_cluster import RayUse
from cdfi.common.scales import check_scale
from cdfi.common.sizes import byte_count
from cdfi.video.options import Encoding, Options
from cdfi.video.timing.moment import parse_moment
from cdfi.video.timing.rate import parse_rate, parse_slow

_FRAMES, _NETWORK, _ENCODING, _RUN = "Frames", "Network", "Encoding", "The run"

Inputs = Annotated[
    list[Path],
    Argument(help="Videos, folders of clips or images, globs, shot.%04d.png, two images."),
]
Output = Annotated[
    Path | None,
    Option("-o", "--output", help="The result; a folder, which is created, for several videos."),
]
Scenes = Annotated[
    bool, Option(help="Repeat the last frame before a scene cut.", rich_help_panel=_FRAMES)
]
ModelName = Annotated[
    str,
    Option(
        "--model",
        help="A model's name (cdfi models list) or file.",
        autocompletion=model_names,
        rich_help_panel=_NETWORK,
    ),
]
Device = Annotated[str | None, Option(help=DEVICE_HELP, rich_help_panel=_NETWORK)]
PrecisionOption = Annotated[
    PrecisionName, Option(help="Precision of the network.", rich_help_panel=_NETWORK)
]
Memory = Annotated[
    str | None,
    Option(
        help="Memory that the network may use, such as 4GB. By default what is free.",
        rich_help_panel=_NETWORK,
    ),
]
Scale = Annotated[
    str | None,
    Option(
        help="Size at which motion is estimated: 0.5 for very large motion, auto for large frames.",
        rich_help_panel=_NETWORK,
    ),
]
Compile = Annotated[
    bool,
    Option(
        "--compile",
        help="Run the network through torch.compile: slower to start, then faster.",
        rich_help_panel=_NETWORK,
    ),
]
Backend = Annotated[
    BackendName | None,
    Option(
        help="Runtime of the network instead of PyTorch; --device is then its provider or device.",
        rich_help_panel=_NETWORK,
    ),
]
Overwrite = Annotated[
    bool,
    Option(
        "--overwrite",
        help="Replace the result, and discard unfinished work on it.",
        rich_help_panel=_RUN,
    ),
]
Jobs = Annotated[
    int | None,
    Option(help="Processes at a time. By default one for each GPU.", rich_help_panel=_RUN),
]
PreviewOption = Annotated[
    bool,
    Option(
        "--preview",
        help="Write 5 seconds, or the part that is chosen, side by side with the source.",
        rich_help_panel=_RUN,
    ),
]
DryRun = Annotated[
    bool,
    Option(
        "--dry-run",
        help="Print what would be done, and how long it would take.",
        rich_help_panel=_RUN,
    ),
]
Json = Annotated[
    bool,
    Option("--json", help="Print a line of JSON for each file.", rich_help_panel=_RUN),
]
PresetFile = Annotated[
    Path | None,
    Option(
        "--preset-file",
        help="TOML file with named sets of options for --preset.",
        rich_help_panel=_ENCODING,
    ),
]
Live = Annotated[
    Path | None,
    Option(
        help="Keep a picture of the newest interpolated frame between its source frames in this "
        "file, such as live.jpg.",
        rich_help_panel=_RUN,
    ),
]
WorkersOption = Annotated[
    Literal["local", "external", "later"],
    Option(
        "--workers",
        help="external leaves the frames to cdfi work on other machines, waits for them, and joins "
        "the result; later only plans: the same command without it joins.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.", rich_help_panel=_RUN)]
ProgressForm = Annotated[
    Literal["bar", "json"],
    Option(
        "--progress",
        help="A bar, or lines of JSON on stderr for other programs.",
        rich_help_panel=_RUN,
    ),
]


def key_values(words: Sequence[str]) -> dict[str, str]:
    """Return ``KEY=VALUE`` words as a dictionary.

    Raises:
        ValueError: a word has another form.
    """
    pairs = [word.partition("=") for word in words]
    for key, sign, _ in pairs:
        if not key or not sign:
            raise ValueError(f"expected key=value, such as tune=film, got {key + sign!r}")
    return {key: value for key, _, value in pairs}


@field_options(
    frames=FieldOptions(
        Options,
        "factor fps rate fill_gaps start end duration slow loop motion_blur audio "
        "scene_threshold dedup dedup_sensitivity hold black_bars "
        "deinterlace",
        panel=_FRAMES,
        parse={
            "fps": parse_rate,
            "rate": parse_rate,
            "start": parse_moment,
            "end": parse_moment,
            "duration": parse_moment,
            "slow": parse_slow,
        },
    ),
    encoding=FieldOptions(
        Encoding,
        "codec quality crf preset pix_fmt extra record_options",
        panel=_ENCODING,
        declared={"extra": "-x"},
        parse={"extra": key_values},
    ),
    cluster=FieldOptions(RayUse, "ray ray_cpus", panel=_RUN),
)
def interpolate(
    inputs: Inputs,
    frames: Values,
    encoding: Values,
    cluster: Values,
    output: Output = None,
    scenes: Scenes = True,
    model: ModelName = "default",
    device: Device = None,
    precision: PrecisionOption = "auto",
    memory: Memory = None,
    compile: Compile = False,
    scale: Scale = None,
    backend: Backend = None,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    workers: WorkersOption = "local",
    preview: PreviewOption = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
    progress: ProgressForm = "bar",
    live: Live = None,
    preset_file: PresetFile = None,
) -> None:
    """Interpolate the frames of videos or images.

    Times, colours, depth, audio, subtitles and tags are kept. The same command resumes its run.

    Example: cdfi interpolate in.mkv -o out.mkv --fps 60 --codec hevc --quality high
    """
    frames |= {} if scenes else {"scene_threshold": None}
    options = Options(**frames, encoding=Encoding(**encoding))
    check_network(model, device, backend)
    _check_values(options.encoding.codec, scale, live)
    with quick_imports():
        from cdfi.cli.interpolate_task import InterpolationTask
        from cdfi.video import ModelSpec
    call: Values = {"output": output, "overwrite": overwrite, "mode": _mode(dry_run, preview)}
    call |= {"as_json": as_json, "quiet": quiet, "progress_form": progress, "live": live}
    call |= {"jobs": jobs, "workers": workers, "cluster": RayUse(**cluster)}
    network: Values = {"device": device, "precision": precision, "compile": compile}
    network |= {"memory": _bytes(memory), "keep": memory is None, "scale": scale}
    task = InterpolationTask(find_inputs(inputs), **call)
    task.run(options, ModelSpec(model, backend=backend, **network))


def _mode(dry_run: bool, preview: bool) -> Literal["make", "preview", "plan"]:
    return "plan" if dry_run else "preview" if preview else "make"


def _check_values(codec: str | None, scale: str | None, live: Path | None) -> None:
    """Check the codec, the scale, and that the file name of --live ends like an image's."""
    check_codec(codec)
    check_scale(scale or 1)
    if live is not None and live.suffix.lower() not in STILLS:
        raise ValueError(f"--live: expected a name such as live.jpg, got {live}")


def _bytes(text: str | None) -> int | None:
    """Return the bytes that --memory allows; None leaves the choice to the library."""
    try:
        return None if text is None else byte_count(text)
    except ValueError as error:
        raise ValueError(f"--memory: {error}") from error
