"""Colour tags of a video, and the exact conversion between its codes and RGB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from torch import Tensor

from cdfi.video.pixels.chroma import COSITED, downsample_chroma, upsample_chroma
from cdfi.video.pixels.formats import (
    FULL,
    Layout,
    copy_colour_tags,
    flat_planes,
    layout,
    read_components,
    write_component,
    write_components,
)

UNSPECIFIED = 2

# Red and blue weights of luma by the code of the matrix (ITU-T H.273, table 4).
WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
SD_WEIGHTS, HD_WEIGHTS = WEIGHTS[6], WEIGHTS[1]
HD_LINES = 720


@dataclass(frozen=True)
class Colour:
    """The colour tags of a stream, as numbered by ITU-T H.273; ``location`` is libav's name."""

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    range: int = 0
    location: str = "unspecified"

    def weights(self, height: int) -> tuple[float, float]:
        """Return the luma weights of red and blue.

        An unspecified matrix is taken as BT.601 below 720 lines and as BT.709 otherwise, as players
        do. A matrix that is not a weighting of R, G and B (ICtCp, YCgCo) is read as BT.709: the
        conversion to RGB and back is still exact, but the network gets slightly wrong hues.
        """
        if self.matrix == UNSPECIFIED:
            return HD_WEIGHTS if height >= HD_LINES else SD_WEIGHTS
        return WEIGHTS.get(self.matrix, HD_WEIGHTS)


