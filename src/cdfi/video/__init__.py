"""Video in, video out: times, colours, depth, streams and finished work are kept."""

from cdfi.video.dry_run import estimate
from cdfi.video.environment import environment
from cdfi.video.frames import interpolate_frames
from cdfi.video.images import interpolate_folder, interpolate_images
from cdfi.video.interpolate import VideoReport, interpolate_video
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec
from cdfi.video.jobs.plan import plan_job
from cdfi.video.options import Encoding, Options
from cdfi.video.preview import Preview, write_preview
from cdfi.video.timing.rate import parse_rate
from cdfi.video.writing.image_files import is_image

__all__ = [
    "Encoding",
    "FrameInterpolator",
    "ModelSpec",
    "Options",
    "Preview",
    "VideoReport",
    "environment",
    "estimate",
    "interpolate_folder",
    "interpolate_frames",
    "interpolate_images",
    "interpolate_video",
    "is_image",
    "parse_rate",
    "plan_job",
    "write_preview",
]
