"""Multi-head attention from which heads were removed."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function


class FewerHeads(nn.MultiheadAttention):
    """``nn.MultiheadAttention`` of which some heads are removed: queries are narrower than inputs.

    The parameters have the same names and meaning; ``in_proj_weight`` is
    (3 * heads * head_dim, embed_dim), and ``out_proj.weight`` is (embed_dim, heads * head_dim).
    Derived modules contain it; :func:`update_attention` changes the class of the original.
    """

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the attention's result and, if ``need_weights``, its weights.

        Shapes and arguments are those of ``nn.MultiheadAttention``.
        """
        batched = query.dim() == 3
        if batched and self.batch_first:
            query, key, value = (tensor.transpose(0, 1) for tensor in (query, key, value))
        if not batched:
            query, key, value = (tensor.unsqueeze(1) for tensor in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
        assert self.in_proj_weight is not None
        result, weights = attention_by_heads(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, None, None, False, self.dropout if self.training else 0.0,
            self.out_proj.weight, self.out_proj.bias, _mask(attn_mask, key_padding_mask, query,
            self.num_heads),
        )  # fmt: skip
        if average_attn_weights:
            weights = weights.mean(1)
        if not batched:
            return result.squeeze(1), weights.squeeze(0) if need_weights else None
        result = result.transpose(0, 1) if self.batch_first else result
        return result, weights if need_weights else None


def _mask(mask: Tensor | None, padding: Tensor | None, query: Tensor, heads: int) -> Tensor | None:
    """Return one additive mask, (N or 1, heads or 1, L, S), or None."""
    total = None
    if mask is not None:
        total = _additive(mask, query)
        total = total.view(-1, heads, *mask.shape[-2:]) if mask.dim() == 3 else total[None, None]
    if padding is not None:
        own = _additive(padding, query)[:, None, None]
        total = own if total is None else total + own
    return total


def _additive(mask: Tensor, query: Tensor) -> Tensor:
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=query.dtype).masked_fill(mask, -torch.inf)


def attention_by_heads(
    query: Tensor, key: Tensor, value: Tensor, _embed_dim: int, heads: int, in_weight: Tensor,
    in_bias: Tensor | None, _bias_k: None, _bias_v: None, _add_zero: bool, dropout: float,
    out_weight: Tensor, out_bias: Tensor | None, mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return attention of (L, N, E) inputs, and its weights (N, heads, L, S).

    The arguments are in the order of ``multi_head_attention_forward``, so that one rule of the
    trace handles both.
    """
    tensors = (query, key, value, in_weight, out_weight)
    if has_torch_function(tensors):
        result: tuple[Tensor, Tensor] = handle_torch_function(
            attention_by_heads, tensors, query, key, value, _embed_dim, heads, in_weight, in_bias,
            _bias_k, _bias_v, _add_zero, dropout, out_weight, out_bias, mask,
        )  # fmt: skip
        return result
    biases = (None, None, None) if in_bias is None else in_bias.chunk(3)
    parts = [
        F.linear(x, weight, bias).view(*x.shape[:2], heads, -1).permute(1, 2, 0, 3)
        for x, weight, bias in zip((query, key, value), in_weight.chunk(3), biases)
    ]  # (N, heads, L, head_dim)
    scores = parts[0] @ parts[1].mT * parts[0].shape[-1] ** -0.5
    weights = (scores if mask is None else scores + mask).softmax(-1)
    mixed = F.dropout(weights, dropout) @ parts[2]
    return F.linear(mixed.permute(2, 0, 1, 3).flatten(2), out_weight, out_bias), weights


def update_attention(module: nn.MultiheadAttention) -> None:
    """Set the widths of an attention to those of its weights, and its class if heads are gone."""
    if module.in_proj_weight is None:
        return
    width, inner = module.out_proj.weight.shape
    module.embed_dim = module.kdim = module.vdim = width
    module.num_heads = inner // module.head_dim
    module.out_proj.out_features, module.out_proj.in_features = width, inner
    if inner != width:
        module.__class__ = FewerHeads
        module._qkv_same_embed_dim = False  # disables the fused path, which needs equal widths
