"""A frame and features read in one pass, in every precision, against one warp each."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from cdfi.ops import adacof_logits_strip, adacof_strip, shares
from cdfi.ops.adacof import cpu_kernels
from cdfi.ops.adacof.op import _adacof_both

both_roundings = pytest.mark.parametrize("rounding", ["floor", "trunc"])


def given(
    channels: int,
    features: int,
    kernel: int = 3,
    dilation: int = 1,
    reach: float = 2.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[list[Tensor], list[Tensor]]:
    """Frame and features; logits, offset_y and offset_x, ``reach`` pixels far on average."""
    random = torch.Generator().manual_seed(0)
    pad = (kernel - 1) * dilation
    images = [
        torch.randn(2, count, 5 + pad, 7 + pad, generator=random) for count in (channels, features)
    ]
    logits, *offsets = (torch.randn(2, kernel**2, 5, 7, generator=random) for _ in range(3))
    maps = [logits, *(reach * offset for offset in offsets)]
    return [x.to(dtype) for x in images], [x.to(dtype) for x in maps]


def one_by_one(
    images: Sequence[Tensor], maps: Sequence[Tensor], row: int, dilation: int, rounding: str
) -> list[Tensor]:
    weighted = (shares(maps[0]), *maps[1:])
    return [adacof_strip(image, *weighted, row, dilation, rounding) for image in images]


@both_roundings
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("features", [5, 16, 63, 64, 70])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_are_what_each_alone_is(
    rounding: str, channels: int, features: int, dtype: torch.dtype
) -> None:
    images, maps = given(channels, features, dtype=dtype)
    both = adacof_logits_strip(images, *maps, 0, 1, rounding)
    for ours, theirs in zip(both, one_by_one(images, maps, 0, 1, rounding), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.dtype == theirs.dtype


@both_roundings
@pytest.mark.parametrize("features", [5, 32, 60, 64, 100])
@pytest.mark.parametrize("reach", [2.0, 50.0, 1e12])
def test_features_in_bfloat16_are_right_to_its_rounding(
    rounding: str, features: int, reach: float
) -> None:
    images, maps = given(3, features, kernel=5, dilation=2, reach=reach)
    if rounding == "trunc":  # what is extrapolated counts with more than its share
        maps[1:] = [offset.abs() for offset in maps[1:]]
    exact = one_by_one(images, maps, 0, 2, rounding)
    images[1] = images[1].bfloat16()
    frame, half = adacof_logits_strip(images, *maps, 0, 2, rounding)
    assert torch.equal(frame, exact[0])  # the frame loses nothing
    assert half.dtype == torch.bfloat16
    # Pixels, shares and the sum are rounded to 8 bits once each; magnitudes add up to this.
    most = one_by_one([images[1].float().abs()], maps, 0, 2, rounding)[0]
    assert ((half.float() - exact[1]).abs() <= 3 * 2**-8 * most + 1e-6).all()


def test_offsets_in_bfloat16_are_taken_as_they_are() -> None:
    images, maps = given(3, 64)
    images[1] = images[1].bfloat16()
    maps[1:] = [offset.bfloat16() for offset in maps[1:]]
    widened = [maps[0], *(offset.float() for offset in maps[1:])]
    both = adacof_logits_strip(images, *maps, 0, 1, "floor")
    for ours, theirs in zip(both, adacof_logits_strip(images, *widened, 0, 1, "floor")):
        assert torch.equal(ours, theirs)


def test_a_processor_without_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_kernels, "has_bf16_dot", lambda: False)
    images, maps = given(3, 64)
    images[1] = images[1].bfloat16()
    both = adacof_logits_strip(images, *maps, 0, 1, "floor")
    for ours, theirs in zip(both, one_by_one(images, maps, 0, 1, "floor")):
        assert torch.equal(ours, theirs)


def test_a_strip_of_both_is_that_of_the_whole() -> None:
    images, maps = given(3, 64)
    images[1] = images[1].bfloat16()
    whole = adacof_logits_strip(images, *maps, 0, 1, "floor")
    strip = adacof_logits_strip(images, *(x[:, :, 2:4] for x in maps), 2, 1, "floor")
    for ours, theirs in zip(strip, whole):
        assert torch.equal(ours, theirs[:, :, 2:4])


def test_a_constant_stays_nearly_what_it_was() -> None:
    """Rounded shares no longer add up to exactly 1, but nearly."""
    images, maps = given(3, 64, kernel=11)
    images[1] = torch.ones_like(images[1]).bfloat16()
    _, half = adacof_logits_strip(images, *maps, 0, 1, "floor")
    assert (half.float() - 1).abs().max() < 2**-7


def test_shapes_are_known_without_computing() -> None:
    images, maps = given(3, 64)
    weighted = (shares(maps[0]), *maps[1:])
    with torch._subclasses.FakeTensorMode() as mode:
        fake = [mode.from_tensor(x) for x in (*images, *weighted)]
        found = _adacof_both(*fake, 0, 1, "floor")
    assert [x.shape for x in found] == [(2, 3, 5, 7), (2, 64, 5, 7)]
