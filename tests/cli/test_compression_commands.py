"""density, derive, prune and compress from the command line."""

import csv
import io
import json
from pathlib import Path

import pytest
import torch

import cdfi
from cdfi.cli.main import main
from cdfi.design import comparison
from cdfi.evaluation.cost import measure_here
from cdfi.models import Architecture, build_network
from cdfi.training.args import TrainArgs
from cdfi.weights import official
from tests.tiny import TINY, TINY_FLOW, tiny_network
from tests.training.tiny_runs import make_triplets


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    """A tiny network whose layers have lost half of their weights."""
    network = tiny_network()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("weight"):
                flat = parameter.view(-1)
                flat[: len(flat) // 2] = 0
    cdfi.save(network, tmp_path / "pruned.safetensors", dtype=torch.float32)
    return tmp_path / "pruned.safetensors"


@pytest.mark.long
def test_density_prints_a_table_json_and_csv(
    pruned: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["density", str(pruned)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[0] == "Name"
    assert table[1].split()[:2] == ["encoder.0.0", "0.500"]
    assert main(["density", str(pruned), "--json", "--plot", str(tmp_path / "bars.svg")]) == 0
    assert json.loads(capsys.readouterr().out)[0]["density"] == 0.5
    assert (tmp_path / "bars.svg").is_file()
    assert main(["density", str(pruned), "--csv"]) == 0
    assert len(list(csv.reader(io.StringIO(capsys.readouterr().out)))) == len(table) - 1


def test_density_reads_a_released_checkpoint(
    fixtures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shapes = json.loads((fixtures / "official_state_dict.json").read_text())[
        "compressed_adacof_5_1"
    ]
    state = {key: torch.zeros(shape) for key, shape in shapes.items()}
    state["get_kernel.moduleConv1.0.weight"][:6] = 1
    assert official.is_released(state)
    torch.save({"state_dict": state, "epoch": 1}, tmp_path / "weights.pth")
    assert main(["density", str(tmp_path / "weights.pth")]) == 0
    first, second = capsys.readouterr().out.splitlines()[1:3]
    assert first.split()[:6] == ["encoder.0.0", "0.250", "6", "24", "3", "12"]
    assert second.split()[1:6] == ["0.000", "24", "24", "0", "0"]


@pytest.mark.long
def test_derive_meets_a_budget_and_prints_the_factor(
    pruned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, config = tmp_path / "small.safetensors", tmp_path / "small.json"
    words = ["derive", str(pruned), "--ratio", "2", "--out", str(out), "--config", str(config)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("factor on all densities: ")
    assert "(2." in said
    small = cdfi.load(out)
    assert small.config == cdfi.Config.from_json(config.read_text())
    whole = sum(p.numel() for p in cdfi.Network(TINY).parameters())
    assert sum(p.numel() for p in small.parameters()) <= whole / 2


@pytest.mark.long
def test_derive_reads_densities_from_a_file(
    pruned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["density", str(pruned), "--json"]) == 0
    (tmp_path / "rows.json").write_text(capsys.readouterr().out)
    cdfi.save(tiny_network(), tmp_path / "dense.safetensors")
    words = ["derive", str(tmp_path / "dense.safetensors"), "--densities"]
    assert main([*words, str(tmp_path / "rows.json")]) == 0
    assert main(["derive", str(pruned)]) == 0
    first, second = capsys.readouterr().out.split("factor")[1:]
    assert first == second


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--params", "lots"], "expected an amount"),
        (["--params", "3"], "no network of this topology"),
        (["--ratio", "2", "--params", "1K"], "not both"),
        (["--ratio", "0.5"], "at least 1"),
    ],
)
def test_impossible_budgets_are_one_line_and_status_1(
    words: list[str], message: str, pruned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["derive", str(pruned), *words]) == 1
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert "Traceback" not in error


def tiny_run(tmp_path: Path, pruned: Path) -> list[str]:
    data = make_triplets(tmp_path / "triplets")
    settings = ["steps=2", "crop=32", "batch=2", "workers=0", "device=cpu", "loss=1*Charb"]
    words = ["--weights", str(pruned), "--data", f"triplets={data}", "--out", str(tmp_path)]
    return [*words, "--quiet", *(word for text in settings for word in ("--set", text))]


@pytest.mark.long
def test_prune_searches_a_penalty_for_a_target(
    pruned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = ["--target-density", "0.4", "--lambdas", "0.001,1", "--plot", str(tmp_path / "s.svg")]
    words = ["prune", *tiny_run(tmp_path, pruned), *search, "--prox-epochs", "1"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "chosen" in said
    assert "overall" in said
    assert "finished at step" in said
    assert (tmp_path / "s.svg").is_file()
    assert (tmp_path / "prune" / "pruned.safetensors").is_file()
    assert (tmp_path / "prune" / "lambda-1" / "density.json").is_file()
    assert main([*words, "--resume"]) == 0
    assert main(words) == 1


def test_an_interrupted_compression_ends_with_status_130(
    pruned: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object) -> None:
        raise InterruptedError("the pruning was interrupted: the same command continues it")

    monkeypatch.setattr("cdfi.design.pipeline.compress", stopped)
    assert main(["compress", *tiny_run(tmp_path, pruned), "--ratio", "1.5"]) == 130
    assert "the same command continues it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "preset", "network", "instants"),
    [
        (TINY_FLOW, [], "flow", True),
        (TINY, [], "", False),
        (TINY_FLOW, ["--preset", "fine-tune"], "", False),
    ],
)
def test_the_recipe_of_the_retraining_follows_the_family_of_the_network(
    config: Architecture,
    preset: list[str],
    network: str,
    instants: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[TrainArgs] = []

    def recorded(_: object, __: object, prune: TrainArgs, retrain: TrainArgs, *___: object) -> None:
        seen.extend((prune, retrain))
        raise InterruptedError

    monkeypatch.setattr("cdfi.design.pipeline.compress", recorded)
    cdfi.save(build_network(config), tmp_path / "trained.safetensors")
    words = ["--weights", str(tmp_path / "trained.safetensors"), "--data", f"triplets={tmp_path}"]
    assert main(["compress", *words, *preset]) == 130
    assert [args.any_instant for args in seen] == [instants, instants]
    assert seen[0].motion == seen[1].motion
    assert seen[1].network == network


@pytest.mark.slow
def test_compress_prints_its_report(
    pruned: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "measure", measure_here)
    words = [*tiny_run(tmp_path, pruned), "--ratio", "1.5", "--prune-epochs", "1"]
    assert main(["compress", *words, "--distill", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "| compact |" in said
    assert "small.safetensors" in said
    assert cdfi.load(tmp_path / "compress" / "small.safetensors")
