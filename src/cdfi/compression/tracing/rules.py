"""The table of supported operations and their rules."""

from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.elementwise import (
    like,
    normalised,
    over_space,
    pointwise,
    reduction,
    sample,
    softmax,
)
from cdfi.compression.tracing.reshaping import (
    channel_shuffle,
    chunk,
    glu,
    join_lists,
    pixel_shuffle,
    pixel_unshuffle,
    rearrange,
)
from cdfi.compression.tracing.weighted import (
    batch_norm,
    convolution,
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
    to true_divide truediv type_as where
"""
OVER_SPACE = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d
    dropout1d dropout2d dropout3d feature_dropout interpolate max_pool1d max_pool2d max_pool3d pad
    upsample
"""
REARRANGING = """
    expand expand_as flatten flip getitem moveaxis movedim mT narrow permute repeat
    repeat_interleave reshape reshape_as roll select split squeeze swapaxes swapdims T tile
    transpose unbind unflatten unsqueeze view view_as
"""

RULES: dict[str, Rule] = {
    **dict.fromkeys(POINTWISE.split(), pointwise),
    **dict.fromkeys(OVER_SPACE.split(), over_space),
    **dict.fromkeys(REARRANGING.split(), rearrange),
    **dict.fromkeys(("amax", "amin", "max", "mean", "min", "std", "sum", "var"), reduction),
    **dict.fromkeys(("softmax", "log_softmax"), softmax),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), transposed),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), join_lists),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"), like),
    "batch_norm": batch_norm,
    "channel_shuffle": channel_shuffle,
    "chunk": chunk,
    "glu": glu,
    "grid_sample": sample,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "rms_norm": layer_norm,
    "linear": linear,
    "normalize": normalised,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "prelu": prelu,
}
