"""``cdfi evaluate``: score networks, baselines and folders of predictions on data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from cdfi.cli.console import progress
from cdfi.cli.early_checks import check_device, check_model
from cdfi.cli.field_options import FieldOptions, Values, field_options
from cdfi.cli.network_options import DeviceOption, PrecisionName
from cdfi.common.ray_cluster import RayUse

if TYPE_CHECKING:
    from cdfi.evaluation import DataSet, EvaluationReport, Scorer
    from cdfi.evaluation.data.videos import Video
    from cdfi.evaluation.methods.recipe import MethodRecipe
    from cdfi.evaluation.ray_scoring import PairTask

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


@field_options(cluster=FieldOptions(RayUse, "ray ray_cpus"))
def evaluate(
    cluster: Values,
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
    from cdfi.evaluation.columns import DEFAULT_METRICS
    from cdfi.evaluation.ray_scoring import PairTask

    outputs = Outputs(json, csv, markdown, save_images, error_maps, contact_sheet, plot, cases)
    outputs.check()
    use = RayUse(**cluster)
    watch = outputs.watchers() if use.ray is None else outputs.savers()
    chosen = _words(metrics) if metrics else DEFAULT_METRICS
    task = PairTask(chosen, device, keep_going, watch)
    task.scorer()  # an unknown metric is found before the data sets are read
    sets = _sets(dataset, data, names, every)
    recipes = _recipes(models or [], baseline or [], predictions or [], device, precision)
    outputs.write(_report(sets, recipes, task, use, quiet))


def _report(
    sets: "Sequence[DataSet | Video]",
    recipes: "Sequence[MethodRecipe]",
    task: "PairTask",
    use: RayUse,
    quiet: bool,
) -> "EvaluationReport":
    """Score all methods on all data sets."""
    from cdfi.evaluation import EvaluationReport
    from cdfi.evaluation.reports.protocol import protocol

    methods, scorer = [recipe.build() for recipe in recipes], task.scorer()
    columns = scorer.metrics
    report = EvaluationReport(columns, methods, protocol(methods, columns, scorer.device))
    if use.ray is None:
        _run(report, sets, scorer, quiet)
    else:
        _run_on_ray(report, sets, recipes, task, use, quiet)
    return report


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


def _recipes(
    models: Sequence[str],
    baselines: Sequence[str],
    folders: Sequence[Path],
    device: str | None,
    precision: PrecisionName,
) -> "list[MethodRecipe]":
    from cdfi.evaluation.methods.baselines import BASELINES
    from cdfi.evaluation.methods.recipe import MethodRecipe

    if not (models or baselines or folders):
        models = ["default"]
    files = _unique_names([Path(model) for model in models if Path(model).is_file()])
    recipes = []
    for model in models:
        path = Path(model)
        given = str(path.absolute()) if path in files else model
        recipes.append(MethodRecipe("network", given, files.get(path, model), device, precision))
    chosen = list(BASELINES) if "all" in baselines else baselines
    recipes += [MethodRecipe("baseline", name, name) for name in chosen]
    recipes += [
        MethodRecipe("folder", str(folder.absolute()), name)
        for folder, name in _unique_names(folders).items()
    ]
    _require_different("methods", [recipe.name for recipe in recipes])
    return recipes


def _run(
    report: "EvaluationReport", sets: Sequence["DataSet | Video"], scorer: "Scorer", quiet: bool
) -> None:
    """Add the rows of all pairs."""
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


def _run_on_ray(
    report: "EvaluationReport",
    sets: Sequence["DataSet | Video"],
    recipes: Sequence["MethodRecipe"],
    task: "PairTask",
    use: RayUse,
    quiet: bool,
) -> None:
    """Add the rows of all pairs in the usual order; the protocol names all machines."""
    from cdfi.evaluation.ray_scoring import score_on_ray

    scored = {}
    with progress(quiet) as bar:
        row = bar.add_task("data sets and methods", total=len(sets) * len(recipes), note="")
        for pair in score_on_ray(use, sets, recipes, task):
            scored[pair.dataset, pair.method] = pair
            bar.update(row, advance=1, note=f"{pair.dataset}, {pair.method}")
    for dataset in sets:
        for recipe in recipes:
            for found in scored[dataset.name, recipe.name].rows:
                report.add(found)
    machines = dict.fromkeys(pair.machine for pair in scored.values())
    report.protocol["machine"] = "; ".join(machines)


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
