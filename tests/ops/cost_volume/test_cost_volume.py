"""The cost volume: its kernel against its definition, values and gradients, and in PyTorch."""

import importlib

import pytest
import torch

from cdfi.ops import cost_volume, cost_volume_reference

registration = importlib.import_module("cdfi.ops.cost_volume.op")


def naive(first, second, radius):
    """The definition, a product at a time; (N, D, D, H, W)."""
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
def test_a_cost_volume_is_its_definition_and_so_are_its_gradients(size, radius):
    torch.manual_seed(0)
    wide = torch.randn(2, 2, 4, size[0] * 2, size[1], dtype=torch.float64)
    first, second = (x[:, :, ::2].detach().requires_grad_(True) for x in wide)  # not contiguous
    upstream = torch.randn(2, (2 * radius + 1) ** 2, *size, dtype=torch.float64)
    slow = naive(first, second, radius)
    of_slow = torch.autograd.grad(slow, (first, second), upstream)
    for fast in (cost_volume(first, second, radius), cost_volume_reference(first, second, radius)):
        torch.testing.assert_close(fast, slow)
        torch.testing.assert_close(torch.autograd.grad(fast, (first, second), upstream), of_slow)


def test_the_best_match_is_where_the_scene_moved():
    torch.manual_seed(0)
    scene = torch.nn.functional.normalize(torch.randn(1, 8, 40, 40), dim=1)
    first, second = scene.roll((-2, 3), (2, 3)), scene.roll((2, -3), (2, 3))
    best = cost_volume(first, second, 4)[..., 8:-8, 8:-8].argmax(1)
    assert torch.all(best == (2 + 4) * 9 + (-3 + 4))


@pytest.mark.parametrize("gradients", [False, True])
def test_opcheck_accepts_the_cost_volume(gradients):
    pair = (torch.randn(2, 3, 5, 6, requires_grad=gradients) for _ in range(2))
    torch.library.opcheck(registration._cost_volume, (*pair, 2))


def test_opcheck_accepts_its_backward():
    pair = torch.randn(2, 2, 3, 5, 6)
    grad = torch.randn(2, 25, 5, 6)
    torch.library.opcheck(registration._cost_volume_backward, (grad, *pair, 2))


def test_every_number_of_threads_gives_the_same_bits():
    pair = [torch.randn(2, 5, 23, 9, requires_grad=True) for _ in range(2)]
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            volume = cost_volume(*pair, 2)
            results.append((volume, *torch.autograd.grad(volume.square().sum(), pair)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, three) for one, three in zip(*results))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_once_at_the_end(dtype):
    pair = torch.randn(2, 1, 6, 7, 5).to(dtype)
    expected = cost_volume(*pair.float(), 2).to(dtype)
    assert torch.equal(cost_volume(*pair, 2), expected)


@pytest.mark.parametrize(
    ("first", "second", "radius", "says"),
    [
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 4), 1, "one shape"),
        (torch.zeros(2, 3, 3), torch.zeros(2, 3, 3), 1, "one shape"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3).half(), 1, "one floating-point dtype"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3, device="meta"), 1, "one device"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3), 0, "at least 1"),
    ],
)
def test_pairs_that_do_not_fit_are_named(first, second, radius, says):
    with pytest.raises(ValueError, match=says):
        cost_volume(first, second, radius)
