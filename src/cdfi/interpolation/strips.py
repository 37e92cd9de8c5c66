"""middle_by_strips: the result of a network by strips of rows, without full-resolution maps."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cdfi.common.multiples import round_up
from cdfi.interpolation.strip_inputs import StripInputs, strip_inputs
from cdfi.models.gridnet import PReLU
from cdfi.models.network import (
    MAP_NAMES,
    Head,
    Network,
    interleave,
    pad_to_multiple,
    scaled_details,
)
from cdfi.ops import adacof_rows_from_logits
from cdfi.ops.conv.op import conv_bias_act
from cdfi.ops.resize.op import resize_rows

#: Halo of a head's three hidden convolutions, in rows at half resolution.
HIDDEN_HALO = 3


class WarpedRows(NamedTuple):
    """Warped rows of the frame; without synthesis, ``base`` is the result."""

    base: Tensor  # (N, 3, rows, W): both frame warps, mixed by the occlusion mask
    #: (N, 2 * 64, rows, W): GridNet's input, side 0 and then side 1, features before the frame
    joint: Tensor | None
    blend: Tensor | None  # (N, 1, rows, W)


def middle_by_strips(
    network: Network, frame0: Tensor, frame1: Tensor, chunk: int = 512, strip: int = 32
) -> Tensor:
    """Return the middle frame, (N, 3, H, W), unclamped: equal to ``network(frame0, frame1)``.

    The maps exist for ``strip`` rows at a time. The heads' hidden layers and GridNet run on
    ``chunk`` rows at a time, with a halo as large as their reach, so that there is no seam. For
    inference only.

    Args:
        network: the network.
        frame0: (N, 3, H, W), RGB in [0, 1], any size.
        frame1: the same.
        chunk: rows, rounded up to a multiple of 8 (GridNet halves twice, the heads once).
        strip: rows, rounded up to a multiple of 8.
    """
    height, width = frame0.shape[-2:]
    chunk, strip = round_up(chunk, 8), round_up(strip, 8)
    inputs = strip_inputs(network, pad_to_multiple(frame0), pad_to_multiple(frame1))
    done = list(_chunks(network, inputs, chunk, strip))
    return torch.cat(done, 2)[..., :height, :width]


def _chunks(network: Network, inputs: StripInputs, chunk: int, strip: int) -> Iterator[Tensor]:
    """Yield finished rows, top to bottom; the halo of GridNet is kept from chunk to chunk."""
    halo = network.synthesis.halo if network.synthesis is not None else 0
    kept: WarpedRows | None = None
    start = 0  # the frame's row that ``kept`` begins with
    known = 0  # rows of the frame that are warped
    for top in range(0, inputs.height, chunk):
        bottom = min(top + chunk, inputs.height)
        end = min(bottom + halo, inputs.height)
        if end > known:
            kept = _append_rows(kept, _warped(network, inputs, known, end, strip))
            known = end
        assert kept is not None
        kept, start = _drop_rows(kept, max(top - halo, 0) - start), max(top - halo, 0)
        reuse_memory = bottom == inputs.height
        yield _finish(network, kept, reuse_memory)[:, :, top - start : bottom - start]


def _finish(network: Network, rows: WarpedRows, reuse_memory: bool) -> Tensor:
    """Return finished rows; ``reuse_memory`` if no later chunk reads ``rows`` again."""
    if network.synthesis is None or rows.joint is None or rows.blend is None:
        return rows.base
    synthesis = network.synthesis.columns(_first_block(network, rows.joint, reuse_memory))[:, :3]
    return synthesis.sub_(rows.base).mul_(rows.blend).add_(rows.base)


def _first_block(network: Network, joint: Tensor, reuse_memory: bool) -> Tensor:
    """Return GridNet's first block of rows whose channels lie side by side.

    The weights are permuted instead of the activations, as they are smaller.
    """
    assert network.synthesis is not None
    enter, conv, *rest = network.synthesis.first.body
    features = sum(network.config.pyramid)
    channels = torch.arange(3 + features, device=joint.device).roll(3).view(1, -1, 1, 1)
    sides = channels, channels + joint.shape[1] // 2
    indices = interleave(*(network.split_levels(side) for side in sides)).flatten()

    def run_permuted(layer: nn.Module, x: Tensor) -> Tensor:
        if not isinstance(layer, nn.Conv2d):
            return x[:, indices]
        weight = layer.weight.new_zeros(len(layer.weight), x.shape[1], 3, 3)
        weight[:, indices] = layer.weight
        weight = weight.contiguous(memory_format=torch.channels_last)
        result: Tensor = layer._conv_forward(x, weight, layer.bias)
        return result

    skipped = run_permuted(network.synthesis.first.skip, joint)
    assert isinstance(enter, PReLU)
    x = run_permuted(conv, enter.forward_(joint) if reuse_memory else enter(joint))
    for layer in rest:
        x = layer(x)
    return skipped.add_(x)


def _warped(network: Network, inputs: StripInputs, top: int, bottom: int, strip: int) -> WarpedRows:
    """Return warps of rows ``top`` to ``bottom``; the hidden layers run once for all of them."""
    first = max(_coarse_row(top - 1, inputs), 0)
    last = min(_coarse_row(bottom, inputs) + 2, inputs.decoded.shape[2])
    hidden = {
        name: _hidden_rows(head, inputs.decoded, first, last)  # type: ignore[arg-type]
        for name, head in network.heads.items()
    }
    rows = _empty(network, inputs, bottom - top)
    for start in range(top, bottom, strip):
        end = min(start + strip, bottom)
        part = WarpedRows(*(None if x is None else x[:, :, start - top : end - top] for x in rows))  # type: ignore
        _fill_strip(part, network, inputs, hidden, first, start, end)
    return rows


def _empty(network: Network, inputs: StripInputs, height: int) -> WarpedRows:
    def new(channels: int, like: Tensor) -> Tensor:
        size = (len(like), channels, height, inputs.width)
        return torch.empty(
            size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
        )

    base, features = new(3, inputs.bordered0), inputs.features
    if features is None:
        return WarpedRows(base, None, None)
    return WarpedRows(base, new(2 * features.shape[1], features), new(1, base))


def _fill_strip(
    part: WarpedRows,
    network: Network,
    inputs: StripInputs,
    hidden: dict[str, Tensor],
    first: int,
    top: int,
    bottom: int,
) -> None:
    """Compute one strip: the heads' last convolutions, the softmax, the warps of both sides."""

    def head(name: str) -> Tensor:
        layer = network.heads[name]
        assert isinstance(layer, Head)
        rows = _head_rows(layer, hidden[name], first, inputs, top, bottom)
        return rows[:, : config.heads[name][1]]  # a fused network has padded channels

    def warp(side: int, frame: Tensor) -> list[Tensor]:
        images = [frame] if inputs.features is None else [frame, inputs.features]
        maps = [head(f"{name}{side}") for name in MAP_NAMES]
        side_flow = None if flow is None else flow[:, 2 * side : 2 * side + 2]
        dilation, rounding = config.dilation, config.rounding
        return adacof_rows_from_logits(
            images, *maps, row=top, dilation=dilation, rounding=rounding, flow=side_flow
        )

    config = network.config
    flow = None if inputs.flow is None else inputs.flow[:, :, top:bottom]
    sides = warp(0, inputs.bordered0), warp(1, inputs.bordered1)
    frame0, frame1 = (frame[:, :3] for frame, *_ in sides)
    if flow is not None and "detail" in network.heads:
        band_weights = head("detail")
        frame0 = frame0 + scaled_details(inputs.bordered0, band_weights, 0, flow, top)[:, :3]
        frame1 = frame1 + scaled_details(inputs.bordered1, band_weights, 1, flow, top)[:, :3]
    occlusion = torch.sigmoid(head("occlusion")).to(frame1.dtype)
    torch.lerp(frame1, frame0, occlusion, out=part.base)
    if part.joint is None or part.blend is None:
        return
    used = sum(config.pyramid)
    warped = zip((frame0, frame1), (features for _, features in sides))
    for block, (frame, features) in zip(part.joint.chunk(2, 1), warped):
        block[:] = features
        block[:, used : used + 3] = frame
    part.blend[:] = torch.sigmoid(head("blend"))


