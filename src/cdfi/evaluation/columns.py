"""The table of metrics that a report may have as columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from cdfi import metrics
from cdfi.common.choices import unknown_name
from cdfi.common.extras import need


@dataclass(frozen=True)
class Metric:
    """A column.

    Attributes:
        name: on the command line.
        title: in tables.
        function: from two batches (1, 3, H, W) in [0, 1], prediction and truth, to (1,); with
            ``temporal``, from four: then the prediction and the truth of the frame before.
        protocol: how it is computed, in one line of the report.
        digits: decimals in tables.
        higher: whether a higher value is better.
        temporal: whether it compares with the frame before.
        package: that it needs in addition; "" for none.
    """

    name: str
    title: str
    function: Callable[..., Tensor]
    protocol: str
    digits: int = 4
    higher: bool = False
    temporal: bool = False
    package: str = ""


def _from_package(net: str, x: Tensor, y: Tensor) -> Tensor:
    """Return LPIPS 0.1 with another network, by the package ``lpips``, standard protocol."""
    distance: Tensor = _package_network(net, x.device)(x, y, normalize=True)
    return distance.flatten()


@lru_cache
def _package_network(net: str, device: torch.device) -> torch.nn.Module:
    package = need("lpips", f"the metric 'lpips-{net}'", "lpips")
    network: torch.nn.Module = package.LPIPS(net=net, verbose=False)
    return network.to(device)


METRICS = {
    row.name: row
    for row in [
        Metric("psnr", "PSNR", metrics.psnr, "data range 1, all pixels and channels", 2, True),
        Metric(
            "ssim",
            "SSIM",
            metrics.ssim,
            "scikit-image's: uniform 7 x 7 window, sample covariance, channels averaged",
            higher=True,
        ),
        Metric("lpips", "LPIPS", metrics.lpips, "0.1 SqueezeNet, images rescaled to [-1, 1]"),
        Metric(
            "lpips-paper",
            "LPIPS (paper)",
            partial(metrics.lpips, rescale=False),
            "0.1 SqueezeNet, images fed in [0, 1] as for the CDFI paper's table",
        ),
        Metric("ie", "IE", metrics.ie, "RMS length of RGB differences, levels of 0 to 255", 2),
        Metric(
            "mae",
            "MAE",
            metrics.mean_absolute_error,
            "mean absolute difference, levels of 0 to 255 (printed as IE in many papers)",
            2,
        ),
        Metric(
            "flicker",
            "Flicker",
            metrics.flicker,
            "difference of the mean absolute changes from the frame before, levels of 0 to 255",
            2,
            temporal=True,
        ),
        Metric(
            "tlpips",
            "tLPIPS",
            metrics.temporal_lpips,
            "difference of the LPIPS to the frame before (Chu et al. 2020), 0.1 SqueezeNet",
            temporal=True,
        ),
        Metric(
            "lpips-alex",
            "LPIPS (AlexNet)",
            partial(_from_package, "alex"),
            "0.1 AlexNet of the package lpips, images rescaled to [-1, 1]",
            package="lpips",
        ),
        Metric(
            "lpips-vgg",
            "LPIPS (VGG)",
            partial(_from_package, "vgg"),
            "0.1 VGG16 of the package lpips, images rescaled to [-1, 1]",
            package="lpips",
        ),
    ]
}

DEFAULT_METRICS = ("psnr", "ssim", "lpips", "lpips-paper", "ie")


def choose_metrics(names: Sequence[str]) -> list[Metric]:
    """Return the metrics called ``names``.

    Raises:
        ValueError: a name is unknown, or its package is not installed.
    """
    for name in names:
        if name not in METRICS:
            raise unknown_name("metric", name, METRICS)
        if package := METRICS[name].package:
            need(package, f"the metric '{name}'", package)
    return [METRICS[name] for name in dict.fromkeys(names)]
