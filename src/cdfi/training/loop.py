"""The run: step through the data until the end, the time limit or a signal."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn

from cdfi.data.batch import Batch
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.build import batches, build_network, run_length
from cdfi.training.callback import Callback, Outcome, Reason
from cdfi.training.checkpoint import State
from cdfi.training.distributed import Processes, join_processes
from cdfi.training.losses.flow import anneal
from cdfi.training.losses.objective import Objective
from cdfi.training.losses.terms import Term, parse_loss
from cdfi.training.meter import Meter
from cdfi.training.optim.ema import WeightAverage
from cdfi.training.optim.optimizers import build_optimizer
from cdfi.training.optim.schedules import Length, rate
from cdfi.training.record import Record
from cdfi.training.sources import Data, open_data, parse_source
from cdfi.training.stop import Stop


def train(
    args: TrainArgs,
    resume: Path | None = None,
    callback: Callback | None = None,
    terms: Sequence[Term] = (),
) -> Outcome:
    """Train a network as ``args`` say, and leave its weights and record in ``out/run``.

    Args:
        args: the run.
        resume: a run folder or checkpoint to continue exactly where it was saved.
        callback: is told how it goes.
        terms: of the loss, beside those ``args`` names.

    Raises:
        ValueError: anything in ``args`` or the data that cannot be used; or a gradient that is not
            finite (unless ``skip_nan``), with the batch saved in the run's folder.
        OSError: the run's folder cannot be written; the last checkpoint is intact.
    """
    callback = callback or Callback()
    checkpoint.require_unused(Path(args.out).expanduser() / args.run, resume)
    terms = [*check(args), *terms]
    processes = join_processes(args.device)
    torch.manual_seed(args.seed)
    with Stop(args.max_minutes) as stop:
        data = open_data(args, callback.on_decode)
        run = Run(args, processes, data, terms)
        if resume is not None:
            checkpoint.restore(run.state, checkpoint.read(resume), resume)
        return run.fit(stop, callback)


def check(args: TrainArgs) -> list[Term]:
    """Refuse names that nobody knows before data is opened, which may take minutes.

    Returns the terms of the loss.

    Raises:
        ValueError: an unknown loss, optimizer or schedule, or a source of an unknown kind.
    """
    rate(0, args, Length(1, 1))
    build_optimizer(nn.Conv2d(1, 1, 1), args, 1)
    for text in args.data:
        parse_source(text)
    return parse_loss(args.loss, Path(args.vgg) if args.vgg else None)


class Run:
    """A run in progress, as one of its processes sees it.

    Args:
        args: what was asked for.
        processes: who trains together.
        data: the stream and the validation triplets.
        terms: of the loss: those :func:`check` returns, and any others.

    Raises:
        ValueError: an unknown network.
    """

    def __init__(
        self, args: TrainArgs, processes: Processes, data: Data, terms: Sequence[Term]
    ) -> None:
        self._args, self._processes, self._data = args, processes, data
        self._folder = Path(args.out).expanduser() / args.run
        self._length = run_length(args, data.mixture.size, processes.count)
        network = build_network(args)
        network.to(processes.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = build_optimizer(network, args, self._length.epoch)
        self.state = State(network, optimizer, WeightAverage(network, args.ema))
        self._module: nn.Module = processes.wrap(Objective(network, terms, args))
        self._meter = Meter()

    def fit(self, stop: Stop, callback: Callback) -> Outcome:
        """Take the steps that are left; save at the end, however it comes."""
        record = None
        if self._processes.rank == 0:
            record = Record(self._folder, self._args, self.state, self._data.held_out, callback)
        with record or nullcontext():
            reason = self._steps(stop, callback, record)
            if record is not None:
                if reason != "interrupted":
                    record.validated(self._processes.device)
                record.save()
        known = torch.tensor(self.state.best, device=self._processes.device)
        best = float(self._processes.all_reduce_max(known))  # only the one that scores knew it
        self._processes.shutdown()
        return Outcome(reason, self.state.step, best, self._folder, record is not None)

    def _steps(self, stop: Stop, callback: Callback, record: Record | None) -> Reason:
        """Steps until the last one or until asked to stop; why it ended."""
        state, steps = self.state, self._length.steps
        stream = batches(self._args, self._data.mixture, self._processes, state.step, steps)
        self._meter.reset()
        while state.step < steps:
            if asked := self._stop_reason(stop):
                return asked
            self._step(stream)
            callback.on_step(state.step, steps)
            self._report(record)
        return "finished"

    def _stop_reason(self, stop: Stop) -> Reason | None:
        """Why to stop now. Several processes agree on it, only now and then: it costs a wait."""
        if self._processes.count == 1:
            return stop.reason()
        if self.state.step % self._args.log_every:
            return None
        reasons: list[Reason | None] = [None, "finished", "time", "interrupted"]
        mine = torch.tensor(float(reasons.index(stop.reason())), device=self._processes.device)
        return reasons[round(float(self._processes.all_reduce_max(mine)))]

    def _step(self, stream: Iterator[Batch]) -> None:
        """One optimizer step."""
        args, state = self._args, self.state
        for group in state.optimizer.param_groups:
            group["lr"] = rate(state.step, args, self._length)
        guide = anneal(state.step / self._length.steps, args.guidance_until)
        for part in range(args.accumulate):
            batch = next(stream).to(self._processes.device)
            with self._processes.no_sync(self._module, part < args.accumulate - 1):
                measured = self._module(batch, guide)
                self._processes.backward(measured["loss"] / args.accumulate)
            self._meter.add(measured, args.batch * self._processes.count)
        norm = nn.utils.clip_grad_norm_(state.network.parameters(), args.clip or float("inf"))
        if bool(torch.isfinite(norm)):  # the same in every process: gradients are exchanged by now
            state.optimizer.step()
            state.average.update(state.network, state.step)
        else:
            self._not_finite(batch)
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1

    def _not_finite(self, batch: Batch) -> None:
        """Keep the batch; stop, or count it and go on."""
        name = f"bad-batch-{self.state.step}-{self._processes.rank}.pt"
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._args.skip_nan:
            torch.save(
                {key: value.cpu() for key, value in batch._asdict().items()}, self._folder / name
            )
            raise ValueError(
                f"the gradient of step {self.state.step} is not finite; its batch is in "
                f"{self._folder / name}. Lower --lr, give --set clip=1, or go on with --skip-nan "
                "from the last checkpoint (--resume)"
            )
        self.state.skipped += 1
        self._meter.reset()  # its sums are not finite either

    def _report(self, record: Record | None) -> None:
        """Log, validate and save when it is time."""
        args, step = self._args, self.state.step
        if step % args.log_every == 0 and self._meter.filled:
            names, means = self._meter.means()
            means = self._processes.mean(means)  # every process takes part
            if record is not None:
                lr = rate(step - 1, args, self._length)
                record.measured(dict(zip(names, means.tolist())), lr, self._meter.speed())
            self._meter.reset()
        if record is not None:
            if step % (args.validate_every or self._length.epoch) == 0:
                record.validated(self._processes.device)
            record.save_in_time()
