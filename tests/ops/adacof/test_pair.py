"""A frame and features warped in one pass, in every precision, against two single warps."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from cdfi.ops import adacof_rows, adacof_rows_from_logits, tap_softmax
from cdfi.ops.adacof import cpu
from cdfi.ops.adacof.op import _adacof_pair

both_roundings = pytest.mark.parametrize("rounding", ["floor", "trunc"])


def inputs(
    channels: int,
    features: int,
    kernel: int = 3,
    dilation: int = 1,
    reach: float = 2.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[list[Tensor], list[Tensor]]:
    """Frame and features; logits, offset_y and offset_x of ``reach`` pixels on average."""
    random = torch.Generator().manual_seed(0)
    pad = (kernel - 1) * dilation
    images = [
        torch.randn(2, count, 5 + pad, 7 + pad, generator=random) for count in (channels, features)
    ]
    logits, *offsets = (torch.randn(2, kernel**2, 5, 7, generator=random) for _ in range(3))
    maps = [logits, *(reach * offset for offset in offsets)]
    return [x.to(dtype) for x in images], [x.to(dtype) for x in maps]


def single_warps(images: Sequence[Tensor], maps: Sequence[Tensor], **settings: str) -> list[Tensor]:
    weighted = (tap_softmax(maps[0]), *maps[1:])
    return [adacof_rows(image, *weighted, row=0, **settings) for image in images]


@both_roundings
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("features", "dtype"),
    [*((count, torch.float32) for count in (5, 16, 63, 64, 70)), (5, torch.float64)],
)
def test_a_pair_equals_two_single_warps(
    rounding: str, channels: int, features: int, dtype: torch.dtype
) -> None:  # more numbers of features in float64 would only compile more kernels
    images, maps = inputs(channels, features, dtype=dtype)
    pair = adacof_rows_from_logits(images, *maps, row=0, rounding=rounding)
    for ours, theirs in zip(pair, single_warps(images, maps, rounding=rounding), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.dtype == theirs.dtype


@both_roundings
@pytest.mark.parametrize("features", [5, 32, 60, 64, 100])
@pytest.mark.parametrize("reach", [2.0, 50.0, 1e12])
@pytest.mark.long
def test_features_in_bfloat16_are_exact_up_to_rounding(
    rounding: str, features: int, reach: float
) -> None:
    images, maps = inputs(3, features, kernel=5, dilation=2, reach=reach)
    settings = {"dilation": 2, "rounding": rounding}
    if rounding == "trunc":  # extrapolation has weights above 1
        maps[1:] = [offset.abs() for offset in maps[1:]]
    exact = single_warps(images, maps, **settings)
    images[1] = images[1].bfloat16()
    frame, half = adacof_rows_from_logits(images, *maps, row=0, **settings)
    assert torch.equal(frame, exact[0])  # the frame stays float32
    assert half.dtype == torch.bfloat16
    # Pixels, weights and the sum are rounded to 8 bits once each, relative to the magnitudes' sum.
    most = single_warps([images[1].float().abs()], maps, **settings)[0]
    assert ((half.float() - exact[1]).abs() <= 3 * 2**-8 * most + 1e-6).all()


def test_offsets_in_bfloat16_are_read_exactly() -> None:
    images, maps = inputs(3, 64)
    images[1] = images[1].bfloat16()
    maps[1:] = [offset.bfloat16() for offset in maps[1:]]
    widened = [maps[0], *(offset.float() for offset in maps[1:])]
    pair = adacof_rows_from_logits(images, *maps, row=0)
    for ours, theirs in zip(pair, adacof_rows_from_logits(images, *widened, row=0)):
        assert torch.equal(ours, theirs)


def test_a_processor_without_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "has_bf16_dot", lambda: False)
    images, maps = inputs(3, 64)
    images[1] = images[1].bfloat16()
    pair = adacof_rows_from_logits(images, *maps, row=0)
    for ours, theirs in zip(pair, single_warps(images, maps)):
        assert torch.equal(ours, theirs)


def test_rows_of_a_pair_equal_the_complete_result() -> None:
    images, maps = inputs(3, 64)
    images[1] = images[1].bfloat16()
    complete = adacof_rows_from_logits(images, *maps, row=0)
    rows = adacof_rows_from_logits(images, *(x[:, :, 2:4] for x in maps), row=2)
    for ours, theirs in zip(rows, complete):
        assert torch.equal(ours, theirs[:, :, 2:4])


def test_a_constant_in_bfloat16_stays_nearly_constant() -> None:
    """Rounded weights do not add up to exactly 1."""
    images, maps = inputs(3, 64, kernel=11)
    images[1] = torch.ones_like(images[1]).bfloat16()
    _, half = adacof_rows_from_logits(images, *maps, row=0)
    assert (half.float() - 1).abs().max() < 2**-7


@pytest.mark.parametrize("shape", [(2, 2, 1, 1), (1, 2, 5, 7), (2, 4, 5, 7)])
def test_a_flow_of_another_size_is_refused(shape: tuple[int, ...]) -> None:
    images, maps = inputs(3, 64)
    with pytest.raises(ValueError, match=r"expected a flow of shape \(2, 2, 5, 7\)"):
        adacof_rows_from_logits(images, *maps, row=0, flow=torch.zeros(shape))


@pytest.mark.long
def test_opcheck_accepts_the_pair() -> None:
    images, maps = inputs(3, 64)
    torch.library.opcheck(_adacof_pair, (*images, tap_softmax(maps[0]), *maps[1:], 0, 1, "floor"))
