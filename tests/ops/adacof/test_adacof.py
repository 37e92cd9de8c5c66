"""The AdaCoF operation against its reference: values, gradients, registration."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cdfi.ops import adacof, adacof_reference, adacof_strip

Operation = Callable[..., Tensor]
both_roundings = pytest.mark.parametrize("rounding", ["floor", "trunc"])


def arguments(
    channels: int = 3,
    kernel: int = 3,
    dilation: int = 1,
    batch: int = 2,
    size: tuple[int, int] = (5, 7),
    reach: float = 2.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, ...]:
    """Random input, weight, offset_y, offset_x; offsets are ``reach`` pixels far on average."""
    random = torch.Generator().manual_seed(0)
    pad = (kernel - 1) * dilation
    shape = (batch, kernel * kernel, *size)
    image = torch.randn(batch, channels, size[0] + pad, size[1] + pad, generator=random)
    weight, *offsets = (torch.randn(shape, generator=random) for _ in range(3))
    tensors = (image, weight, *(offset * reach for offset in offsets))
    return tuple(tensor.to(dtype).requires_grad_() for tensor in tensors)


def value_and_gradients(
    operation: Operation, tensors: tuple[Tensor, ...], *rest: object
) -> list[Tensor]:
    result = operation(*tensors, *rest)
    random = torch.Generator().manual_seed(1)
    grad = torch.randn(result.shape, generator=random).to(result)
    return [result, *torch.autograd.grad(result, tensors, grad)]


def assert_same(tensors: tuple[Tensor, ...], *rest: object) -> None:
    fast = value_and_gradients(adacof, tensors, *rest)
    slow = value_and_gradients(adacof_reference, tensors, *rest)
    for ours, theirs in zip(fast, slow):
        tolerance = 1e-5 * max(1.0, theirs.abs().max().item())
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=tolerance)


@both_roundings
@pytest.mark.parametrize("channels", [1, 3, 4, 5, 16, 63])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_the_reference(
    rounding: str, channels: int, dtype: torch.dtype
) -> None:
    assert_same(arguments(channels, dtype=dtype), 1, rounding)


@pytest.mark.parametrize("kernel, dilation", [(1, 1), (1, 3), (2, 1), (5, 1), (11, 2)])
def test_every_kernel_and_dilation_is_that_of_the_reference(kernel: int, dilation: int) -> None:
    assert_same(arguments(kernel=kernel, dilation=dilation), dilation, "floor")


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 1), (13, 11)])
def test_odd_sizes_are_those_of_the_reference(size: tuple[int, int]) -> None:
    assert_same(arguments(size=size), 1, "floor")


@both_roundings
@pytest.mark.parametrize("reach", [30.0, 1e5, 1e30])
def test_offsets_far_out_of_the_frame_read_the_border(rounding: str, reach: float) -> None:
    assert_same(arguments(reach=reach), 1, rounding)


@both_roundings
def test_whole_offsets_read_whole_pixels(rounding: str) -> None:
    image, weight, *offsets = arguments()
    whole = [(offset.detach() * 3).round().requires_grad_() for offset in offsets]
    assert_same((image, weight, *whole), 1, rounding)


@both_roundings
def test_gradients_are_exact(rounding: str) -> None:
    tensors = arguments(channels=5, kernel=2, dilation=2, size=(3, 4), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda *t: adacof(*t, 2, rounding), tensors)


def test_truncation_extrapolates_a_negative_offset() -> None:
    image = torch.tensor([10.0, 20.0, 40.0]).view(1, 1, 1, 3)
    weight, offset_y, offset_x = (
        torch.ones(1, 1, 1, 3),
        torch.zeros(1, 1, 1, 3),
        torch.full((1, 1, 1, 3), -0.3),
    )
    result = adacof(image, weight, offset_y, offset_x, rounding="trunc")
    expected = torch.tensor([1.3 * 10 - 0.3 * 20, 1.3 * 20 - 0.3 * 40, 40.0])
    torch.testing.assert_close(result.flatten(), expected)


def test_zero_offsets_and_equal_weights_average_the_window() -> None:
    image = torch.rand(1, 3, 8, 9)
    maps = torch.full((1, 9, 6, 7), 1 / 9), torch.zeros(1, 9, 6, 7), torch.zeros(1, 9, 6, 7)
    expected = torch.nn.functional.avg_pool2d(image, 3, stride=1)
    torch.testing.assert_close(adacof(image, *maps), expected)


@pytest.mark.parametrize("layout", ["channels_last", "sliced", "transposed", "expanded"])
def test_any_layout_in_memory_gives_the_same_values(layout: str) -> None:
    change: Callable[[Tensor], Tensor] = {
        "channels_last": lambda t: t.contiguous(memory_format=torch.channels_last),
        "sliced": lambda t: t.repeat_interleave(2, 3)[..., ::2],
        "transposed": lambda t: t.transpose(2, 3).contiguous().transpose(2, 3),
        "expanded": lambda t: t[:1].expand(2, -1, -1, -1),
    }[layout]
    tensors = tuple(change(t.detach()).requires_grad_() for t in arguments(channels=16))
    assert_same(tensors, 1, "floor")


def test_scratch_memory_is_never_read_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = torch.Tensor.new_empty
    monkeypatch.setattr(
        torch.Tensor, "new_empty", lambda *args, **kwargs: empty(*args, **kwargs).fill_(torch.nan)
    )
    like = torch.empty_like
    monkeypatch.setattr(torch, "empty_like", lambda *args: like(*args).fill_(torch.nan))
    assert_same(arguments(channels=5), 1, "floor")


def test_only_the_gradients_asked_for_are_computed() -> None:
    image, *maps = arguments()
    frame = image.detach()
    result = adacof(frame, *maps)
    result.sum().backward()
    assert frame.grad is None
    assert all(m.grad is not None for m in maps)


def test_the_input_alone_can_have_a_gradient() -> None:
    image, *maps = arguments()
    fixed = [m.detach() for m in maps]
    ours, theirs = (
        torch.autograd.grad(operation(image, *fixed).square().sum(), image)[0]
        for operation in (adacof, adacof_reference)
    )
    torch.testing.assert_close(ours, theirs)


@both_roundings
@pytest.mark.parametrize("operation", [adacof, adacof_reference])
def test_strips_make_up_the_whole_bit_for_bit(operation: Operation, rounding: str) -> None:
    image, *maps = arguments(channels=5, dilation=2, size=(9, 6), reach=40.0)
    whole = operation(image, *maps, 2, rounding)
    strip = adacof_strip
    if operation is adacof_reference:
        strip = lambda i, w, y, x, row, d, r: adacof_reference(i, w, y, x, d, r, row)  # noqa: E731
    strips = [
        strip(image, *(m[:, :, row : row + 4] for m in maps), row, 2, rounding)
        for row in range(0, 9, 4)
    ]
    assert torch.equal(torch.cat(strips, 2), whole)


def test_the_input_gradient_is_the_same_bits_for_any_number_of_threads() -> None:
    tensors = arguments(channels=16, size=(23, 17), reach=5.0)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            results.append(value_and_gradients(adacof, tensors))
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], result))
