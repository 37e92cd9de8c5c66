"""Video in, video out: times, colours, depth, streams and finished work are kept."""

from cdfi.video.forecast import forecast
from cdfi.video.job import Report, interpolate_video
from cdfi.video.maker import FrameMaker, Model
from cdfi.video.options import Encoding, Options
from cdfi.video.pictures import is_image
from cdfi.video.plan import plan_job
from cdfi.video.preview import Preview, write_preview
from cdfi.video.rate import parse_rate
from cdfi.video.sequence import interpolate_frames
from cdfi.video.stills import interpolate_folder, interpolate_images

__all__ = [
    "Encoding",
    "FrameMaker",
    "Model",
    "Options",
    "Preview",
    "Report",
    "forecast",
    "interpolate_folder",
    "interpolate_frames",
    "interpolate_images",
    "interpolate_video",
    "is_image",
    "parse_rate",
    "plan_job",
    "write_preview",
]
