"""VapourSynth: frames between the frames of a clip.

``import cdfi.plugins.vapoursynth as cdfi_vs; clip = cdfi_vs.interpolate(clip)``. PyTorch is only
imported if a model is given by name.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cdfi.common.extras import need

vs: Any = need("vapoursynth", "cdfi.plugins.vapoursynth", "vapoursynth")

_TOLERANCE = Fraction(1, 16)
_KEPT_GAPS = 4  # whose frames stay in memory; hosts request a few frames at once
_RGB = 3


class ArrayInterpolator(Protocol):
    """A ``cdfi.Interpolator``, or anything with the same method."""

    def between(
        self,
        frame0: NDArray[np.float32],
        frame1: NDArray[np.float32],
        times: Sequence[Fraction],
        tolerance: Fraction,
        /,
    ) -> Iterable[NDArray[np.float32]]:
        """Return the frames (H, W, 3) at ``times`` in (0, 1) between two frames in [0, 1]."""


def interpolate(
    clip: Any,
    factor_num: int = 2,
    factor_den: int = 1,
    fps_num: int | None = None,
    fps_den: int | None = None,
    model: str | ArrayInterpolator = "default",
    *,
    sc: bool = True,
    sc_threshold: float | None = None,
    device: str | None = None,
    precision: str = "auto",
) -> Any:
    """Return ``clip`` at a higher frame rate.

    Frames at an instant of the source are the source's, bit for bit. The duration of the clip
    stays: after the last source frame it is repeated. ``_DurationNum``, ``_DurationDen``,
    ``_AbsoluteTime`` and the scene properties are set on each frame.

    Args:
        clip: a ``vs.VideoNode`` of constant format and size: RGBS, RGBH, or any other RGB or YUV
            format, which is converted with ``resize`` for the network and back.
        factor_num: frame rate of the result over that of the source, with ``factor_den``.
        factor_den: denominator of the factor.
        fps_num: frame rate of the result instead of a factor, with ``fps_den``.
        fps_den: denominator of the rate, by default 1.
        model: a name or path that ``cdfi.load`` takes, or an interpolator.
        sc: repeat the frame before a scene change (``_SceneChangeNext`` is 1).
        sc_threshold: also count as a scene change a mean difference of two frames above this, in
            [0, 1]; None uses the properties of the frames only.
        device: of the network.
        precision: of the network.

    Raises:
        vs.Error: the clip or an argument is not supported.
    """
    _check_clip(clip)
    step = _step(clip, factor_num, factor_den, fps_num, fps_den)
    marked = _marked(clip, sc_threshold) if sc else clip
    filtered = _Filter(marked, step, _interpolator(model, device, precision), sc)
    return filtered.result()


class _Filter:
    """The nodes of one call."""

    def __init__(
        self, clip: Any, step: Fraction, interpolator: ArrayInterpolator, sc: bool
    ) -> None:
        self.clip, self.step, self.interpolator, self.sc = clip, step, interpolator, sc
        self.last = clip.num_frames - 1
        self._lock = threading.Lock()  # VapourSynth computes several frames at a time
        self._gaps: dict[int, dict[Fraction, NDArray[np.float32]]] = {}

    def result(self) -> Any:
        """Return the node of the result."""
        clip, rate = self.clip, self.clip.fps / self.step
        length = int(clip.num_frames / self.step)
        blank = clip.std.BlankClip(
            length=length, fpsnum=rate.numerator, fpsden=rate.denominator, keep=True
        )
        before = self._moved(clip, blank, 0)
        rgb = _to_rgb(clip)
        rgb_blank = rgb.std.BlankClip(length=length, keep=True)
        pair = [self._moved(rgb, rgb_blank, shift) for shift in (0, 1)]
        interpolated = _from_rgb(rgb_blank.std.ModifyFrame([pair[0], *pair], self._frame), clip)
        chosen = blank.std.FrameEval(lambda n: before if self._at(n)[1] == 0 else interpolated)
        return chosen.std.ModifyFrame([chosen, before], self._with_times)

    def _at(self, n: int) -> tuple[int, Fraction]:
        """Return the source frame before frame ``n`` of the result, and its position in the gap."""
        position = n * self.step
        first = min(int(position), self.last)
        return first, position - first if first < self.last else Fraction(0)

    def _moved(self, clip: Any, blank: Any, shift: int) -> Any:
        """Return the source frame before each frame of the result, or the one after it."""
        return blank.std.FrameEval(lambda n: clip[min(self._at(n)[0] + shift, self.last)])

    def _frame(self, n: int, f: list[Any]) -> Any:
        """Return an RGB frame: the interpolated one, or the source frame before a cut."""
        first, t = self._at(n)
        if t == 0 or (self.sc and f[1].props.get("_SceneChangeNext", 0) == 1):
            return f[0]
        frame = f[0].copy()
        with self._lock:
            pixels = self._between(first, f[1], f[2])[t]
        for plane in range(_RGB):
            np.copyto(np.asarray(frame[plane]), pixels[:, :, plane], casting="same_kind")
        return frame

    def _between(self, first: int, frame0: Any, frame1: Any) -> dict[Fraction, NDArray[np.float32]]:
        """Return all frames of the result between two source frames, by instant."""
        if first not in self._gaps:
            numbers = range(int(first / self.step), int((first + 1) / self.step) + 1)
            positions = [self._at(n) for n in numbers]
            times = [t for number, t in positions if number == first and t > 0]
            tolerance = min(_TOLERANCE, Fraction(1, 2 * (len(times) + 1)))
            frames = self.interpolator.between(_pixels(frame0), _pixels(frame1), times, tolerance)
            while len(self._gaps) >= _KEPT_GAPS:
                self._gaps.pop(next(iter(self._gaps)))
            self._gaps[first] = dict(zip(times, frames))
        return self._gaps[first]

    def _with_times(self, n: int, f: list[Any]) -> Any:
        """Return a frame with its duration, its time and its scene properties."""
        frame, source = f[0].copy(), f[1].props
        first, t = self._at(n)
        for side, neighbour in (("_SceneChangePrev", n - 1), ("_SceneChangeNext", n + 1)):
            if side in source:
                apart = neighbour < 0 or self._at(neighbour)[0] != first
                frame.props[side] = int(apart and source[side] == 1)
        duration = _duration(source, self.clip.fps)
        if duration:
            own = duration * self.step
            frame.props["_DurationNum"], frame.props["_DurationDen"] = own.as_integer_ratio()
            if "_AbsoluteTime" in source:
                frame.props["_AbsoluteTime"] = source["_AbsoluteTime"] + float(t * duration)
        return frame


def _check_clip(clip: Any) -> None:
    if not isinstance(clip, vs.VideoNode):
        raise vs.Error(f"cdfi: expected a vs.VideoNode, got a {type(clip).__name__}")
    if clip.format is None or clip.width == 0:
        raise vs.Error("cdfi: the format and the size of the clip must be constant")
    if clip.format.color_family not in (vs.RGB, vs.YUV):
        raise vs.Error(f"cdfi: expected an RGB or YUV clip, got {clip.format.name}")


def _step(
    clip: Any, factor_num: int, factor_den: int, fps_num: int | None, fps_den: int | None
) -> Fraction:
    """Return the distance of frames of the result, in frames of the source."""
    if fps_num is None:
        if factor_num < 1 or factor_den < 1 or factor_num < factor_den:
            raise vs.Error(f"cdfi: expected a factor of 1 or more, got {factor_num}/{factor_den}")
        return Fraction(factor_den, factor_num)
    if clip.fps == 0:
        raise vs.Error("cdfi: fps_num needs a clip of constant frame rate; use factor_num")
    rate = Fraction(fps_num, fps_den or 1)
    if rate < clip.fps:
        raise vs.Error(f"cdfi: expected a rate of at least {clip.fps}, got {rate}")
    return Fraction(clip.fps) / rate


def _interpolator(
    model: str | ArrayInterpolator, device: str | None, precision: str
) -> ArrayInterpolator:
    if hasattr(model, "between"):
        return model
    try:
        from cdfi.interpolation import Interpolator

        interpolator: Any = Interpolator(model, device, precision=precision)  # type: ignore[arg-type]
    except (ValueError, OSError, ImportError) as error:
        raise vs.Error(f"cdfi: {error}") from error
    return interpolator  # type: ignore[no-any-return]


def _marked(clip: Any, threshold: float | None) -> Any:
    """Return the clip with ``_SceneChangeNext`` and ``_SceneChangePrev`` by mean differences."""
    if threshold is None or clip.num_frames < 2:
        return clip
    if not 0 <= threshold <= 1:
        raise vs.Error(f"cdfi: expected an sc_threshold from 0 to 1, got {threshold}")
    grey = clip.resize.Bilinear(format=vs.GRAY8, **_matrix_out(clip))
    following = grey.std.PlaneStats(grey[1:] + grey[-1])
    previous = grey.std.PlaneStats(grey[0] + grey[:-1])

    def mark(n: int, f: list[Any]) -> Any:
        frame = f[0].copy()
        for name, stats in (("_SceneChangeNext", f[1]), ("_SceneChangePrev", f[2])):
            cut = int(stats.props["PlaneStatsDiff"] > threshold)
            frame.props[name] = max(cut, frame.props.get(name, 0))
        return frame

    return clip.std.ModifyFrame([clip, following, previous], mark)


def _matrix_out(clip: Any) -> dict[str, int]:
    return {"matrix": int(vs.MATRIX_BT709)} if clip.format.color_family == vs.RGB else {}


def _to_rgb(clip: Any) -> Any:
    """Return the clip as RGBS, or as it is if it is RGBS or RGBH."""
    if clip.format.id in (vs.RGBS, vs.RGBH):
        return clip
    if clip.format.color_family == vs.RGB:
        return clip.resize.Bicubic(format=vs.RGBS)
    return clip.resize.Bicubic(format=vs.RGBS, matrix_in=_matrix(clip))


def _from_rgb(rgb: Any, like: Any) -> Any:
    """Return an RGB clip in the format of ``like``."""
    if rgb.format.id == like.format.id:
        return rgb
    if like.format.color_family == vs.RGB:
        return rgb.resize.Bicubic(format=like.format.id)
    props = like.get_frame(0).props
    extra = {name: props[key] for name, key in _KEPT.items() if key in props}
    if "range" not in extra and "_ColorRange" in props:  # of older hosts; 0 is the full range there
        extra["range"] = 1 - props["_ColorRange"]
    return rgb.resize.Bicubic(format=like.format.id, matrix=_matrix(like), **extra)


#: Argument of ``resize`` -> property of frames.
_KEPT = {"range": "_Range", "chromaloc": "_ChromaLocation"}
_SMALL = 576  # rows of standard definition


def _matrix(clip: Any) -> int:
    """Return the matrix of a YUV clip: of its first frame, else by its size."""
    found = clip.get_frame(0).props.get("_Matrix", vs.MATRIX_UNSPECIFIED)
    if found not in (vs.MATRIX_UNSPECIFIED, vs.MATRIX_RGB):
        return int(found)
    return int(vs.MATRIX_BT709 if clip.height > _SMALL else vs.MATRIX_ST170_M)


def _pixels(frame: Any) -> NDArray[np.float32]:
    """Return an RGB frame as float32 (H, W, 3), clamped to [0, 1]."""
    planes = [np.asarray(frame[plane], np.float32) for plane in range(_RGB)]
    return np.clip(np.stack(planes, -1), 0, 1)


def _duration(props: Any, rate: Fraction) -> Fraction | None:
    """Return the seconds that a source frame is shown, if they are known."""
    if props.get("_DurationDen", 0) and "_DurationNum" in props:
        return Fraction(props["_DurationNum"], props["_DurationDen"])
    return 1 / Fraction(rate) if rate else None
