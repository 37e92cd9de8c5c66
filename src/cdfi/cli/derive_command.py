"""``cdfi derive``: the compact architecture that the densities of a pruned network ask for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cdfi.cli.console import stdout

if TYPE_CHECKING:
    from cdfi.compression.budget import Budget
    from cdfi.design.architecture import Compact
    from cdfi.models import Network


def derive(
    model: Annotated[str, typer.Argument(help="Pruned weights: a name or a file.")],
    densities: Annotated[
        Path | None,
        typer.Option(help="Densities as `cdfi density --json` prints; else those of the weights."),
    ] = None,
    rule: Annotated[
        str, typer.Option(help="How layers that share a width agree: min, max or mean.")
    ] = "min",
    params: Annotated[str | None, typer.Option(help="At most so many parameters: 2.45M.")] = None,
    flops: Annotated[
        str | None, typer.Option(help="At most so many operations for a 720p frame: 200G.")
    ] = None,
    ratio: Annotated[float | None, typer.Option(help="So many times fewer parameters.")] = None,
    round_to: Annotated[int, typer.Option(help="Round widths up to a multiple: 8, 16.")] = 1,
    config: Annotated[Path | None, typer.Option(help="Write the architecture here.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write weights to retrain here, begun with the largest channels."),
    ] = None,
) -> None:
    """Derive the compact architecture, by a rule or for a budget.

    Train it with: cdfi train --weights OUT, or from scratch with cdfi train --network CONFIG.
    """
    import torch

    from cdfi import weights
    from cdfi.common.files import write_text
    from cdfi.compression.density import density
    from cdfi.compression.tables import from_json
    from cdfi.design.architecture import compact

    network = weights.load(model)
    text = densities.read_text(encoding="utf-8") if densities else None
    rows = from_json(text) if text is not None else density(network)
    wanted = {row.name: row.density for row in rows}
    small, how = compact(network, wanted, rule, round_to, budget(network, params, flops, ratio))
    _say(how)
    if config:
        write_text(config, how.config.to_json() + "\n")
    if out:
        weights.save(small, out, {"factor": f"{how.factor:.6g}"}, torch.float32)


def budget(
    network: "Network", params: str | None, flops: str | None, ratio: float | None
) -> "Budget | None":
    """The budget the options ask for; None without any.

    Raises:
        ValueError: amounts that are none, or a ratio beside other limits.
    """
    from cdfi.common.sizes import amount
    from cdfi.compression import budget as budgets
    from cdfi.design.architecture import size_of

    if ratio is not None:
        if params or flops:
            raise ValueError("give --ratio or amounts (--params, --flops), not both")
        return budgets.ratio(ratio, size_of(network))
    if not (params or flops):
        return None
    limits = (amount(text) if text else None for text in (params, flops))
    return budgets.Budget(*limits)


def _say(how: "Compact") -> None:
    before, after = how.before, how.after
    times = before.parameters / after.parameters
    stdout.print(f"factor on all densities: {how.factor:.4g}")
    stdout.print(f"parameters: {before.parameters:,} -> {after.parameters:,} ({times:.2f} times)")
    stdout.print(
        f"GFLOPs of a 720p frame, warps not counted: {before.flops / 1e9:.1f} -> "
        f"{after.flops / 1e9:.1f}"
    )
    stdout.print(how.config.to_json(), markup=False)