def _coarse_row(row: int, inputs: StripInputs) -> int:
    """Return the half-resolution row at or above a full-resolution one, corners aligned."""
    return row * (inputs.decoded.shape[2] - 1) // (inputs.height - 1)


def _hidden_rows(head: Head, decoded: Tensor, first: int, last: int) -> Tensor:
    """Return rows ``first`` to ``last`` of a head's hidden layers."""
    above = min(HIDDEN_HALO, first)
    rows: Tensor = head.hidden(decoded[:, :, first - above : last + HIDDEN_HALO])
    return rows[:, :, above : above + last - first]


def _head_rows(
    head: Head, hidden: Tensor, first: int, inputs: StripInputs, top: int, bottom: int
) -> Tensor:
    """Return rows ``top`` to ``bottom`` of a head's output, from hidden rows from ``first`` on.

    Bilinear x2 with aligned corners puts output row i at i * (h - 1) / (H - 1); rows beyond the
    frame are the convolution's zero padding.
    """
    above, below = max(top - 1, 0), min(bottom + 1, inputs.height)
    start, end = _coarse_row(above, inputs), _coarse_row(below - 1, inputs) + 2
    rows, size = inputs.decoded.shape[2], (inputs.height, inputs.width)
    known = hidden[:, :, start - first : end - first]
    wide = resize_rows(known, start, rows, size, top - 1, bottom + 1)
    return conv_bias_act(wide, head.last.weight, head.last.bias, padding=(0, 1))


def _append_rows(above: WarpedRows | None, below: WarpedRows) -> WarpedRows:
    if above is None:
        return below
    return WarpedRows(*(None if x is None else torch.cat([x, y], 2) for x, y in zip(above, below)))  # type: ignore


def _drop_rows(rows: WarpedRows, first: int) -> WarpedRows:
    return WarpedRows(*(None if x is None else x[:, :, first:] for x in rows))  # type: ignore
