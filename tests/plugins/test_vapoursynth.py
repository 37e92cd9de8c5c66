"""The filter inside VapourSynth, with a stub for the network: ``make test-vapoursynth``."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

vs = pytest.importorskip("vapoursynth", reason="vapoursynth is not installed")

from cdfi.plugins.vapoursynth import interpolate  # noqa: E402

SOURCE = Path(__file__).parents[2] / "src"
DEMO = SOURCE / "cdfi" / "cli" / "demo_clip.mp4"
WIDTH, HEIGHT, COUNT = 18, 10, 6


class Mean:
    """Computes weighted means; fails if two threads use it at once."""

    def __init__(self) -> None:
        self.calls: list[list[Fraction]] = []
        self._lock = threading.Lock()

    def between(
        self, frame0: np.ndarray, frame1: np.ndarray, times: list[Fraction], tolerance: Fraction
    ) -> Iterator[np.ndarray]:
        assert self._lock.acquire(blocking=False), "two threads use the network at once"
        try:
            self.calls.append(list(times))
            for t in times:
                yield frame0 + (frame1 - frame0) * np.float32(t)
        finally:
            self._lock.release()


def clip_of(format: int = vs.RGBS, count: int = COUNT) -> Any:
    """Frame n is grey of n / 8, with a gradient, at 24 frames a second."""
    blank = vs.core.std.BlankClip(
        width=WIDTH, height=HEIGHT, format=vs.RGBS, length=count, fpsnum=24, keep=True
    )

    def fill(n: int, f: Any) -> Any:
        frame = f.copy()
        for plane in range(3):
            pixels = np.asarray(frame[plane])
            pixels[:] = n / 8 + np.linspace(0, 0.2, WIDTH, dtype=np.float32) * (plane + 1) / 3
        return frame

    clip = blank.std.ModifyFrame(blank, fill)
    if format == vs.RGBS:
        return clip
    extra = {} if vs.core.get_video_format(format).color_family == vs.RGB else {"matrix_s": "709"}
    return clip.resize.Bicubic(format=format, **extra)


def planes(frame: Any) -> list[np.ndarray]:
    return [np.array(frame[plane]) for plane in range(frame.format.num_planes)]


def same(frame: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(planes(frame), planes(other), strict=True))


FORMATS = ["RGBS", "RGBH", "RGB24", "YUV420P8", "YUV420P10", "YUV444PS"]


@pytest.mark.parametrize("name", FORMATS)
def test_source_frames_are_kept_and_frames_lie_between(name: str) -> None:
    clip = clip_of(getattr(vs, name))
    result = interpolate(clip, model=Mean())
    assert (result.format.id, result.num_frames, result.fps) == (clip.format.id, 2 * COUNT, 48)
    assert (result.width, result.height) == (WIDTH, HEIGHT)
    peak = 1 if clip.format.sample_type == vs.FLOAT else 2**clip.format.bits_per_sample - 1
    for i in range(COUNT - 1):
        assert same(result.get_frame(2 * i), clip.get_frame(i))
        before, made, after = (
            planes(f)
            for f in (clip.get_frame(i), result.get_frame(2 * i + 1), clip.get_frame(i + 1))
        )
        for a, m, b in zip(before, made, after, strict=True):
            mean = (a.astype(np.float32) + b) / 2
            np.testing.assert_allclose(m, mean, atol=1.01 if peak > 1 else 2e-3)


def test_the_last_frame_is_repeated_so_that_the_duration_stays() -> None:
    clip = clip_of()
    result = interpolate(clip, 3, model=Mean())
    assert result.num_frames == 3 * COUNT
    for n in range(3 * (COUNT - 1), 3 * COUNT):
        assert same(result.get_frame(n), clip.get_frame(COUNT - 1))


def test_a_rational_factor_and_a_rate_give_the_same_exact_instants() -> None:
    clip = clip_of()
    mean = Mean()
    result = interpolate(clip, 5, 2, model=mean)
    by_rate = interpolate(clip, fps_num=60, fps_den=1, model=Mean())
    assert result.fps == by_rate.fps == 60
    assert result.num_frames == by_rate.num_frames == 15
    for n in range(result.num_frames):
        frame = result.get_frame(n)
        assert same(frame, by_rate.get_frame(n))
        expected = min(Fraction(2 * n, 5), COUNT - 1) / 8
        assert float(planes(frame)[0][0, 0]) == pytest.approx(float(expected), abs=1e-6)
        assert Fraction(frame.props["_DurationNum"], frame.props["_DurationDen"]) == Fraction(1, 60)
    assert [Fraction(2, 5), Fraction(4, 5)] in mean.calls
    assert [Fraction(1, 5), Fraction(3, 5)] in mean.calls


def test_before_a_scene_change_the_frame_is_repeated() -> None:
    clip = clip_of()
    cut = clip[2].std.SetFrameProps(_SceneChangeNext=1)
    start = clip[3].std.SetFrameProps(_SceneChangePrev=1)
    clip = clip[:2] + cut + start + clip[4:]
    result = interpolate(clip, model=Mean())
    assert same(result.get_frame(5), clip.get_frame(2))
    assert not same(result.get_frame(3), clip.get_frame(1))
    flags = [result.get_frame(n).props for n in (4, 5, 6, 7)]
    assert [p.get("_SceneChangeNext", 0) for p in flags] == [0, 1, 0, 0]
    assert [p.get("_SceneChangePrev", 0) for p in flags] == [0, 0, 1, 0]
    without = interpolate(clip, model=Mean(), sc=False)
    assert not same(without.get_frame(5), clip.get_frame(2))


def test_a_threshold_finds_scene_changes_by_the_difference_of_frames() -> None:
    clip = clip_of()
    jump = clip[:2] + clip[5] + clip[5]
    result = interpolate(jump, model=Mean(), sc_threshold=0.3)
    assert same(result.get_frame(3), jump.get_frame(1))
    assert not same(result.get_frame(1), jump.get_frame(0))


def test_variable_durations_are_divided() -> None:
    clip = clip_of().std.SetFrameProps(_DurationNum=1, _DurationDen=10, _AbsoluteTime=2.0)
    result = interpolate(clip, 4, model=Mean())
    props = result.get_frame(1).props
    assert Fraction(props["_DurationNum"], props["_DurationDen"]) == Fraction(1, 40)
    assert props["_AbsoluteTime"] == pytest.approx(2.025)


def test_many_threads_use_the_network_one_at_a_time_and_each_gap_once() -> None:
    mean = Mean()
    result = interpolate(clip_of(), 4, model=mean)
    frames = list(result.frames(prefetch=8))
    assert len(frames) == 4 * COUNT
    assert len(mean.calls) == COUNT - 1


def test_one_frame_stays_as_it_is() -> None:
    clip = clip_of(count=1)
    result = interpolate(clip, model=Mean(), sc_threshold=0.1)
    assert [same(frame, clip.get_frame(0)) for frame in result.frames()] == [True, True]


@pytest.mark.parametrize(
    ("clip", "settings", "message"),
    [
        (None, {}, "expected a vs.VideoNode"),
        ("GRAY8", {}, "expected an RGB or YUV clip, got Gray8"),
        ("RGBS", {"factor_num": 1, "factor_den": 2}, "expected a factor of 1 or more"),
        ("RGBS", {"factor_den": 0}, "expected a factor of 1 or more"),
        ("RGBS", {"fps_num": 12}, "expected a rate of at least 24"),
        ("RGBS", {"sc_threshold": 2.0}, "expected an sc_threshold"),
    ],
)
def test_what_is_not_supported_raises_the_error_of_the_host(
    clip: str | None, settings: dict[str, Any], message: str
) -> None:
    node = None if clip is None else vs.core.std.BlankClip(format=getattr(vs, clip), length=2)
    with pytest.raises(vs.Error, match=message):
        interpolate(node, model=Mean(), **settings)


def test_a_real_video_is_interpolated() -> None:
    if not hasattr(vs.core, "bs"):
        pytest.skip("BestSource is not installed")
    clip = vs.core.bs.VideoSource(str(DEMO), cachemode=0)[:4]
    result = interpolate(clip, model=Mean())
    assert result.fps == 2 * clip.fps
    assert result.format.id == clip.format.id
    assert same(result.get_frame(2), clip.get_frame(1))
    before, made, after = (
        planes(f)[0].astype(float)
        for f in (clip.get_frame(1), result.get_frame(3), clip.get_frame(2))
    )
    assert np.abs(made - (before + after) / 2).mean() < 1.5


def test_vspipe_writes_y4m(tmp_path: Path) -> None:
    script = tmp_path / "script.vpy"
    script.write_text(
        f"import sys; sys.path[:0] = {[str(SOURCE), str(Path(__file__).parents[2])]!r}\n"
        "from tests.plugins.test_vapoursynth import Mean, clip_of, interpolate, vs\n"
        "interpolate(clip_of(vs.YUV420P8), model=Mean()).set_output()\n"
    )
    tools = Path(sys.executable).parent
    if not (tools / "vspipe").exists():
        pytest.skip("vspipe is not installed")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}

    def run(*command: object) -> bytes:
        return subprocess.run(
            [*map(str, command)], capture_output=True, check=True, env=environment
        ).stdout

    run(tools / "vapoursynth", "config")  # where vspipe finds Python
    written = run(tools / "vspipe", "-c", "y4m", script, "-")
    header, _, body = written.partition(b"\n")
    assert header.startswith(b"YUV4MPEG2 C420")
    assert b"W18 H10" in header and b"F48:1" in header
    assert body.count(b"FRAME\n") == 2 * COUNT
    assert len(body) == 2 * COUNT * (len(b"FRAME\n") + WIDTH * HEIGHT * 3 // 2)
