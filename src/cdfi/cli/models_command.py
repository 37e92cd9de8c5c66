"""``cdfi models``: list, inspect, download, convert and describe models."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cdfi.cli.console import progress, progress_row, show, stderr, stdout
from cdfi.cli.early_checks import check_model

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="List, inspect, download and convert models.")


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List the models that have a name: bundled, and released by the papers' authors.

    Example: cdfi models list
    """
    rows = _rows()
    if as_json:
        stdout.print_json(json.dumps(rows))
    else:
        show(_table(rows))
        stdout.print(
            "PSNR (dB) / SSIM. Bundled: as measured by cdfi evaluate. Released: as published."
        )


@app.command()
def info(model: Annotated[str, typer.Argument(help="A name or a file.")]) -> None:
    """Print the architecture, notes and size of a model as JSON.

    Example: cdfi models info flow
    """
    check_model(model)
    from cdfi.weights.registry import info as read_info

    found = read_info(model)
    stdout.print_json(
        json.dumps(
            {
                "file": str(found.path),
                "bytes": found.bytes,
                "parameters": found.parameters,
                "digest": found.digest,
                "config": json.loads(found.config.to_json()),
                "notes": found.notes,
            }
        )
    )


@app.command()
def download(
    names: Annotated[list[str], typer.Argument(help="Names from the list, or 'all'.")],
    quiet: Annotated[bool, typer.Option(help="No progress bar.")] = False,
) -> None:
    """Download released checkpoints from their authors' repositories to the cache folder.

    Example: cdfi models download released/cdfi
    """
    from cdfi.weights.catalog import RELEASED

    wanted = list(RELEASED) if names == ["all"] else names
    if unknown := [name for name in wanted if name not in RELEASED]:
        raise ValueError(
            f"{unknown[0]} is not a released checkpoint; known are {', '.join(RELEASED)}"
        )
    from cdfi.weights import registry

    with progress(quiet) as bar:
        for name in wanted:
            path = registry.download(name, progress=progress_row(bar, name))
            stdout.print(f"{name}: {path} (licence: {RELEASED[name].licence})")


@app.command()
def convert(
    source: Annotated[str, typer.Argument(help="A name or a checkpoint in any known layout.")],
    target: Annotated[Path, typer.Argument(help="The safetensors file to write.")],
    rounding: Annotated[
        Literal["keep", "floor", "trunc"],
        typer.Option(help="Sampling the weights were trained with; 'keep' what the file says."),
    ] = "keep",
    precision: Annotated[Literal["fp16", "fp32"], typer.Option(help="Of the weights.")] = "fp16",
    note: Annotated[str, typer.Option(help="A sentence to keep with the weights.")] = "",
    overwrite: Annotated[bool, typer.Option(help="Replace the target if it exists.")] = False,
) -> None:
    """Write a model as safetensors with the architecture in the metadata.

    Example: cdfi models convert released/cdfi cdfi.safetensors --precision fp32
    """
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists; --overwrite replaces it")
    check_model(source)
    from dataclasses import replace

    import torch

    from cdfi.models import build_network
    from cdfi.weights import load_strict, read_checkpoint, resolve_path, save

    checkpoint = read_checkpoint(resolve_path(source))
    config = checkpoint.config
    if rounding != "keep":
        config = replace(config, rounding=rounding)  # type: ignore[type-var]
    network = build_network(config)
    load_strict(network, checkpoint.state, source)
    notes = {key: text for key, text in checkpoint.info.items() if key not in ("config", "digest")}
    save(
        network,
        target,
        info=notes | ({"note": note} if note else {}),
        dtype=torch.float16 if precision == "fp16" else torch.float32,
    )
    stderr.print(f"wrote {target}")


@app.command()
def card(model: Annotated[str, typer.Argument(help="A name or a file.")]) -> None:
    """Print a model card for a model hub: its README.md, with front matter.

    Example: cdfi models card flow
    """
    from cdfi.weights.hub_card import hub_card

    stdout.print(hub_card(model), markup=False, highlight=False, soft_wrap=True)


def _rows() -> list[dict[str, object]]:
    from cdfi.weights import listed_models

    rows = [asdict(row) for row in listed_models()]
    return [{name.replace("ucf101", "ucf101-dvf"): row[name] for name in row} for row in rows]


def _table(rows: list[dict[str, object]]) -> "Table":
    from rich.table import Table

    table = Table("name", "parameters", "Middlebury", "UCF101-DVF", "where")
    for row in rows:
        scores = [_show(row[key]) for key in ("middlebury", "ucf101-dvf")]
        name = f"{row['name']} (default)" if row["default"] else str(row["name"])
        table.add_row(name, f"{row['parameters']:,}", *scores, str(row["where"]))
    return table


def _show(pair: object) -> str:
    return f"{pair[0]:.2f} / {pair[1]:.4g}" if isinstance(pair, tuple) else "-"
