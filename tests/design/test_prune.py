"""Pruning with the training loop: density read live, stops, resumes, searches."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cdfi import Network, load
from cdfi.compression.density import density, overall
from cdfi.compression.tables import from_json
from cdfi.design import prune as module
from cdfi.design.prune import best_of, build_pruner, prune, sweep
from cdfi.design.settings import Pruning
from tests.design.pruning_runs import HARD, Notes, pruning_args
from tests.tiny import TINY as CONFIG


def test_a_run_leaves_sparse_weights_and_their_densities(tmp_path: Path) -> None:
    pruned = prune(pruning_args(tmp_path), HARD)
    folder = tmp_path / "runs" / "run"
    assert pruned.path == folder / "pruned.safetensors"
    rows = from_json((folder / "density.json").read_text())
    assert rows == pruned.densities == density(load(pruned.path))
    assert 0 < overall(rows) < 0.9
    assert (folder / "density.csv").read_text().startswith("Name,Density,In,Out,In',Out'")


def test_the_density_is_reported_while_pruning(tmp_path: Path) -> None:
    notes = Notes()
    prune(pruning_args(tmp_path), HARD, callback=notes)
    read = [float(note.split()[-1]) for note in notes.notes if "density" in note]
    assert len(read) >= 6
    assert read[-1] < read[0]


def test_a_run_ends_at_the_target_density(tmp_path: Path) -> None:
    notes = Notes()
    pruned = prune(
        pruning_args(tmp_path, steps=60), replace(HARD, stop_density=0.8), callback=notes
    )
    assert pruned.outcome.reason == "finished"
    assert notes.steps < 60
    assert overall(pruned.densities) <= 0.8


def test_biases_have_no_penalty(tmp_path: Path) -> None:
    args = pruning_args(tmp_path, loss="1e-9*Charb")
    before = load(args.weights)
    after = load(prune(args, HARD).path)
    name = "encoder.0.0"
    layers = [dict(network.named_modules())[name] for network in (before, after)]
    torch.testing.assert_close(layers[0].bias, layers[1].bias, atol=1e-6, rtol=0)
    assert layers[1].weight.abs().sum() < layers[0].weight.abs().sum()


def test_a_subset_repeats_its_samples(tmp_path: Path) -> None:
    mixture = module._Subset(module.open_data(pruning_args(tmp_path)).mixture, 4)
    first, again, other = (mixture.batch(at, 2).middle for at in (0, 4, 2))
    assert mixture.size == 4
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_batch_across_the_end_of_a_subset_continues_at_its_start(tmp_path: Path) -> None:
    data = module._Subset(module.open_data(pruning_args(tmp_path)).mixture, 3)
    across, last, first = (data.batch(*at).middle for at in ((2, 2), (2, 1), (0, 1)))
    assert torch.equal(across, torch.cat((last, first)))


def test_a_run_of_the_same_name_is_not_overwritten(tmp_path: Path) -> None:
    prune(pruning_args(tmp_path, steps=2), HARD)
    for resume in (None, tmp_path):
        with pytest.raises(ValueError, match="holds a run already"):
            prune(pruning_args(tmp_path), HARD, resume)


@pytest.mark.long
def test_an_interrupted_search_ends_and_continues_without_repeating_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, resumed = module.prune, []

    def stopped(*args: object) -> object:
        pruned = real(*args)  # type: ignore[arg-type]
        resumed.append(args[2])
        reason = "interrupted" if len(resumed) == 1 else "finished"
        return pruned._replace(outcome=pruned.outcome._replace(reason=reason))

    monkeypatch.setattr(module, "prune", stopped)
    args = pruning_args(tmp_path, steps=2)
    with pytest.raises(InterruptedError, match="--resume continues it"):
        sweep(args, HARD, [0.0, 1.0])
    assert len(sweep(args, HARD, [0.0, 1.0], resume=True)) == 2
    assert resumed == [None, tmp_path / "runs" / "run" / "lambda-0", None]


@pytest.mark.long
def test_an_interrupted_run_continues_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = prune(pruning_args(tmp_path, run="whole"), HARD)
    prune(pruning_args(tmp_path, run="parts", steps=3), HARD)
    parts = prune(pruning_args(tmp_path, run="parts"), HARD, tmp_path / "runs" / "parts")
    for key, value in load(whole.path).state_dict().items():
        assert torch.equal(value, load(parts.path).state_dict()[key])


@pytest.mark.long
def test_a_search_reports_a_run_for_each_penalty_and_picks_the_nearest(tmp_path: Path) -> None:
    runs = sweep(pruning_args(tmp_path), HARD, [0.0, 1.0])
    dense, sparse = (overall(runs[number].densities) for number in (0.0, 1.0))
    assert dense > sparse
    assert best_of(runs, 0.99) == 0.0
    assert best_of(runs, 0.1) == 1.0
    with pytest.raises(ValueError, match="at least one penalty"):
        best_of({}, 0.1)


def test_the_orthant_phase_starts_after_the_proximal_epochs() -> None:
    groups = build_pruner(Network(CONFIG), 0.1, Pruning(prox_epochs=3), epoch=7).param_groups
    assert [group["lambda_"] for group in groups] == [1e-4, 0.0]
    assert (groups[0]["prox_epochs"], groups[0]["steps_per_epoch"]) == (3, 7)


@pytest.mark.parametrize("change", [{"weights": "", "network": "cdfi"}, {"data": ()}])
def test_pruning_needs_weights_and_data(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"give --weights|no data"):
        prune(pruning_args(tmp_path, **change), HARD)


def test_an_empty_data_set_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    args = pruning_args(tmp_path, data=(f"triplets={tmp_path / 'empty'}",))
    with pytest.raises(ValueError, match="empty"):
        prune(args, HARD)


def test_targets_outside_their_range_are_refused() -> None:
    for wrong in ({"stop_density": 1.0}, {"samples": -1}):
        with pytest.raises(ValueError, match="got"):
            Pruning(**wrong)  # type: ignore[arg-type]
