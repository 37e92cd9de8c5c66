"""One forward pass of training: frames in, the loss and its parts out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cdfi.common.devices import quick_bf16
from cdfi.data.batch import Batch
from cdfi.models import Network
from cdfi.training.args import TrainArgs
from cdfi.training.losses.flow import flow_loss, guess_loss, warp_loss
from cdfi.training.losses.terms import Term


class Objective(nn.Module):
    """A network and what it is trained to do, as one module that DDP can wrap.

    Args:
        network: the network.
        terms: the loss.
        args: of the run: the weights of the guidance, the precision, whether to compile.
    """

    def __init__(self, network: Network, terms: Sequence[Term], args: TrainArgs) -> None:
        super().__init__()
        self.network = network
        self._terms = list(terms)
        self._guidance, self._warp = args.guidance, args.warp
        self._precision = args.precision
        self._parts = torch.compile(network.parts) if args.compile else network.parts

    def forward(self, batch: Batch, guide: float) -> dict[str, Tensor]:
        """The loss under ``loss``, then every unweighted part under its own name; scalars.

        Args:
            batch: N triplets.
            guide: share of the guidance that is left, 0 to 1.
        """
        device = batch.middle.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._in_bf16(device)):
            parts = self._parts(batch.frame0, batch.frame1)
        measured = {term.name: term.measure(parts, batch) for term in self._terms}
        total = sum(
            (term.weight * measured[term.name] for term in self._terms),
            start=batch.middle.new_zeros(()),
        )
        if guide and self._guidance:
            measured["flow"] = flow_loss(parts, batch, self.network.config.dilation)
            total = total + guide * self._guidance * measured["flow"]
            guessed = guess_loss(parts, batch)
            if guessed is not None:
                measured["guess"] = guessed
                total = total + guide * self._guidance * guessed
        if guide and self._warp:
            measured["warp"] = warp_loss(parts, batch)
            total = total + guide * self._warp * measured["warp"]
        return {"loss": total, **{name: value.detach() for name, value in measured.items()}}

    def _in_bf16(self, device: torch.device) -> bool:
        return self._precision == "bf16" or (self._precision == "auto" and quick_bf16(device))
