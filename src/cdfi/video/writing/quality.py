"""Words for quality, and what they mean for each encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from cdfi.common.choices import unknown_name
from cdfi.video.options import Encoding, Quality
from cdfi.video.pixels.formats import layout
from cdfi.video.writing.codecs import CodecRow, split_profile

Options = Mapping[str, str]
#: An encoder that is lossless at every setting, or has a single one.
ALWAYS_LOSSLESS: Options = {}


def _levels(option: str, high: int, medium: int, small: int, **others: str) -> dict[str, Options]:
    """Return three levels of one option."""
    values = {"high": high, "medium": medium, "small": small}
    return {word: {option: str(value), **others} for word, value in values.items()}


def _nvenc(high: int, medium: int, small: int) -> dict[str, Options]:
    """Return the levels of NVIDIA's encoders: constant quality without a bound of the rate."""
    return {
        "lossless": {"tune": "lossless"},
        **_levels("cq", high, medium, small, rc="vbr", b="0"),
    }


def _amf(high: int, medium: int, small: int) -> dict[str, Options]:
    """Return the levels of AMD's encoders: a constant quantizer."""
    values = {"high": high, "medium": medium, "small": small}
    return {
        word: {"rc": "cqp", "qp_i": str(value), "qp_p": str(value)}
        for word, value in values.items()
    }


def _toolbox(high: int, medium: int, small: int) -> dict[str, Options]:
    """Return the levels of Apple's encoders: a quality from 1 to 100 in libav's unit, 118."""
    return _levels("global_quality", 118 * high, 118 * medium, 118 * small, flags="+qscale")


#: Encoder of libav -> word -> its options. "high" is hardly distinguishable from the source,
#: "medium" suits most uses, "small" shows losses in fast motion.
LEVELS: dict[str, dict[str, Options]] = {
    "libx264": {
        "lossless": {"qp": "0", "crf": "-1"},  # crf 0 is lossless for 8 bits only
        **_levels("crf", 15, 20, 26),
    },
    "libx265": {"lossless": {"x265-params": "lossless=1"}, **_levels("crf", 16, 21, 27)},
    "libsvtav1": {"lossless": {"svtav1-params": "lossless=1"}, **_levels("crf", 18, 28, 40)},
    "libaom-av1": {
        "lossless": {"aom-params": "lossless=1"},
        **_levels("crf", 16, 26, 38, b="0"),
    },
    "libvpx-vp9": {"lossless": {"lossless": "1", "crf": "-1"}, **_levels("crf", 16, 26, 38, b="0")},
    "libvpx": _levels("crf", 8, 16, 28, b="8M"),
    "ffv1": dict.fromkeys(get_args(Quality), ALWAYS_LOSSLESS),
    "png": dict.fromkeys(get_args(Quality), ALWAYS_LOSSLESS),
    "rawvideo": dict.fromkeys(get_args(Quality), ALWAYS_LOSSLESS),
    "prores_ks": {
        "high": {"profile": "hq"},
        "medium": {"profile": "standard"},
        "small": {"profile": "lt"},
    },
    "h264_nvenc": _nvenc(17, 23, 29),
    "hevc_nvenc": _nvenc(18, 24, 30),
    "av1_nvenc": _levels("cq", 22, 30, 40, rc="vbr", b="0"),
    "h264_qsv": _levels("global_quality", 17, 23, 29),
    "hevc_qsv": _levels("global_quality", 18, 24, 30),
    "av1_qsv": _levels("global_quality", 20, 28, 38),
    "vp9_qsv": _levels("global_quality", 20, 28, 38),
    "h264_amf": _amf(17, 23, 29),
    "hevc_amf": _amf(18, 24, 30),
    "av1_amf": _amf(80, 120, 160),  # of 255
    "h264_vaapi": _levels("global_quality", 18, 23, 29, rc_mode="CQP"),
    "hevc_vaapi": _levels("global_quality", 18, 24, 30, rc_mode="CQP"),
    "av1_vaapi": _levels("global_quality", 80, 120, 160, rc_mode="CQP"),
    "h264_videotoolbox": _toolbox(75, 60, 45),
    "hevc_videotoolbox": _toolbox(75, 60, 45),
    "prores_videotoolbox": {
        "high": {"profile": "hq"},
        "medium": {"profile": "standard"},
        "small": {"profile": "lt"},
    },
}
#: The same for frames that only ProRes 4444 holds: with alpha, 4:4:4 or RGB.
FULL_CHROMA: dict[str, dict[str, Options]] = {
    "prores_ks": {
        "high": {"profile": "4444"},
        "medium": {"profile": "4444", "bits_per_mb": "1600"},
        "small": {"profile": "4444", "bits_per_mb": "800"},
    }
}
PRORES = ("proxy", "lt", "standard", "hq", "4444", "4444xq")


