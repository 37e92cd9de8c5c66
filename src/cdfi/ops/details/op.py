"""The detail bands in PyTorch: what bilinear sampling of a frame along a flow loses."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.backends import has_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.common.layout import empty_result
from cdfi.ops.details.reference import BANDS, details_reference


def details(frame: Tensor, flow: Tensor, band_weights: Tensor, *, top: int = 0) -> Tensor:
    """Compute what to add to bilinear samples of ``frame``: a weighted sum of its detail bands.

    Bilinear sampling between pixels blurs. A weighted mean of such samples, such as AdaCoF's, only
    blurs more, because its weights are positive. :func:`detail_bands` defines the bands.

    Args:
        frame: (N, C, H + 2 * b, W + 2 * b), with a border of b >= 0 pixels.
        flow: (N, 2, h, W) in pixels, rows and columns, for rows ``top`` to ``top + h`` of H.
        band_weights: (N, 2, h, W), one weight per band.
        top: the frame's row that ``flow`` and ``band_weights`` begin with.

    Returns:
        (N, C, h, W) in at least float32; channels-last in memory on a CPU. The band weights have a
        gradient; frame and flow count as constants.

    Raises:
        ValueError: the shapes do not fit together, the frame does not have these rows, or the
            devices differ.
    """
    _check(frame, flow, top)
    if band_weights.shape != flow.shape or band_weights.device != flow.device:
        raise ValueError(
            f"expected band weights of shape {tuple(flow.shape)} on the device of the flow, got "
            f"{tuple(band_weights.shape)} on {band_weights.device}"
        )
    return _run(frame, flow, band_weights, top)


def detail_bands(frame: Tensor, flow: Tensor, *, top: int = 0) -> Tensor:
    """Compute two bands of ``frame`` at each pixel plus ``flow``: cubic residual and high-pass.

    The first band is cubic convolution (Keys, "Cubic Convolution Interpolation for Digital Image
    Processing", IEEE TASSP 1981, equation 15) minus bilinear sampling: zero at integer positions,
    largest half-way between pixels. The second band is bilinear sampling of the frame minus
    bilinear sampling of the frame after the 3 x 3 binomial filter. Added with a positive weight,
    they sharpen a sample; with a negative weight, they smooth it.

    Args:
        frame: as in :func:`details`.
        flow: as in :func:`details`.
        top: as in :func:`details`.

    Returns:
        (N, 2 * C, h, W), the first band before the second, in at least float32; channels-last in
        memory on a CPU. Positions are clamped to the frame. There is no gradient.

    Raises:
        ValueError: as :func:`details`.
    """
    _check(frame, flow, top)
    with torch.no_grad():
        one, zero = torch.ones_like(flow[:, :1]), torch.zeros_like(flow[:, :1])
        selections = torch.cat((one, zero), 1), torch.cat((zero, one), 1)
        return torch.cat([_run(frame, flow, selected, top) for selected in selections], 1)


def _check(frame: Tensor, flow: Tensor, top: int) -> None:
    """Raise ValueError if frame and flow do not fit together."""
    if frame.dim() != 4 or flow.dim() != 4:
        shapes = [tuple(x.shape) for x in (frame, flow)]
        raise ValueError(f"expected a frame (N, C, H, W) and a flow (N, 2, h, W), got {shapes}")
    rows, columns = flow.shape[2:]
    border = (frame.shape[3] - columns) // 2
    if flow.shape[:2] != (len(frame), 2) or frame.shape[3] != columns + 2 * border or border < 0:
        raise ValueError(
            f"expected a flow of shape {(len(frame), 2, 'h', 'W')} for a frame that is wider by "
            f"its border at both ends, got {tuple(flow.shape)} for {tuple(frame.shape)}"
        )
    height = frame.shape[2] - 2 * border
    if top < 0 or top + rows > height:
        raise ValueError(f"expected rows of a frame of {height} rows, got {top} to {top + rows}")
    if frame.device != flow.device:
        raise ValueError("expected frame and flow on one device: move them with .to(device)")


def _run(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int) -> Tensor:
    """Compute the sum with the device's kernel, or with the reference if it has none."""
    if not has_kernel(frame, flow):
        return details_reference(frame, flow, band_weights, top)
    total: Tensor = call(_details, _cpu, frame, flow, band_weights, top)
    return total


def _cpu(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int) -> Tensor:
    from cdfi.ops.details import cpu

    return cpu.forward(frame, flow, band_weights, top)


_details = torch.library.custom_op("cdfi::details", _cpu, mutates_args=(), device_types="cpu")


@_details.register_kernel("cuda")
def _cuda(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int) -> Tensor:
    from cdfi.ops.details import triton

    return triton.forward(frame, flow, band_weights, top)


@_details.register_fake
def _fake(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int) -> Tensor:
    return empty_result(flow, (flow.shape[0], frame.shape[1], *flow.shape[2:]))


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    frame, flow, band_weights, top = inputs
    ctx.save_for_backward(frame, flow)
    ctx.top, ctx.dtype = top, band_weights.dtype


def _backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor, None]:
    frame, flow = ctx.saved_tensors
    bands = detail_bands(frame, flow, top=ctx.top)
    of_weights = [(grad * band).sum(1, keepdim=True) for band in bands.chunk(BANDS, 1)]
    return None, None, torch.cat(of_weights, 1).to(ctx.dtype), None


_details.register_autograd(_backward, setup_context=_setup_context)
_details.register_autocast("cpu", torch.float32)
