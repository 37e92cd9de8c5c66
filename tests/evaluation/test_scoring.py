"""Rows of scores: what is compared, what is skipped, and what is refused."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from cdfi.evaluation import (
    Method,
    Row,
    Scorer,
    Skipped,
    baseline_method,
    find_dataset,
    folder_method,
    network_method,
)
from cdfi.evaluation.columns import Metric, choose_metrics
from cdfi.evaluation.data.rgb_images import RgbImage, read_rgb_image
from cdfi.interpolation import Interpolator
from tests.evaluation.small_sets import NAMES, noise, save, triplet_set
from tests.tiny import tiny_network

PSNR = choose_metrics(["psnr"])


def run(
    method: Method, root: Path, keep_going: bool = False, **options: object
) -> list[Row | Skipped]:
    """Every outcome over a folder of triplets."""
    scorer = Scorer(PSNR, keep_going=keep_going, **options)  # type: ignore[arg-type]
    return list(scorer.run(method, find_dataset(str(root))))


def test_rows_come_in_the_order_of_the_data_set(tmp_path: Path) -> None:
    rows = run(baseline_method("average"), triplet_set(tmp_path, 12))
    assert [row.name for row in rows] == [str(number) for number in range(1, 13)]


def test_scores_are_those_of_the_8_bit_prediction(tmp_path: Path) -> None:
    truth = read_rgb_image(triplet_set(tmp_path, 1) / "1" / "im2.png")
    off = np.where(truth < 255, truth + 1, truth - 1).astype(np.uint8)
    (row,) = run(Method("off by one", lambda *_: off), tmp_path)
    assert isinstance(row, Row)
    assert row.scores["psnr"] == pytest.approx(20 * np.log10(255), abs=1e-4)


def test_a_network_is_a_method(tmp_path: Path) -> None:
    method = network_method("tiny", Interpolator(tiny_network(), "cpu", precision="fp32"))
    rows = run(method, triplet_set(tmp_path, 2))
    assert all(isinstance(row, Row) and np.isfinite(row.scores["psnr"]) for row in rows)
    assert method.precision == "fp32"
    assert method.parameters == sum(p.numel() for p in tiny_network().parameters())


def test_predictions_are_found_by_name_or_in_a_folder(tmp_path: Path) -> None:
    root, made = triplet_set(tmp_path / "set", 2), tmp_path / "made"
    save(made / "1.png", noise(0)).rename(made / "1.PNG")
    save(made / "2" / "whatever.png", noise(0))
    assert [row.name for row in run(folder_method(made), root)] == ["1", "2"]


def test_predictions_may_be_in_a_folder_of_the_data_sets_name(tmp_path: Path) -> None:
    root = triplet_set(tmp_path / "set", 1)
    save(tmp_path / "made" / "set" / "1.png", noise(0))
    (row,) = run(folder_method(tmp_path / "made"), root)
    assert isinstance(row, Row)
    assert row.seconds is None


def test_a_missing_prediction_is_named(tmp_path: Path) -> None:
    root, made = triplet_set(tmp_path / "set", 2), tmp_path / "made"
    save(made / "1.png", noise(0))
    with pytest.raises(ValueError, match=r"made/2: no prediction \(looked for 2\.png"):
        run(folder_method(made), root)


def test_two_images_for_one_prediction_are_refused(tmp_path: Path) -> None:
    root, made = triplet_set(tmp_path / "set", 1), tmp_path / "made"
    save(made / "1" / "a.png", noise(0))
    save(made / "1" / "b.png", noise(0))
    with pytest.raises(ValueError, match="2 images in it, expected one"):
        run(folder_method(made), root)


def test_a_prediction_of_another_size_is_named(tmp_path: Path) -> None:
    root, made = triplet_set(tmp_path / "set", 1), tmp_path / "made"
    save(made / "1.png", noise(0, 24, 40))
    with pytest.raises(ValueError, match=r"1\.png: 40 x 24 pixels, but its data set has 32 x 24"):
        run(folder_method(made), root)


def test_a_missing_folder_of_predictions_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gone: the folder of predictions is missing"):
        folder_method(tmp_path / "gone")


def test_keep_going_scores_the_rest_and_reports_what_it_skipped(tmp_path: Path) -> None:
    root = triplet_set(tmp_path, 4)
    (root / "1" / "im2.png").unlink()
    (root / "3" / "im1.png").write_text("text")
    rows = run(baseline_method("average"), root, keep_going=True)
    assert [(row.name, type(row)) for row in rows] == [
        ("1", Skipped),
        ("2", Row),
        ("3", Skipped),
        ("4", Row),
    ]
    assert "im2.png: no such file" in rows[0].reason  # type: ignore[union-attr]
    assert "im1.png: not an image" in rows[2].reason  # type: ignore[union-attr]


def test_an_image_that_a_metric_cannot_take_is_skipped_too(tmp_path: Path) -> None:
    for name in NAMES:
        save(tmp_path / "1" / name, noise(0)[:4, :4])
    scorer = Scorer(choose_metrics(["ssim"]), keep_going=True)
    (row,) = scorer.run(baseline_method("average"), find_dataset(str(tmp_path)))
    assert isinstance(row, Skipped)


def test_a_folder_that_is_one_triplet_has_its_own_name(tmp_path: Path) -> None:
    (row,) = run(baseline_method("average"), triplet_set(tmp_path, 1) / "1")
    assert row.name == "1"


def test_without_keep_going_a_bad_image_ends_the_run(tmp_path: Path) -> None:
    (triplet_set(tmp_path, 2) / "2" / "im3.png").write_text("text")
    with pytest.raises(ValueError, match=r"2/im3\.png: not an image"):
        run(baseline_method("average"), tmp_path)


def test_metrics_of_one_image_do_not_delay_the_next_prediction(tmp_path: Path) -> None:
    second = threading.Event()

    def predict(_: str, name: str, frame0: RgbImage, *__: object) -> RgbImage:
        if name == "2":
            second.set()
        return frame0

    def slow(x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        # Ends only once the next image is being predicted.
        return torch.tensor([float(second.wait(timeout=30))]).to(x)

    scorer = Scorer([Metric("slow", "Slow", slow, "")])
    rows = list(scorer.run(Method("m", predict), find_dataset(str(triplet_set(tmp_path, 2)))))
    assert [row.scores["slow"] for row in rows if isinstance(row, Row)] == [1, 1]


def test_reading_stays_ahead_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_read = threading.Event()

    def watched(path: Path) -> RgbImage:
        if path == tmp_path / "2" / NAMES[2]:
            last_read.set()
        return read_rgb_image(path)

    def predict(_: str, name: str, frame0: RgbImage, *__: object) -> RgbImage:
        # The first prediction ends only once the second triplet has been read.
        assert last_read.wait(timeout=30)
        return frame0

    monkeypatch.setattr("cdfi.evaluation.data.layouts.read_rgb_image", watched)
    assert len(run(Method("m", predict), triplet_set(tmp_path, 2))) == 2


def test_reading_ends_with_a_run_that_is_not_finished(tmp_path: Path) -> None:
    rows = Scorer([]).run(baseline_method("average"), find_dataset(str(triplet_set(tmp_path, 30))))
    next(rows)
    reading = [thread for thread in threading.enumerate() if thread.name == "cdfi-prefetch"]
    assert reading
    kept = [rows]  # so that no garbage collection closes it
    kept[0].close()
    assert not any(thread.is_alive() for thread in reading)


def test_reading_ends_with_a_run_that_fails(tmp_path: Path) -> None:
    def fails(*_: object) -> RgbImage:
        raise ValueError("no prediction")

    dataset = find_dataset(str(triplet_set(tmp_path, 30)))
    with pytest.raises(ValueError, match="no prediction") as caught:
        list(Scorer([]).run(Method("m", fails), dataset))
    assert caught.tb is not None  # the frames of the run, and what they refer to, are kept
    assert not any(thread.name == "cdfi-prefetch" for thread in threading.enumerate())


def test_watchers_are_called_for_every_scored_image(tmp_path: Path) -> None:
    seen: list[str] = []
    run(
        baseline_method("average"),
        triplet_set(tmp_path, 3),
        watch=[lambda row, frames, image: seen.append(row.name)],
    )
    assert seen == ["1", "2", "3"]


def test_an_unknown_metric_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown metric 'vmaf'.*known are psnr, ssim"):
        choose_metrics(["vmaf"])


def test_other_lpips_networks_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ValueError, match="'lpips-alex' needs lpips: pip install 'lpips'"):
        choose_metrics(["lpips-alex"])