class Converter:
    """Converts frames of one format to RGB tensors and back."""

    def __init__(self, pix_fmt: str, colour: Colour, device: torch.device | None = None) -> None:
        self.form: Layout = layout(pix_fmt)
        self.colour = colour
        self.device = device or torch.device("cpu")

    def to_rgb(self, image: VideoFrame, out: Tensor | None = None) -> Tensor:
        """Return float RGB (3, H, W), [0, 1] for legal codes. ``out`` may be used to hold it."""
        if self._compiled():
            return self._to_rgb_compiled(image, out)
        components = self._floats(image)
        if self.form.family == "rgb":
            return torch.stack(components[:3]).div_(self.form.peak)
        scale, offset = self._luma()
        luma = components[0].sub_(offset).mul_(1 / scale)
        if self.form.family == "gray":
            return luma.expand(3, -1, -1).contiguous()
        return self._hues(components[1], components[2], luma.shape).add_(luma)

    def alpha(self, image: VideoFrame) -> Tensor | None:
        """Return opacity (1, H, W) in [0, 1], or None if the format has none."""
        if not self.form.alpha:
            return None
        return read_components(image)[-1].to(self.device).float().div_(self.form.peak)[None]

    def to_frame(self, rgb: Tensor, alpha: Tensor | None, like: VideoFrame) -> VideoFrame:
        """Return the frame of ``rgb`` (3, H, W) and ``alpha`` (1, H, W), tagged as ``like`` is."""
        if self._compiled() and rgb.device.type == "cpu":
            image = self._to_frame_compiled(rgb.float().contiguous(), alpha)
        else:
            components = self._codes(rgb.float())
            if alpha is not None:
                components.append(alpha[0].float().mul(self.form.peak))
            image = write_components(components, self.form.name)
        copy_colour_tags(like, image)
        return image

    def _compiled(self) -> bool:
        """Return whether the compiled form of the conversion applies."""
        form = self.form
        native = form.bits == 8 or np.dtype(form.dtype).isnative
        return (
            self.device.type == "cpu"
            and form.family == "yuv"
            and native
            and not form.order
            and max(form.shifts) <= 1
        )

    def _to_rgb_compiled(self, image: VideoFrame, out: Tensor | None) -> Tensor:
        from cdfi.video.pixels.kernels import yuv_to_rgb

        planes, lines = flat_planes(image)
        rgb = torch.empty(3, image.height, image.width) if out is None else out
        kr, kb = self.colour.weights(image.height)
        green = 1 - kr - kb
        (luma, black), (chroma, grey) = self._luma(), self._chroma()
        levels = (1 / luma, -black / luma, 1 / chroma, -grey / chroma)
        hues = (2 * (1 - kr), -2 * (1 - kb) * kb / green, -2 * (1 - kr) * kr / green, 2 * (1 - kb))
        halved = self.form.shifts[0] > 0, self.form.shifts[1] > 0
        yuv_to_rgb(planes, lines, rgb.numpy(), _f32(levels), _f32(hues), halved, self._sited())
        return rgb

    def _to_frame_compiled(self, rgb: Tensor, alpha: Tensor | None) -> VideoFrame:
        from cdfi.video.pixels.kernels import rgb_to_yuv

        image = VideoFrame(rgb.shape[2], rgb.shape[1], self.form.name)
        planes, lines = flat_planes(image)
        kr, kb = self.colour.weights(image.height)
        (luma, black), (chroma, grey) = self._luma(), self._chroma()
        levels = (luma, black, chroma / (2 * (1 - kb)), chroma / (2 * (1 - kr)), grey)
        halved = self.form.shifts[0] > 0, self.form.shifts[1] > 0
        weights = _f32((kr, 1 - kr - kb, kb))
        sited, peak = self._sited(), self.form.peak
        rgb_to_yuv(rgb.numpy(), planes, lines, _f32(levels), weights, peak, halved, sited)
        if alpha is not None:
            write_component(image, 3, alpha[0].float().mul(peak))
        return image

    def _floats(self, image: VideoFrame) -> list[Tensor]:
        colours = read_components(image)[: 3 if self.form.family != "gray" else 1]
        return [samples.to(self.device).float() for samples in colours]

    def _luma(self) -> tuple[float, float]:
        """Return the number of codes from black to white, and the code of black."""
        if not self._limited():
            return float(self.form.peak), 0.0
        unit = 1 << (self.form.bits - 8)
        return 219.0 * unit, 16.0 * unit

    def _chroma(self) -> tuple[float, float]:
        """Return the number of codes of a colour difference, and the code of zero."""
        unit = 1 << (self.form.bits - 8)
        return (224.0 * unit if self._limited() else float(self.form.peak)), 128.0 * unit

    def _limited(self) -> bool:
        """Return whether the range is limited: untagged YUV is, untagged grey is not."""
        if self.form.family == "gray":
            return self.colour.range == 1
        return self.colour.range != FULL

    def _hues(self, blue: Tensor, red: Tensor, shape: torch.Size) -> Tensor:
        """Return what chroma adds to luma in each of R, G, B: (3, H, W).

        The matrix is applied before upsampling, which is the same (both are linear) and cheaper.
        """
        scale, offset = self._chroma()
        kr, kb = self.colour.weights(shape[0])
        green = 1 - kr - kb
        blue, red = blue.sub_(offset).mul_(1 / scale), red.sub_(offset).mul_(1 / scale)
        hues = torch.empty(3, *red.shape, device=self.device)
        torch.mul(red, 2 * (1 - kr), out=hues[0])
        torch.mul(blue, 2 * (1 - kb), out=hues[2])
        torch.mul(red, -2 * (1 - kr) * kr / green, out=hues[1]).sub_(
            blue, alpha=2 * (1 - kb) * kb / green
        )
        across, down = self._sited()
        for _ in range(self.form.shifts[1]):
            hues = upsample_chroma(hues, -2, min(2 * hues.shape[-2], shape[0]), down)
        for _ in range(self.form.shifts[0]):
            hues = upsample_chroma(hues, -1, min(2 * hues.shape[-1], shape[1]), across)
        return hues

    def _codes(self, rgb: Tensor) -> list[Tensor]:
        """Return the colour components as float codes."""
        if self.form.family == "rgb":
            return list(rgb.mul(self.form.peak))
        kr, kb = self.colour.weights(rgb.shape[-2])
        scale, offset = self._luma()
        luma = (rgb[0] * kr).add_(rgb[1], alpha=1 - kr - kb).add_(rgb[2], alpha=kb)
        if self.form.family == "gray":
            return [luma.mul_(scale).add_(offset)]
        across, down = self._sited()
        small = rgb
        for _ in range(self.form.shifts[0]):
            small = downsample_chroma(small, -1, across)
        for _ in range(self.form.shifts[1]):
            small = downsample_chroma(small, -2, down)
        low = (small[0] * kr).add_(small[1], alpha=1 - kr - kb).add_(small[2], alpha=kb)
        unit, grey = self._chroma()
        blue = (small[2] - low).mul_(unit / (2 * (1 - kb))).add_(grey)
        red = (small[0] - low).mul_(unit / (2 * (1 - kr))).add_(grey)
        return [luma.mul_(scale).add_(offset), blue, red]

    def _sited(self) -> tuple[bool, bool]:
        """Return the chroma position (across, down); unspecified is left, as in H.264, MPEG-2."""
        return COSITED.get(self.colour.location, COSITED["left"])


def _f32(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32)
