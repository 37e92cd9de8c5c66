"""Distillation losses: a small network learns from the one it was derived from."""

import torch

from cdfi.data.batch import Batch
from cdfi.models import AnyNetwork, Network, Prediction
from cdfi.models.flow_network import FlowPrediction
from cdfi.training.losses.flow import expected_flow, robust_length
from cdfi.training.losses.objective import predict
from cdfi.training.losses.terms import Term, charbonnier


def distillation(teacher: AnyNetwork, output: float, maps: float) -> list[Term]:
    """Return loss terms that pull a network towards the results of ``teacher`` on the same frames.

    Args:
        teacher: the original network; it is put into evaluation mode, without gradients.
        output: weight of the Charbonnier distance of the frames; 0 leaves it out.
        maps: weight of the distance of how the frames are sampled; 0 leaves it out. For AdaCoF
            networks these are the mean sampling positions (in pixels) and the occlusion masks, for
            flow networks the flows to both frames (in pixels).
    """
    results = _Teacher(teacher)
    terms = [
        Term(output, "distill_output", results.output_loss),
        Term(maps, "distill_maps", results.maps_loss),
    ]
    return [term for term in terms if term.weight]


class _Teacher:
    """The results of the teacher, with one forward pass for each batch."""

    def __init__(self, teacher: AnyNetwork) -> None:
        self._teacher = teacher.eval().requires_grad_(False)
        self._batch: Batch | None = None
        self._results: Prediction | FlowPrediction | None = None

    def output_loss(self, prediction: Prediction | FlowPrediction, batch: Batch) -> torch.Tensor:
        return charbonnier(prediction.middle - self._predict(batch).middle)

    def maps_loss(self, prediction: Prediction | FlowPrediction, batch: Batch) -> torch.Tensor:
        target = self._predict(batch)
        if isinstance(prediction, FlowPrediction):
            assert isinstance(target, FlowPrediction)
            return _flow_distance(prediction, target)
        assert isinstance(target, Prediction)
        assert isinstance(self._teacher, Network)
        return _maps_distance(prediction, target, self._teacher.config.dilation)

    def _predict(self, batch: Batch) -> Prediction | FlowPrediction:
        if self._batch is not batch or self._results is None:
            self._teacher.to(batch.frame0.device)
            with torch.no_grad():
                self._results = predict(self._teacher, batch.frame0, batch.frame1, batch.t)
            self._batch = batch
        return self._results


def _flow_distance(prediction: FlowPrediction, target: FlowPrediction) -> torch.Tensor:
    """Return the mean distance of both flows to those of the teacher, in pixels."""
    to_frame0 = robust_length(prediction.flow0 - target.flow0)
    return (to_frame0 + robust_length(prediction.flow1 - target.flow1)).mean()


def _maps_distance(prediction: Prediction, target: Prediction, dilation: int) -> torch.Tensor:
    """Return the mean distance of the sampling positions, in pixels, and of the masks."""
    flows = [
        charbonnier(expected_flow(own, dilation) - expected_flow(other, dilation))
        for own, other in (
            (prediction.maps0, target.maps0),
            (prediction.maps1, target.maps1),
        )
    ]
    return flows[0] + flows[1] + charbonnier(prediction.occlusion - target.occlusion)
