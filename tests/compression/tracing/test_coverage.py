"""Attention, recurrent layers, computed weights and widths in code: they shrink, and are right."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.compression import derive, load, remove_zeros, save
from cdfi.compression.heads import FewerHeads
from tests.compression.tracing.constructs import CASES, Joined, MultiHead, halves, tokens


@pytest.mark.parametrize("name", CASES)
def test_the_construct_shrinks_trains_and_is_loaded_again(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = CASES[name]().eval()
    small = derive(model, tokens(), halves(model))
    assert sum(p.numel() for p in small.module.parameters()) == small.after.parameters
    assert small.after.parameters < 0.85 * small.before.parameters
    small.module.train()(*tokens()).square().mean().backward()
    save(small.module, tmp_path / "small.safetensors")
    again = load(model, tmp_path / "small.safetensors").eval()
    torch.testing.assert_close(again(*tokens()), small.module.eval()(*tokens()))


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_removing_zero_channels_of_the_construct_is_lossless(name: str) -> None:
    torch.manual_seed(0)
    model = CASES[name]().eval()
    for path, parameter in model.named_parameters():
        if not path.endswith("original1"):  # of weight norm, whose length must not be zero
            parameter[: len(parameter) // 4] = 0
    before = model(*tokens())
    small = remove_zeros(model, tokens())
    torch.testing.assert_close(small(*tokens()), before, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_head_of_zeros_is_removed_from_q_k_v_and_out() -> None:
    torch.manual_seed(0)
    model = Joined(MultiHead()).eval()
    model.part.attention.out_proj.weight[:, 4:8] = 0  # type: ignore[attr-defined]
    small: Any = remove_zeros(model, tokens())
    attention = small.part.attention
    assert isinstance(attention, FewerHeads)
    assert (attention.num_heads, attention.embed_dim) == (3, 16)
    assert attention.in_proj_weight.shape == (36, 16)
    torch.testing.assert_close(small(*tokens()), model(*tokens()), atol=1e-5, rtol=0)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("first", [True, False])
@torch.no_grad()
def test_attention_with_fewer_heads_has_the_arguments_of_the_original(
    first: bool, batched: bool
) -> None:
    torch.manual_seed(0)
    model = nn.MultiheadAttention(16, 4, batch_first=first).eval()
    other = copy.deepcopy(model)
    other.__class__ = FewerHeads
    x, y = torch.rand(2, 5, 16) if batched else torch.rand(5, 16), torch.rand(2, 5, 16)
    y = y if batched else y[0]
    length, number = (5, 2) if first or not batched else (2, 5)
    masks: list[dict[str, Any]] = [
        {},
        {"attn_mask": torch.rand(length, length)},
        {"attn_mask": torch.ones(length, length, dtype=torch.bool).triu(1)},
        {"need_weights": False},
        {"average_attn_weights": False},
    ]
    if batched:
        padding = torch.zeros(number, length, dtype=torch.bool)
        padding[0, -1] = True
        masks += [{"key_padding_mask": padding}]
        masks += [{"attn_mask": torch.rand(4 * number, length, length)}]
    for options in masks:
        for expected, found in zip(model(x, y, y, **options), other(x, y, y, **options)):
            torch.testing.assert_close(found, expected)


def test_a_width_in_the_code_is_kept_with_a_reason() -> None:
    model = Joined(lambda x: x.view(2, 7, 4, 4).flip(-1).reshape(2, 7, 16))
    with pytest.warns(UserWarning, match="no width has shrunk"):
        small = derive(model, tokens(), halves(model))
    assert small.module.first.out_features == 16
    assert "contains a width" in small.reasons["first"]


def test_keyword_arguments_are_followed() -> None:
    class Keywords(Joined):
        def forward(self, *, x: Tensor, scale: float = 1.0) -> Tensor:  # type: ignore[override]
            return super().forward(x) * scale

    model = Keywords(F.relu)
    example = {"x": tokens()[0], "scale": 2.0}
    assert derive(model, example, halves(model)).module.first.out_features == 10
    assert remove_zeros(model, example).first.out_features == 16


def test_a_unit_of_several_channels_is_rounded_in_channels() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 64, 1),
        nn.Conv2d(64, 64, 3, groups=4),
        nn.GroupNorm(4, 64),
        nn.Conv2d(64, 3, 1),
    )
    example = (torch.rand(1, 3, 8, 8),)
    small: Any = derive(model, example, dict.fromkeys("013", 0.1), round_to=16).module
    assert small[0].out_channels == 32  # 5 units of 4 channels, rounded up to 8


def test_the_picture_shows_every_layer_and_why_it_is_kept() -> None:
    model = Joined(F.relu)
    small = derive(model, tokens(), halves(model))
    assert small.reasons == {"last": "an output of the model"}
    assert small.widths == {"first": (16, 10), "last": (5, 5)}
    assert small.svg().startswith("<svg")
    assert "first: 16 -&gt; 10" in small._repr_html_()
