"""The compression pipeline: its stages, its report, and continuing after an interruption."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cdfi import Network, load, save
from cdfi.data.batch import Batch
from cdfi.design import comparison
from cdfi.design import pipeline as module
from cdfi.design.comparison import ComparedNetwork
from cdfi.design.distill import distillation
from cdfi.design.pipeline import compress
from cdfi.design.settings import Compression
from cdfi.evaluation.cost import measure_here
from cdfi.models import FlowConfig, build_network
from cdfi.models.flow_network import FlowNetwork
from cdfi.training.args import TrainArgs
from cdfi.training.losses.objective import predict
from tests.design.pruning_runs import HARD, Notes, pruning_args
from tests.tiny import TINY as CONFIG
from tests.tiny import TINY_FLOW

WIDER_FLOW = FlowConfig((4, 6), (8, 8, 8), 1, width=12, blocks=1, hidden=4, synthesis=8, low=8)
OPTIONS = Compression(ratio=2, distill_output=1.0, distill_maps=0.1, size=(64, 64))


class Messages(Notes):
    """Records the messages, too."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def on_message(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(autouse=True)
def measured_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs without a process for each, which takes seconds to start."""
    monkeypatch.setattr(comparison, "measure", measure_here)


def run(
    tmp_path: Path, options: Compression = OPTIONS, **changes: object
) -> tuple[list[ComparedNetwork], Messages]:
    args: TrainArgs = pruning_args(tmp_path, run="small", **changes)
    options = replace(options, datasets=(str(tmp_path / "triplets"),))
    notes = Messages()
    retrain = replace(args, optimizer="Adam", lr=1e-3)
    return compress(options, HARD, args, retrain, notes), notes


@pytest.mark.long
def test_compress_writes_a_smaller_network_and_a_report(tmp_path: Path) -> None:
    entries, _ = run(tmp_path)
    original, pruned, fresh, compact = entries
    assert pruned.parameters == original.parameters
    assert pruned.density < original.density
    assert compact.parameters == fresh.parameters <= original.parameters / 2
    assert compact.flops < original.flops
    assert compact.milliseconds > 0
    assert {"psnr", "ssim", "lpips"} == compact.scores[str(tmp_path / "triplets")].keys()
    folder = tmp_path / "runs" / "small"
    assert load(folder / "small.safetensors").config.kernel == CONFIG.kernel
    assert len(json.loads((folder / "report.json").read_text())) == 4
    table = (folder / "report.md").read_text()
    assert table.startswith("| Network | Parameters |")
    assert table.count("\n| ") == 4
    assert json.loads((folder / "derived.json").read_text())["factor"] > 0
    check_second_call(tmp_path)


def check_second_call(tmp_path: Path) -> None:
    """Check that the same call skips complete stages and repeats one whose file is damaged."""
    folder = tmp_path / "runs" / "small"
    (folder / "compact.safetensors").write_bytes(b"broken")
    _, notes = run(tmp_path)
    stages = [line for line in notes.lines if line.split(":")[0] in ("prune", "derive", "retrain")]
    assert ["done before" in line for line in stages] == [True, False, True]
    with pytest.raises(ValueError, match="begun with other choices"):
        run(tmp_path, replace(OPTIONS, ratio=3))


@pytest.mark.long
def test_an_interrupted_stage_continues_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = module.prune

    def interrupted(*args: object) -> object:
        pruned = original(*args)  # type: ignore[arg-type]
        return pruned._replace(outcome=pruned.outcome._replace(reason="interrupted"))

    monkeypatch.setattr(module, "prune", interrupted)
    with pytest.raises(InterruptedError, match="the same command continues"):
        run(tmp_path)
    resumed: list[object] = []

    def stop(args: object, pruning: object, resume: object, callback: object) -> object:
        resumed.append(resume)
        raise InterruptedError

    monkeypatch.setattr(module, "prune", stop)
    with pytest.raises(InterruptedError):
        run(tmp_path)
    assert resumed == [tmp_path / "runs" / "small" / "prune"]


def test_networks_are_scored_on_held_out_triplets(tmp_path: Path) -> None:
    path = pruning_args(tmp_path).weights
    triplets = np.random.default_rng(0).integers(0, 256, (2, 3, 40, 48, 3), dtype=np.uint8)
    (entry,) = comparison.compare({"one": path}, triplets, (), (64, 64), tmp_path)
    frames = torch.from_numpy(triplets).permute(0, 1, 4, 2, 3) / 255
    with torch.no_grad():
        middle = load(path)(frames[:, 0], frames[:, 2]).clamp(0, 1)
    error = (((middle * 255).round() / 255 - frames[:, 1]) ** 2).mean((1, 2, 3))
    expected = float((-10 * error.log10()).mean())
    assert entry.scores["held-out"]["psnr"] == pytest.approx(expected, abs=1e-3)
    assert entry.density == 1.0


def test_an_impossible_budget_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        run(tmp_path, replace(OPTIONS, ratio=0.5))
    assert not (tmp_path / "runs").exists()


def test_a_compression_without_weights_is_refused(tmp_path: Path) -> None:
    args = replace(pruning_args(tmp_path, run="small"), weights="")
    with pytest.raises(ValueError, match="compression starts from trained weights"):
        compress(OPTIONS, HARD, args, args)


def test_errors_of_late_stages_are_raised_before_any_work(tmp_path: Path) -> None:
    args = pruning_args(tmp_path, run="small")
    for options, retrain in (
        (replace(OPTIONS, datasets=("midlebury",)), args),
        (OPTIONS, replace(args, optimizer="Moun")),
        (OPTIONS, replace(args, loss="1*Carb")),
    ):
        with pytest.raises(ValueError, match="unknown|no data set"):
            compress(options, HARD, args, retrain)
    assert not (tmp_path / "runs").exists()


@pytest.mark.long
def test_a_retraining_out_of_time_is_not_finished(tmp_path: Path) -> None:
    args = pruning_args(tmp_path, run="small")
    with pytest.raises(InterruptedError, match="the same command continues"):
        compress(OPTIONS, HARD, args, replace(args, optimizer="Adam", max_minutes=1e-4))
    assert not (tmp_path / "runs" / "small" / "small.safetensors").exists()


@pytest.mark.long
def test_a_flow_network_is_compressed_and_learns_from_the_original(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save(build_network(WIDER_FLOW), tmp_path / "flow.safetensors", dtype=torch.float32)
    changes = {"weights": str(tmp_path / "flow.safetensors"), "loss": "1*Charb"}
    entries, _ = run(tmp_path, any_instant=True, **changes)
    assert entries[3].parameters <= entries[0].parameters / 2
    assert isinstance(load(tmp_path / "runs" / "small" / "small.safetensors"), FlowNetwork)
    steps = (tmp_path / "runs" / "small" / "retrain" / "train.csv").read_text().splitlines()
    assert {"distill_output", "distill_maps"} <= set(steps[0].split(","))


def test_distillation_of_a_flow_network_compares_frames_and_flows_at_their_instants() -> None:
    torch.manual_seed(0)
    teacher, pupil = FlowNetwork(TINY_FLOW), FlowNetwork(TINY_FLOW)
    frame0, frame1 = torch.rand(2, 1, 3, 32, 32)
    output, maps = distillation(teacher, 1, 1)
    early, late = (scene(frame0, frame1, t) for t in (0.25, 0.75))
    same, other = (predict(net, frame0, frame1, early.t) for net in (teacher, pupil))
    assert output.measure(same, early).item() == pytest.approx(1e-3, rel=1e-3)
    assert maps.measure(same, early).item() == pytest.approx(0, abs=1e-6)
    assert output.measure(other, early) > 2e-3 and maps.measure(other, early) > 1e-3
    assert output.measure(same, late) > 2e-3 and maps.measure(same, late) > 1e-3
    (output.measure(other, early) + maps.measure(other, early)).backward()
    assert all(p.grad is None for p in teacher.parameters())


def scene(frame0: torch.Tensor, frame1: torch.Tensor, t: float) -> Batch:
    """A triplet without known motion, whose middle frame is at ``t``."""
    nothing = torch.zeros(1, 2, 32, 32)
    unseen = nothing[:, :1]
    instants = torch.full((1, 1, 1, 1), t)
    return Batch(frame0, frame0, frame1, nothing, nothing, unseen, unseen, instants)


def test_distillation_pulls_output_and_maps_towards_the_teacher() -> None:
    torch.manual_seed(0)
    teacher, pupil = Network(CONFIG), Network(CONFIG)
    frame0, frame1 = torch.rand(2, 1, 3, 32, 32)
    batch = scene(frame0, frame1, 0.5)
    output, maps = distillation(teacher, 0.5, 0.25)
    assert (output.name, output.weight) == ("distill_output", 0.5)
    parts = pupil.predict(frame0, frame1)
    assert maps.measure(parts, batch) > 0.01
    assert output.measure(parts, batch) > 0.01
    same = teacher.predict(frame0, frame1)
    least = 1e-3  # what a Charbonnier mean has at zero
    assert output.measure(same, batch).item() == pytest.approx(least, rel=1e-3)
    assert maps.measure(same, batch).item() == pytest.approx(3 * least, rel=1e-3)
    (output.measure(parts, batch) + maps.measure(parts, batch)).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert [term.name for term in distillation(teacher, 0, 1)] == ["distill_maps"]