def quality_options(row: CodecRow, level: Quality, pix_fmt: str) -> dict[str, str]:
    """Return the options of an encoder for a word.

    Args:
        row: the encoder.
        level: the word.
        pix_fmt: format of the frames to encode.

    Raises:
        ValueError: the encoder has no such level, or is not in the table.
    """
    levels = LEVELS.get(row.encoder)
    if row.encoder in FULL_CHROMA and layout(pix_fmt).shifts == (0, 0):
        levels = FULL_CHROMA[row.encoder]
    if levels is None:
        raise ValueError(
            f"--quality: encoder {row.encoder} has no words for quality; expected one of "
            f"{', '.join(LEVELS)}, or give its own options with -x"
        )
    if level not in levels:
        raise ValueError(
            f"--quality: {row.encoder} has no level {level}, only {', '.join(levels)}; "
            "lossless are ffv1, h264, hevc, av1 and vp9"
        )
    return dict(levels[level])


def asked_options(row: CodecRow, asked: Encoding, pix_fmt: str) -> dict[str, str]:
    """Return the encoder's options that follow from what the user asked for.

    Args:
        row: the encoder.
        asked: quality, profile, speed and other options.
        pix_fmt: format of the frames to encode.

    Raises:
        ValueError: the encoder has no such option or profile.
    """
    options: dict[str, str] = {}
    if asked.quality is not None:
        options |= quality_options(row, asked.quality, pix_fmt)
    if asked.crf is not None:
        options[_option(row, row.quality, "crf")] = f"{asked.crf:g}"
    if asked.preset is not None:
        options[_option(row, row.speed, "preset")] = asked.preset
    if profile := split_profile(asked.codec)[1]:
        options["profile"] = profile
    if row.encoder.startswith("prores"):
        _check_profile(options.get("profile"))
    for name, value in asked.extra.items():
        joined = name in options and name.endswith("-params")
        options[name] = f"{options[name]}:{value}" if joined else value
    return options


def fitting_formats(row: CodecRow, asked: Encoding, formats: list[str]) -> list[str]:
    """Return the pixel formats that suit the profile: ProRes 4444 is 4:4:4, the others 4:2:2."""
    profile = split_profile(asked.codec)[1] or (asked.preset if row.speed == "profile" else None)
    if profile is None or not row.encoder.startswith("prores"):
        return formats
    shifts = (0, 0) if profile.startswith("4444") else (1, 0)
    return [name for name in formats if layout(name).shifts == shifts] or formats


def _check_profile(profile: str | None) -> None:
    """Raise ValueError for a profile that ProRes does not have, by its name or number."""
    if profile is not None and profile not in PRORES and not profile.isdecimal():
        raise unknown_name("profile of ProRes", profile, PRORES)


def _option(row: CodecRow, name: str, what: str) -> str:
    """Return the encoder's own name for an option."""
    if not name:
        raise ValueError(f"encoder {row.encoder} has no {what}: give its own options with -x")
    return name
