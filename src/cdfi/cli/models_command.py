"""cdfi models: what can be loaded by name, what is inside a file, downloads and conversion."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cdfi.cli.console import progress, show, stderr, stdout

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="List, inspect, download and convert models.")


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Every model that has a name: bundled, and released by the papers' authors."""
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
    """The architecture, notes and size of one model, as JSON."""
    from cdfi.models import Network
    from cdfi.weights.load import digest, read_checkpoint, resolve_path

    path = resolve_path(model)
    checkpoint = read_checkpoint(path)
    stdout.print_json(
        json.dumps(
            {
                "file": str(path),
                "bytes": path.stat().st_size,
                "parameters": sum(p.numel() for p in Network(checkpoint.config).parameters()),
                "digest": digest(checkpoint.state),
                "config": json.loads(checkpoint.config.to_json()),
                "notes": {
                    k: v for k, v in checkpoint.info.items() if k not in ("config", "digest")
                },
            }
        )
    )


@app.command()
def download(
    names: Annotated[list[str], typer.Argument(help="Names from the list, or 'all'.")],
    quiet: Annotated[bool, typer.Option(help="No progress bar.")] = False,
) -> None:
    """Fetch released checkpoints from their authors' repositories into the cache folder."""
    from cdfi.common.download import fetch
    from cdfi.weights.catalog import RELEASED

    wanted = list(RELEASED) if names == ["all"] else names
    if unknown := [name for name in wanted if name not in RELEASED]:
        raise ValueError(f"{unknown[0]} is no released checkpoint; known are {', '.join(RELEASED)}")
    with progress(quiet) as bar:
        for row in (RELEASED[name] for name in wanted):
            task = bar.add_task(row.name, total=None, note="")
            path = fetch(
                row.url,
                row.path,
                git_blob=row.git_blob,
                progress=lambda done, total, task=task: bar.update(  # type: ignore[misc]
                    task, completed=done, total=total
                ),
            )
            stdout.print(f"{row.name}: {path} (licence: {row.licence})")


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
    """Write a model as our safetensors, which keep the architecture beside the weights."""
    from dataclasses import replace

    import torch

    from cdfi.models import Network
    from cdfi.weights.load import load_strict, read_checkpoint, resolve_path, save

    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists; --overwrite replaces it")
    checkpoint = read_checkpoint(resolve_path(source))
    config = checkpoint.config
    if rounding != "keep":
        config = replace(config, rounding=rounding)
    network = Network(config)
    load_strict(network, checkpoint.state, source)
    notes = {key: text for key, text in checkpoint.info.items() if key not in ("config", "digest")}
    save(
        network,
        target,
        info=notes | ({"note": note} if note else {}),
        dtype=torch.float16 if precision == "fp16" else torch.float32,
    )
    stderr.print(f"wrote {target}")


def _rows() -> list[dict[str, object]]:
    from cdfi.weights.catalog import BUNDLED, DEFAULT, RELEASED
    from cdfi.weights.load import describe_scores, read_checkpoint

    rows: list[dict[str, object]] = []
    for bundled in BUNDLED.values():
        checkpoint = read_checkpoint(bundled.path)
        scores = describe_scores(checkpoint.info)
        rows.append(
            {
                "name": bundled.name,
                "default": bundled.name == DEFAULT,
                "parameters": sum(value.numel() for value in checkpoint.state.values()),
                "middlebury": _pair(scores.get("middlebury")),
                "ucf101-dvf": _pair(scores.get("ucf101-dvf")),
                "where": "bundled",
            }
        )
    for row in RELEASED.values():
        rows.append(
            {
                "name": row.name,
                "default": False,
                "parameters": _parameters(row.network),
                "middlebury": row.middlebury,
                "ucf101-dvf": row.ucf101,
                "where": "downloaded" if row.path.is_file() else "to download",
            }
        )
    return rows


def _parameters(network: str) -> int:
    import torch

    from cdfi.models import NETWORKS, Network

    with torch.device("meta"):
        return sum(p.numel() for p in Network(NETWORKS[network]).parameters())


def _pair(scores: dict[str, float] | None) -> tuple[float, float] | None:
    return (scores["psnr"], scores["ssim"]) if scores else None


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
