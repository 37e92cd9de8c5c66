"""ComfyUI nodes: more frames for a VIDEO, file to file, and for a batch of IMAGEs.

In a folder of ``custom_nodes``, an ``__init__.py`` with one line registers them:
``from cdfi.plugins.comfyui import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cdfi.common.files import move
from cdfi.interpolation import Interpolator
from cdfi.weights import BUNDLED, DEFAULT

_MOST_FACTOR, _MOST_FPS = 64, 1000
MODELS = [DEFAULT, *(name for name in BUNDLED if name != DEFAULT)]

Inputs = dict[str, dict[str, tuple[Any, ...]]]


class Host(NamedTuple):
    """What the nodes use of ComfyUI."""

    progress_bar: Callable[[int], Any]  # with update_absolute(value, total)
    stop_if_interrupted: Callable[[], None]
    device: Callable[[], torch.device]
    temporary_folder: Callable[[], str]
    video_from_file: Callable[[str], Any]


def _host() -> Host:
    """Return what the nodes use of ComfyUI.

    Raises:
        ImportError: cdfi does not run inside ComfyUI, or its version has no VIDEO.
    """
    try:
        utils, management = import_module("comfy.utils"), import_module("comfy.model_management")
        folders, api = import_module("folder_paths"), import_module("comfy_api.latest")
    except ImportError as error:
        raise ImportError(
            "the nodes of cdfi run inside ComfyUI 0.3.50 or newer: make a folder in its "
            "custom_nodes that imports cdfi.plugins.comfyui"
        ) from error
    return Host(
        utils.ProgressBar,
        management.throw_exception_if_processing_interrupted,
        management.get_torch_device,
        folders.get_temp_directory,
        api.InputImpl.VideoFromFile,
    )


class InterpolateVideo:
    """VIDEO -> VIDEO: file to file, two frames in memory; sound, colours and streams are kept."""

    CATEGORY = "video"
    FUNCTION = "interpolate"
    RETURN_TYPES = ("VIDEO",)
    DESCRIPTION = "Compute frames between the frames of a video; sound and colours are kept."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802
        """Return the inputs, as ComfyUI describes them."""
        return {
            "required": {
                "video": ("VIDEO",),
                "factor": ("INT", {"default": 2, "min": 2, "max": _MOST_FACTOR}),
                "model": (MODELS, {"default": DEFAULT}),
            },
            "optional": {
                "fps": (
                    "FLOAT",
                    {
                        "default": 0.0,
                        "min": 0.0,
                        "max": float(_MOST_FPS),
                        "step": 0.001,
                        "tooltip": "Constant rate instead of the factor; 0 uses the factor.",
                    },
                ),
                "slow": ("INT", {"default": 1, "min": 1, "max": _MOST_FACTOR}),
            },
        }

    def interpolate(
        self, video: Any, factor: int, model: str, fps: float = 0.0, slow: int = 1
    ) -> tuple[Any]:
        """Return the interpolated video, a file in the host's temporary folder."""
        from cdfi.video import interpolate_video, parse_rate

        host = _host()
        bar = host.progress_bar(1)

        def progress(done: int, total: int | None) -> None:
            host.stop_if_interrupted()
            bar.update_absolute(done, total or max(done, 1))

        temporary = Path(host.temporary_folder())
        temporary.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=temporary, prefix="cdfi-") as folder:
            source, start, duration = _view_of(video, host.video_from_file, Path(folder))
            target = Path(folder) / f"result{source.suffix}"
            interpolate_video(
                source,
                target,
                start=start,
                duration=duration,
                model=_interpolator(model, str(host.device())),
                factor=None if fps else factor,
                fps=parse_rate(f"{fps:.6g}") if fps else None,
                slow=slow,
                progress=progress,
            )
            kept = temporary / f"cdfi-{secrets.token_hex(8)}{source.suffix}"
            move(target, kept)
        return (host.video_from_file(str(kept)),)


class InterpolateImages:
    """IMAGE -> IMAGE: a batch in memory; the result is allocated once and filled."""

    CATEGORY = "image/batch"
    FUNCTION = "interpolate"
    RETURN_TYPES = ("IMAGE",)
    DESCRIPTION = "Compute frames between the images of a batch."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802
        """Return the inputs, as ComfyUI describes them."""
        return {
            "required": {
                "images": ("IMAGE",),
                "factor": ("INT", {"default": 2, "min": 2, "max": _MOST_FACTOR}),
                "model": (MODELS, {"default": DEFAULT}),
            }
        }

    def interpolate(self, images: Tensor, factor: int, model: str) -> tuple[Tensor]:
        """Return (T - 1) * factor + 1 images from (T, H, W, 3) in [0, 1]."""
        if images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f"expected images (T, H, W, 3), got {tuple(images.shape)}")
        host, gaps = _host(), len(images) - 1
        interpolator = _interpolator(model, str(host.device()))
        bar = host.progress_bar(max(gaps, 1))
        result = images.new_empty((gaps * factor + 1, *images.shape[1:]))
        result[::factor] = images
        for i in range(gaps):
            host.stop_if_interrupted()
            before, after = (images[n].permute(2, 0, 1) for n in (i, i + 1))
            for step, frame in enumerate(interpolator.between(before, after, factor - 1), 1):
                result[i * factor + step] = frame.permute(1, 2, 0)
            bar.update_absolute(i + 1, gaps)
        return (result,)


@lru_cache(maxsize=1)
def _interpolator(model: str, device: str) -> Interpolator:
    """Return the interpolator of a model; the last one is kept."""
    return Interpolator(model, device)


class _View(NamedTuple):
    """What a VIDEO shows: a file, or a part of it in seconds."""

    file: Path
    start: float | None = None
    duration: float | None = None


def _view_of(video: Any, video_from_file: Any, folder: Path) -> _View:
    """Return what a VIDEO shows; one that is in memory or cropped is saved in ``folder``.

    A VIDEO may show a part of its file only. Newer versions of ComfyUI have a method that returns
    the times of that part; in older ones a VIDEO that is shorter than its file is saved.
    """
    source = video.get_stream_source() if isinstance(video, video_from_file) else None
    if isinstance(source, str) and Path(source).is_file():
        whole = video_from_file(source)
        if video.get_dimensions() == whole.get_dimensions():
            if video.get_duration() == whole.get_duration():
                return _View(Path(source))
            if hasattr(video, "get_active_trim_window"):
                start, duration = video.get_active_trim_window()
                return _View(Path(source), start or None, duration or None)
    saved = folder / "source.mp4"
    video.save_to(str(saved))
    return _View(saved)


#: Names that ComfyUI reads.
NODE_CLASS_MAPPINGS: dict[str, type] = {
    "CdfiInterpolateVideo": InterpolateVideo,
    "CdfiInterpolateImages": InterpolateImages,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "CdfiInterpolateVideo": "Interpolate Video (cdfi)",
    "CdfiInterpolateImages": "Interpolate Images (cdfi)",
}
