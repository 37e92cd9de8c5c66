"""Validation: the PSNR of a network on held-out triplets."""

import numpy as np
import torch
from torch import Tensor

from cdfi.common.rounding import quantize, to_bytes
from cdfi.metrics.psnr import psnr
from cdfi.models import AnyNetwork, Network

_SHOWN = 4  # triplets in a sample image
_BATCH = 4
_MIDDLE = 0.5  # the instant of the triplets
_PERFECT = 60.0  # dB; an exact frame must not make the mean infinite


def validate(network: AnyNetwork, triplets: np.ndarray, device: torch.device) -> float:
    """Return the mean PSNR in dB of the middle frames, rounded to 8 bits.

    Args:
        network: on ``device``.
        triplets: uint8 (M, 3, H, W, 3), frames in time order.
        device: where to compute.
    """
    scores = [
        psnr_per_triplet(predict(network, part, device), part)
        for part in np.array_split(triplets, -(-len(triplets) // _BATCH))
    ]
    return float(torch.cat(scores).mean())


def average_baseline_psnr(triplets: np.ndarray) -> float:
    """Return the mean PSNR in dB of the average of the outer frames, the weakest baseline."""
    frames = _planes(triplets)
    return float(psnr_per_triplet(((frames[:, 0] + frames[:, 2]) / 2), triplets).mean())


def psnr_per_triplet(predicted: Tensor, triplets: np.ndarray) -> Tensor:
    """Return the PSNR in dB of each prediction, (M,), at most 60."""
    return psnr(quantize(predicted), _planes(triplets)[:, 1]).clamp(max=_PERFECT)


def sample_image(network: AnyNetwork, triplets: np.ndarray, device: torch.device) -> np.ndarray:
    """Return rows of (mean of the outer frames, prediction, truth), uint8 (H, W, 3)."""
    chosen = pick_samples(triplets)
    frames, predicted = _planes(chosen), predict(network, chosen, device)
    columns = torch.stack(((frames[:, 0] + frames[:, 2]) / 2, predicted, frames[:, 1]), 1)
    picture = torch.cat([torch.cat(list(row), 2) for row in columns], 1)
    return to_bytes(picture).permute(1, 2, 0).numpy()


def pick_samples(triplets: np.ndarray) -> np.ndarray:
    """Return four of the triplets, from first to last."""
    chosen: np.ndarray = triplets[np.linspace(0, len(triplets) - 1, _SHOWN).round().astype(int)]
    return chosen


@torch.inference_mode()
def predict(network: AnyNetwork, triplets: np.ndarray, device: torch.device) -> Tensor:
    """Return the middle frames, float32 (M, 3, H, W) on the CPU, of uint8 (M, 3, H, W, 3)."""
    frames = _planes(triplets).to(device)
    instants = () if isinstance(network, Network) else (_MIDDLE,)
    predicted: Tensor = network(frames[:, 0], frames[:, 2], *instants)
    return predicted.float().cpu()


def _planes(triplets: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(triplets)).permute(0, 1, 4, 2, 3) / 255
