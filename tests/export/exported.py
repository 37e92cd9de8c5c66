"""Tiny networks and frames for the tests of exports."""

from fractions import Fraction
from functools import cache

import torch
from torch import Tensor

from cdfi import Interpolator
from cdfi.export import RuntimeInterpolator
from cdfi.export.program import Program, program_of
from cdfi.models import AnyNetwork, FlowConfig, build_network

TINY_FLOW = FlowConfig(
    fine=(4, 4),
    coarse=(4, 4, 4),
    radius=1,
    width=8,
    blocks=1,
    hidden=4,
    synthesis=8,
    low=8,
    low_blocks=1,
    levels=1,
)
LEVEL = 1 / 255  # one step of 8 bits
TIMES = [Fraction(1, 3), Fraction(1, 2)]


def tiny_flow(levels: int = 1, gain: float = 20.0) -> AnyNetwork:
    """A flow network of fixed random weights, whose last layers give long motions."""
    torch.manual_seed(0)
    network = build_network(FlowConfig(**{**vars(TINY_FLOW), "levels": levels})).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith(("estimator.delta", "synthesis.out")):
                parameter.mul_(gain)
    return network


@cache
def tiny_program() -> Program:
    """The graph of ``tiny_flow()`` for frames of 48 x 40, traced once for all tests."""
    return program_of(tiny_flow(), "tiny", 40, 48)


def smooth_pair(height: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two smooth frames (3, H, W), the second moved by two pixels."""
    torch.manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 8)
    size = (height, width + 2)
    picture = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)[0]
    return picture[..., :width].contiguous(), picture[..., 2:].contiguous()


def assert_same_frames(
    runtime: RuntimeInterpolator, network: AnyNetwork, height: int, width: int
) -> None:
    """Frames within half a level of 8 bits, on a size that needs padding."""
    pair = smooth_pair(height, width)
    times = TIMES if network.takes_time else TIMES[1:]
    expected = list(Interpolator(network, "cpu").between(*pair, times))
    found = list(runtime.between(*pair, times))
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < LEVEL / 2
