"""Turn spans into frames of the result: source frames, and the network's frames between them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import torch
from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.jobs.model import FrameInterpolator
from cdfi.video.pixels.bars import black_bars
from cdfi.video.pixels.convert import FormatConverter
from cdfi.video.timing.frame import OutputFrame, SourceFrame
from cdfi.video.timing.spans import Kind, Span

HALF = Fraction(1, 2)


class Sample(NamedTuple):
    """The picture at an instant.

    Attributes:
        pts: the instant.
        rgb: the picture.
        alpha: its opacity; None if the format has none.
        shown: the source frame that it is; None if it is interpolated.
        near: a source frame whose tags it has.
    """

    pts: int
    rgb: Tensor
    alpha: Tensor | None
    shown: VideoFrame | None
    near: VideoFrame


class Renderer:
    """Fill spans with frames in the converter's target format.

    The RGB of the last two source frames is kept: the next span starts from one of them.
    """

    def __init__(
        self,
        interpolator: FrameInterpolator,
        converter: FormatConverter,
        hold: Tensor | None = None,
        *,
        bars: bool = True,
    ) -> None:
        """Prepare for frames of one size.

        Args:
            interpolator: computes the frames.
            converter: of frames to RGB and back.
            hold: (1, H, W) in [0, 1], the weight of the nearest source frame in the result.
            bars: keep black bars at the borders as they are.
        """
        self.hold, self.bars = hold, bars
        self.interpolator = interpolator
        self.converter = converter.on(getattr(interpolator, "device", None))
        self._kept: list[tuple[VideoFrame, Tensor]] = []
        self._converted: tuple[VideoFrame, VideoFrame] | None = None

    def frames(self, span: Span) -> Iterator[OutputFrame]:
        """Yield the frame of each instant of ``span``, in order."""
        if span.kind is Kind.MOTION and span.right is not None:
            yield from self._motion(span, span.left, span.right)
            return
        for instant in span.instants:
            image = self.source_frame(span.source_at(instant.t).image)
            yield OutputFrame(instant.pts, image, interpolated=False)

    def samples(self, span: Span) -> Iterator[Sample]:
        """Yield the picture at each instant of ``span``, in order."""
        left, right = span.left.image, span.right.image if span.right else span.left.image
        times = [one.t for one in span.instants if 0 < one.t < 1 and span.kind is Kind.MOTION]
        between = self._rgb_between(left, right, times, span.tolerance)
        for pts, t in span.instants:
            if 0 < t < 1 and span.kind is Kind.MOTION:
                rgb, alpha = next(between)
                yield Sample(pts, rgb, alpha, None, left)
            else:
                shown = span.source_at(t).image
                alpha = self.converter.alpha(shown) if self.converter.has_alpha else None
                yield Sample(pts, self._rgb(shown).clone(), alpha, shown, shown)

    def source_frame(self, image: VideoFrame) -> VideoFrame:
        """Return a source frame in the target's format; the last one is remembered."""
        if self._converted is None or self._converted[0] is not image:
            known = next((rgb for kept, rgb in self._kept if kept is image), None)
            self._converted = image, self.converter.convert(image, known)
        return self._converted[1]

    def _motion(self, span: Span, left: SourceFrame, right: SourceFrame) -> Iterator[OutputFrame]:
        times = [instant.t for instant in span.instants if 0 < instant.t < 1]
        between = self._between(left.image, right.image, times, span.tolerance)
        for instant in span.instants:
            if instant.t in (0, 1):
                image = self.source_frame(span.source_at(instant.t).image)
                yield OutputFrame(instant.pts, image, interpolated=False)
            else:
                yield OutputFrame(instant.pts, next(between), interpolated=True)

    def _between(
        self, left: VideoFrame, right: VideoFrame, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[VideoFrame]:
        for rgb, alpha in self._rgb_between(left, right, times, tolerance):
            yield self.converter.from_rgb(rgb, alpha, left)

    def _rgb_between(
        self, left: VideoFrame, right: VideoFrame, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        if not times:
            return
        rgb0, rgb1 = self._rgb(left), self._rgb(right)
        alphas = self._alphas(left, right, times, tolerance)
        kept = self._kept_parts(rgb0, rgb1)
        for t, rgb in zip(times, self.interpolator.between(rgb0, rgb1, times, tolerance)):
            near = rgb0 if t < HALF else rgb1
            yield rgb if kept is None else torch.lerp(rgb, near, kept), next(alphas)

    def _kept_parts(self, rgb0: Tensor, rgb1: Tensor) -> Tensor | None:
        """Return the mask of the parts that are not interpolated: black bars and held parts."""
        bars = black_bars(rgb0, rgb1) if self.bars else None
        if self.hold is None:
            return bars
        self.hold = self.hold.to(rgb0)
        return self.hold if bars is None else torch.maximum(self.hold, bars)

    def _alphas(
        self, left: VideoFrame, right: VideoFrame, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[Tensor | None]:
        """Yield the opacity at each time; it is interpolated only if it changes."""
        alpha0 = self.converter.alpha(left) if self.converter.has_alpha else None
        alpha1 = self.converter.alpha(right) if self.converter.has_alpha else None
        if alpha0 is None or alpha1 is None or torch.equal(alpha0, alpha1):
            yield from [alpha0] * len(times)
            return
        grey0, grey1 = alpha0.expand(3, -1, -1), alpha1.expand(3, -1, -1)
        for grey in self.interpolator.between(grey0, grey1, times, tolerance):
            yield grey.mean(0, keepdim=True)

    def _rgb(self, image: VideoFrame) -> Tensor:
        """Return ``image`` in RGB; that of the last two images is kept."""
        for kept, rgb in self._kept:
            if kept is image:
                return rgb
        spare = self._kept.pop(0)[1] if len(self._kept) == 2 else None
        rgb = self.converter.to_rgb(image, spare)
        self._kept.append((image, rgb))
        return rgb
