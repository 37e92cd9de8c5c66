"""list_models, info and download."""

from pathlib import Path

import pytest

import cdfi
from cdfi.weights import BUNDLED, RELEASED, registry, save
from tests.tiny import TINY, tiny_network


def test_list_models_names_everything_that_load_takes() -> None:
    assert cdfi.list_models() == [*BUNDLED, *RELEASED]


def test_info_of_a_file(tmp_path: Path) -> None:
    save(tiny_network(), tmp_path / "a.safetensors", info={"note": "hello"})
    found = cdfi.info(tmp_path / "a.safetensors")
    assert (found.path.name, found.config, found.notes["note"]) == ("a.safetensors", TINY, "hello")
    assert found.parameters == sum(p.numel() for p in tiny_network().parameters())
    assert found.bytes == (tmp_path / "a.safetensors").stat().st_size


def test_info_of_the_default_is_that_of_a_bundled_model() -> None:
    found = cdfi.info()
    assert found.path.stem in BUNDLED
    assert found.parameters == sum(p.numel() for p in cdfi.load("default").parameters())


def test_info_of_an_unknown_name_suggests_the_close_ones() -> None:
    with pytest.raises(ValueError, match="did you mean compressed-adacof"):
        cdfi.info("compresed-adacof")


def test_the_list_has_one_default_and_its_scores() -> None:
    rows = registry.listed_models()
    (default,) = [row for row in rows if row.default]
    assert default.where == "bundled" and default.middlebury is not None
    assert [row.name for row in rows] == cdfi.list_models()


def test_download_of_a_bundled_model_is_its_file() -> None:
    assert cdfi.download("cdfi") == BUNDLED["cdfi"].path


def test_download_of_an_unknown_name_suggests_the_close_ones() -> None:
    with pytest.raises(ValueError, match="unknown model 'released/cdf'; did you mean"):
        cdfi.download("released/cdf")


def test_download_fetches_the_published_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    asked = []

    def fetch(url: str, path: Path, **options: object) -> Path:
        asked.append((url, options["git_blob"]))
        return path

    monkeypatch.setattr(registry, "fetch", fetch)
    row = RELEASED["released/cdfi"]
    assert cdfi.download("released/cdfi") == tmp_path / "released" / "cdfi.pth"
    assert asked == [(row.url, row.git_blob)]
