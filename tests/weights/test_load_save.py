"""Load and save: names, files of every layout, refused files."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from cdfi.models import NETWORKS, Network
from cdfi.weights import BUNDLED, RELEASED, load, save
from cdfi.weights.catalog import DEFAULT, resolve_path
from cdfi.weights.checkpoint_file import digest, read_checkpoint
from cdfi.weights.official import rename
from tests.tiny import TINY, TINY_SYNTHESIS, tiny_network


def equal(a, b):
    return all(torch.equal(x, b.state_dict()[key]) for key, x in a.state_dict().items())


@pytest.fixture
def saved(tmp_path):
    save(
        tiny_network(TINY_SYNTHESIS),
        tmp_path / "tiny.safetensors",
        info={"note": "hello"},
    )
    return tmp_path / "tiny.safetensors"


def test_our_file_keeps_weights_architecture_and_notes(saved):
    network = load(saved)
    assert network.config == TINY_SYNTHESIS
    assert equal(network, tiny_network(TINY_SYNTHESIS))
    assert not network.training
    assert read_checkpoint(saved).info["note"] == "hello"


def test_saving_leaves_nothing_beside_the_file(saved):
    assert [path.name for path in saved.parent.iterdir()] == ["tiny.safetensors"]


def test_save_keeps_the_dtype_of_the_network(tmp_path):
    for dtype in (torch.float32, torch.float16):
        save(tiny_network().to(dtype), tmp_path / "kept.safetensors")
        assert {x.dtype for x in load_file(tmp_path / "kept.safetensors").values()} == {dtype}


def test_half_precision_loads_as_float32(tmp_path):
    save(tiny_network(), tmp_path / "half.safetensors", dtype=torch.float16)
    assert {x.dtype for x in load_file(tmp_path / "half.safetensors").values()} == {torch.float16}
    assert {p.dtype for p in load(tmp_path / "half.safetensors").parameters()} == {torch.float32}


def test_load_gives_the_requested_device_and_dtype(saved):
    assert next(load(saved, "cpu", dtype=torch.float64).parameters()).dtype == torch.float64


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_are_finite_and_small(name):
    network = load(name)
    assert all(p.isfinite().all() for p in network.parameters())
    assert BUNDLED[name].path.stat().st_size < 12_000_000
    assert getattr(network.config, "rounding", "floor") == "floor"


def test_the_default_is_one_of_the_bundled_models():
    assert resolve_path("default") == BUNDLED[DEFAULT].path


def released(config):
    """A tiny network's state under released names: the renaming rules, backwards."""
    shapes = json.loads(SHAPES)
    names = {new: old for old, new in zip(shapes, rename(dict.fromkeys(shapes, torch.empty(0))))}
    return {names[key]: value for key, value in tiny_network(config).state_dict().items()}


def _released_keys():
    """Every released key name, made from the rules rather than from a file."""
    stack = [f"{n}.{p}" for n in (0, 2, 4) for p in ("weight", "bias")]
    heads = "Weight1 Alpha1 Beta1 Weight2 Alpha2 Beta2 Occlusion Blend".split()
    keys = [f"get_kernel.moduleConv{s}.{x}" for s in range(1, 6) for x in stack]
    keys += [f"get_kernel.moduleDeconv{s}.{x}" for s in range(2, 6) for x in stack]
    keys += [f"get_kernel.moduleUpsample{s}.1.{p}" for s in range(2, 6) for p in ("weight", "bias")]
    keys += [f"get_kernel.module{h}.{x}" for h in heads for x in (*stack, "7.weight", "7.bias")]
    keys += [f"get_kernel.module1by1_{s}.{p}" for s in range(1, 6) for p in ("weight", "bias")]
    body = ["f.0.weight", "f.1.weight", "f.1.bias", "f.2.weight", "f.3.weight", "f.3.bias"]
    rise = ["f.1.weight", "f.2.weight", "f.2.bias", "f.3.weight", "f.4.weight", "f.4.bias"]
    ends = [*body, "conv.weight", "conv.bias"]
    grid = [f"{name}.{x}" for name in ("lateral_init", "lateral_final") for x in ends]
    grid += [f"lateral_{r}_{c}.{x}" for r in range(3) for c in range(5) for x in body]
    grid += [f"down_{r}_{c}.{x}" for r in range(2) for c in range(3) for x in body]
    grid += [f"up_{r}_{c}.{x}" for r in range(2) for c in range(3) for x in rise]
    return keys + [f"context_synthesis.{key}" for key in grid]


