"""Render batches of synthetic scenes at three instants, with their exact motion, on any device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.data.batch import Batch
from cdfi.data.outlines import outlines
from cdfi.data.scenes import LAYERS, Scene

_INSTANTS = 3  # frame0, the frame between, frame1


def render(scene: Scene, patches: Tensor, side: int, t: Tensor | None = None) -> Batch:
    """Render the frames of N scenes and the exact flow from the frame between to both sides.

    The flow at a point is that of the front layer there. A point is visible in a side's frame if it
    lands inside the frame and the front layer there is the same.

    Args:
        scene: the layout at the instant of the frame between.
        patches: (N, 5, 3, P, P) uint8 photo patches, one for each layer.
        side: of the square frames, in pixels.
        t: (N, 1, 1, 1) the instant of the frame between, in (0, 1); 1/2 if None. The scene's
            velocities are for half of the gap, so frame0 lies 2 t half steps before it.
    """
    if t is None:
        t = torch.full((len(scene.shapes), 1, 1, 1), 0.5, device=patches.device)
    steps = torch.cat((-2 * t, torch.zeros_like(t), 2 * (1 - t)), 1).view(-1, _INSTANTS)
    canvas, front, flow = _background(scene, patches, side, steps)
    for layer in range(1, LAYERS):
        _lay_over(scene, patches, layer, canvas, front, flow, steps)
    frame0, middle, frame1 = canvas.clamp(0, 1).view(-1, 3, 3, side, side).unbind(2)
    past, now, future = front.view(-1, 3, side, side).unbind(1)
    to0, to1 = -2 * t * flow, 2 * (1 - t) * flow
    visible0, visible1 = _visible(to0, now, past), _visible(to1, now, future)
    return Batch(frame0, middle, frame1, to0.flip(1), to1.flip(1), visible0, visible1, t)


def _background(
    scene: Scene, patches: Tensor, side: int, steps: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the canvas (N, 3, 3*side, side) of the stacked instants, front layers, flow (x, y)."""
    where = _positions(scene.velocity[:, 0], steps, side)
    canvas = _sample_photo(scene, patches, 0, slice(None), where)
    front = torch.zeros_like(canvas[:, 0], dtype=torch.uint8)
    return canvas, front, _flow(scene.velocity[:, 0], side)


def _lay_over(
    scene: Scene,
    patches: Tensor,
    layer: int,
    canvas: Tensor,
    front: Tensor,
    flow: Tensor,
    steps: Tensor,
) -> None:
    """Paint one layer over those scenes that have it, in place."""
    exists = scene.shapes >= layer
    if canvas.is_cuda:  # indexing would synchronise with the device; paint with opacity 0 instead
        chosen: Tensor | slice = slice(None)
    else:
        chosen = exists.nonzero().flatten()
        if not len(chosen):
            return
    side = canvas.shape[3]
    velocity = scene.velocity[chosen, layer]
    where = _positions(velocity, steps[chosen], side)
    colour = _sample_photo(scene, patches, layer, chosen, where)
    opacity = _opacity(scene, layer, chosen, where) * exists[chosen, None, None, None]
    canvas[chosen] = torch.lerp(canvas[chosen], colour, opacity)
    solid = opacity[:, 0] > 0.5
    front[chosen] = torch.where(solid, layer, front[chosen])
    middle = solid[:, None, side : 2 * side]
    flow[chosen] = torch.where(middle, _flow(velocity, side), flow[chosen])


def _pixels(side: int, like: Tensor) -> Tensor:
    """Return (side*side, 3): x, y and 1 of every pixel, relative to the centre of the frame."""
    axis = torch.arange(side, device=like.device, dtype=like.dtype) - (side - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack((x, y, torch.ones_like(x)), -1).flatten(0, 1)


def _positions(velocity: Tensor, steps: Tensor, side: int) -> Tensor:
    """Return the position in the middle frame of each pixel: (n, 3*side*side, 3) as x, y, 1.

    A point p moves to p + s (A p + b) at instant s, in half steps, so a pixel q shows
    p = (1 + s A)^-1 (q - s b). ``steps`` is (n, 3).
    """
    steps = steps[:, :, None, None]
    forward = torch.eye(2, device=velocity.device) + steps * velocity[:, None, :, :2]
    (a, b), (c, d) = (row.unbind(-1) for row in forward.unbind(-2))
    inverse = torch.stack((d, -b, -c, a), -1) / (a * d - b * c)[..., None]
    inverse = inverse.view(*inverse.shape[:-1], 2, 2)
    shift = -(inverse @ (steps * velocity[:, None, :, 2:]))
    maps = torch.cat((inverse, shift), -1)  # (n, 3, 2, 3)
    positions = _pixels(side, velocity) @ maps.transpose(-1, -2)
    return F.pad(positions.flatten(1, 2), (0, 1), value=1.0)


def _sample_photo(
    scene: Scene, patches: Tensor, layer: int, chosen: Tensor | slice, where: Tensor
) -> Tensor:
    """Return the photo of the layer at these positions: (n, 3, 3*side, side), before the gain."""
    patch = patches[chosen, layer].float()
    grid = where @ scene.texture[chosen, layer].transpose(-1, -2) * (2 / patch.shape[-1])
    colour = _sample(patch, grid, "reflection")
    return colour.mul_(scene.gain[chosen, layer, None, None, None] / 255)


def _opacity(scene: Scene, layer: int, chosen: Tensor | slice, where: Tensor) -> Tensor:
    """Return the layer's opacity at these positions: (n, 1, 3*side, side)."""
    library = outlines(where.device)
    outline = library[(scene.kind[chosen, layer] * len(library)).long()]
    grid = where @ scene.outline[chosen, layer].transpose(-1, -2)
    distance = _sample(outline, grid, "border")
    return (distance * scene.sharpness[chosen, layer, None, None, None]).add_(0.5).clamp_(0, 1)


def _sample(image: Tensor, grid: Tensor, outside: str) -> Tensor:
    side = round((grid.shape[1] / _INSTANTS) ** 0.5)
    grid = grid.view(len(grid), _INSTANTS * side, side, 2)
    sampled: Tensor = F.grid_sample(image, grid, padding_mode=outside, align_corners=False)
    return sampled


def _flow(velocity: Tensor, side: int) -> Tensor:
    """Return the displacement of every middle pixel over a half step, (n, 2, side, side): x, y."""
    return (velocity @ _pixels(side, velocity).T).view(-1, 2, side, side)


def _visible(flow: Tensor, now: Tensor, then: Tensor) -> Tensor:
    """Return (N, 1, H, W): 1 where the front layer of the middle frame is still the front layer."""
    side = flow.shape[-1]
    x, y, _ = _pixels(side, flow).T.reshape(3, side, side) + (side - 1) / 2
    column, row = (x + flow[:, 0]).round().long(), (y + flow[:, 1]).round().long()
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    index = row.clamp(0, side - 1) * side + column.clamp(0, side - 1)
    landed = then.flatten(1).gather(1, index.flatten(1)).view_as(now)
    visible: Tensor = inside & (landed == now)
    return visible.to(flow.dtype)[:, None]
