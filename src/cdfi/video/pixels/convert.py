"""Frames in the format that the encoder takes, with the tags that are then true."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.pixels.colour import FULL, HD_LINES, HD_WEIGHTS, WEIGHTS, Colour, Converter
from cdfi.video.pixels.formats import SEMI_PLANAR, Layout, layout, reformatted

BT709, SMPTE170M, RGB = 1, 6, 0
LIMITED = 1
BT2020_RED = WEIGHTS[9][0]


@dataclass(frozen=True)
class FormatConverter:
    """Turns frames of the format ``source`` into ``target``; the same frame where these agree.

    Formats that only libav knows (palettes) are left to its scaler; all others are converted here,
    exactly, so that source frames and made frames are treated alike.
    """

    source: str
    target: str
    colour: Colour
    height: int

    @property
    def tags(self) -> Colour:
        """The colour tags of the result."""
        family = self._target_family()
        if self.source == self.target or family == layout(self.source).family:
            return self.colour
        if family == "rgb":
            return replace(self.colour, matrix=RGB, range=FULL, location="unspecified")
        if layout(self.source).family == "gray":
            return self.colour
        matrix = BT709 if self.height >= HD_LINES else SMPTE170M
        return replace(self.colour, matrix=matrix, range=LIMITED)

    @property
    def has_alpha(self) -> bool:
        """Whether the result carries opacity."""
        form = self._target_layout()
        return form is not None and form.alpha

    def convert(self, image: VideoFrame) -> VideoFrame:
        """``image`` in the target's format."""
        if self.source == self.target:
            return image
        if self._target_layout() is None:
            return reformatted(image, self.target, src_colorspace=self._libav_matrix())
        planar = SEMI_PLANAR.get(self.target)
        if planar is not None:
            return reformatted(replace(self, target=planar).convert(image), self.target)
        given = Converter(self.source, self.colour)
        wanted = Converter(self.target, self.tags)
        fitted = wanted.to_frame(given.to_rgb(image), self._alpha(given, image), image)
        tags = self.tags
        fitted.colorspace, fitted.color_range = tags.matrix, tags.range
        return fitted

    def _alpha(self, given: Converter, image: VideoFrame) -> Tensor | None:
        """Opacity where the target has it: the source's, else full."""
        if not layout(self.target).alpha:
            return None
        alpha = given.alpha(image)
        return torch.ones(1, image.height, image.width) if alpha is None else alpha

    def _target_layout(self) -> Layout | None:
        try:
            return layout(SEMI_PLANAR.get(self.target, self.target))
        except ValueError:
            return None

    def _target_family(self) -> str:
        form = self._target_layout()
        return "rgb" if form is None else form.family

    def _libav_matrix(self) -> str:
        """The matrix in the words of libav's scaler, which knows fewer than there are."""
        red, _ = self.colour.weights(self.height)
        return {HD_WEIGHTS[0]: "ITU709", BT2020_RED: "BT2020"}.get(red, "ITU601")
