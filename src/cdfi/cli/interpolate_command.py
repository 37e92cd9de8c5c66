"""``cdfi interpolate``: videos, a folder of images, or two images."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from cdfi.common.sizes import byte_count

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
AUDIO = ("copy", "stretch", "drop")

Inputs = Annotated[list[Path], Argument(help="A video or several, a folder of images, two images.")]
Output = Annotated[
    Path | None, Option("-o", "--output", help="The result; a folder for several videos.")
]
Factor = Annotated[int | None, Option(help="Frames in place of each one. By default 2.")]
Fps = Annotated[str | None, Option(help="A constant rate instead: 60, 59.94, 60000/1001, ntsc.")]
Slow = Annotated[int, Option(help="Make the video this many times longer.")]
ModelName = Annotated[str, Option("--model", help="A model's name or file.")]
Device = Annotated[str | None, Option(help="cpu, cuda, cuda:1, mps. By default the best there is.")]
Precision = Annotated[str, Option(help="auto, fp32, bf16 or fp16.")]
Memory = Annotated[
    str | None, Option(help="What the network may take: 4GB. By default what is free.")
]
Compile = Annotated[
    bool, Option("--compile", help="Compile the network first: slower to begin, then faster.")
]
Codec = Annotated[str | None, Option(help="h264, hevc, av1, vp9, prores, ffv1, or one of libav's.")]
Crf = Annotated[float | None, Option(help="The encoder's quality: less is better.")]
Preset = Annotated[str | None, Option(help="The encoder's preset.")]
PixFmt = Annotated[str | None, Option("--pix-fmt", help="Pixel format. By default the source's.")]
Extra = Annotated[
    list[str] | None, Option("-x", help="An encoder's option, key=value; repeatable.")
]
Audio = Annotated[
    str | None, Option(help="copy, stretch or drop. By default copy, with --slow drop.")
]
Threshold = Annotated[float, Option(help="How much must change to be a scene cut, in percent.")]
Scenes = Annotated[bool, Option(help="Hold the last frame before a scene cut.")]
Dedup = Annotated[bool, Option("--dedup", help="Interpolate across repeated frames.")]
Deinterlace = Annotated[bool, Option("--deinterlace", help="Make interlaced frames whole first.")]
Overwrite = Annotated[
    bool, Option("--overwrite", help="Replace the result, and discard unfinished work on it.")
]
Jobs = Annotated[int | None, Option(help="Processes at once. By default one for each GPU.")]
Preview = Annotated[
    bool, Option("--preview", help="Only show the first seconds, beside the source.")
]
DryRun = Annotated[bool, Option("--dry-run", help="Only tell what would be done.")]
Json = Annotated[bool, Option("--json", help="Report a line of JSON for each file.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]


def interpolate(
    inputs: Inputs,
    output: Output = None,
    factor: Factor = None,
    fps: Fps = None,
    slow: Slow = 1,
    model: ModelName = "default",
    device: Device = None,
    precision: Precision = "auto",
    memory: Memory = None,
    compile: Compile = False,
    codec: Codec = None,
    crf: Crf = None,
    preset: Preset = None,
    pix_fmt: PixFmt = None,
    extra: Extra = None,
    audio: Audio = None,
    scene_threshold: Threshold = 10.0,
    scenes: Scenes = True,
    dedup: Dedup = False,
    deinterlace: Deinterlace = False,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    preview: Preview = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the frames between the frames.

    The result keeps the source's times, colours, depth, audio, subtitles and tags. The same command
    takes up a run that was interrupted.
    """
    from cdfi.cli.interpolate_task import InterpolationTask
    from cdfi.video import Encoding, ModelSpec, Options, parse_rate

    encoding = Encoding(codec, crf, preset, pix_fmt, _pairs(extra or []))
    rate = None if fps is None else parse_rate(fps)
    cuts = scene_threshold if scenes else None
    sound = _choice("--audio", audio, AUDIO)
    options = Options(factor, rate, slow, sound, cuts, dedup, deinterlace, encoding)
    half = _choice("--precision", precision, PRECISIONS)
    network = ModelSpec(model, device, half, _bytes(memory), compile, keep=memory is None)
    mode: Any = "plan" if dry_run else "preview" if preview else "make"
    InterpolationTask(inputs, output, overwrite, as_json, quiet, jobs, mode).run(options, network)


def _choice(option: str, value: str | None, choices: tuple[str, ...]) -> Any:
    """``value``, which is one of ``choices`` or not given."""
    if value is not None and value not in choices:
        raise ValueError(f"{option} {value}: expected one of {', '.join(choices)}")
    return value


def _pairs(words: list[str]) -> dict[str, str]:
    """``key=value`` words as a table."""
    pairs = [word.partition("=") for word in words]
    for key, sign, _ in pairs:
        if not key or not sign:
            raise ValueError(f"-x {key}{sign}: expected key=value, such as -x tune=film")
    return {key: value for key, _, value in pairs}


def _bytes(text: str | None) -> int | None:
    """Return the bytes that --memory allows; None leaves the choice to the library."""
    try:
        return None if text is None else byte_count(text)
    except ValueError as error:
        raise ValueError(f"--memory: {error}") from error
