"""The table of supported operations and their rules."""

from cdfi.compression.tracing.along import along, complex_pairs
from cdfi.compression.tracing.attention import heads, scaled_dot_product
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.contraction import addmm, bilinear, einsum, matmul
from cdfi.compression.tracing.elementwise import (
    like,
    normalised,
    over_space,
    pointwise,
    reduction,
    sample,
    setitem,
    softmax,
)
from cdfi.compression.tracing.recurrent import recurrent, recurrent_cell
from cdfi.compression.tracing.reshaping import (
    channel_shuffle,
    chunk,
    fold,
    glu,
    join_lists,
    pixel_shuffle,
    pixel_unshuffle,
    rearrange,
    split,
    unfold,
)
from cdfi.compression.tracing.views import NORMS, PRODUCTS, REDUCTIONS
from cdfi.compression.tracing.weighted import (
    batch_norm,
    convolution,
    embedding,
    group_norm,
    instance_norm,
    layer_norm,
    linear,
    prelu,
    transposed,
)

POINTWISE = """
    abs add addcdiv addcmul alpha_dropout bfloat16 celu clamp clamp_max clamp_min clip clone
    contiguous cos cpu cuda data detach div divide double dropout elu eq erf exp float ge gelu
    gt half hardsigmoid hardswish hardtanh le leaky_relu lerp log logsigmoid lt masked_fill
    maximum minimum mish mul multiply nan_to_num ne neg pos positive pow reciprocal relu relu6
    rsqrt selu sigmoid sign silu sin softplus softsign sqrt square sub subtract tanh threshold
    to true_divide truediv type_as where fill_diagonal logical_not logical_and
    log1p expm1 isnan isinf round floor ceil fmod remainder atan atan2 rrelu hardshrink softshrink
    tanhshrink float_power fill requires_grad type copy real imag conj angle resolve_conj
"""
OVER_SPACE = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d
    dropout1d dropout2d dropout3d feature_dropout interpolate max_pool1d max_pool1d_with_indices
    max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices max_unpool1d max_unpool2d
    max_unpool3d lp_pool2d pad upsample upsample_bilinear upsample_nearest fractional_max_pool2d
"""
REARRANGING = """
    H adjoint broadcast_to expand expand_as flatten flip fliplr flipud getitem index_select mH mT
    moveaxis movedim narrow permute ravel repeat repeat_interleave reshape reshape_as roll rot90
    select squeeze swapaxes swapdims T t tile transpose unbind unflatten unsqueeze view view_as
"""
REDUCING = """
    all amax amin any argmax argmin linalg_vector_norm logsumexp max mean median min nanmean nansum
    norm prod quantile std std_mean sum var var_mean
"""
ALONG = """
    argsort cummax cummin cumprod cumsum diff fft_fft fft_fft2 fft_ifft fft_ifft2 fft_irfft
    fft_irfft2 fft_rfft fft_rfft2 gather kthvalue sort topk
"""

#: Operations that read parameters as the weights of a layer.
LAYERS = """
    addmm attention_by_heads baddbmm batch_norm bilinear conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d einsum embedding group_norm gru gru_cell instance_norm
    layer_norm linear lstm lstm_cell matmul multi_head_attention_forward prelu rms_norm rnn_relu
    rnn_relu_cell rnn_tanh rnn_tanh_cell
"""
#: Operations that combine the values of a parameter along one dimension.
ALONG_PARAMETERS = frozenset((*ALONG.split(), "view_as_complex"))
#: Operations on parameters alone, whose results are followed as views of the parameters.
ON_PARAMETERS = ALONG_PARAMETERS.union(
    POINTWISE.split(), REARRANGING.split(), NORMS, REDUCTIONS, PRODUCTS
)

RULES: dict[str, Rule] = {
    **dict.fromkeys(POINTWISE.split(), pointwise),
    **dict.fromkeys(OVER_SPACE.split(), over_space),
    **dict.fromkeys(REARRANGING.split(), rearrange),
    **dict.fromkeys(REDUCING.split(), reduction),
    **dict.fromkeys(("softmax", "log_softmax"), softmax),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), transposed),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), join_lists),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"), like),
    **dict.fromkeys(ALONG.split(), along),
    **dict.fromkeys(("view_as_complex", "view_as_real"), complex_pairs),
    "batch_norm": batch_norm,
    "bilinear": bilinear,
    "channel_shuffle": channel_shuffle,
    "chunk": chunk,
    "fold": fold,
    "glu": glu,
    "grid_sample": sample,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "rms_norm": layer_norm,
    "linear": linear,
    **dict.fromkeys(("matmul", "bmm", "mm", "mv"), matmul),
    **dict.fromkeys(("addmm", "baddbmm"), addmm),
    **dict.fromkeys(("attention_by_heads", "multi_head_attention_forward"), heads),
    **dict.fromkeys(("gru", "lstm", "rnn_relu", "rnn_tanh"), recurrent),
    **dict.fromkeys(("gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"), recurrent_cell),
    **dict.fromkeys(("split", "split_with_sizes", "tensor_split"), split),
    "einsum": einsum,
    "embedding": embedding,
    "scaled_dot_product_attention": scaled_dot_product,
    "setitem": setitem,
    "unfold": unfold,
    "normalize": normalised,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "prelu": prelu,
}
