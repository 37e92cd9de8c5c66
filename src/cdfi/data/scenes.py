"""The layout of synthetic scenes: shapes and their motion, from uniform random numbers."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from cdfi.data.outlines import EXTENT

LAYERS = 5  # a background and up to four shapes
NUMBERS = 24  # uniform numbers for each layer
_STILL_CHANCE = 0.1
_SLOWEST = 0.2  # pixels per half step, of the layers that move


class Scene(NamedTuple):
    """N scenes of 5 layers each; layer 0 is the background, later ones lie in front.

    Maps are (N, 5, 2, 3), applied to (x, y, 1) with x, y in pixels from the centre of the middle
    frame.
    """

    shapes: Tensor  # (N,) how many of layers 1 to 4 exist
    velocity: Tensor  # displacement over a half step, pixels
    texture: Tensor  # position in the photo patch of the layer, pixels from its centre
    outline: Tensor  # position in the outline of the layer, -1 to 1
    sharpness: Tensor  # (N, 5) from distance in the outline to opacity
    gain: Tensor  # (N, 5) brightness of the layer's photo
    photo: Tensor  # (N, 5, 3) which photo, and where in it: row and column, each in [0, 1)
    kind: Tensor  # (N, 5) which outline, in [0, 1)


def draw_scene(numbers: Tensor, side: int, motion: float = 14.0) -> Scene:
    """Return random scenes.

    Args:
        numbers: (N, 5, 24) uniform in [0, 1), the only randomness: the same code makes
            reproducible samples on the CPU and batches on a GPU.
        side: of the square frames, in pixels.
        motion: longest translation over a half step, in pixels; lengths are log-uniform.
    """
    u = numbers.unbind(-1)
    centre = (torch.stack((u[0], u[1]), -1) - 0.5) * side * 1.1
    centre[:, 0] = 0.0  # the background rotates and scales about the centre of the frame
    radius = side * _log_uniform(u[2], 0.05, 0.5)
    thin = _log_uniform(u[3], 0.15, 1.0)
    outline = _turned(u[4]) / (EXTENT * torch.stack((radius, radius * thin), -1))[..., None]
    texture = _turned(u[5], most=0.5) * _log_uniform(u[6], 0.7, 2.0)[..., None, None]
    softness = _log_uniform(u[7], 0.8, 5.0)
    return Scene(
        shapes=(u[8][:, 0] * LAYERS).long(),
        velocity=_velocity(numbers[..., 9:17], centre, motion),
        texture=_about(texture, torch.zeros_like(centre)),
        outline=_about(outline, centre),
        sharpness=radius * thin / softness,
        gain=_log_uniform(u[17], 0.7, 1.2),
        photo=numbers[..., 18:21],
        kind=u[21],
    )


def _velocity(u: Tensor, centre: Tensor, motion: float) -> Tensor:
    """Return translation, rotation, scaling and shear over a half step, as (N, 5, 2, 3)."""
    own = _translation(u[..., 0], u[..., 1], motion) * (u[..., 2] > _STILL_CHANCE)[..., None]
    carried = (u[..., 3] < 0.5).float()[..., None]
    carried[:, 0] = 0.0
    total = own + carried * own[:, :1]  # half of the shapes also move with the background
    length = total.norm(dim=-1, keepdim=True).clamp(min=motion)
    total = total * (motion / length)
    turn, grow, shear_x, shear_y = (_normal(u[..., 4 + i]) for i in range(4))
    spread = torch.full((LAYERS,), 0.03, device=u.device)
    spread[:1].fill_(0.01)  # spread[0] = 0.01 would synchronise with a GPU
    bend = torch.stack(
        (grow + shear_x / 3, -turn + shear_y / 3, turn + shear_y / 3, grow - shear_x / 3), -1
    )
    bend = (bend * spread[:, None]).view(*u.shape[:2], 2, 2)
    return _about(bend, centre) + torch.nn.functional.pad(total[..., None], (2, 0))


def _translation(u: Tensor, v: Tensor, motion: float) -> Tensor:
    angle = v * (2 * math.pi)
    length = _log_uniform(u, _SLOWEST, motion)
    return torch.stack((length * torch.cos(angle), length * torch.sin(angle)), -1)


def _about(linear: Tensor, centre: Tensor) -> Tensor:
    """Return the map p -> linear (p - centre), as (..., 2, 3)."""
    return torch.cat((linear, -(linear @ centre[..., None])), -1)


def _turned(u: Tensor, most: float = math.pi) -> Tensor:
    """Return rotations by up to ``most`` radians in either direction, (..., 2, 2)."""
    angle = (u * 2 - 1) * most
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack((cos, sin, -sin, cos), -1).view(*u.shape, 2, 2)


def _log_uniform(u: Tensor, low: float, high: float) -> Tensor:
    return low * torch.exp(u * math.log(high / low))


def _normal(u: Tensor) -> Tensor:
    """Return standard normal numbers, clipped at 2.5."""
    return (math.sqrt(2) * torch.erfinv(u * 2 - 1)).clamp(-2.5, 2.5)
