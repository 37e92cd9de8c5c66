"""Check this machine: codecs, devices, folders, and the interpolation of one frame."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import av
import numpy as np
import psutil
from av.codec import Codec
from av.codec.codec import UnknownCodecError

from cdfi.common.cache import cache_folder
from cdfi.common.devices import choose_device
from cdfi.common.machine import describe_machine, versions
from cdfi.interpolation import Interpolator
from cdfi.video.writing.codecs import CODECS
from cdfi.video.writing.quality import LEVELS

State = Literal["ok", "note", "fail"]
DECODERS = ("h264", "hevc", "av1", "vp9", "prores", "ffv1", "mpeg2video")
LEAST_DISK, LEAST_MEMORY = 2e9, 1e9  # bytes below which jobs of usual videos fail


class Check(NamedTuple):
    """One check.

    Attributes:
        name: what was checked.
        state: "note" is for information and stops nothing.
        text: what was found.
        remedy: what to do; "" if nothing.
    """

    name: str
    state: State
    text: str
    remedy: str = ""


def run_checks() -> Iterator[Check]:
    """Yield each check when it is done; none raises."""
    for name, function in CHECKS.items():
        try:
            yield function(name)
        except Exception as error:  # a broken driver may raise anything
            text = " ".join(str(error).split()) or type(error).__name__
            yield Check(name, "fail", text, "report it with: cdfi info --environment")


def _versions(name: str) -> Check:
    return Check(name, "ok", ", ".join(f"{key} {value}" for key, value in versions().items()))


def _machine(name: str) -> Check:
    return Check(name, "ok", describe_machine(choose_device()))


def _gpu(name: str) -> Check:
    device = choose_device()
    if device.type == "cpu":
        return Check(name, "note", "none that PyTorch can use: frames are computed on the CPU")
    return Check(name, "ok", str(device))


def _decoders(name: str) -> Check:
    missing = [codec for codec in DECODERS if not _exists(codec, "r")]
    if missing:
        return Check(name, "fail", f"missing: {', '.join(missing)}", "pip install --upgrade av")
    return Check(name, "ok", ", ".join(DECODERS))


def _encoders(name: str) -> Check:
    missing = [key for key, row in CODECS.items() if not _exists(row.encoder, "w")]
    if missing:
        return Check(name, "fail", f"missing: {', '.join(missing)}", "pip install --upgrade av")
    return Check(name, "ok", ", ".join(CODECS))


def _hardware(name: str) -> Check:
    """Open each hardware encoder that libav knows: many are compiled in without their device."""
    kinds = ("nvenc", "qsv", "amf", "vaapi", "videotoolbox")
    opened = [encoder for encoder in LEVELS if encoder.endswith(kinds) and _opens(encoder)]
    return Check(name, "ok" if opened else "note", ", ".join(opened) or "none works here")


def _cache(name: str) -> Check:
    folder = cache_folder()
    if not _is_writable(folder):
        remedy = "set CDFI_CACHE to another folder"
        return Check(name, "fail", f"{folder} cannot be written", remedy)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Check(name, "ok", f"{folder}, {size / 1e6:.0f} MB")


def _kernels(name: str) -> Check:
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parents[1])
    if _is_writable(folder):
        return Check(name, "ok", f"kept in {folder}")
    return Check(name, "note", "kept in Numba's cache of the user, or compiled in each process")


def _disk(name: str) -> Check:
    free = psutil.disk_usage(str(Path.cwd())).free
    state: State = "ok" if free > LEAST_DISK else "note"
    return Check(name, state, f"{free / 1e9:.1f} GB free in {Path.cwd()}")


def _memory(name: str) -> Check:
    free = psutil.virtual_memory().available
    state: State = "ok" if free > LEAST_MEMORY else "note"
    return Check(name, state, f"{free / 1e9:.1f} GB free")


def _frame(name: str) -> Check:
    """Interpolate a moving square, and compare the result with the true frame."""
    frames = np.zeros((3, 64, 64, 3), np.float32)
    for number, frame in enumerate(frames):
        frame[16:48, 12 + 4 * number : 44 + 4 * number] = 0.8
    begin = time.perf_counter()
    result = Interpolator()(frames[0], frames[2])
    seconds = time.perf_counter() - begin
    error = float(np.abs(result - frames[1]).mean())
    change = float(np.abs(frames[0] - frames[1]).mean())
    if not np.isfinite(result).all() or error > change / 2:
        return Check(name, "fail", f"wrong by {error:.3f}", "try --device cpu --precision fp32")
    return Check(name, "ok", f"right on {choose_device()}, {seconds:.1f} s with compilation")


CHECKS: dict[str, Callable[[str], Check]] = {
    "versions": _versions,
    "machine": _machine,
    "GPU": _gpu,
    "memory": _memory,
    "disk": _disk,
    "cache": _cache,
    "compiled kernels": _kernels,
    "decoders": _decoders,
    "encoders": _encoders,
    "hardware encoders": _hardware,
    "one frame": _frame,
}


def _exists(codec: str, mode: Literal["r", "w"]) -> bool:
    try:
        Codec(codec, mode)
    except (UnknownCodecError, ValueError):
        return False
    return True


def _opens(encoder: str) -> bool:
    """Return whether an encoder can be opened for a small frame."""
    if not _exists(encoder, "w"):
        return False
    try:
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, av.VideoCodecContext)
        formats = [one.name for one in Codec(encoder, "w").video_formats or []]
        context.width, context.height = 256, 256
        context.pix_fmt = "nv12" if "nv12" in formats else (formats or ["yuv420p"])[0]
        context.framerate = Fraction(25)
        context.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
