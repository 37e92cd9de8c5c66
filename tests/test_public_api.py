"""The public names: complete, lazy, typed; and the models and options that a video takes."""

import ast
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import get_type_hints

import pytest

import cdfi
from cdfi.interpolation import Interpolator
from cdfi.video import Encoding, Options, Settings
from cdfi.video.jobs.model import as_model, fingerprint
from cdfi.video.keywords import options_from
from cdfi.weights import save
from tests.tiny import tiny_network
from tests.video.video_clips import Clip, Mean, write_clip

PROGRAM = Path(__file__).with_name("user_program.py")


def names_for_type_checkers() -> set[str]:
    """Names that the TYPE_CHECKING block of cdfi binds."""
    tree = ast.parse(Path(cdfi.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = (node for node in block.body if isinstance(node, ast.ImportFrom))
    return {alias.asname or alias.name for node in imports for alias in node.names}


def test_every_name_of_dir_can_be_had() -> None:
    for name in dir(cdfi):
        assert getattr(cdfi, name) is not None
    assert {"__version__", "interpolate_video", "video", "ops"} <= set(dir(cdfi))


def test_type_checkers_see_the_same_names() -> None:
    assert names_for_type_checkers() == set(dir(cdfi)) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'interpolate'"):
        cdfi.interpolate  # noqa: B018


@pytest.mark.parametrize("package", ["video", "metrics", "models", "ops", "compression"])
@pytest.mark.long
def test_a_package_is_imported_when_it_is_used(package: str) -> None:
    code = f"import cdfi, sys; assert 'torch' not in sys.modules; print(cdfi.{package}.__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == f"cdfi.{package}"


def test_the_keywords_are_the_fields_of_the_options() -> None:
    names = {row.name for kind in (Options, Encoding) for row in fields(kind)} - {"encoding"}
    assert set(get_type_hints(Settings)) == names


def test_keywords_replace_single_options() -> None:
    base = Options(factor=3, encoding=Encoding(codec="hevc", crf=20))
    found = options_from(base, {"dedup": True, "crf": 30})
    assert found == Options(factor=3, dedup=True, encoding=Encoding(codec="hevc", crf=30))
    assert options_from(None, {}) == Options()


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(60, 60), (59.94, Fraction(60000, 1001)), ("ntsc", Fraction(30000, 1001)), (None, None)],
)
def test_fps_is_a_rate_in_any_form(fps: object, expected: object) -> None:
    assert options_from(None, {"fps": fps}).fps == expected  # type: ignore[typeddict-item]


def test_an_unknown_keyword_suggests_the_close_one() -> None:
    with pytest.raises(TypeError, match="unexpected option 'facter'; did you mean factor"):
        options_from(None, {"facter": 2})  # type: ignore[typeddict-unknown-key]


@pytest.mark.long
def test_a_model_is_a_name_a_path_a_network_or_an_interpolator(tmp_path: Path) -> None:
    save(tiny_network(), tmp_path / "tiny.safetensors")
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    models = [
        str(tmp_path / "tiny.safetensors"),
        tmp_path / "tiny.safetensors",
        tiny_network(),
        Interpolator(tiny_network(), "cpu"),
        cdfi.ModelSpec(tmp_path / "tiny.safetensors", device="cpu"),
        Mean(),
    ]
    for number, model in enumerate(models):
        target = tmp_path / f"{number}.mp4"
        report = cdfi.interpolate_video(source, target, model=model, factor=3, preset="ultrafast")
        assert (report.frames, report.interpolated) == (10, 6)


def test_other_models_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a network, an Interpolator or a ModelSpec; got a int"):
        as_model(3)  # type: ignore[arg-type]


def test_the_fingerprint_of_a_description_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spec(seed: int, precision: str = "fp32") -> cdfi.ModelSpec:
        save(tiny_network(seed=seed), tmp_path / f"{seed}.safetensors")
        return cdfi.ModelSpec(tmp_path / f"{seed}.safetensors", "cpu", precision)  # type: ignore[arg-type]

    monkeypatch.setattr(cdfi.ModelSpec, "build", None)
    assert fingerprint(spec(0)) == fingerprint(spec(0))
    assert len({fingerprint(spec(0)), fingerprint(spec(1)), fingerprint(spec(0, "bf16"))}) == 3


@pytest.mark.slow
def test_the_types_of_a_user_program_hold() -> None:
    """Also part of ``make lint``, as mypy's configuration names the program."""
    command = [sys.executable, "-m", "mypy", str(PROGRAM)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
