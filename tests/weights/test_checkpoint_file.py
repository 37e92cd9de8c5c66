"""Damaged and hostile model files: one line that names the file, and no large allocation."""

import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from cdfi.models import NETWORKS, Config
from cdfi.weights import identify, load, read_checkpoint, save
from tests.tiny import TINY, tiny_network


def describe(config: dict[str, Any], path: Path) -> Path:
    """Write a small file whose metadata describes a network."""
    save_file({"x": torch.zeros(1)}, path, {"config": json.dumps(config)})
    return path


def test_a_small_file_that_describes_a_large_network_allocates_nothing(tmp_path: Path) -> None:
    wide = {"encoder": [[16_000] * 3] * 5, "decoder": [[16_000] * 3] * 4}
    path = describe(json.loads(TINY.to_json()) | wide, tmp_path / "wide.safetensors")
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"wide\.safetensors does not fit the network: missing"):
        load(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": 10**6},
        {"weight0": [10**5, 1, 1]},
        {"matching": [10**9], "describe": [1]},
        {"kernel": True},
        {"encoder": "wide"},
        {"nonsense": 1},
        {"family": "unheard-of"},
        {"family": []},
    ],
)
def test_an_impossible_architecture_names_the_file(tmp_path: Path, changes: Any) -> None:
    path = describe(json.loads(TINY.to_json()) | changes, tmp_path / "odd.safetensors")
    with pytest.raises(ValueError, match=r"^\S*odd\.safetensors: ") as error:
        load(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500 + len(str(path))


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "null", '{"encoder":' + "[" * 100_000])
def test_metadata_that_is_no_architecture_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "nested.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"config": text})
    with pytest.raises(ValueError, match=r"^\S*nested\.safetensors: "):
        load(path)


@pytest.mark.parametrize("keep", [0, 1, 9, 10, 50, 200, 1000, -300, -100, -10])
def test_a_truncated_pth_file_is_one_line_that_names_it(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"state_dict": tiny_network().state_dict()}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"^\S*cut\.pth is damaged, or not a ") as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"hello, this is text", b"\x80\x02}q\x00", b"\0" * 64])
def test_other_content_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^\S*other\.pth") as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [{}, [], 3, {"a": 1}, {"state_dict": {"a": [1]}}])
def test_a_pickle_without_tensors_names_the_file(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "plain.pth"
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"^\S*plain\.pth: expected a "):
        load(path)


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "ran"

    class Malicious:
        def __reduce__(self) -> Any:
            return open, (str(trace), "w")

    torch.save({"state_dict": Malicious()}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps({"state_dict": Malicious()}))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(ValueError, match=rf"{name} was refused"):
            load(tmp_path / name)
    assert not trace.exists()


def test_tensors_of_a_released_layout_with_other_shapes_are_refused(tmp_path: Path) -> None:
    state = tiny_network().state_dict()
    state["encoder.1.0.weight"] = torch.zeros(3, 1000, 3, 3)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd\.pth does not fit the network: shapes: encoder"):
        load(tmp_path / "odd.pth")


def test_identify_gives_digest_and_architecture_without_reading_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tiny_network(), tmp_path / "a.safetensors")
    expected = read_checkpoint(tmp_path / "a.safetensors")
    monkeypatch.setattr("cdfi.weights.checkpoint_file._read_tensors", None)
    found = identify(tmp_path / "a.safetensors")
    assert (found.digest, found.config) == (expected.info["digest"], TINY)


def test_identify_hashes_files_without_a_digest(tmp_path: Path) -> None:
    found = []
    for seed in (0, 0, 1):
        torch.save(tiny_network(seed=seed).state_dict(), tmp_path / "a.pth")
        found.append(identify(tmp_path / "a.pth"))
    assert found[0].digest == found[1].digest != found[2].digest
    assert isinstance(found[0].config, Config)
    assert found[0].config.rounding == "trunc"


def test_all_architectures_are_within_the_bounds_of_a_config() -> None:
    for config in NETWORKS.values():
        assert Config.from_json(config.to_json()) == config
