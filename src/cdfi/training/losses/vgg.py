"""The perceptual loss on features of VGG16 up to conv4_3, without torchvision."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.common.download import fetch
from cdfi.common.files import file_sha256
from cdfi.common.torch_file import load_tensors

URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
_SHA256_START = "397923af"  # torchvision's file names end in the start of their digest
_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512)  # 0 halves the size


class VggLoss(nn.Module):
    """The MSE of VGG16 ``features[:22]`` (conv4_3, before its ReLU) of images in [0, 1].

    The images are not normalised, as in the released training code of AdaCoF.

    Args:
        weights: torchvision's ``vgg16-397923af.pth``; None takes it from PyTorch's cache.

    Raises:
        ValueError: the file is missing, or holds other tensors.
    """

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__()
        self.features = _features()
        path = weights or cached()
        if not path.is_file():
            raise ValueError(
                f"the VGG loss needs torchvision's VGG16 weights, which are not at {path}: give "
                "--set vgg=FILE, or --download-vgg to download them (528 MB)"
            )
        state = _read_tensors(path)
        own = {name.removeprefix("features."): value for name, value in state.items()}
        wanted = self.features.state_dict()
        fits = all(name in own and own[name].shape == wanted[name].shape for name in wanted)
        if not fits:
            raise ValueError(f"{path} does not hold torchvision's VGG16 (features.0.weight, ...)")
        self.features.load_state_dict({name: own[name] for name in wanted})
        self.requires_grad_(False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return a scalar for two (N, 3, H, W)."""
        self.features.to(x.device)
        with torch.no_grad():
            target = self.features(y)
        return F.mse_loss(self.features(x).float(), target.float())


def cached() -> Path:
    """Return the path of the downloaded weights, which torchvision uses too."""
    return Path(torch.hub.get_dir()) / "checkpoints" / URL.rsplit("/", 1)[1]


def download() -> Path:
    """Download torchvision's file to where torchvision looks for it, and check its digest.

    Raises:
        ValueError: the file that arrived has another digest; it is deleted.
    """
    path = cached()
    if path.is_file():
        return path
    fetch(URL, path)
    digest = file_sha256(path)
    if not digest.startswith(_SHA256_START):
        path.unlink()
        raise ValueError(f"{URL} sent another file (SHA-256 {digest}); it was not kept. Try again")
    return path


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a PyTorch file by name; nothing if it holds something else."""
    state = load_tensors(path, "a PyTorch file of weights", mmap=True)
    named = state.items() if isinstance(state, dict) else ()
    return {name: value for name, value in named if isinstance(value, Tensor)}


def _features() -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for width in _WIDTHS:
        if width:
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-1])
