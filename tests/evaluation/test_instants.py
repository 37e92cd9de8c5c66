"""Frames at instants other than half-way: data sets, methods and temporal metrics."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cdfi import Interpolator, metrics
from cdfi.evaluation import (
    Method,
    Row,
    Scorer,
    baseline_method,
    find_dataset,
    folder_method,
    network_method,
)
from cdfi.evaluation.columns import choose_metrics
from cdfi.evaluation.data.layouts import TripletFrames
from cdfi.evaluation.data.rgb_images import read_rgb_image, save_rgb_image
from cdfi.evaluation.methods.baselines import BASELINES
from tests.evaluation.small_sets import noise
from tests.media import write_video

QUARTERS = [Fraction(i, 4) for i in (1, 2, 3)]
Image = NDArray[np.uint8]


def ramp(level: int) -> Image:
    return np.full((24, 32, 3), level, np.uint8)


def sequence(folder: Path, count: int) -> Path:
    for number in range(count):
        save_rgb_image(folder / f"{number}.png", ramp(10 * number % 250))
    return folder


def read(
    name: Path | str, root: Path | None = None, every: int | None = None
) -> list[TripletFrames]:
    found = list(find_dataset(str(name), root, every=every).read())
    assert all(isinstance(frames, TripletFrames) for frames in found)
    return [frames for frames in found if isinstance(frames, TripletFrames)]


def levels(frames: TripletFrames) -> list[int]:
    return [int(image[0, 0, 0]) for image in (frames.frame0, frames.truth, frames.frame1)]


def test_a_folder_of_frames_is_predicted_between_every_fourth(tmp_path: Path) -> None:
    found = read(sequence(tmp_path / "clip", 11), every=4)
    assert [frames.t for frames in found] == 2 * QUARTERS
    assert [levels(f) for f in found[:4]] == [[0, 10, 40], [0, 20, 40], [0, 30, 40], [40, 50, 80]]
    assert [frames.name for frames in found][-1] == "7"
    assert found[0].frame0 is found[2].frame0  # read once


def test_each_folder_below_is_a_sequence_of_its_own(tmp_path: Path) -> None:
    for name in ("b", "a/inner"):
        sequence(tmp_path / name, 3)
    found = read(tmp_path, every=2)
    assert [frames.name for frames in found] == ["a/inner/1", "b/1"]


def test_a_video_is_predicted_between_every_fourth_frame(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", np.stack([ramp(20 * i) for i in range(10)]))
    found = read(clip, every=4)
    assert [(frames.name, frames.t) for frames in found[:3]] == [
        ("000001", QUARTERS[0]), ("000002", QUARTERS[1]), ("000003", QUARTERS[2])
    ]  # fmt: skip
    assert len(found) == 6


def test_too_few_frames_are_refused(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", np.stack([ramp(20 * i) for i in range(4)]))
    with pytest.raises(ValueError, match="fewer than 5 frames"):
        read(clip, every=4)
    with pytest.raises(ValueError, match="expected folders of at least 5 images"):
        read(sequence(tmp_path / "frames", 4), every=4)


@pytest.mark.parametrize(
    ("name", "every", "message"), [("middlebury", 4, "does not apply"), (".", 1, "2 or more")]
)
def test_a_wrong_every_is_refused(name: str, every: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_dataset(name, every=every)


def test_frames_of_several_sizes_are_named(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "clip", 5)
    save_rgb_image(folder / "2.png", noise(0, 20, 20))
    found = list(find_dataset(str(folder), every=4).read())
    reasons = [getattr(item, "reason", "") for item in found]
    assert "2.png" in reasons[1] and reasons[0] == reasons[2] == ""


def test_x_test_has_seven_instants_a_scene(tmp_path: Path) -> None:
    sequence(tmp_path / "x4k1000fps" / "test" / "Type1" / "TEST01", 33)
    found = read("x4k1000fps-2k", tmp_path)
    assert [frames.t for frames in found] == [Fraction(i, 8) for i in range(1, 8)]
    assert found[0].name == "Type1/TEST01/4"
    assert found[0].truth.shape == (12, 16, 3)
    sequence(tmp_path / "x4k1000fps" / "test" / "Type1" / "TEST02", 5)
    with pytest.raises(ValueError, match=r"TEST02: expected 33 frames .* found 5"):
        read("x4k1000fps-4k", tmp_path)


def test_instants_of_snu_film_arb_follow_from_the_numbers_of_the_files(tmp_path: Path) -> None:
    root = tmp_path / "snu_film"
    sequence(root / "test" / "GOPRO" / "scene", 9)
    lines = (f"data/SNU-FILM/test/GOPRO/scene/{i}.png" for i in (0, 3, 8))
    (root / "eval_modes").mkdir()
    (root / "eval_modes" / "test-arb-medium.txt").write_text(" ".join(lines))
    (frames,) = read("snu-film-arb-medium", tmp_path)
    assert (frames.t, levels(frames)) == (Fraction(3, 8), [0, 30, 80])


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("t", [Fraction(1, 4), Fraction(1, 3), Fraction(2, 5)])
def test_a_baseline_moves_with_the_instant(name: str, t: Fraction) -> None:
    if name == "dis":
        pytest.importorskip("cv2")
    made = BASELINES[name](*shifted(t, 6), t).astype(int)
    inside = (slice(16, -16), slice(24, -24))
    error = np.abs(made - pattern(0))[inside].mean()
    other = np.abs(BASELINES[name](*shifted(t, 6), 1 - t).astype(int) - pattern(0))[inside].mean()
    assert error < other


def pattern(shift: float) -> Image:
    """A smooth pattern moved to the right by ``shift`` pixels."""
    column, row = np.meshgrid(np.arange(96) - shift, np.arange(64))
    wave = np.sin(column / 5) + np.sin((column + row) / 7) + np.cos(row / 4)
    return np.repeat((wave * 35 + 128)[..., None], 3, 2).round().astype(np.uint8)


def shifted(t: Fraction, length: float) -> tuple[Image, Image]:
    """Both ends of a motion by ``length`` pixels that shows ``pattern(0)`` at ``t``."""
    return pattern(-length * float(t)), pattern(length * float(1 - t))


@pytest.mark.parametrize("t", [Fraction(1, 4), Fraction(1, 3), Fraction(2, 5)])
def test_the_default_network_follows_a_motion_at_any_instant(t: Fraction) -> None:
    method = network_method("flow", Interpolator("flow", "cpu", precision="fp32"))
    made = method.predict("", "", *shifted(t, 8), t)
    inside = (slice(8, -8), slice(16, -16))
    error = np.square(made.astype(float) - pattern(0))[inside].mean()
    assert 10 * np.log10(255**2 / error) > 40


def run(method: Method, folder: Path, names: Sequence[str]) -> list[Row]:
    scorer = Scorer(choose_metrics(names))
    rows = list(scorer.run(method, find_dataset(str(folder), every=4)))
    return [row for row in rows if isinstance(row, Row)]


def test_flicker_compares_the_changes_of_prediction_and_truth(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "clip", 9)
    exact = run(baseline_method("average"), folder, ["flicker"])
    assert [row.scores["flicker"] for row in exact] == pytest.approx([0] * 6, abs=0.6)
    frozen = run(Method("frozen", lambda _, __, frame0, *rest: frame0), folder, ["flicker"])
    assert [row.scores["flicker"] for row in frozen] == pytest.approx([10] * 6)


def test_temporal_metrics_are_zero_for_the_truth_and_differ_otherwise() -> None:
    torch.manual_seed(0)
    x, y, before = torch.rand(3, 2, 3, 32, 32)
    for metric in (metrics.flicker, metrics.temporal_lpips):
        assert metric(y, y, before, before).tolist() == [0, 0]
    assert (metrics.temporal_lpips(0.5 + 0 * x, y, before, before) > 0).all()
    still = metrics.flicker(before, y, before, before)
    torch.testing.assert_close(still, 255 * (y - before).abs().double().mean((1, 2, 3)))


def test_a_saved_image_is_that_of_the_instant(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "clip", 5)
    saved = tmp_path / "made"
    for frames in read(folder, every=4):
        save_rgb_image(saved / f"{frames.name}.png", frames.truth)
    rows = run(folder_method(saved), folder, ["mae"])
    assert [row.scores["mae"] for row in rows] == [0, 0, 0]
    assert read_rgb_image(saved / "3.png")[0, 0, 0] == 30
