"""The networks of others that the coverage of compression is measured on, with random weights.

They come from packages that are installed in an environment of their own: torchvision, timm,
segmentation-models-pytorch, monai, spandrel and transformers. What cannot be imported is reported.
"""

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn

#: A package, the path of a function or class in it, its arguments, and the shape of its input.
Row = tuple[str, str, dict[str, Any], tuple[int, ...]]

IMAGE = (2, 3, 64, 64)
LARGE = (2, 3, 224, 224)
TIMM: dict[tuple[int, ...], str] = {
    IMAGE: """
        resnet18 resnext50_32x4d seresnet18 densenet121 vgg11_bn mobilenetv2_100
        mobilenetv3_small_050 efficientnet_b0 mnasnet_small regnetx_002 regnety_002 convnext_atto
        convnextv2_atto cspresnet50 ghostnet_050 hrnet_w18_small res2net50_26w_4s dla34
        nf_resnet26 resnetv2_50 repvgg_a0 mobileone_s0 lcnet_050 ese_vovnet19b_dw gernet_s
        poolformer_s12 inception_next_atto rexnet_100 tf_efficientnetv2_b0 darknet53 selecsls42
    """,
    LARGE: """
        vit_tiny_patch16_224 swin_tiny_patch4_window7_224 mixer_s32_224 resmlp_12_224 gmlp_ti16_224
        mobilevit_xxs pvt_v2_b0 cait_xxs24_224 xcit_nano_12_p16_224 levit_128s
    """,
}
SEGMENTATION = "Unet UnetPlusPlus FPN PSPNet DeepLabV3Plus MAnet Linknet Segformer"
SMALL_TEXT = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
SMALL_HEADS = {"num_attention_heads": 4, "max_position_embeddings": 32}
SEVERAL: list[Row] = [
    ("torchvision", "models.shufflenet_v2_x0_5", {}, IMAGE),
    ("torchvision", "models.squeezenet1_1", {}, IMAGE),
    ("torchvision", "models.googlenet", {"init_weights": False, "aux_logits": False}, LARGE),
    ("torchvision", "models.mobilenet_v3_small", {}, IMAGE),
    ("torchvision", "models.convnext_tiny", {}, IMAGE),
    ("torchvision", "models.swin_t", {}, LARGE),
    ("torchvision", "models.segmentation.lraspp_mobilenet_v3_large",
     {"weights_backbone": None}, IMAGE),
    ("torchvision", "models.vision_transformer.VisionTransformer",
     {"image_size": 64, "patch_size": 16, "num_layers": 2, "num_heads": 4, "hidden_dim": 64,
      "mlp_dim": 128}, IMAGE),
    ("monai.networks.nets", "UNet",
     {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": (8, 16, 32),
      "strides": (2, 2), "num_res_units": 2}, (1, 1, 16, 16, 16)),
    ("monai.networks.nets", "SegResNet", {"init_filters": 8}, (1, 1, 16, 16, 16)),
    ("monai.networks.nets", "AttentionUnet",
     {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": (8, 16, 32),
      "strides": (2, 2)}, (1, 1, 32, 32)),
    ("monai.networks.nets", "BasicUNet", {"features": (8, 8, 16, 32, 64, 8)},
     (1, 1, 32, 32, 32)),
    ("monai.networks.nets", "UNETR",
     {"in_channels": 1, "out_channels": 2, "img_size": 32, "feature_size": 8, "hidden_size": 48,
      "mlp_dim": 96, "num_heads": 4}, (1, 1, 32, 32, 32)),
    ("monai.networks.nets", "FlexibleUNet",
     {"in_channels": 3, "out_channels": 2, "backbone": "efficientnet-b0"}, IMAGE),
    ("monai.networks.nets", "HighResNet", {"spatial_dims": 2, "in_channels": 1, "out_channels": 2},
     (1, 1, 32, 32)),
    ("spandrel.architectures.Compact", "__arch.SRVGG.SRVGGNetCompact", {"num_conv": 4},
     (1, 3, 24, 24)),
    ("spandrel.architectures.ESRGAN", "__arch.RRDB.RRDBNet",
     {"in_nc": 3, "out_nc": 3, "num_filters": 16, "num_blocks": 2}, (1, 3, 24, 24)),
    ("spandrel.architectures.SPAN", "__arch.span.SPAN",
     {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 16}, (1, 3, 24, 24)),
    ("spandrel.architectures.NAFNet", "__arch.NAFNet_arch.NAFNet",
     {"width": 16, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}, (1, 3, 32, 32)),
    ("spandrel.architectures.SwinIR", "__arch.SwinIR.SwinIR",
     {"img_size": 16, "embed_dim": 24, "depths": [2], "num_heads": [4], "window_size": 8},
     (1, 3, 16, 16)),
    ("spandrel.architectures.SAFMN", "__arch.safmn.SAFMN",
     {"dim": 16, "n_blocks": 2, "upscaling_factor": 2}, (1, 3, 32, 32)),
]  # fmt: skip
LANGUAGE = {
    "Bert": SMALL_TEXT | SMALL_HEADS,
    "DistilBert": {"vocab_size": 50, "dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 4},
    "GPT2": {"vocab_size": 50, "n_embd": 32, "n_layer": 2, "n_head": 4},
    "Llama": SMALL_TEXT | SMALL_HEADS | {"num_key_value_heads": 2},
}

Case = tuple[str, Callable[[], nn.Module], Callable[[], Any]]


def cases() -> Iterator[Case]:
    """Yield the name of each network, a function that builds it, and one that makes its input."""
    for package, path, options, shape in SEVERAL:
        name = f"{package.split('.')[0]}.{path.rpartition('.')[2]}"
        yield name, _any(package, path, options), _image(shape)
    for name, options in LANGUAGE.items():
        yield f"transformers.{name}", _language(name, options), _words
    yield "torch.TransformerEncoder", _encoder, _image((2, 5, 32))
    for kind in (nn.LSTM, nn.GRU):
        yield f"torch.{kind.__name__}", partial(Recurrent, kind), _image((2, 5, 8))
    for name in SEGMENTATION.split():
        yield f"smp.{name}", _segmentation(name), _image(IMAGE)
    for shape, names in TIMM.items():
        for name in names.split():
            yield f"timm.{name}", _timm(name), _image(shape)


class Recurrent(nn.Module):
    """A recurrent network between two linear layers."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(32, 4)
        self.recurrent = kind(16, 16, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.recurrent(self.first(x))[0])


def _timm(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        return importlib.import_module("timm").create_model(name)

    return build


def _segmentation(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        package = importlib.import_module("segmentation_models_pytorch")
        return getattr(package, name)("resnet18", encoder_weights=None)

    return build


def _any(package: str, path: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        *modules, name = path.split(".")
        holder = importlib.import_module(package)
        for part in modules:
            holder = getattr(holder, part, None) or importlib.import_module(
                f"{holder.__name__}.{part}"
            )
        module: nn.Module = getattr(holder, name)(**options)
        return module

    return build


def _language(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        package = importlib.import_module("transformers")
        config = getattr(package, f"{name}Config")(**options, use_cache=False)
        return getattr(package, f"{name}Model")(config)

    return build


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Linear(32, 8))


def _image(shape: tuple[int, ...]) -> Callable[[], tuple[torch.Tensor]]:
    return lambda: (torch.rand(shape, generator=torch.Generator().manual_seed(1)),)


def _words() -> tuple[torch.Tensor]:
    return (torch.arange(12).view(2, 6),)
