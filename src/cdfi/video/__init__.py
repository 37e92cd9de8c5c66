"""Video in, video out: times, colours, depth, streams and finished work are kept."""

from .job import Report, interpolate_video, plan_job
from .maker import FrameMaker, Model
from .options import Encoding, Options
from .pictures import is_image
from .rate import parse_rate
from .stills import interpolate_folder, interpolate_images

__all__ = [
    "Encoding",
    "FrameMaker",
    "Model",
    "Options",
    "Report",
    "interpolate_folder",
    "interpolate_images",
    "interpolate_video",
    "is_image",
    "parse_rate",
    "plan_job",
]
