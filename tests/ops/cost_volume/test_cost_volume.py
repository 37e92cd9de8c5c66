"""The cost volume against a direct loop over its definition."""

import pytest
import torch

from cdfi.ops import cost_volume, cost_volume_reference


def naive(first, second, radius):
    """Compute the definition one product at a time; (N, D * D, H, W)."""
    count, _, height, width = first.shape
    side = range(-radius, radius + 1)
    volume = torch.zeros(count, len(side), len(side), height, width, dtype=first.dtype)
    for y in range(height):
        for x in range(width):
            for dy in side:
                for dx in side:
                    rows, columns = (y - dy, y + dy), (x - dx, x + dx)
                    if min(*rows, *columns) < 0 or max(rows) >= height or max(columns) >= width:
                        continue
                    product = first[:, :, rows[0], columns[0]] * second[:, :, rows[1], columns[1]]
                    volume[:, dy + radius, dx + radius, y, x] = product.sum(1)
    return volume.flatten(1, 2)


@pytest.mark.parametrize(("size", "radius"), [((5, 7), 2), ((3, 2), 3), ((1, 1), 1), ((2, 9), 4)])
def test_a_cost_volume_and_its_gradients_equal_the_definition(size, radius):
    torch.manual_seed(0)
    wide = torch.randn(2, 2, 4, size[0] * 2, size[1], dtype=torch.float64)
    first, second = (x[:, :, ::2].detach().requires_grad_(True) for x in wide)  # not contiguous
    upstream = torch.randn(2, (2 * radius + 1) ** 2, *size, dtype=torch.float64)
    slow = naive(first, second, radius)
    of_slow = torch.autograd.grad(slow, (first, second), upstream)
    for fast in (cost_volume(first, second, radius), cost_volume_reference(first, second, radius)):
        torch.testing.assert_close(fast, slow)
        torch.testing.assert_close(torch.autograd.grad(fast, (first, second), upstream), of_slow)


def test_the_largest_product_is_at_the_motion_of_the_scene():
    torch.manual_seed(0)
    scene = torch.nn.functional.normalize(torch.randn(1, 8, 40, 40), dim=1)
    first, second = scene.roll((-2, 3), (2, 3)), scene.roll((2, -3), (2, 3))
    best = cost_volume(first, second, 4)[..., 8:-8, 8:-8].argmax(1)
    assert torch.all(best == (2 + 4) * 9 + (-3 + 4))


@pytest.mark.parametrize(
    ("first", "second", "radius", "message"),
    [
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 4), 1, "one shape"),
        (torch.zeros(2, 3, 3), torch.zeros(2, 3, 3), 1, "one shape"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3).half(), 1, "one floating-point dtype"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3, device="meta"), 1, "one device"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3), 0, "at least 1"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(first, second, radius, message):
    with pytest.raises(ValueError, match=message):
        cost_volume(first, second, radius)
