"""One forward pass of training: a batch in, the loss and its terms out."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from cdfi.common.devices import quick_bf16
from cdfi.data.batch import Batch
from cdfi.models import AnyNetwork, Network, Prediction
from cdfi.models.flow_network import FlowPrediction
from cdfi.training.arg_groups import LossArgs
from cdfi.training.losses.flow import flow_loss, initial_flow_loss, warp_loss
from cdfi.training.losses.motion_pyramid import motion_loss
from cdfi.training.losses.terms import MAP_TERMS, Term


class Objective(nn.Module):
    """A network together with its loss, as one module that DDP can wrap.

    Args:
        network: the network.
        terms: the loss.
        args: the weights of the guidance, the precision, whether to compile.

    Raises:
        ValueError: a term of the maps of AdaCoF for a network that has none.
    """

    def __init__(self, network: AnyNetwork, terms: Sequence[Term], args: LossArgs) -> None:
        super().__init__()
        check_terms(network, terms)
        self.network = network
        self._terms = list(terms)
        self._guidance, self._warp = args.guidance, args.warp
        self._precision = args.precision
        self._predict = torch.compile(self._prediction) if args.compile else self._prediction

    def forward(self, batch: Batch, guide: float) -> dict[str, Tensor]:
        """Return the loss as ``loss`` and each unweighted part under its name; scalars.

        Args:
            batch: N triplets.
            guide: fraction of the guidance that is left, 0 to 1.
        """
        device = batch.middle.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._in_bf16(device)):
            prediction = self._predict(batch.frame0, batch.frame1, batch.t)
        values, total = {}, batch.middle.new_zeros(())
        for name, weight, value in self._weighted(prediction, batch, guide):
            values[name] = value.detach()
            total = total + weight * value
        return {"loss": total, **values}

    def _prediction(self, frame0: Tensor, frame1: Tensor, t: Tensor) -> Prediction | FlowPrediction:
        return predict(self.network, frame0, frame1, t)

    def _weighted(
        self, prediction: Prediction | FlowPrediction, batch: Batch, guide: float
    ) -> Iterator[tuple[str, float, Tensor]]:
        """Yield the name, weight and value of every part of the loss."""
        for term in self._terms:
            yield term.name, term.weight, term.measure(prediction, batch)
        if guide and self._guidance:
            weight = guide * self._guidance
            if isinstance(prediction, FlowPrediction):
                yield "flow", weight, motion_loss(prediction, batch)
            else:
                yield from self._map_guidance(prediction, batch, weight)
        if guide and self._warp:
            yield "warp", guide * self._warp, warp_loss(prediction, batch)

    def _map_guidance(
        self, prediction: Prediction, batch: Batch, weight: float
    ) -> Iterator[tuple[str, float, Tensor]]:
        """Yield the flow losses of a network with sampling maps."""
        assert isinstance(self.network, Network)
        yield "flow", weight, flow_loss(prediction, batch, self.network.config.dilation)
        initial = initial_flow_loss(prediction, batch)
        if initial is not None:
            yield "guess", weight, initial  # the name of its column in train.csv

    def _in_bf16(self, device: torch.device) -> bool:
        return self._precision == "bf16" or (self._precision == "auto" and quick_bf16(device))


def predict(
    network: AnyNetwork, frame0: Tensor, frame1: Tensor, t: Tensor
) -> Prediction | FlowPrediction:
    """Return what a network predicts between two frames.

    Args:
        network: of either family; one that computes the middle frame only ignores ``t``.
        frame0: (N, 3, H, W), RGB in [0, 1].
        frame1: the same.
        t: (N, 1, 1, 1), instants in (0, 1).
    """
    if isinstance(network, Network):
        return network.predict(frame0, frame1)
    prediction: FlowPrediction = network.predict(network.prepare(frame0, frame1), t)
    return prediction


def check_terms(network: AnyNetwork, terms: Sequence[Term]) -> None:
    """Raise an error for a loss that the network cannot have.

    Raises:
        ValueError: a term of the maps of AdaCoF for a network that has none.
    """
    of_maps = [term.name for term in terms if term.name in MAP_TERMS]
    if of_maps and network.takes_time:
        raise ValueError(
            f"the loss {of_maps[0]} is of the sampling maps of AdaCoF, which this network does not "
            "have: leave it out of --loss"
        )
