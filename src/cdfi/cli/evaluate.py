"""``cdfi evaluate``: networks, baselines and folders of predictions over data sets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from .console import progress, stderr, stdout

if TYPE_CHECKING:
    from rich.table import Table

    from ..evaluation import DataSet, Method, Report, Scorer
    from ..evaluation.scoring import Watcher
    from ..evaluation.videos import Video

Models = Annotated[list[str] | None, Argument(help="Names or files of models.")]
Datasets = Annotated[
    list[str],
    Option("-d", "--dataset", help="A name (cdfi datasets list), folder or video; repeatable."),
]
Baselines = Annotated[
    list[str] | None,
    Option("-b", "--baseline", help="average, dis, minterpolate or all; repeatable."),
]
Predictions = Annotated[
    list[Path] | None,
    Option(help="A folder of pictures to score: NAME.png or DATASET/NAME.png; repeatable."),
]
Metrics = Annotated[
    str | None,
    Option(help="psnr, ssim, lpips, lpips-paper, ie, mae, lpips-alex, lpips-vgg; with commas."),
]
Data = Annotated[Path | None, Option(help="Where data sets are. By default CDFI_DATA, or cache.")]
Names = Annotated[str, Option(help="The three files in the folders of a data set given by path.")]
Device = Annotated[str | None, Option(help="cpu, cuda, cuda:1, mps. By default the best there is.")]
Precision = Annotated[str, Option(help="auto, fp32, bf16 or fp16.")]
KeepGoing = Annotated[bool, Option("--keep-going", help="Skip bad pictures, and count them.")]
Json = Annotated[Path | None, Option("--json", help="Write everything as JSON; - is stdout.")]
Csv = Annotated[Path | None, Option("--csv", help="Write a line for each picture; - is stdout.")]
Markdown = Annotated[Path | None, Option("--markdown", help="Write the table; - is stdout.")]
SaveImages = Annotated[Path | None, Option(help="Write predictions: METHOD/DATASET/NAME.png.")]
ErrorMaps = Annotated[Path | None, Option(help="Write error maps: METHOD/DATASET/NAME.png.")]
Sheet = Annotated[Path | None, Option(help="Write the worst pictures of each method as PNG.")]
Cases = Annotated[int, Option(help="Pictures of a method on the contact sheet.", min=1)]
Plot = Annotated[Path | None, Option(help="Draw quality against time and parameters.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]


def evaluate(
    models: Models = None,
    dataset: Datasets = ["middlebury"],  # noqa: B006 (typer copies it)
    baseline: Baselines = None,
    predictions: Predictions = None,
    metrics: Metrics = None,
    data: Data = None,
    names: Names = "im1.png,im2.png,im3.png",
    device: Device = None,
    precision: Precision = "auto",
    keep_going: KeepGoing = False,
    json: Json = None,
    csv: Csv = None,
    markdown: Markdown = None,
    save_images: SaveImages = None,
    error_maps: ErrorMaps = None,
    contact_sheet: Sheet = None,
    cases: Cases = 8,
    plot: Plot = None,
    quiet: Quiet = False,
) -> None:
    """Score methods over data sets, by the protocol that the report records.

    Without a model, baseline or folder of predictions, the default model is scored.
    """
    from ..evaluation import Report, Scorer, find
    from ..evaluation.metrics import DEFAULT, choose
    from ..evaluation.plot import need_matplotlib
    from ..evaluation.plot import plot as draw
    from ..evaluation.protocol import protocol
    from ..evaluation.sheet import ContactSheet
    from ..interpolation import pick_device

    if plot:
        need_matplotlib()
    chosen, place = choose(_words(metrics) if metrics else DEFAULT), pick_device(device)
    methods = _methods(models or [], baseline or [], predictions or [], device, precision)
    sets = [find(name, data, _three(names)) for name in dict.fromkeys(dataset)]
    sheet = ContactSheet(cases)
    watch = _savers(save_images, error_maps)
    if contact_sheet:
        watch.append(sheet)
    report = Report(chosen, methods, protocol(methods, chosen, place))
    _run(report, sets, Scorer(chosen, place, keep_going, watch), quiet)
    if contact_sheet:
        sheet.save(contact_sheet)
    if plot:
        draw(report, plot)
    for path, text in [
        (json, report.to_json),
        (csv, report.to_csv),
        (markdown, report.to_markdown),
    ]:
        _write(path, text)
    if Path("-") not in (json, csv, markdown):
        _show(report)


def _savers(images: Path | None, errors: Path | None) -> "list[Watcher]":
    from ..evaluation.sheet import Saver

    savers: list[Watcher] = [Saver(images)] if images else []
    return [*savers, Saver(errors, errors=True)] if errors else savers


def _methods(
    models: Sequence[str],
    baselines: Sequence[str],
    folders: Sequence[Path],
    device: str | None,
    precision: str,
) -> list["Method"]:
    from ..evaluation import baseline, network, predictions
    from ..evaluation.baselines import BASELINES
    from ..interpolation import Interpolator

    if not (models or baselines or folders):
        models = ["default"]
    methods = []
    for model in models:
        name = Path(model).stem if Path(model).is_file() else model
        methods.append(network(name, Interpolator(model, device, precision)))  # type: ignore[arg-type]
    methods += map(baseline, list(BASELINES) if "all" in baselines else baselines)
    methods += map(predictions, folders)
    names = [method.name for method in methods]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two methods are called {twice[0]}; rename one file or folder")
    return methods


def _run(
    report: "Report", sets: Sequence["DataSet | Video"], scorer: "Scorer", quiet: bool
) -> None:
    # What is missing should be told before the first hour of work, not after it.
    if not scorer.keep_going:
        for dataset in sets:
            dataset.check()
    with progress(quiet) as bar:
        for dataset in sets:
            for method in report.methods:
                label = f"{dataset.title}, {method.name}"
                task = bar.add_task(label, total=dataset.size, note="")
                for row in scorer.run(method, dataset):
                    report.add(row)
                    bar.advance(task)


def _write(path: Path | None, text: Callable[[], str]) -> None:
    if path == Path("-"):
        stdout.out(text(), end="")
    elif path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")


def _show(report: "Report") -> None:
    from rich.console import Console

    from ..evaluation.report import flat

    table = _table(report)
    # Whole numbers matter more than the width of a pipe, which counts as 80 columns.
    whole = stdout.measure(table, options=stdout.options.update(max_width=1000)).maximum
    Console(file=stdout.file, width=max(whole, stdout.width), highlight=False).print(table)
    for key in ("machine", "versions", "precision"):
        if text := flat(report.protocol[key]):
            stdout.print(f"{key}: {text}", style="dim", markup=False)
    if exact := sum(average.exact for average in report.averages()):
        stdout.print(f"{exact} predictions equal their truth; their infinite PSNR is not averaged.")
    for gone in report.skipped:
        stderr.print(
            f"skipped {gone.dataset} {gone.name}, {gone.method}: {gone.reason}", markup=False
        )
    if report.skipped:
        stderr.print(f"{len(report.skipped)} of {len(report.skipped) + len(report.rows)} skipped")


def _table(report: "Report") -> "Table":
    from rich.table import Table

    table = Table()
    for number, title in enumerate(report.header()):
        table.add_column(title, justify="left" if number < 2 else "right")
    for average in report.averages():
        table.add_row(*report.cells(average))
    return table


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _three(text: str) -> tuple[str, str, str]:
    words = _words(text)
    if len(words) != 3:
        raise ValueError(f"--names: expected three file names with commas between, got {text}")
    return words[0], words[1], words[2]
