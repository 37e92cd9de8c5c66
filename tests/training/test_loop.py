"""A run from its first step to a clean end."""

import csv
import itertools
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open

import cdfi
from cdfi.data.batch import Batch
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.callback import Callback
from cdfi.training.distributed import SingleProcess
from cdfi.training.loop import Run, check, train
from cdfi.training.sources import Data
from tests.tiny import TINY
from tests.training.tiny_runs import make_photos, make_triplets, tiny_args


def _rows(args: TrainArgs, table: str) -> list[dict[str, str]]:
    with (Path(args.out) / args.run / f"{table}.csv").open() as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> TrainArgs:
    """A run of six steps with everything in it, finished."""
    folder = tmp_path_factory.mktemp("finished")
    triplets = make_triplets(folder / "many", count=120)
    photos = make_photos(folder / "photos")
    data = (f"synthetic={photos}:0.5", f"triplets={triplets}:0.5")
    args = tiny_args(folder, data=data, guidance=0.01, warp=0.1, ema=0.5, precision="bf16")
    train(args)
    return args


def test_a_run_leaves_its_arguments_log_samples_and_weights(finished: TrainArgs) -> None:
    folder = Path(finished.out) / finished.run
    assert TrainArgs.from_json((folder / "args.json").read_text()) == finished
    assert [row["step"] for row in _rows(finished, "train")] == list("123456")
    assert all(float(row["samples_per_second"]) > 0 for row in _rows(finished, "train"))
    assert list((folder / "samples").glob("*.png"))
    assert list((folder / "tensorboard").iterdir())
    assert not list(folder.glob("*.part*"))


@pytest.mark.long
def test_a_short_run_of_few_shots_leaves_the_same(tmp_path: Path) -> None:
    messages: list[str] = []

    class Listening(Callback):
        def on_message(self, text: str) -> None:
            messages.append(text)

    args = tiny_args(tmp_path, steps=2, log_every=20)  # of four triplets none is held out
    folder = train(args, callback=Listening()).folder
    assert [row["step"] for row in _rows(args, "train")] == ["2"]
    assert [row["step"] for row in _rows(args, "validation")] == ["2"]
    assert [path.name for path in (folder / "samples").iterdir()] == ["00000002.png"]
    assert cdfi.load(folder / "best.safetensors").config == TINY
    assert any("no shots are held out" in text for text in messages)


def test_the_best_weights_load_as_any_model_and_hold_their_score(finished: TrainArgs) -> None:
    folder = Path(finished.out) / finished.run
    network = cdfi.load(folder / "best.safetensors")
    assert network.config == TINY
    frames = torch.rand(2, 1, 3, 32, 32)
    assert torch.isfinite(network(frames[0], frames[1])).all()
    scores = [float(row["psnr"]) for row in _rows(finished, "validation")]
    assert checkpoint.read(folder)["numbers"]["best"] == pytest.approx(max(scores), rel=1e-5)


@pytest.mark.long
def test_the_last_weights_hold_their_own_score(tmp_path: Path) -> None:
    make_triplets(tmp_path / "triplets", count=120)  # enough that some are held out
    args = tiny_args(tmp_path, steps=2, validate_every=1, lr=1.0)  # the second step ruins it
    folder = train(args).folder
    with safe_open(folder / "last.safetensors", "pt") as file:
        said = float(file.metadata()["validation_psnr"])
    first, last = (float(row["psnr"]) for row in _rows(args, "validation"))
    assert said == pytest.approx(last, abs=1e-4)
    assert last < first - 0.01


@pytest.mark.parametrize("reason", ["finished", "time", "interrupted"])
def test_several_processes_agree_on_every_reason_to_stop(reason: str) -> None:
    several = SimpleNamespace(count=2, device="cpu", all_reduce_max=lambda value: value)
    run = SimpleNamespace(
        _processes=several, _args=TrainArgs(log_every=1), state=SimpleNamespace(step=1)
    )
    asked = Run._stop_reason(run, SimpleNamespace(reason=lambda: reason))  # type: ignore[arg-type]
    assert asked == reason


def test_guidance_is_logged_until_it_is_annealed_away(finished: TrainArgs) -> None:
    flow = [row["flow"] for row in _rows(finished, "train")]
    assert all(flow[:3])
    assert flow[3:] == ["", "", ""]


def test_a_resumed_run_continues_the_same_log(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, steps=2)
    train(args)
    train(replace(args, steps=4), resume=Path(args.out) / args.run)
    assert [row["step"] for row in _rows(args, "train")] == list("1234")


def test_a_gradient_that_is_not_finite_stops_with_the_batch_saved(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, loss="1e38*MSE", lr=1e30, optimizer="SGD")
    with pytest.raises(ValueError, match=r"gradient of step \d is not finite; its batch is in"):
        train(args)
    (bad,) = (Path(args.out) / args.run).glob("bad-batch-*.pt")
    assert torch.load(bad, weights_only=True)["middle"].shape == (2, 3, 32, 32)


@pytest.mark.long
def test_skip_nan_leaves_such_steps_out_and_counts_them(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, loss="1e38*MSE", lr=1e30, optimizer="SGD", skip_nan=True)
    train(args)
    content = checkpoint.read(Path(args.out) / args.run)
    assert content["numbers"]["step"] == 6
    assert content["numbers"]["skipped"] >= 4


