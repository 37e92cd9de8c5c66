"""Derived modules are saved and loaded without their class."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cdfi.compression import load, save
from cdfi.compression.density import density
from cdfi.compression.derive import derive
from cdfi.compression.saved import NUMBERS, SHAPES
from tests.compression.zoo import ZOO, build, example


@pytest.mark.parametrize("name", ZOO)
def test_a_derived_module_is_loaded_into_its_original(name: str, tmp_path: Path) -> None:
    model = build(name).eval()
    small = derive(model, (example(),), {row.name: 0.5 for row in density(model)}).module.eval()
    save(small, tmp_path / "small.safetensors")
    again = load(model, tmp_path / "small.safetensors").eval()
    torch.testing.assert_close(again(example()), small(example()))
    assert sum(p.numel() for p in again.parameters()) < sum(p.numel() for p in model.parameters())
    assert repr(again) == repr(small)
    again.train()(example()).sum().backward()


def test_a_function_can_build_the_original(tmp_path: Path) -> None:
    save(nn.Linear(4, 2), tmp_path / "a.safetensors")
    again = load(lambda: nn.Linear(8, 3), tmp_path / "a.safetensors")
    assert isinstance(again, nn.Linear)
    assert (again.in_features, again.out_features) == (4, 2)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (nn.Linear(4, 2, bias=False), "'bias' is in one of them only"),
        (nn.Linear(3, 2), r"'weight' is \(2, 4\) there and \(2, 3\) in the module"),
        (nn.Conv2d(4, 2, 1), "'weight' is"),
    ],
)
def test_a_file_of_another_module_is_refused(
    other: nn.Module, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save(nn.Linear(4, 2), path)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(ValueError, match=message) as error:
        load(other, path)
    assert str(path) in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"a\.safetensors is not a safetensors file"):
        load(nn.Linear(4, 2), path)
    save_file(dict(nn.Linear(4, 2).state_dict()), path)
    with pytest.raises(ValueError, match=r"was not written by cdfi\.compression\.save"):
        load(nn.Linear(4, 2), path)


@pytest.mark.parametrize("text", ["[", "[1]", '{"": 1}', "[" * 100_000])
def test_damaged_metadata_are_refused(text: str, tmp_path: Path) -> None:
    path, module = tmp_path / "a.safetensors", nn.Linear(4, 2)
    metadata = {SHAPES: "{}", NUMBERS: text}
    save_file(dict(module.state_dict()), path, metadata)
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged"):
        load(module, path)
