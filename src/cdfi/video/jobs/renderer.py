"""Spans to pictures: source frames as they are, and the network's frames between them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import torch
from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.pixels.colour import Colour, Converter
from cdfi.video.timing.frame import OutputFrame, SourceFrame
from cdfi.video.timing.spans import Kind, Span


def converter_for(pix_fmt: str, colour: Colour, maker: FrameInterpolator) -> Converter:
    """A converter where ``maker`` works: frames travel to a GPU as codes, not as floats."""
    return Converter(pix_fmt, colour, getattr(maker, "device", None))


class Renderer:
    """Fills spans; keeps the RGB of the last two frames, one of which the next span starts from."""

    def __init__(self, maker: FrameInterpolator, converter: Converter) -> None:
        self.maker = maker
        self.converter = converter
        self._kept: list[tuple[VideoFrame, Tensor]] = []

    def pictures(self, span: Span) -> Iterator[OutputFrame]:
        """The pictures of ``span`` in order of time."""
        if span.kind is Kind.MOTION and span.right is not None:
            yield from self._motion(span, span.left, span.right)
            return
        for instant in span.instants:
            at_end = instant.t == 1 and span.right is not None
            shown = span.right if at_end and span.right else span.left
            yield OutputFrame(instant.pts, shown.image, interpolated=False)

    def _motion(self, span: Span, left: SourceFrame, right: SourceFrame) -> Iterator[OutputFrame]:
        times = [instant.t for instant in span.instants if 0 < instant.t < 1]
        made = self._made(left.image, right.image, times, span.tolerance)
        for instant in span.instants:
            if instant.t == 0 or instant.t == 1:
                yield OutputFrame(
                    instant.pts, (left if instant.t == 0 else right).image, interpolated=False
                )
            else:
                yield OutputFrame(instant.pts, next(made), interpolated=True)

    def _made(
        self, left: VideoFrame, right: VideoFrame, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[VideoFrame]:
        if not times:
            return
        rgb0, rgb1 = self._rgb(left), self._rgb(right)
        alphas = self._alphas(left, right, times, tolerance)
        for rgb in self.maker.between(rgb0, rgb1, times, tolerance):
            yield self.converter.to_frame(rgb, next(alphas), left)

    def _alphas(
        self, left: VideoFrame, right: VideoFrame, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[Tensor | None]:
        """The opacity at each time: the network's, unless it does not change or there is none."""
        alpha0, alpha1 = self.converter.alpha(left), self.converter.alpha(right)
        if alpha0 is None or alpha1 is None or torch.equal(alpha0, alpha1):
            yield from [alpha0] * len(times)
            return
        grey0, grey1 = alpha0.expand(3, -1, -1), alpha1.expand(3, -1, -1)
        for grey in self.maker.between(grey0, grey1, times, tolerance):
            yield grey.mean(0, keepdim=True)

    def _rgb(self, image: VideoFrame) -> Tensor:
        """``image`` in RGB; of the two images last asked for, both are kept."""
        for kept, rgb in self._kept:
            if kept is image:
                return rgb
        spare = self._kept.pop(0)[1] if len(self._kept) == 2 else None
        rgb = self.converter.to_rgb(image, spare)
        self._kept.append((image, rgb))
        return rgb
