"""Keyword arguments of the video functions, and the options they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from typing_extensions import TypedDict

from cdfi.common.choices import did_you_mean
from cdfi.video.options import Audio, Encoding, Options, Quality
from cdfi.video.timing.moment import Moment, parse_moment
from cdfi.video.timing.rate import parse_rate, parse_slow


class Settings(TypedDict, total=False):
    """Fields of :class:`Options` and :class:`Encoding` as keyword arguments."""

    factor: int | None
    fps: int | float | str | Fraction | None
    rate: int | float | str | Fraction | None
    fill_gaps: bool
    start: int | float | str | Fraction | Moment | None
    end: int | float | str | Fraction | Moment | None
    duration: int | float | str | Fraction | Moment | None
    slow: int | float | str | Fraction
    loop: bool
    motion_blur: float | None
    audio: Audio | None
    scene_threshold: float | None
    dedup: bool
    dedup_sensitivity: float | None
    hold: tuple[str, ...]
    black_bars: bool
    deinterlace: bool
    segment: int
    codec: str | None
    quality: Quality | None
    crf: float | None
    preset: str | None
    pix_fmt: str | None
    extra: Mapping[str, str]
    record_options: bool


def options_from(options: Options | None, settings: Settings) -> Options:
    """Return ``options`` with ``settings`` in place of its fields.

    Args:
        options: of the job; None means the defaults.
        settings: fields of :class:`Options` and of its ``encoding``. ``fps`` and ``rate`` are
            rates in any form that :func:`parse_rate` reads; ``start``, ``end`` and ``duration``
            are positions in any form that :func:`parse_moment` reads.

    Raises:
        TypeError: a setting has an unknown name.
        ValueError: a value is not supported.
    """
    base = options or Options()
    values: dict[str, Any] = dict(settings)
    for name in ("fps", "rate"):
        if values.get(name) is not None:
            values[name] = parse_rate(values[name])
    if "slow" in values:
        values["slow"] = parse_slow(values["slow"])
    for name in ("start", "end", "duration"):
        if values.get(name) is not None:
            values[name] = parse_moment(values[name])
    encoding = {name: values.pop(name) for name in _names(Encoding) if name in values}
    job = {name: values.pop(name) for name in _names(Options) if name in values}
    if values:
        name = next(iter(values))
        known = [*_names(Options), *_names(Encoding)]
        raise TypeError(f"unexpected option {name!r}{did_you_mean(name, known)}")
    return replace(base, encoding=replace(base.encoding, **encoding), **job)


def _names(kind: type[Options] | type[Encoding]) -> list[str]:
    return [row.name for row in fields(kind) if row.name != "encoding"]
