"""Every example of compression runs, at a tiny size, and fits on a screen."""

import functools
import runpy
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cdfi import Interpolator, Network, load, save
from cdfi.design import comparison
from cdfi.evaluation.cost import measure_here
from tests.media import sliding, write_video
from tests.tiny import TINY as CONFIG
from tests.training.tiny_runs import make_triplets

EXAMPLES = Path(__file__).parent.parent / "examples"
LONGEST = 40


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Callable[..., None]]:
    def main_of(name: str) -> Callable[..., None]:
        main: Callable[..., None] = runpy.run_path(str(EXAMPLES / name), run_name=name)["main"]
        return main

    monkeypatch.syspath_prepend(EXAMPLES)
    return main_of


@pytest.mark.long
@pytest.mark.parametrize("name", ["compress_denoiser.py", "compress_flow_network.py"])
def test_a_network_of_your_own_is_compressed(
    name: str, example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    example(name)(steps=2, width=8)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["trained", "pruned", "derived", "retrained"]
    before, after = (int(lines[2].split()[at].replace(",", "")) for at in (1, 3))
    assert after <= before / 4


@pytest.mark.long
def test_adacof_is_compressed_with_your_own_data(
    example: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "measure", measure_here)
    save(Network(CONFIG), tmp_path / "weights.safetensors")
    triplets = make_triplets(tmp_path / "triplets")
    example("compress_adacof.py")(
        "unused",
        str(tmp_path),
        str(tmp_path / "weights.safetensors"),
        steps=2,
        crop=32,
        data=(f"triplets={triplets}",),
        workers=0,
        device="cpu",
    )
    assert "| compact |" in capsys.readouterr().out
    assert load(tmp_path / "adacof-half" / "small.safetensors").config.kernel == CONFIG.kernel


@pytest.mark.long
def test_cdfi_small_is_derived(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example("compress_cdfi.py")("cdfi", 1_200_000, str(tmp_path / "small"))
    assert "4,976,718 ->" in capsys.readouterr().out
    small = load(tmp_path / "small.safetensors")
    assert sum(p.numel() for p in small.parameters()) <= 1_200_000


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_fits_on_a_screen(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_held_out_shots_score_models_and_baselines(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("cdfi.data.clips.is_held_out", lambda source: True)
    save(Network(CONFIG), tmp_path / "weights.safetensors")
    (tmp_path / "clips").mkdir()
    write_video(tmp_path / "clips" / "a.mkv", sliding(5))
    names = f"average,{tmp_path / 'weights.safetensors'}"
    example("held_out.py")(str(tmp_path / "clips"), names, str(tmp_path / "cache"))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1::2] for line in lines] == [["psnr", "ssim", "lpips", "lpips-paper"]] * 2
    assert lines[0][0] == "average" and 10 < float(lines[0][2]) < 60


def test_models_are_shown_beside_the_truth(example: Any, tmp_path: Path) -> None:
    save(Network(CONFIG), tmp_path / "weights.safetensors")
    clip = resources.files("cdfi") / "cli" / "demo_clip.mp4"
    out = tmp_path / "picture.png"
    example("side_by_side.py")(str(out), str(tmp_path / "weights.safetensors"), f"{clip}:3:1:8:4")
    with Image.open(out) as picture:
        assert picture.size == (3 * 224, 144)


@pytest.mark.long
def test_photos_that_move_evenly_score_models_and_baselines(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    save(Network(CONFIG), tmp_path / "weights.safetensors")
    soft = Image.effect_noise((20, 20), 90).resize((300, 280), Image.Resampling.BICUBIC)
    soft.convert("RGB").save(tmp_path / "photo.png")
    example("shifted.py")(str(tmp_path), f"average,dis,{tmp_path / 'weights.safetensors'}")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 3 * 5
    average, dis = (float(rows[start + 4][-2]) for start in (0, 5))
    assert dis > average + 5


def test_an_animation_compares_a_clip_with_its_interpolation(
    example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(Network(CONFIG), tmp_path / "weights.safetensors")
    small = functools.partial(Interpolator, str(tmp_path / "weights.safetensors"))
    monkeypatch.setattr("cdfi.Interpolator", small, raising=False)
    clip = write_video(tmp_path / "clip.mkv", sliding(4))
    example("animation.py")(str(clip), str(tmp_path / "out.webp"), 1, 2, 0, 3)
    with Image.open(tmp_path / "out.webp") as animation:
        assert (animation.n_frames, animation.size) == (4, (512, 204))


def test_a_generated_clip_is_smoothed(example: Any) -> None:
    smooth = example("smooth_generated.py")()
    assert smooth.shape == (1, 13, 3, 48, 48)
