"""``cdfi evaluate``: score networks, baselines and folders of predictions on data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from cdfi.cli.console import progress
from cdfi.cli.early_checks import check_device, check_model
from cdfi.cli.network_options import DeviceOption, PrecisionName

if TYPE_CHECKING:
    from cdfi.evaluation import DataSet, EvaluationReport, Method, Scorer
    from cdfi.evaluation.data.videos import Video

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
    Option(help="A folder of images to score: NAME.png or DATASET/NAME.png; repeatable."),
]
Metrics = Annotated[
    str | None,
    Option(
        help="psnr, ssim, lpips, lpips-paper, ie, mae, flicker, tlpips, lpips-alex, lpips-vgg; "
        "separated by commas."
    ),
]
Data = Annotated[
    Path | None, Option(help="Folder of data sets. By default CDFI_DATA, or the cache.")
]
Names = Annotated[str, Option(help="The three files in the folders of a data set given by path.")]
Every = Annotated[
    int | None,
    Option(
        help="Keep one frame in this many of a video or of folders of its frames, and predict "
        "those between. By default 2 of a video.",
        min=2,
    ),
]
PrecisionOption = Annotated[
    PrecisionName, Option(help="Precision of the networks; fp32 for comparable figures.")
]
KeepGoing = Annotated[
    bool, Option("--keep-going", help="Skip images that cannot be scored, and count them.")
]
Json = Annotated[Path | None, Option("--json", help="Write everything as JSON; - is stdout.")]
Csv = Annotated[Path | None, Option("--csv", help="Write a line for each image; - is stdout.")]
Markdown = Annotated[Path | None, Option("--markdown", help="Write the table; - is stdout.")]
SaveImages = Annotated[Path | None, Option(help="Write predictions: METHOD/DATASET/NAME.png.")]
ErrorMaps = Annotated[Path | None, Option(help="Write error maps: METHOD/DATASET/NAME.png.")]
Sheet = Annotated[Path | None, Option(help="Write the worst images of each method as a PNG.")]
Cases = Annotated[int, Option(help="Images of each method on the contact sheet.", min=1)]
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
    every: Every = None,
    device: DeviceOption = None,
    precision: PrecisionOption = "fp32",
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
    """Score methods on data sets, by the protocol that the report records.

    Without a model, baseline or folder of predictions, the default model is scored.

    Example: cdfi evaluate flow --baseline dis --dataset middlebury --csv scores.csv
    """
    check_model(*(models or ()))
    check_device(device)
    from cdfi.cli.evaluate_outputs import Outputs
    from cdfi.common.devices import choose_device
    from cdfi.evaluation import EvaluationReport, Scorer
    from cdfi.evaluation.columns import DEFAULT_METRICS, choose_metrics
    from cdfi.evaluation.reports.protocol import protocol

    outputs = Outputs(json, csv, markdown, save_images, error_maps, contact_sheet, plot, cases)
    outputs.check()
    chosen = choose_metrics(_words(metrics) if metrics else DEFAULT_METRICS)
    place = choose_device(device)
    sets = _sets(dataset, data, names, every)
    methods = _methods(models or [], baseline or [], predictions or [], device, precision)
    report = EvaluationReport(chosen, methods, protocol(methods, chosen, place))
    _run(report, sets, Scorer(chosen, place, keep_going, outputs.watchers()), quiet)
    outputs.write(report)


def _sets(
    datasets: Sequence[str], data: Path | None, names: str, every: int | None
) -> "list[DataSet | Video]":
    from cdfi.evaluation import find_dataset

    words = _words(names)
    if len(words) != 3:
        raise ValueError(f"--names: expected three file names with commas between, got {names}")
    three = (words[0], words[1], words[2])
    sets = [find_dataset(name, data, three, every) for name in dict.fromkeys(datasets)]
    _require_different("data sets", [found.name for found in sets])
    return sets


def _methods(
    models: Sequence[str],
    baselines: Sequence[str],
    folders: Sequence[Path],
    device: str | None,
    precision: PrecisionName,
) -> list["Method"]:
    from cdfi.evaluation import baseline_method, folder_method, network_method
    from cdfi.evaluation.methods.baselines import BASELINES
    from cdfi.interpolation import Interpolator

    if not (models or baselines or folders):
        models = ["default"]
    files = _unique_names([Path(model) for model in models if Path(model).is_file()])
    methods = []
    for model in models:
        name = files.get(Path(model), model)
        methods.append(network_method(name, Interpolator(model, device, precision=precision)))
    methods += map(baseline_method, list(BASELINES) if "all" in baselines else baselines)
    methods += [folder_method(folder, name) for folder, name in _unique_names(folders).items()]
    _require_different("methods", [method.name for method in methods])
    return methods


def _run(
    report: "EvaluationReport", sets: Sequence["DataSet | Video"], scorer: "Scorer", quiet: bool
) -> None:
    from cdfi.common.allocator import keep_freed_memory

    keep_freed_memory()
    # Missing files are reported before hours of work, not after them.
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


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _unique_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return unique names of files or folders, with as many parent folders as needed."""
    parts = {}
    for path in paths:
        *above, _ = whole = path.resolve().parts
        parts[path] = (*above, path.stem) if path.is_file() else whole
    names = {}
    for path, mine in parts.items():
        others = [theirs for theirs in parts.values() if theirs != mine]
        depths = range(1, len(mine))
        depth = next((d for d in depths if all(o[-d:] != mine[-d:] for o in others)), len(mine))
        names[path] = "/".join(mine[-depth:])
    return names


def _require_different(what: str, names: Sequence[str]) -> None:
    """Raise ValueError if a name occurs twice: the rows could not be distinguished."""
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two {what} are called {twice[0]}; rename one file or folder")
