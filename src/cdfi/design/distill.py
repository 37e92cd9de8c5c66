"""Distillation losses: a small network learns from the one it was derived from."""

import torch

from cdfi.data.batch import Batch
from cdfi.models import Network, Prediction
from cdfi.training.losses.flow import expected_flow
from cdfi.training.losses.terms import Term, charbonnier


def distillation(teacher: Network, output: float, maps: float) -> list[Term]:
    """Return loss terms that pull a network towards the results of ``teacher`` on the same frames.

    Args:
        teacher: the original network; it is put into evaluation mode, without gradients.
        output: weight of the Charbonnier distance of the middle frames; 0 leaves it out.
        maps: weight of the distance of the mean sampling positions (in pixels) and of the
            occlusion masks; 0 leaves it out.
    """
    results = _Teacher(teacher)
    terms = [
        Term(output, "distill_output", results.output_loss),
        Term(maps, "distill_maps", results.maps_loss),
    ]
    return [term for term in terms if term.weight]


class _Teacher:
    """The results of the teacher, with one forward pass for each batch."""

    def __init__(self, teacher: Network) -> None:
        self._teacher = teacher.eval().requires_grad_(False)
        self._batch: Batch | None = None
        self._parts: Prediction | None = None

    def output_loss(self, prediction: Prediction, batch: Batch) -> torch.Tensor:
        return charbonnier(prediction.middle - self._results(batch).middle)

    def maps_loss(self, prediction: Prediction, batch: Batch) -> torch.Tensor:
        teacher = self._results(batch)
        dilation = self._teacher.config.dilation
        flows = [
            charbonnier(expected_flow(own, dilation) - expected_flow(target, dilation))
            for own, target in (
                (prediction.maps0, teacher.maps0),
                (prediction.maps1, teacher.maps1),
            )
        ]
        return flows[0] + flows[1] + charbonnier(prediction.occlusion - teacher.occlusion)

    def _results(self, batch: Batch) -> Prediction:
        if self._batch is not batch or self._parts is None:
            self._teacher.to(batch.frame0.device)
            with torch.no_grad():
                self._parts = self._teacher.predict(batch.frame0, batch.frame1)
            self._batch = batch
        return self._parts