SHAPES = json.dumps(_released_keys())


def test_the_rules_rename_every_released_key(fixtures):
    official = json.loads((fixtures / "official_state_dict.json").read_text())
    assert set(_released_keys()) == set(official["cdfi"])


@pytest.mark.parametrize("config", [TINY, TINY_SYNTHESIS], ids=["plain", "synthesis"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {f"module.{key}": value for key, value in state.items()}},
    ],
    ids=["bare", "checkpoint", "parallel"],
)
def test_released_layouts_load_with_their_quirks(config, wrap, tmp_path):
    torch.save(wrap(released(config)), tmp_path / "old.pth")
    network = load(tmp_path / "old.pth")
    expected = config.as_released()
    assert network.config.stacks() == config.stacks()
    assert (network.config.rounding, network.config.features) == ("trunc", "stretched")
    assert network.config.pyramid == expected.pyramid
    assert equal(network, tiny_network(config))


@pytest.mark.parametrize("size", [0, 3, 9, 500, 4000])
def test_a_truncated_file_is_refused(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(ValueError, match="damaged, or not a checkpoint"):
        load(saved)


def test_a_flipped_bit_is_noticed(saved):
    body = bytearray(saved.read_bytes())
    body[-3] ^= 1
    saved.write_bytes(body)
    with pytest.raises(ValueError, match="do not match the digest"):
        load(saved)


def test_weights_of_another_network_say_which_keys_and_shapes(saved, tmp_path):
    checkpoint = read_checkpoint(saved)
    state = dict(checkpoint.state)
    key = next(iter(state))
    state[key] = state[key][:1]
    state["extra"] = state.pop("heads.beta1.last.bias")
    notes = {"config": checkpoint.config.to_json()}
    save_file(state, tmp_path / "wrong.safetensors", notes)
    with pytest.raises(
        ValueError, match="missing: heads.beta1.last.bias; unknown: extra; shapes: "
    ):
        load(tmp_path / "wrong.safetensors")


def test_tensors_of_no_known_network_say_what_is_missing(tmp_path):
    torch.save({"fc.weight": torch.ones(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"no AdaCoF or CDFI checkpoint.*fc\.weight"):
        load(tmp_path / "other.pth")


def test_an_unknown_name_suggests_the_near_ones():
    with pytest.raises(ValueError, match="did you mean compressed-adacof"):
        load("compresed-adacof")


def test_a_directory_is_no_checkpoint(tmp_path):
    with pytest.raises(ValueError, match="is a directory"):
        load(tmp_path)


def test_a_released_model_that_is_missing_names_its_download_command(tmp_path, monkeypatch):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="cdfi models download released/cdfi"):
        load("released/cdfi")


def test_downloads_are_kept_in_the_chosen_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    assert RELEASED["released/cdfi"].path == tmp_path / "released" / "cdfi.pth"


def test_every_released_row_names_a_network_and_a_digest():
    for row in RELEASED.values():
        assert row.network in NETWORKS
        assert len(row.git_blob) == 40
        assert row.url.startswith("https://")


def test_equal_weights_have_equal_digests_and_others_do_not():
    one, same, other = (tiny_network(seed=seed).state_dict() for seed in (0, 0, 1))
    assert digest(one) == digest(same) != digest(other)


def test_a_network_built_from_a_row_is_that_row():
    with torch.device("meta"):
        assert Network(NETWORKS["adacof+"]).config is NETWORKS["adacof+"]
