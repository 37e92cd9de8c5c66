"""``cdfi derive``: the compact architecture that follows from the densities of a pruned network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from cdfi.cli.compress_command import budget_options
from cdfi.cli.console import stdout
from cdfi.cli.early_checks import check_model
from cdfi.cli.field_options import Values, field_options
from cdfi.design.settings import Compression

if TYPE_CHECKING:
    from cdfi.design.architecture import Compact

ModelArgument = Annotated[str, Argument(help="Pruned weights: a name or a file.")]
Densities = Annotated[
    Path | None,
    Option(help="Densities as `cdfi density --json` prints them. By default those of the weights."),
]
ConfigFile = Annotated[Path | None, Option(help="Write the architecture to this file.")]
WeightsFile = Annotated[
    Path | None,
    Option(help="Write weights to retrain to this file; they start with the largest channels."),
]


@field_options(budget=budget_options())
def derive(
    model: ModelArgument,
    budget: Values,
    densities: Densities = None,
    config: ConfigFile = None,
    out: WeightsFile = None,
) -> None:
    """Derive the compact architecture, by a rule or for a budget.

    Train it with: cdfi train --weights OUT, or from scratch with cdfi train --network CONFIG.

    Example: cdfi derive runs/prune/pruned.safetensors --ratio 2 --out small.safetensors
    """
    check_model(model)
    from cdfi import weights
    from cdfi.common.files import write_text
    from cdfi.compression.density import density
    from cdfi.compression.tables import read_densities
    from cdfi.design.architecture import compact
    from cdfi.design.pipeline import budget_of

    options = Compression(**budget)
    network = weights.load(model)
    rows = read_densities(densities) if densities else density(network)
    wanted = {row.name: row.density for row in rows}
    limits = budget_of(options, model)
    small, how = compact(network, wanted, options.rule, options.round_to, limits)
    _print_sizes(how)
    if config:
        write_text(config, how.config.to_json() + "\n")
    if out:
        weights.save(small, out, info={"factor": f"{how.factor:.6g}"})


def _print_sizes(how: "Compact") -> None:
    before, after = how.before, how.after
    times = before.parameters / after.parameters
    stdout.print(f"factor on all densities: {how.factor:.4g}")
    stdout.print(f"parameters: {before.parameters:,} -> {after.parameters:,} ({times:.2f} times)")
    stdout.print(
        f"GFLOPs of a 720p frame, warps not counted: {before.flops / 1e9:.1f} -> "
        f"{after.flops / 1e9:.1f}"
    )
    stdout.print(how.config.to_json(), markup=False)
