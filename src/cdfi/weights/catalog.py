"""What can be loaded by name: the bundled weights, and the released checkpoints to download.

PyTorch is not imported here: a wrong name is found before it is.
"""

from dataclasses import dataclass
from pathlib import Path

from cdfi.common.cache import cache_folder
from cdfi.common.choices import did_you_mean
from cdfi.weights.hub import PREFIX, hub_file

_CDFI = "https://raw.githubusercontent.com/tding1/CDFI/537291c7adc78117e50a31628f143aee9263ce20/"
_ADACOF = (
    "https://raw.githubusercontent.com/HyeongminLEE/AdaCoF-pytorch/"
    "6009ee99426397163d2f4eab11da56470a45c7ac/"
)


#: PSNR (dB) and SSIM.
Scores = tuple[float, float]


@dataclass(frozen=True)
class Released:
    """A checkpoint its authors published: downloaded by the user, never shipped with cdfi."""

    name: str
    network: str  # the row of cdfi.models.NETWORKS its shapes must match
    url: str
    git_blob: str  # pins the bytes: SHA-1 of the file as a git object
    licence: str
    middlebury: Scores | None  # as published, not measured by us
    ucf101: Scores | None

    @property
    def path(self) -> Path:
        """Where a download is kept."""
        return cache_folder() / f"{self.name}.pth"


@dataclass(frozen=True)
class Bundled:
    """Weights that ship inside the package."""

    name: str
    summary: str

    @property
    def path(self) -> Path:
        """The safetensors file inside the package."""
        return Path(__file__).parent / f"{self.name}.safetensors"


BUNDLED = {
    row.name: row
    for row in [
        Bundled("flow", "0.55 M parameters: any instant in one pass, by optical flow"),
        Bundled("flow-wide", "1.83 M parameters: the same with wider layers, a little better"),
        Bundled("flow-fast", "0.21 M parameters, derived from flow-wide by pruning: the fastest"),
        Bundled("flow-lpips", "the same as flow, tuned for LPIPS instead of PSNR: sharper"),
        Bundled("aligned-adacof", "2.80 M parameters, K=5, d=1, compares and aligns its frames"),
        Bundled("aligned-adacof-lpips", "the same, tuned for LPIPS instead of PSNR"),
        Bundled("matched-adacof", "2.69 M parameters, compares its frames without aligning them"),
        Bundled("compressed-adacof", "2.45 M parameters, K=5, d=1: the paper's architecture"),
        Bundled("cdfi", "compressed-adacof with feature pyramid, synthesis and blending mask"),
    ]
}

#: What "default" means: of the fast networks, the one with the best PSNR on held-out shots.
DEFAULT = "flow"

_NO_LICENCE = "none: may be downloaded, not shipped"
RELEASED = {
    row.name: row
    for row in [
        Released(
            "released/cdfi",
            "cdfi",
            _CDFI + "checkpoints/CDFI_adacof.pth",
            "1799ec7ab3f2a9f54c13b73d2743c4bb0458c72c",
            _NO_LICENCE,
            (37.14, 0.966),
            (35.21, 0.95),
        ),
        Released(
            "released/compressed-adacof",
            "compressed-adacof",
            _CDFI + "checkpoints/compressed_adacof_F_5_D_1.pth",
            "14047246c214ec552b2413067f59f6e17c787c10",
            _NO_LICENCE,
            (35.43, 0.957),
            (35.1, 0.95),
        ),
        Released(
            "released/compressed-adacof+",
            "compressed-adacof+",
            _CDFI + "checkpoints/compressed_adacof_F_11_D_2.pth",
            "1403e1d27053fd62e323d804bf30907376c6784e",
            _NO_LICENCE,
            (35.73, 0.96),
            (35.13, 0.95),
        ),
        Released(
            "released/adacof",
            "adacof",
            _ADACOF + "checkpoint/kernelsize_5/ckpt.pth",
            "cdcb7c2661683f14ebc70747d93faed15892e627",
            "MIT",
            (35.72, 0.959),
            (35.16, 0.95),
        ),
        Released(
            "released/adacof+",
            "adacof+",
            _ADACOF + "checkpoint/kernelsize_11/ckpt.pth",
            "3bca055500ceec82ccf91bebaf319573dcf2202d",
            "MIT",
            (36.09, 0.962),
            (35.16, 0.95),
        ),
        Released(
            "released/adacof-pruned",
            "adacof",
            _CDFI + "checkpoints/adacof_pruned_lr_1e-2_lam_1e-4_Np_10.pth",
            "e351de2353bd5cc937298fa022740542f6eeb205",
            _NO_LICENCE,
            None,
            None,
        ),
    ]
}


def resolve_path(model: str | Path) -> Path:
    """Return the file of ``model``, a name or a path; see :func:`cdfi.load`.

    Raises:
        ValueError: the name is unknown, or the model is not downloaded yet.
    """
    if isinstance(model, str) and model.startswith(PREFIX):
        return hub_file(model)
    name = DEFAULT if str(model) == "default" else str(model)
    if name in BUNDLED:
        return BUNDLED[name].path
    if name in RELEASED:
        if not RELEASED[name].path.is_file():
            raise ValueError(f"{name} is not downloaded yet: cdfi models download {name}")
        return RELEASED[name].path
    path = Path(model).expanduser()
    if path.is_dir():
        raise ValueError(f"expected a checkpoint, but {path} is a directory")
    if not path.is_file():
        raise ValueError(_unknown(name))
    return path


def _unknown(name: str) -> str:
    known = ["default", *BUNDLED, *RELEASED]
    hint = did_you_mean(name, known)
    return (
        f"no model is called {name}, and there is no such file{hint} (cdfi models list shows all)"
    )
