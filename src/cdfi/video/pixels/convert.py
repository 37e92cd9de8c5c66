"""Convert frames of a source and of the network into the encoder's pixel format, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.pixels.colour import HD_LINES, Colour, Converter
from cdfi.video.pixels.formats import (
    FULL,
    SAME_SAMPLES,
    Layout,
    copy_colour_tags,
    layout,
    read_components,
    reformatted,
    write_components,
)

BT709, SMPTE170M, RGB = 1, 6, 0
LIMITED = 1


@dataclass(frozen=True)
class FormatConverter:
    """Convert source frames, and RGB from the network, into the format ``target``.

    Both take the same path, so that interpolated frames do not flicker against source frames; RGB
    is rounded once, to the target's codes. Source frames that already have the target's format
    stay as they are. Formats that only libav can write (semi-planar, palettes) are reached
    through the planar or RGB format that holds the same samples.

    Attributes:
        source: pixel format of the source frames.
        target: pixel format of the result.
        colour: tags of the source.
        width: of the source frames, in pixels.
        height: of the source frames, in pixels.
        padded: width and height of the result; the last column and row are repeated up to there.
        device: where the conversion to and from RGB is computed; None means the CPU.
    """

    source: str
    target: str
    colour: Colour
    width: int
    height: int
    padded: tuple[int, int] | None = None
    device: torch.device | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the result."""
        return self.padded or (self.width, self.height)

    @cached_property
    def tags(self) -> Colour:
        """The colour tags of the result."""
        source, target = layout(self.source), self._exact
        if self.source == self.target or target.family == source.family:
            return self.colour
        if target.family == "rgb":
            return replace(self.colour, matrix=RGB, range=FULL, location="unspecified")
        if source.family == "gray":
            return self.colour
        matrix = BT709 if self.height >= HD_LINES else SMPTE170M
        return replace(self.colour, matrix=matrix, range=LIMITED)

    @property
    def has_alpha(self) -> bool:
        """Whether the result carries opacity."""
        return self._exact.alpha

    def on(self, device: torch.device | None) -> FormatConverter:
        """Return this converter for another device; frames are copied to a GPU as integer codes."""
        return replace(self, device=device)

    def to_rgb(self, image: VideoFrame, out: Tensor | None = None) -> Tensor:
        """Return a source frame as float RGB (3, H, W) in [0, 1]; ``out`` may be used for it."""
        return self._reader.to_rgb(image, out)

    def alpha(self, image: VideoFrame) -> Tensor | None:
        """Return a source frame's opacity (1, H, W) in [0, 1], None if its format has none."""
        return self._reader.alpha(image)

    def convert(self, image: VideoFrame, rgb: Tensor | None = None) -> VideoFrame:
        """Return a source frame in the target's format; ``rgb`` is its RGB if it is known."""
        if self.source == self._exact.name:
            return self._finished(image)
        rgb = self.to_rgb(image) if rgb is None else rgb
        return self.from_rgb(rgb, self.alpha(image), image)

    def from_rgb(self, rgb: Tensor, alpha: Tensor | None, like: VideoFrame) -> VideoFrame:
        """Return RGB in the target's format.

        Args:
            rgb: (3, H, W) in [0, 1].
            alpha: opacity (1, H, W) in [0, 1]; None means opaque.
            like: the source frame whose tags the result gets.
        """
        if not self.has_alpha:
            alpha = None
        elif alpha is None:
            alpha = torch.ones(1, *rgb.shape[1:])
        image = self._writer.to_frame(rgb, alpha, like)
        if self.source != self._exact.name:
            image.colorspace, image.color_range = self.tags.matrix, self.tags.range
        return self._finished(image)

    @cached_property
    def _exact(self) -> Layout:
        """The supported format that holds the target's samples; RGB if there is none."""
        try:
            return layout(SAME_SAMPLES.get(self.target, self.target))
        except ValueError:
            parts = VideoFormat(self.target, 64, 64).components
            alpha, deep = any(p.is_alpha for p in parts), any(p.bits > 8 for p in parts)
            return layout(
                ("rgba64le" if deep else "rgba") if alpha else ("rgb48le" if deep else "rgb24")
            )

    @cached_property
    def _reader(self) -> Converter:
        return Converter(self.source, self.colour, self.device)

    @cached_property
    def _writer(self) -> Converter:
        return Converter(self._exact.name, self.tags, self.device)

    def _finished(self, image: VideoFrame) -> VideoFrame:
        """Return a frame of the exact format with the target's size and format."""
        if self.padded is not None and self.padded != (image.width, image.height):
            image = _padded(image, *self.padded)
        if self.target in (self._exact.name, "pal8"):  # palettes are the encoder's task
            return image
        return reformatted(image, self.target)


def _padded(image: VideoFrame, width: int, height: int) -> VideoFrame:
    """Return ``image`` with its last column and row repeated up to the given size."""
    form = layout(image.format.name)
    parts = []
    for index, part in enumerate(read_components(image)):
        rows, columns = form.size(index, width, height)
        grown = ((0, rows - part.shape[0]), (0, columns - part.shape[1]))
        parts.append(torch.from_numpy(np.pad(part.numpy(), grown, mode="edge")))
    result = write_components(parts, image.format.name)
    copy_colour_tags(image, result)
    return result