@pytest.mark.long
def test_gradients_are_clipped_to_the_given_norm(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, optimizer="SGD", lr=1.0, steps=1, seed=3)
    moved = []
    for clip in (0.0, 1e-4):
        train(replace(args, clip=clip, run=f"clip {clip}"))
        after = checkpoint.read(Path(args.out) / f"clip {clip}")["network"]
        torch.manual_seed(3)
        before = cdfi.Network(TINY).state_dict()
        squares = [(after[name] - before[name]).square().sum() for name in before]
        moved.append(float(torch.stack(squares).sum().sqrt()))
    assert moved[0] > 1e-3
    assert moved[1] == pytest.approx(1e-4, rel=0.02)


@pytest.mark.long
def test_accumulated_batches_step_as_one_large_batch(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, optimizer="SGD", lr=0.1, steps=2)
    train(replace(args, batch=4, run="large"))
    train(replace(args, batch=2, accumulate=2, run="small"))
    large, small = (checkpoint.read(Path(args.out) / run)["network"] for run in ("large", "small"))
    for name, value in large.items():
        torch.testing.assert_close(small[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.long
def test_the_time_limit_ends_with_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("cdfi.training.stop.time", SimpleNamespace(monotonic=lambda: now[0]))

    class Hour(Callback):
        def on_step(self, step: int, steps: int) -> None:
            now[0] += 3600 if step == 2 else 0

    outcome = train(tiny_args(tmp_path, steps=1000, max_minutes=59), callback=Hour())
    assert (outcome.reason, outcome.step) == ("time", 2)
    assert checkpoint.read(outcome.folder)["numbers"]["step"] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.long
def test_a_signal_ends_with_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    class Killer(Callback):
        def on_step(self, step: int, steps: int) -> None:
            if step == 2:
                signal.raise_signal(number)

    before = signal.getsignal(number)
    outcome = train(tiny_args(tmp_path, steps=1000), callback=Killer())
    assert (outcome.reason, outcome.step) == ("interrupted", 2)
    assert checkpoint.read(outcome.folder)["numbers"]["step"] == 2
    assert signal.getsignal(number) == before


@pytest.mark.long
def test_a_terminated_process_with_workers_leaves_nothing_running(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, steps=1_000_000, workers=1, log_every=1)
    file = tmp_path / "args.json"
    file.write_text(json.dumps({**json.loads(args.to_json())}))
    code = (
        "import sys; from pathlib import Path; from cdfi.training.args import TrainArgs; "
        "from cdfi.training.loop import train; "
        "print(train(TrainArgs.from_json(Path(sys.argv[1]).read_text())).reason)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True
    )
    log = Path(args.out) / args.run / "train.csv"
    while process.poll() is None and not (log.is_file() and len(log.read_text().split()) > 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert out.strip() == "interrupted"
    assert (log.parent / "checkpoint.pt").is_file()


def random_batch(device: str = "cpu", count: int = 2) -> Batch:
    """Return random frames of 32 x 32 without motion."""
    frames = torch.rand(3, count, 3, 32, 32, device=device)
    flow, visible = torch.zeros_like(frames[0, :, :2]), torch.zeros_like(frames[0, :, :1])
    half = torch.full((count, 1, 1, 1), 0.5, device=device)
    return Batch(*frames.unbind(0), flow, flow, visible, visible, half)


@pytest.mark.long
def test_a_run_trains_on_given_batches_and_follows_the_given_progress(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, data=(), steps=3, schedule="cosine", warmup=0, lr=1e-3)
    progress = iter([0.0, 0.5, 1.0])
    held_out = np.random.default_rng(0).integers(0, 255, (2, 3, 32, 32, 3), dtype=np.uint8)
    outcome = train(
        args,
        batches=iter([random_batch() for _ in range(3)]),
        held_out=held_out,
        progress=lambda: next(progress),
    )
    assert (outcome.reason, outcome.step) == ("finished", 3)
    with (outcome.folder / "train.csv").open() as lines:
        rates = [float(row["lr"]) for row in csv.DictReader(lines)]
    assert rates == pytest.approx([1e-3, 0.505e-3, 1e-5], rel=1e-2)
    assert (outcome.folder / "validation.csv").is_file()
    with pytest.raises(ValueError, match="steps must be given with batches"):
        train(replace(args, steps=0, run="other"), batches=iter([]))


def test_zero_nan_continues_without_the_values_that_are_not_finite(tmp_path: Path) -> None:
    bad = random_batch()
    bad.frame0[0, 0, 0, 0] = float("nan")
    args = tiny_args(tmp_path, data=(), steps=2, zero_nan=True, clip=1.0)
    outcome = train(args, batches=iter([bad, random_batch()]))
    network = cdfi.load(outcome.folder / "last.safetensors")
    assert all(bool(torch.isfinite(p).all()) for p in network.parameters())


@pytest.mark.gpu
def test_a_step_with_zero_nan_never_waits_for_the_device(tmp_path: Path, cuda: str) -> None:
    args = tiny_args(tmp_path, data=(), device=cuda, zero_nan=True, clip=1.0, optimizer="Muon")
    stream = itertools.repeat(random_batch(cuda))
    data = Data(None, None, stream)
    run = Run(args, SingleProcess(torch.device(cuda)), data, check(args))
    run._step(stream)  # compiles kernels and fills caches
    torch.cuda.set_sync_debug_mode("error")
    try:
        run._step(stream)
    finally:
        torch.cuda.set_sync_debug_mode("default")
