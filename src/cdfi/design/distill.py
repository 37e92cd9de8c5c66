"""Losses that let a small network follow the one it came from."""

import torch

from cdfi.data.batch import Batch
from cdfi.models import Network, Parts
from cdfi.training.losses.flow import expected_flow
from cdfi.training.losses.terms import Term, charbonnier


def distillation(teacher: Network, output: float, maps: float) -> list[Term]:
    """Terms that draw a network towards what ``teacher`` makes of the same frames.

    Args:
        teacher: the original network; it is put into evaluation mode, without gradients.
        output: weight of the Charbonnier distance between the middle frames; 0 leaves it out.
        maps: weight of the distance between the mean sampling positions (pixels) and between the
            masks; 0 leaves it out.
    """
    lessons = _Teacher(teacher)
    terms = [
        Term(output, "distill_output", lessons.output),
        Term(maps, "distill_maps", lessons.maps),
    ]
    return [term for term in terms if term.weight]


class _Teacher:
    """The teacher's answers, one forward pass a batch."""

    def __init__(self, teacher: Network) -> None:
        self._teacher = teacher.eval().requires_grad_(False)
        self._batch: Batch | None = None
        self._parts: Parts | None = None

    def output(self, parts: Parts, batch: Batch) -> torch.Tensor:
        return charbonnier(parts.middle - self._of(batch).middle)

    def maps(self, parts: Parts, batch: Batch) -> torch.Tensor:
        theirs = self._of(batch)
        dilation = self._teacher.config.dilation
        moved = [
            charbonnier(expected_flow(ours, dilation) - expected_flow(its, dilation))
            for ours, its in ((parts.maps0, theirs.maps0), (parts.maps1, theirs.maps1))
        ]
        return moved[0] + moved[1] + charbonnier(parts.occlusion - theirs.occlusion)

    def _of(self, batch: Batch) -> Parts:
        if self._batch is not batch or self._parts is None:
            self._teacher.to(batch.frame0.device)
            with torch.no_grad():
                self._parts = self._teacher.parts(batch.frame0, batch.frame1)
            self._batch = batch
        return self._parts
