"""Interpolate videos and images: times, colours, depth and other streams are kept."""

from typing import TYPE_CHECKING

from cdfi.common.lazy import lazy_names

if TYPE_CHECKING:
    from cdfi.video.diagnostics import environment as environment
    from cdfi.video.dry_run import estimate as estimate
    from cdfi.video.frames import interpolate_frames as interpolate_frames
    from cdfi.video.image_folders import interpolate_folder as interpolate_folder
    from cdfi.video.images import interpolate_images as interpolate_images
    from cdfi.video.interpolate import VideoReport as VideoReport
    from cdfi.video.interpolate import interpolate_video as interpolate_video
    from cdfi.video.jobs.model import AnyModel as AnyModel
    from cdfi.video.jobs.model import FrameInterpolator as FrameInterpolator
    from cdfi.video.jobs.model import ModelSpec as ModelSpec
    from cdfi.video.jobs.plan import plan_job as plan_job
    from cdfi.video.jobs.watch import JobWatch as JobWatch
    from cdfi.video.kernel_warm_up import warm_up as warm_up
    from cdfi.video.keywords import Settings as Settings
    from cdfi.video.notebook import show_frames as show_frames
    from cdfi.video.options import Encoding as Encoding
    from cdfi.video.options import Options as Options
    from cdfi.video.pipes import interpolate_to_stream as interpolate_to_stream
    from cdfi.video.preview import Preview as Preview
    from cdfi.video.preview import write_preview as write_preview
    from cdfi.video.timing.rate import parse_rate as parse_rate
    from cdfi.video.writing.image_files import is_image as is_image

#: Public name -> module. They are imported on first use, because the command line reads the options
#: before it imports PyTorch.
_MODULES = {
    "AnyModel": "jobs.model",
    "Encoding": "options",
    "FrameInterpolator": "jobs.model",
    "JobWatch": "jobs.watch",
    "ModelSpec": "jobs.model",
    "Options": "options",
    "Preview": "preview",
    "Settings": "keywords",
    "VideoReport": "interpolate",
    "environment": "diagnostics",
    "estimate": "dry_run",
    "interpolate_folder": "image_folders",
    "interpolate_frames": "frames",
    "interpolate_images": "images",
    "interpolate_to_stream": "pipes",
    "interpolate_video": "interpolate",
    "is_image": "writing.image_files",
    "parse_rate": "timing.rate",
    "plan_job": "jobs.plan",
    "show_frames": "notebook",
    "warm_up": "kernel_warm_up",
    "write_preview": "preview",
}

__all__ = sorted(_MODULES)
__getattr__ = lazy_names(__name__, _MODULES)


def __dir__() -> list[str]:
    return __all__
