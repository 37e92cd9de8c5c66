"""Video in, video out: times, colours, depth, streams and finished work are kept."""

from .forecast import forecast
from .job import Report, interpolate_video
from .maker import FrameMaker, Model
from .options import Encoding, Options
from .pictures import is_image
from .plan import plan_job
from .preview import Preview, write_preview
from .rate import parse_rate
from .sequence import interpolate_frames
from .stills import interpolate_folder, interpolate_images

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
