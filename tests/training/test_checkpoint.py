"""Checkpoints are written atomically, and load only into their own run."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import cdfi
from cdfi.training import checkpoint
from cdfi.training.loop import train
from tests.tiny import TINY, TINY_SYNTHESIS
from tests.training.tiny_runs import tiny_args


@pytest.mark.long
def test_a_full_disk_leaves_the_last_checkpoint_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = tiny_args(tmp_path, steps=1)
    folder = train(args).folder
    before = (folder / checkpoint.NAME).read_bytes()

    def full(content: object, out: object) -> None:
        out.write(b"half")  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        train(replace(args, steps=2), resume=folder)
    assert (folder / checkpoint.NAME).read_bytes() == before
    assert not list(folder.glob("*.part*"))


def test_a_full_disk_reported_by_pytorch_is_an_os_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(content: object, out: object) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file data/3")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"checkpoint\.pt could not be written"):
        train(tiny_args(tmp_path, steps=1))


@pytest.mark.long
def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, steps=1)
    folder = train(args).folder
    other = tmp_path / "other.json"
    other.write_text(TINY_SYNTHESIS.to_json())
    with pytest.raises(ValueError, match="is of another network"):
        train(replace(args, network=str(other)), resume=folder)


def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, steps=1, optimizer="SGD")
    content = checkpoint.read(train(args).folder)
    content["optimizer"]["param_groups"] = []
    path = tmp_path / "changed.pt"
    torch.save(content, path)
    with pytest.raises(ValueError, match="is of another optimizer"):
        train(replace(args, run="again"), resume=path)


def test_files_that_are_not_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no checkpoint at"):
        checkpoint.read(tmp_path)
    for content in (b"nothing", b"", b"\x80\x02.", b"\x80\x020.", b"PK\x03\x04"):
        (tmp_path / checkpoint.NAME).write_bytes(content)
        with pytest.raises(ValueError, match="not a checkpoint of a training run"):
            checkpoint.read(tmp_path)
    torch.save({"state_dict": {}}, tmp_path / checkpoint.NAME)
    with pytest.raises(ValueError, match="to start from weights: --weights"):
        checkpoint.read(tmp_path)


def test_weights_of_another_network_are_refused_with_the_keys(tmp_path: Path) -> None:
    cdfi.save(cdfi.Network(TINY_SYNTHESIS), tmp_path / "w.safetensors")
    args = tiny_args(tmp_path, weights=str(tmp_path / "w.safetensors"))
    with pytest.raises(ValueError, match="does not fit the network"):
        train(args)


@pytest.mark.long
def test_weights_load_into_a_network_with_other_quirks(tmp_path: Path) -> None:
    released = cdfi.Network(replace(TINY, rounding="trunc"))
    cdfi.save(released, tmp_path / "w.safetensors", dtype=torch.float32)
    args = tiny_args(tmp_path, weights=str(tmp_path / "w.safetensors"), steps=1, lr=1e-12)
    content = checkpoint.read(train(args).folder)
    assert cdfi.Config.from_json(content["config"]).rounding == "floor"
    for name, value in released.state_dict().items():
        torch.testing.assert_close(content["network"][name], value)


def test_a_new_run_does_not_overwrite_another(tmp_path: Path) -> None:
    args = tiny_args(tmp_path, steps=1)
    train(args)
    with pytest.raises(ValueError, match="holds a run already: --resume it"):
        train(args)
