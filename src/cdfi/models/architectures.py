"""The architectures that have a name: the five published ones and ours."""

from dataclasses import replace
from typing import Any

from cdfi.models.config import MAP_HEADS, Config, Widths
from cdfi.models.flow_config import FLOW_NETWORKS
from cdfi.models.timed import Architecture


def _same_widths(widths: Widths) -> dict[str, Any]:
    """Return the same hidden widths for every map head."""
    return dict.fromkeys(MAP_HEADS, widths)


def _full(kernel: int, dilation: int) -> Config:
    """Return AdaCoF before compression (Lee et al., CVPR 2020)."""
    triple = (64, 64, kernel * kernel)
    return Config(
        kernel,
        dilation,
        encoder=tuple((w, w, w) for w in (32, 64, 128, 256, 512)),
        decoder=tuple((w, w, w) for w in (512, 256, 128, 64)),
        **_same_widths(triple),
        occlusion=(64, 64, 64),
    )


def _compressed(kernel: int, dilation: int) -> Config:
    """Return AdaCoF with widths derived from its densities after pruning (CDFI, section 3.2)."""
    return Config(
        kernel,
        dilation,
        encoder=((24, 24, 24), (48, 48, 51), (99, 97, 94), (156, 142, 159), (92, 72, 121)),
        decoder=((99, 69, 36), (74, 83, 81), (83, 88, 72), (45, 47, 44)),
        weight0=(51, 49, 21),
        alpha0=(50, 48, 20),
        beta0=(51, 50, 20),
        weight1=(50, 49, 20),
        alpha1=(50, 49, 20),
        beta1=(51, 50, 20),
        occlusion=(52, 51, 48),
    )


def _cdfi() -> Config:
    """Return the compressed network with pyramid, synthesis and blend (CDFI, section 3.3)."""
    triple = (52, 49, 21)
    return Config(
        kernel=11,
        dilation=2,
        encoder=((24, 24, 24), (48, 48, 52), (99, 97, 95), (156, 142, 159), (92, 72, 121)),
        decoder=((99, 69, 36), (74, 83, 81), (83, 88, 72), (45, 45, 45)),
        **_same_widths(triple),
        occlusion=(52, 52, 48),
        blend=(52, 52, 48),
        pyramid=(4, 8, 12, 16, 20),
        grid=(32, 64, 96),
    )


def _matched() -> Config:
    """Return the compressed AdaCoF with cost volumes (ours).

    The cost volumes search 6, 16 and 32 pixels for half the motion between the frames. The widths
    are the compressed ones rounded to multiples of 16, since processors compute whole vectors.
    """
    triple = (48, 48, 16)
    return Config(
        kernel=5,
        dilation=1,
        encoder=((16, 16, 32), (48, 48, 48), (96, 96, 96), (160, 144, 160), (96, 80, 128)),
        decoder=((96, 64, 32), (80, 80, 80), (80, 80, 80), (48, 48, 48)),
        **_same_widths(triple),
        occlusion=(48, 48, 48),
        matching=(3, 4, 4),
        describe=(16, 32, 32),
    )


def _aligned() -> Config:
    """Return matched-adacof with flow refinement and details (ours).

    The kernels are centred on the refined flow; the details that they blur are added again.
    """
    return replace(_matched(), refine=3, flow=(32, 16), compare=(48, 48), detail=(32, 32, 16))


#: Name -> AdaCoF and what grew out of it: networks that compute the middle frame.
NETWORKS = {
    "adacof": _full(5, 1),
    "adacof+": _full(11, 2),
    "compressed-adacof": _compressed(5, 1),
    "compressed-adacof+": _compressed(11, 2),
    "cdfi": _cdfi(),
    "matched-adacof": _matched(),
    "aligned-adacof": _aligned(),
}


#: Name -> every architecture, of all families.
ARCHITECTURES: dict[str, Architecture] = {**NETWORKS, **FLOW_NETWORKS}


def name_of(config: Architecture) -> str:
    """Return the name of an architecture in :data:`ARCHITECTURES`, else a few words for it."""
    for name, row in ARCHITECTURES.items():
        if row == config:
            return name
    if isinstance(config, Config):
        return f"K={config.kernel}, d={config.dilation}"
    return "a network of the flow family"
