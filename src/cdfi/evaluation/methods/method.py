"""Methods that predict a frame between two: a network, a baseline, or a folder of images."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from cdfi.common.choices import unknown_name
from cdfi.evaluation.data.rgb_images import (
    RgbImage,
    read_rgb_image,
    size_text,
    to_rgb_image,
    to_tensor,
)
from cdfi.evaluation.methods.baselines import BASELINES
from cdfi.evaluation.methods.predictions import prediction_file

if TYPE_CHECKING:
    from cdfi.interpolation import Interpolator


@dataclass(frozen=True)
class Method:
    """A way to predict a frame between two.

    Attributes:
        name: in tables.
        predict: from the names of data set and triplet, two images and the instant in (0, 1), to
            the image at that instant.
        parameters: of its network; None without a network.
        precision: of its network; None without a network.
        timed: whether its time is meaningful.
    """

    name: str
    predict: Callable[[str, str, RgbImage, RgbImage, Fraction], RgbImage]
    parameters: int | None = None
    precision: str | None = None
    timed: bool = True


def find_method(name: str) -> Method:
    """Return the baseline of this name, else the network of a model's name or file.

    Raises:
        ValueError: no baseline and no model has this name, or a file that is no model.
        OSError: the file cannot be read.
    """
    from cdfi.interpolation import Interpolator

    return baseline_method(name) if name in BASELINES else network_method(name, Interpolator(name))


def baseline_method(name: str) -> Method:
    """Return the classical method ``name``, a key of :data:`BASELINES`.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in BASELINES:
        raise unknown_name("baseline", name, BASELINES)
    function = BASELINES[name]
    return Method(name, lambda _, __, frame0, frame1, t: function(frame0, frame1, t))


def network_method(name: str, interpolator: "Interpolator") -> Method:
    """Return the network of ``interpolator`` as a method called ``name``.

    Networks of the AdaCoF family compute the instants that are not m / 2^d by recursive midpoints,
    within the tolerance of :meth:`cdfi.Interpolator.between`.
    """

    def predict(_: str, __: str, frame0: RgbImage, frame1: RgbImage, t: Fraction) -> RgbImage:
        return to_rgb_image(interpolator(to_tensor(frame0), to_tensor(frame1), t))

    count = sum(weights.numel() for weights in interpolator.network.parameters())
    return Method(name, predict, count, interpolator.precision)


def folder_method(folder: Path, name: str = "") -> Method:
    """Return the images in ``folder`` as a method, called ``name`` or like the folder.

    The images of a data set are in the sub-folder of its name if there is one, else in ``folder``;
    :func:`cdfi.evaluation.methods.predictions.prediction_file` finds their files.

    Raises:
        ValueError: the folder is missing.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: the folder of predictions is missing")

    def predict(dataset: str, image_name: str, frame0: RgbImage, *_: object) -> RgbImage:
        inside = folder / dataset
        file = prediction_file(inside if inside.is_dir() else folder, image_name)
        image = read_rgb_image(file)
        if image.shape != frame0.shape:
            raise ValueError(
                f"{file}: {size_text(image)} pixels, but its data set has {size_text(frame0)}"
            )
        return image

    return Method(name or folder.resolve().name, predict, timed=False)
