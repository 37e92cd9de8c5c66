"""``cdfi demo``: a short clip at twice its frame rate, a comparison and a contact sheet."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cdfi.cli.console import progress, progress_row, stdout
from cdfi.cli.early_checks import check_model
from cdfi.common.files import atomic_write, media_url

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

#: Two seconds of "Big Buck Bunny", (c) Blender Foundation, CC BY 3.0.
CLIP = Path(__file__).with_name("demo_clip.mp4")
#: Instants of the result that the contact sheet shows, as fractions of its length.
SHOWN = (Fraction(1, 6), Fraction(1, 2), Fraction(5, 6))


class Shot(NamedTuple):
    """A frame of a video and its time in seconds."""

    time: Fraction
    frame: "VideoFrame"


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path(
        "demo"
    ),
    model: Annotated[str, typer.Option(help="A name or a file.")] = "default",
    overwrite: Annotated[bool, typer.Option(help="Replace earlier results.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress bar.")] = False,
) -> None:
    """Interpolate the bundled clip to twice its rate, and print where the results are.

    Example: cdfi demo -o demo
    """
    check_model(model)
    from cdfi.video import ModelSpec, interpolate_video

    output.mkdir(parents=True, exist_ok=True)
    result, compared, sheet = (
        output / name for name in ("interpolated.mp4", "side-by-side.mp4", "contact-sheet.png")
    )
    if not overwrite and (
        existing := [path for path in (result, compared, sheet) if path.exists()]
    ):
        raise ValueError(f"{existing[0]} exists; --overwrite replaces it")
    with progress(quiet) as bar:
        report = interpolate_video(
            CLIP,
            result,
            model=ModelSpec(model, keep=True),
            overwrite=overwrite,
            progress=progress_row(bar, "interpolating"),
        )
    _write_comparison(CLIP, result, compared)
    _write_sheet(_shots(result), sheet)
    stdout.print(f"{report.interpolated} frames were interpolated between those of a 25 fps clip.")
    for label, path in (
        ("The clip at 50 fps", result),
        ("Before and after, side by side", compared),
        ("Contact sheet (source, interpolated, source)", sheet),
    ):
        stdout.print(f"{label}: {path.resolve()}")


def _shots(path: Path) -> list[Shot]:
    import av

    with av.open(media_url(path)) as container:
        stream = container.streams.video[0]
        frames = [frame for frame in container.decode(stream) if frame.pts is not None]
        base = stream.time_base or Fraction(1, 1)
        return [Shot(frame.pts * base, frame) for frame in frames if frame.pts is not None]


def _write_comparison(source: Path, result: Path, target: Path) -> None:
    """Write each frame of the result side by side with the source frame shown at that time."""
    import av
    from PIL import Image

    before, after = _shots(source), _shots(result)
    rate = Fraction(len(after) - 1) / (after[-1].time - after[0].time)
    with atomic_write(target) as part, av.open(media_url(part), "w") as container:
        stream = container.add_stream("libx264", rate=rate.limit_denominator(1001))
        stream.width, stream.height = 2 * after[0].frame.width, after[0].frame.height & ~1
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "16"}
        for shot in after:
            source_shots = [old for old in before if old.time <= shot.time] or before[:1]
            pair = Image.new("RGB", (stream.width, stream.height))
            pair.paste(source_shots[-1].frame.to_image(), (0, 0))
            pair.paste(shot.frame.to_image(), (stream.width // 2, 0))
            container.mux(stream.encode(av.VideoFrame.from_image(pair)))
        container.mux(stream.encode())


def _write_sheet(shots: list[Shot], target: Path) -> None:
    """Write a PNG of rows of three neighbouring frames, the interpolated one in the middle."""
    from PIL import Image

    rows: list[list[Image.Image]] = []
    for fraction in SHOWN:
        number = int(fraction * (len(shots) - 1)) | 1  # every second frame is interpolated
        rows.append([shot.frame.to_image() for shot in shots[number - 1 : number + 2]])
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (3 * width // 2, len(rows) * height // 2))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            small = picture.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
            sheet.paste(small, (x * (width // 2), y * (height // 2)))
    with atomic_write(target) as part:
        sheet.save(part)
