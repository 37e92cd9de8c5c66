"""The blocks of GridNet."""

import pytest
import torch
import torch.nn.functional as F

from cdfi.models.gridnet import GridNet, PReLU


@pytest.mark.parametrize("inplace", [False, True])
def test_a_slope_is_prelu_with_and_without_gradients(inplace) -> None:
    slope = PReLU(inplace)
    x = torch.randn(2, 4, 6, 6)
    wanted = F.prelu(x, slope.weight).detach()
    assert torch.equal(slope(x.clone()), wanted)
    with torch.no_grad():
        assert torch.equal(slope(x.clone()), wanted)
    x.requires_grad_()
    slope(x).square().sum().backward()
    assert x.grad is not None and slope.weight.grad is not None


def test_only_an_owner_writes_over_what_comes_in() -> None:
    x = torch.randn(1, 2, 4, 4)
    before = x.clone()
    with torch.inference_mode():
        PReLU()(x)
        assert torch.equal(x, before)
        assert PReLU(inplace=True)(x).data_ptr() == x.data_ptr()


def test_gridnet_leaves_its_input_alone() -> None:
    x = torch.randn(1, 8, 16, 16)
    before = x.clone()
    grid = GridNet(8, 3, (4, 5, 6)).eval()
    with torch.inference_mode():
        made = grid(x)
    assert torch.equal(x, before)
    assert torch.allclose(made, grid(x), atol=1e-5)
