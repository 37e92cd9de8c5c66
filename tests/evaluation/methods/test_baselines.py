"""The classical methods have their known scores."""

import sys
from pathlib import Path

import numpy as np
import pytest

from cdfi.evaluation import EvaluationReport, Method, Scorer, baseline_method, find_dataset
from cdfi.evaluation.columns import choose_metrics
from cdfi.evaluation.data.layouts import HALF
from cdfi.evaluation.methods.baselines import average
from cdfi.evaluation.methods.minterpolate import minterpolate
from tests.evaluation.small_sets import noise


def score(method: Method, dataset: str, root: Path) -> tuple[float, float]:
    """PSNR and SSIM of ``method`` over a whole data set."""
    scorer = Scorer(choose_metrics(["psnr", "ssim"]))
    report = EvaluationReport(scorer.metrics, [method], {})
    for row in scorer.run(method, find_dataset(dataset, root)):
        report.add(row)
    (found,) = report.averages()
    return found.scores["psnr"], found.scores["ssim"]


@pytest.mark.long
def test_the_frame_average_of_middlebury_has_the_known_scores(data: Path) -> None:
    psnr, ssim = score(baseline_method("average"), "middlebury", data)
    assert (f"{psnr:.3f}", f"{ssim:.4f}") == ("27.998", "0.8044")


@pytest.mark.long
def test_the_frame_average_of_ucf101_has_the_known_scores(data: Path) -> None:
    psnr, ssim = score(baseline_method("average"), "ucf101-dvf", data)
    assert (f"{psnr:.3f}", f"{ssim:.4f}") == ("33.143", "0.9239")


KNOWN = [
    ("dis", "middlebury", 34.02, 0.9483),
    ("minterpolate", "middlebury", 33.00, 0.9340),
    pytest.param("dis", "ucf101-dvf", 34.64, 0.9459, marks=pytest.mark.slow),
    pytest.param("minterpolate", "ucf101-dvf", 34.28, 0.9427, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "dataset", "psnr", "ssim"), KNOWN)
@pytest.mark.long
def test_a_classical_method_has_its_known_scores(
    data: Path, name: str, dataset: str, psnr: float, ssim: float
) -> None:
    if name == "dis":
        pytest.importorskip("cv2")
    found = score(baseline_method(name), dataset, data)
    assert found[0] == pytest.approx(psnr, abs=0.1)
    assert found[1] == pytest.approx(ssim, abs=0.001)


def test_the_average_rounds_halves_upward() -> None:
    black, one = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)
    assert average(black, one).tolist() == one.tolist()
    assert average(black, black).tolist() == black.tolist()


def test_minterpolate_gives_the_same_frame_every_time() -> None:
    frame0, frame1 = noise(0, 64, 96), noise(1, 64, 96)
    np.testing.assert_array_equal(minterpolate(frame0, frame1), minterpolate(frame0, frame1))


def test_a_moving_square_is_found_half_way() -> None:
    pytest.importorskip("cv2")
    frames = np.full((3, 64, 64, 3), 40, np.uint8)
    for number in range(3):
        frames[number, 24:40, 20 + 4 * number : 36 + 4 * number] = noise(0, 16, 16)
    truth = frames[1].astype(int)
    still = np.abs(average(frames[0], frames[2], HALF) - truth).mean()
    made = baseline_method("dis").predict("", "", frames[0], frames[2], HALF)
    moved = np.abs(made - truth).mean()
    assert moved < still / 2


def test_an_unknown_baseline_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="known are average, dis, minterpolate"):
        baseline_method("mean")


def test_dis_without_opencv_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match=r"needs cv2: pip install 'cdfi\[evaluation\]'"):
        baseline_method("dis").predict("", "", noise(0), noise(1), HALF)
