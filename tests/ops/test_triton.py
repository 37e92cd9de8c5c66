"""What only the Triton kernels have: narrow images, softmax, bias and activation."""

import importlib

import pytest
import torch
from torch import Tensor

from cdfi.ops import Maps, adacof, adacof_reference, tap_softmax
from cdfi.ops.adacof.arguments import Sampling
from tests.ops.operations import HALVES, INTERPRETED, Case, adacof_inputs

#: In Triton's interpreter the device is the CPU (see test_interpreted.py).
on_triton = pytest.mark.parametrize(
    "device", ["cpu"] if INTERPRETED else [pytest.param("cuda", marks=pytest.mark.gpu)]
)


@on_triton
@pytest.mark.parametrize("taps", [0, 32])
@pytest.mark.parametrize("channels", [3, 5])
@pytest.mark.parametrize("softmax", [False, True])
def test_forward_takes_logits_and_a_flow(
    device: str,
    taps: int,
    channels: int,
    softmax: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All taps at once if ``taps`` is 0, and else one after the other."""
    kernels = importlib.import_module("cdfi.ops.adacof.triton")
    monkeypatch.setattr(kernels, "MAX_SEQUENTIAL_TAPS", taps)
    torch.manual_seed(0)
    tensors = adacof_inputs(Case(channels=channels, dilation=2))
    image, weight, *offsets = (x.float().to(device) for x in tensors)
    weight = 10 * weight  # exponentials of these would overflow half precision
    flow = torch.randn(2, 4, 5, 7, device=device)[:, 1:3]
    result = kernels.forward(
        image, Maps(weight, *offsets), Sampling(0, 2), softmax=softmax, flow=flow
    )
    moved = (offsets[0] + flow[:, :1], offsets[1] + flow[:, 1:])
    expected = adacof_reference(
        image, tap_softmax(weight) if softmax else weight, *moved, dilation=2
    )
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)


@on_triton
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("slope", [0.0, 1.0, -0.3])
def test_bias_and_activation_equal_their_definition(
    device: str, dtype: torch.dtype, slope: float
) -> None:
    kernels = importlib.import_module("cdfi.ops.conv.triton")
    x = torch.randn(2, 12, 13, 11, device=device).to(dtype, memory_format=torch.channels_last)
    bias = torch.randn(12, device=device)
    exact = x.float() + bias[:, None, None]
    kernels.add_bias_act_(x, bias, slope)
    torch.testing.assert_close(x, torch.where(exact < 0, slope * exact, exact).to(dtype))


@on_triton
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize(("channels", "align_corners"), [(8, True), (21, False)])
def test_rows_of_a_resize_equal_the_complete_result(
    device: str,
    dtype: torch.dtype,
    channels: int,
    align_corners: bool,
) -> None:
    kernels = importlib.import_module("cdfi.ops.resize.triton")
    x = torch.randn(2, channels, 6, 5, device=device, dtype=dtype)
    interpolate, pad = torch.nn.functional.interpolate, torch.nn.functional.pad
    exact = interpolate(x.float(), (12, 10), mode="bilinear", align_corners=align_corners)
    exact = pad(exact, (0, 0, 1, 1))  # row -1 and row 12
    loose = 1e-5 if dtype == torch.float32 else 2e-2
    for start, end, top, bottom in ((0, 3, -1, 4), (1, 5, 3, 8), (3, 6, 7, 13), (0, 6, -1, 13)):
        rows = (start, 6, (12, 10), top, bottom)
        found = kernels.resize_rows(x[:, :, start:end], *rows, align_corners=align_corners)
        expected = exact[:, :, top + 1 : bottom + 1].to(dtype)
        torch.testing.assert_close(found, expected, rtol=loose, atol=loose)


@on_triton
def test_refinement_of_nan_frames_keeps_the_flow(device: str) -> None:
    kernels = importlib.import_module("cdfi.ops.refine_flow.triton")
    frame = torch.full((1, 3, 6, 9), torch.nan, device=device)
    flow, start = torch.zeros(1, 4, 6, 9, device=device), torch.ones(1, 2, 6, 9, device=device)
    shift, _ = kernels.refine_level(frame, frame, flow, start, (0, 2))
    assert torch.equal(shift, torch.zeros_like(shift))


@pytest.mark.gpu
def test_a_gpu_warps_tensors_of_mixed_precision(cuda: str) -> None:
    image, *maps = (x.float().to(cuda).requires_grad_() for x in adacof_inputs(Case(channels=5)))
    half: Tensor = image.detach().half().requires_grad_()
    result = adacof(half, *maps)
    torch.testing.assert_close(result, adacof_reference(half, *maps), rtol=1e-2, atol=1e-2)
    gradients = torch.autograd.grad(result.float().sum(), (half, *maps))
    assert [g.dtype for g in gradients] == [torch.float16] + [torch.float32] * 3
