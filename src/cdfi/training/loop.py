"""The training loop: steps through the data until the end, the time limit or a signal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from cdfi.data.augment import check_changes
from cdfi.data.batch import Batch
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.build import batches_of, build_network, check_instants, run_length
from cdfi.training.callback import Callback, Outcome, Reason
from cdfi.training.checkpoint import State
from cdfi.training.distributed import Processes, join_processes
from cdfi.training.losses.flow import anneal
from cdfi.training.losses.objective import Objective
from cdfi.training.losses.terms import Term, parse_loss
from cdfi.training.meter import Meter
from cdfi.training.optim.ema import WeightAverage
from cdfi.training.optim.gradients import zero_non_finite
from cdfi.training.optim.optimizers import build_optimizer
from cdfi.training.optim.schedules import Length, rate
from cdfi.training.record import Record
from cdfi.training.sources import Data, open_data, parse_source
from cdfi.training.stop import Stop

_PARTS = 1_000_000  # of a schedule that follows ``progress``


def train(
    args: TrainArgs,
    resume: Path | None = None,
    callback: Callback | None = None,
    terms: Sequence[Term] = (),
    *,
    batches: Iterator[Batch] | None = None,
    held_out: np.ndarray | None = None,
    progress: Callable[[], float] | None = None,
) -> Outcome:
    """Train a network, and leave its weights and record in the folder ``out/run`` of ``args``.

    Args:
        args: the run.
        resume: a run folder or checkpoint to continue exactly where it was saved.
        callback: is called as the run proceeds.
        terms: of the loss, in addition to those of ``args``.
        batches: endless batches of ``args.batch`` samples to train on, instead of ``args.data``;
            ``args.steps`` must be set.
        held_out: with ``batches``, the validation triplets, uint8 (M, 3, H, W, 3).
        progress: the fraction of the run done, in [0, 1], that the schedules of learning rate and
            guidance follow; by default the fraction of the steps.

    Raises:
        ValueError: anything in ``args`` or the data that cannot be used; or a gradient that is not
            finite (unless ``skip_nan``), with the batch saved in the run's folder.
        OSError: the run's folder cannot be written; the last checkpoint is intact.
    """
    callback = callback or Callback()
    checkpoint.require_unused(Path(args.out).expanduser() / args.run, resume)
    terms = [*check(args), *terms]
    if batches is not None and not args.steps:
        raise ValueError("steps must be given with batches: they have no epochs to count")
    processes = join_processes(args.device)
    torch.manual_seed(args.seed)
    with Stop(args.max_minutes) as stop:
        if batches is None:
            data = open_data(args, callback.on_decode).with_validation()
        else:
            data = Data(None, held_out, batches)
        run = Run(args, processes, data, terms, progress)
        if resume is not None:
            checkpoint.restore(run.state, checkpoint.read(resume), resume)
        return run.fit(stop, callback)


def check(args: TrainArgs) -> list[Term]:
    """Return the terms of the loss, and check all names before the data is opened.

    Opening the data may take minutes.

    Raises:
        ValueError: an unknown loss, optimizer, schedule, augmentation or kind of source.
    """
    rate(0, args, Length(1, 1))
    build_optimizer(nn.Conv2d(1, 1, 1), args, 1)
    check_changes(args.augment)
    for text in args.data:
        parse_source(text)
    return parse_loss(args.loss, Path(args.vgg) if args.vgg else None)


class Run:
    """A run in progress, in one of its processes.

    Args:
        args: the run.
        processes: the distributed context.
        data: the stream and the validation triplets.
        terms: of the loss: those :func:`check` returns, and any others.
        progress: as for :func:`train`.

    Raises:
        ValueError: an unknown network, or weights that do not fit it.
    """

    def __init__(
        self,
        args: TrainArgs,
        processes: Processes,
        data: Data,
        terms: Sequence[Term],
        progress: Callable[[], float] | None = None,
    ) -> None:
        self._args, self._processes, self._data = args, processes, data
        self._folder = Path(args.out).expanduser() / args.run
        samples = data.mixture.size if data.mixture else args.steps * args.batch * args.accumulate
        self._length = run_length(args, samples, args.batch * processes.count)
        network = build_network(args)
        check_instants(network, args)
        network.to(processes.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = build_optimizer(network, args, self._length.epoch)
        self.state = State(network, optimizer, WeightAverage(network, args.ema))
        self._module: nn.Module = processes.wrap(Objective(network, terms, args))
        self._meter = Meter()
        self._progress = progress
        self._without_warmup = replace(args, warmup=0)  # for ``progress``: warm-up counts steps

    def fit(self, stop: Stop, callback: Callback) -> Outcome:
        """Take the remaining steps, and save at the end, also after an interruption."""
        record = None
        if self._processes.rank == 0:
            record = Record(self._folder, self._args, self.state, self._data, callback)
        with record or nullcontext():
            reason = self._steps(stop, callback, record)
            if record is not None:
                if reason != "interrupted":
                    record.validate(self._processes.device)
                record.save()
        known = torch.tensor(self.state.best, device=self._processes.device)
        best = float(self._processes.all_reduce_max(known))  # only the leader has validated
        self._processes.shutdown()
        return Outcome(reason, self.state.step, best, self._folder, record is not None)

    def _steps(self, stop: Stop, callback: Callback, record: Record | None) -> Reason:
        """Take steps until the last one or a stop, and return why it ended."""
        state, steps = self.state, self._length.steps
        stream = self._stream()
        self._meter.reset()
        while state.step < steps:
            if reason := self._stop_reason(stop):
                return reason
            self._step(stream)
            callback.on_step(state.step, steps)
            self._report(record)
        return "finished"

    def _stream(self) -> Iterator[Batch]:
        """Return the batches of the remaining steps."""
        if self._data.mixture is None:
            assert self._data.batches is not None
            return self._data.batches
        left = range(self.state.step, self._length.steps)
        args = self._args
        return batches_of(self._data.mixture, args, args.accumulate, self._processes, left)

    def _stop_reason(self, stop: Stop) -> Reason | None:
        """Return why to stop now, or None.

        Several processes decide together, at log steps only, because they wait for each other.
        """
        if self._processes.count == 1:
            return stop.reason()
        if self.state.step % self._args.log_every:
            return None
        reasons: list[Reason | None] = [None, "finished", "time", "interrupted"]
        mine = torch.tensor(float(reasons.index(stop.reason())), device=self._processes.device)
        return reasons[round(float(self._processes.all_reduce_max(mine)))]

    def _step(self, stream: Iterator[Batch]) -> None:
        """Take one optimizer step."""
        args, state = self._args, self.state
        done = state.step / self._length.steps if self._progress is None else self._progress()
        for group in state.optimizer.param_groups:
            group["lr"] = self._rate(done)
        guide = anneal(done, args.guidance_until)
        for part in range(args.accumulate):
            batch = next(stream).to(self._processes.device)
            with self._processes.no_sync(self._module, part < args.accumulate - 1):
                values = self._module(batch, guide)
                self._processes.backward(values["loss"] / args.accumulate)
            self._meter.add(values, args.batch * self._processes.count)
        if self._clip():
            state.optimizer.step()
            state.average.update(state.network, state.step)
        else:
            self._handle_non_finite(batch)
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1

    def _rate(self, done: float) -> float:
        """Return the learning rate of the next step; ``done`` is the fraction of the run so far."""
        args, step = self._args, self.state.step
        if self._progress is None:
            return rate(step, args, self._length)
        warm = min(1.0, (step + 1) / args.warmup) if args.warmup else 1.0
        epoch = max(1, _PARTS * self._length.epoch // self._length.steps)
        return warm * rate(round(done * _PARTS), self._without_warmup, Length(_PARTS, epoch))

    def _clip(self) -> bool:
        """Clip the gradients, and return whether they are finite: the same in all processes."""
        parameters = list(self.state.network.parameters())
        if self._args.zero_nan:
            zero_non_finite([p.grad for p in parameters if p.grad is not None])
        norm: Tensor = nn.utils.clip_grad_norm_(parameters, self._args.clip or float("inf"))
        return self._args.zero_nan or bool(torch.isfinite(norm))

    def _handle_non_finite(self, batch: Batch) -> None:
        """Save the batch and stop, or count a skipped step."""
        name = f"bad-batch-{self.state.step}-{self._processes.rank}.pt"
        if not self._args.skip_nan:
            self._folder.mkdir(parents=True, exist_ok=True)
            torch.save(
                {key: value.cpu() for key, value in batch._asdict().items()}, self._folder / name
            )
            raise ValueError(
                f"the gradient of step {self.state.step} is not finite; its batch is in "
                f"{self._folder / name}. Lower --lr, give --set clip=1, or continue with "
                "--skip-nan from the last checkpoint (--resume)"
            )
        self.state.skipped += 1
        self._meter.reset()  # its sums are not finite either

    def _report(self, record: Record | None) -> None:
        """Log, validate and save if it is time."""
        args, step = self._args, self.state.step
        last = step == self._length.steps  # of a short run, the only row
        if (step % args.log_every == 0 or last) and self._meter.filled:
            names, means = self._meter.means()
            means = self._processes.mean(means)  # every process takes part
            if record is not None:
                lr = self.state.optimizer.param_groups[0]["lr"]
                record.log(dict(zip(names, means.tolist())), lr, self._meter.speed())
            self._meter.reset()
        if record is not None:
            if step % (args.validate_every or self._length.epoch) == 0:
                record.validate(self._processes.device)
            record.save_if_due()
