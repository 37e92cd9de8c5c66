"""Attention, recurrent layers, computed weights and widths in code: they shrink, and are right."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from cdfi.compression import density, derive, load, remove_zeros, save
from cdfi.compression.heads import FewerHeads


class Attention(nn.Module):
    """Self-attention by hand, in the layout of most vision transformers."""

    def __init__(self, attend: Callable[..., Tensor], key_heads: int = 4) -> None:
        super().__init__()
        self.num_heads, self.num_key_heads, self.head_dim, self.attend = 4, key_heads, 4, attend
        self.inputs, self.out = nn.Linear(6, 20), nn.Linear(20, 5)
        self.q, self.k = nn.Linear(20, 16), nn.Linear(20, 4 * key_heads)
        self.v, self.proj = nn.Linear(20, 4 * key_heads), nn.Linear(16, 20)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inputs(x)
        n, length, _ = x.shape
        q = self.q(x).view(n, length, self.num_heads, self.head_dim).transpose(1, 2)
        k, v = (
            layer(x).reshape(n, length, self.num_key_heads, self.head_dim).transpose(1, 2)
            for layer in (self.k, self.v)
        )
        k, v = (t.repeat_interleave(self.num_heads // self.num_key_heads, 1) for t in (k, v))
        y = self.attend(q, k, v).transpose(1, 2).reshape(n, length, self.num_heads * self.head_dim)
        return self.out(x + self.proj(y))


def products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1) @ v


def einsums(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = torch.einsum("bhld,bhmd->bhlm", q, k).softmax(-1)
    return torch.einsum("bhlm,bhmd->bhld", weights, v)


class Joined(nn.Module):
    """A part between two linear layers on tokens."""

    def __init__(self, part: Callable[[Tensor], Any], width: int = 16) -> None:
        super().__init__()
        self.first, self.part, self.last = nn.Linear(6, 16), part, nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.part(self.first(x)))


class MultiHead(nn.Module):
    def __init__(self, **options: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        attended: Tensor = self.attention(x, x, x, attn_mask=mask)[0]
        return x + attended


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layer = kind(16, 8, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x)[0]
        return result


class Cell(nn.Module):
    def __init__(self, kind: type[nn.RNNCellBase]) -> None:
        super().__init__()
        self.cell = kind(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        assert state is not None
        return state[0] if isinstance(state, tuple) else state


class Convolutions(nn.Module):
    """Convolutions whose weights are computed from other parameters."""

    def __init__(self, norm: Callable[[nn.Module], nn.Module]) -> None:
        super().__init__()
        self.a, self.b = norm(nn.Conv1d(16, 12, 3, padding=1)), norm(nn.Conv1d(12, 16, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.b(F.relu(self.a(x.mT))).mT
        return y


class Standardised(nn.Conv1d):
    """Weight standardisation (Qiao et al., 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2), keepdim=True)
        weight = weight / (weight.std((1, 2), keepdim=True) + 1e-5)
        return F.conv1d(x, weight, self.bias, padding=self.padding)


def standardised(layer: nn.Module) -> nn.Module:
    layer.__class__ = Standardised
    return layer


class Scales(nn.Module):
    """Views of parameters: a norm over channels by hand, and a layer scale."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.gamma = nn.Parameter(torch.rand(16)), nn.Parameter(torch.rand(16))
        self.token = nn.Parameter(torch.rand(1, 1, 16))

    def forward(self, x: Tensor) -> Tensor:
        y = x.mT
        y = (y - y.mean(1, keepdim=True)) / (y.var(1, keepdim=True) + 1e-5).sqrt()
        y = (y * self.weight[None, :, None] * self.gamma.view(1, -1, 1)).mT
        return torch.cat([self.token.expand(len(y), -1, -1), y], 1)


class Splits(nn.Module):
    """A split whose sizes are attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes, self.layer = [4, 12], nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        one, other = torch.split(x, self.sizes, -1)
        return torch.cat([self.layer(one), other], -1)


class Fill(nn.Module):
    """Assignments to a slice."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        y[:, 1:] = x[:, 1:] * 2
        return y


def shuffle(x: Tensor) -> Tensor:
    n, length, width = x.shape
    return x.view(n, length, 4, width // 4).transpose(2, 3).reshape(n, length, width)


CASES: dict[str, Callable[[], nn.Module]] = {
    "attention": lambda: Attention(F.scaled_dot_product_attention),
    "matmul": lambda: Attention(products),
    "einsum": lambda: Attention(einsums),
    "grouped queries": lambda: Attention(products, key_heads=2),
    "multi-head": lambda: Joined(MultiHead()),
    "multi-head without bias": lambda: Joined(MultiHead(bias=False)),
    "encoder": lambda: Joined(nn.TransformerEncoderLayer(16, 4, 24, batch_first=True)),
    "lstm": lambda: Joined(Recurrent(nn.LSTM)),
    "gru": lambda: Joined(Recurrent(nn.GRU)),
    "rnn": lambda: Joined(Recurrent(nn.RNN)),
    "lstm cell": lambda: Joined(Cell(nn.LSTMCell), 8),
    "gru cell": lambda: Joined(Cell(nn.GRUCell), 8),
    "weight norm": lambda: Joined(Convolutions(parametrizations.weight_norm)),
    "spectral norm": lambda: Joined(Convolutions(parametrizations.spectral_norm)),
    "weight standardisation": lambda: Joined(Convolutions(standardised)),
    "views": lambda: Joined(Scales()),
    "split": lambda: Joined(Splits(), 20),
    "setitem": lambda: Joined(Fill()),
    "shuffle": lambda: Joined(shuffle),
}


def tokens() -> tuple[Tensor]:
    return (torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(1)),)


def halves(model: nn.Module) -> dict[str, float]:
    return {row.name: 0.4 for row in density(model)}


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
