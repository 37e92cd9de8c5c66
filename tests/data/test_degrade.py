"""Noise has the documented spread and independence; block compression is that of JPEG."""

import math

import pytest
import torch

from cdfi.data.degrade import add_noise, compress_blocks


def gray(count: int = 1, height: int = 64, width: int = 96) -> torch.Tensor:
    return torch.full((count, 3, height, width), 0.5)


@pytest.mark.parametrize("u", [0.0, 0.5, 1.0])
def test_noise_has_the_standard_deviation_that_u_gives(u: float) -> None:
    noise = add_noise(gray(), torch.tensor([u])) - 0.5
    expected = 0.5 / 255 * math.exp(u * math.log(16))
    assert noise.std().item() == pytest.approx(expected, rel=0.05)
    assert abs(noise.mean().item()) < expected / 20


def test_noise_of_neighbours_channels_frames_and_samples_is_independent() -> None:
    u = torch.tensor([0.9, 0.9001])
    first, second = add_noise(gray(2), u) - 0.5, add_noise(gray(2), u, stream=1) - 0.5

    def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
        return abs((a * b).mean() / (a.std() * b.std())).item()

    assert correlation(first[..., 1:], first[..., :-1]) < 0.03
    assert correlation(first[:, 1:], first[:, :-1]) < 0.03
    assert correlation(first, second) < 0.03
    assert correlation(first[0], first[1]) < 0.03


def test_noise_is_a_function_of_its_numbers() -> None:
    u = torch.tensor([0.4])
    assert torch.equal(add_noise(gray(), u), add_noise(gray(), u))


def test_a_flat_frame_passes_through_block_compression() -> None:
    u = torch.linspace(0, 1, 5)
    assert (compress_blocks(gray(5, 33, 47), u) - 0.5).abs().max() < 3 / 255


def test_compression_costs_more_detail_as_u_rises() -> None:
    torch.manual_seed(0)
    frame = torch.nn.functional.interpolate(torch.rand(1, 3, 20, 30), (61, 90), mode="bicubic")
    frames = frame.clamp(0, 1).expand(3, -1, -1, -1)
    errors = (compress_blocks(frames, torch.tensor([0.0, 0.5, 1.0])) - frames).abs()
    low, middle, high = errors.mean((1, 2, 3)).tolist()
    assert 0 < low < middle < high < 0.1


def test_the_grid_of_blocks_moves_with_u() -> None:
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 64, 96)
    u = 0.9 + torch.arange(8) / 2**20
    compressed = compress_blocks(ramp.expand(8, -1, -1, -1), u)
    steps = (compressed[:, 0, 30, 1:] - compressed[:, 0, 30, :-1]).abs()
    assert len({tuple((row > row.mean() + row.std()).tolist()) for row in steps}) > 1


def test_it_is_the_jpeg_of_pillow() -> None:
    """At quality 50 the tables of JPEG are used as they are."""
    import io

    import numpy as np
    from PIL import Image

    torch.manual_seed(1)
    frame = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 12), (64, 96), mode="bicubic")
    frame = (frame.clamp(0, 1) * 255).round() / 255
    pixels = (frame[0].permute(1, 2, 0) * 255).round().byte().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=50, subsampling=0)
    theirs = np.asarray(Image.open(file)).astype(np.float32)
    scale_1 = math.log(1 / 0.4) / math.log(4 / 0.4)
    candidates = [round(scale_1 * 2**20) + i for i in range(64)]
    aligned = next(i for i in candidates if i % 64 == 0)
    ours = compress_blocks(frame, torch.tensor([aligned / 2**20]))
    difference = np.abs(ours[0].permute(1, 2, 0).numpy() * 255 - theirs)
    assert difference.mean() < 1.0
