"""Differentiable image metrics on batches ``(N, C, H, W)``."""

from cdfi.metrics.ie import ie, mean_absolute_error
from cdfi.metrics.lpips import lpips
from cdfi.metrics.psnr import psnr
from cdfi.metrics.ssim import ssim
from cdfi.metrics.temporal import flicker, temporal_lpips

__all__ = ["flicker", "ie", "lpips", "mean_absolute_error", "psnr", "ssim", "temporal_lpips"]
