"""Small modules, each with one construct of networks of others."""

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from cdfi.compression import density


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


class Scaled(nn.Conv1d):
    """Weight standardisation by ``batch_norm`` with a learned gain (Brock et al., 2021)."""

    gain: nn.Parameter

    def forward(self, x: Tensor) -> Tensor:
        rows = self.weight.reshape(1, self.out_channels, -1)
        gain = (self.gain * 0.3).view(-1)
        weight = F.batch_norm(rows, None, None, weight=gain, training=True, momentum=0.0)
        return F.conv1d(x, weight.reshape_as(self.weight), self.bias, padding=self.padding)


def scaled(layer: Any) -> nn.Module:
    layer.__class__ = Scaled
    layer.gain = nn.Parameter(torch.rand(len(layer.weight), 1, 1) + 0.5)
    return cast(nn.Module, layer)


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


class Rows(nn.Module):
    """A linear layer by ``addmm``, whose weight is (in, out); its width is an attribute."""

    def __init__(self, feeding: int, out: int) -> None:
        super().__init__()
        self.out = out
        self.weight = nn.Parameter(torch.randn(feeding, out) / feeding**0.5)
        self.bias = nn.Parameter(torch.rand(out))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.addmm(self.bias, x.view(-1, x.shape[-1]), self.weight)
        return y.view(*x.shape[:-1], self.out)


class RowAttention(nn.Module):
    """Attention of such layers: queries, keys and values are as wide as the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.num_heads, self.head_dim, self.width = 4, 4, 16
        self.inputs, self.proj = Rows(16, 48), Rows(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.inputs(x).split(self.width, 2)
        q, k, v = (t.view(*t.shape[:-1], -1, self.head_dim).transpose(1, 2) for t in parts)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        result: Tensor = x + self.proj(y.reshape(*y.shape[:-2], -1))
        return result


class Flattened(nn.Module):
    """A norm over all tokens, and the shape of before by ``reshape_as``."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(16)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(x.flatten(0, 1)).reshape_as(x)
        return result


class Reused(nn.Module):
    """An autoencoder whose second half has the weights of the first, and two equal layers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.bias = nn.Linear(16, 12), nn.Parameter(torch.rand(16))
        self.a, self.b = nn.Linear(16, 16), nn.Linear(16, 16)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(F.relu(self.encoder(x)), self.encoder.weight.t(), self.bias)
        result: Tensor = self.b(F.relu(self.a(y)))
        return result


class Pair(nn.Module):
    """A bilinear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Bilinear(16, 16, 16)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x, x.relu())
        return result


class Norms(nn.Module):
    """Norms without weights, and one over channels and positions."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.LayerNorm(16, elementwise_affine=False)
        self.planes, self.all = nn.InstanceNorm1d(16), nn.LayerNorm((16, 7))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.all(self.planes(self.plain(x).mT)).mT
        return result


class Spectrum(nn.Module):
    """Global filters (Rao et al., 2021): a learned product in the frequencies of the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 16, 2) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.rfft(x, dim=1) * torch.view_as_complex(self.weight)
        return torch.fft.irfft(y, x.shape[1], dim=1)


class Blur(nn.Module):
    """A fixed filter that is repeated for every channel."""

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", torch.tensor([[[0.25, 0.5, 0.25]]]))

    def forward(self, x: Tensor) -> Tensor:
        y = x.mT
        return F.conv1d(y, self.taps.expand(y.shape[1], -1, -1), padding=1, groups=y.shape[1]).mT


class Padded(nn.Module):
    """A shortcut to more channels by zeros (He et al., 2016, option A)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 24)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x) + F.pad(x, (4, 4))
        return result


def ordered(x: Tensor) -> Tensor:
    """Order and sum the tokens of every channel, and select some."""
    values, index = x.topk(3, dim=1)
    y = torch.gather(x.cumsum(1), 1, index) + values.sort(1)[0]
    return torch.index_select(y, 1, torch.tensor([2, 0]))


def reduced(x: Tensor) -> Tensor:
    """Scale the channels by norms and medians over the tokens (as GRN; Woo et al., 2023)."""
    return x * torch.norm(x, p=2, dim=1, keepdim=True) + x.logsumexp(1, keepdim=True).cos()


class Ellipsis(nn.Module):
    """A product that ``einsum`` writes with an ellipsis."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(16, 16) / 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("...c,cd->...d", x, self.matrix)


def folded(x: Tensor) -> Tensor:
    """Unfold windows of planes, and fold them again."""
    windows = F.unfold(x.mT[..., None], (3, 1), padding=(1, 0))
    return F.fold(windows, (7, 1), (3, 1), padding=(1, 0))[..., 0].mT


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
    "scaled weight standardisation": lambda: Joined(Convolutions(scaled)),
    "views": lambda: Joined(Scales()),
    "rows": lambda: Joined(RowAttention()),
    "reshape_as": lambda: Joined(Flattened()),
    "split": lambda: Joined(Splits(), 20),
    "setitem": lambda: Joined(Fill()),
    "shuffle": lambda: Joined(shuffle),
    "shared weights": lambda: Joined(Reused()),
    "bilinear": lambda: Joined(Pair()),
    "norms": lambda: Joined(Norms()),
    "spectrum": lambda: Joined(Spectrum()),
    "blur": lambda: Joined(Blur()),
    "padded channels": lambda: Joined(Padded(), 24),
    "ordered": lambda: Joined(ordered),
    "fold": lambda: Joined(folded),
    "reduced": lambda: Joined(reduced),
    "ellipsis": lambda: Joined(Ellipsis()),
}


def tokens() -> tuple[Tensor]:
    return (torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(1)),)


def halves(model: nn.Module) -> dict[str, float]:
    return {row.name: 0.4 for row in density(model)}
