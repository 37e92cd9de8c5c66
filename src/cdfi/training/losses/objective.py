"""One forward pass of training: a batch in, the loss and its terms out."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from cdfi.common.devices import quick_bf16
from cdfi.data.batch import Batch
from cdfi.models import Network, Prediction
from cdfi.training.arg_groups import LossArgs
from cdfi.training.losses.flow import flow_loss, guess_loss, warp_loss
from cdfi.training.losses.terms import Term


class Objective(nn.Module):
    """A network together with its loss, as one module that DDP can wrap.

    Args:
        network: the network.
        terms: the loss.
        args: the weights of the guidance, the precision, whether to compile.
    """

    def __init__(self, network: Network, terms: Sequence[Term], args: LossArgs) -> None:
        super().__init__()
        self.network = network
        self._terms = list(terms)
        self._guidance, self._warp = args.guidance, args.warp
        self._precision = args.precision
        self._parts = torch.compile(network.predict) if args.compile else network.predict

    def forward(self, batch: Batch, guide: float) -> dict[str, Tensor]:
        """Return the loss as ``loss`` and each unweighted part under its name; scalars.

        Args:
            batch: N triplets.
            guide: fraction of the guidance that is left, 0 to 1.
        """
        device = batch.middle.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._in_bf16(device)):
            prediction = self._parts(batch.frame0, batch.frame1)
        values, total = {}, batch.middle.new_zeros(())
        for name, weight, value in self._weighted(prediction, batch, guide):
            values[name] = value.detach()
            total = total + weight * value
        return {"loss": total, **values}

    def _weighted(
        self, prediction: Prediction, batch: Batch, guide: float
    ) -> Iterator[tuple[str, float, Tensor]]:
        """Yield the name, weight and value of every part of the loss."""
        for term in self._terms:
            yield term.name, term.weight, term.measure(prediction, batch)
        if guide and self._guidance:
            weight = guide * self._guidance
            yield "flow", weight, flow_loss(prediction, batch, self.network.config.dilation)
            guess = guess_loss(prediction, batch)
            if guess is not None:
                yield "guess", weight, guess
        if guide and self._warp:
            yield "warp", guide * self._warp, warp_loss(prediction, batch)

    def _in_bf16(self, device: torch.device) -> bool:
        return self._precision == "bf16" or (self._precision == "auto" and quick_bf16(device))
