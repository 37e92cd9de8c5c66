"""Starting from the weights of a similar network, and loading batches."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cdfi.data.mixture import Mixture, WeightedSource
from cdfi.data.triplets import Triplets, folder_triplets
from cdfi.models import Network
from cdfi.training.args import TrainArgs
from cdfi.training.build import batches_of, build_network, initialise
from cdfi.training.distributed import SingleProcess
from cdfi.training.warm_start import copy_overlap
from cdfi.weights import save
from cdfi.weights.checkpoint_file import read_checkpoint
from tests.tiny import TINY, TINY_REFINED, TINY_SYNTHESIS
from tests.training.tiny_runs import make_triplets


def test_a_wider_network_copies_overlapping_weights() -> None:
    wider = replace(TINY, encoder=((2, 3, 5), *TINY.encoder[1:]))
    old, new = Network(TINY), Network(wider)
    copy_overlap(new, old.state_dict(), TINY)
    taken, given = new.state_dict(), old.state_dict()
    assert torch.equal(taken["encoder.0.4.weight"][:2], given["encoder.0.4.weight"])
    assert torch.equal(taken["encoder.1.0.weight"][:, :2], given["encoder.1.0.weight"])
    assert taken["encoder.1.0.weight"][:, 2:].abs().max() == 0
    assert taken["encoder.0.4.weight"][2:].abs().max() > 0
    frames = torch.rand(2, 1, 3, 32, 32)
    assert torch.allclose(new(*frames), old(*frames), atol=1e-6)
    assert torch.equal(taken["decoder.0.0.weight"], given["decoder.0.0.weight"])


def test_new_parts_keep_their_initial_weights() -> None:
    like = replace(TINY, dilation=TINY_SYNTHESIS.dilation)
    old, new = Network(like), Network(TINY_SYNTHESIS)
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    assert copy_overlap(new, old.state_dict(), like) == len(old.state_dict())
    for name, value in new.state_dict().items():
        expected = old.state_dict().get(name, fresh[name])
        assert torch.equal(value, expected)


def test_a_larger_kernel_starts_by_sampling_what_the_smaller_one_sampled() -> None:
    torch.manual_seed(1)
    old = Network(TINY)
    new = Network(replace(TINY, kernel=7, dilation=3))
    copy_overlap(new, old.state_dict(), TINY)
    with torch.no_grad():  # the taps it did not have, switched off altogether
        for head in ("weight0", "weight1"):
            bias = new.heads[head].last.bias
            bias[bias == -6] = -60
    frames = torch.rand(2, 1, 3, 32, 32)
    assert torch.allclose(new(*frames), old(*frames), atol=1e-5)


def test_a_smaller_kernel_starts_with_new_taps() -> None:
    old, new = Network(replace(TINY, kernel=5)), Network(TINY)
    fresh = new.state_dict()["heads.alpha0.last.weight"].clone()
    copy_overlap(new, old.state_dict(), old.config)
    assert torch.equal(new.state_dict()["heads.alpha0.last.weight"], fresh)
    assert torch.equal(
        new.state_dict()["heads.occlusion.last.weight"],
        old.state_dict()["heads.occlusion.last.weight"],
    )


def test_a_fresh_synthesis_starts_as_the_mean_of_both_warps() -> None:
    network = initialise(Network(replace(TINY_SYNTHESIS, grid=(4, 4, 2))))
    prediction = network.predict(*torch.rand(2, 1, 3, 32, 32))
    features = torch.rand(1, 2 * sum(TINY_SYNTHESIS.pyramid), 32, 32)
    made = network.synthesis(torch.cat([prediction.warp0, prediction.warp1, features], 1))
    assert torch.allclose(made, (prediction.warp0 + prediction.warp1) / 2, atol=1e-6)


def test_overlap_does_not_copy_fresh_parts(tmp_path) -> None:
    save(Network(TINY), tmp_path / "old.safetensors", info={"network": "tiny"})
    row = tmp_path / "refined.json"
    row.write_text(TINY_REFINED.to_json())
    start = TrainArgs(
        network=str(row),
        weights=str(tmp_path / "old.safetensors"),
        overlap=True,
        fresh=("heads.alpha", "heads.beta"),
        he_init=True,
    )
    given = read_checkpoint(tmp_path / "old.safetensors").state
    taken = build_network(start).state_dict()
    for name in ("encoder.0.0.weight", "heads.weight0.last.weight"):
        assert torch.equal(taken[name], given[name])
    assert not taken["heads.alpha0.last.weight"].any()
    kept = build_network(replace(start, fresh=())).state_dict()
    assert torch.equal(kept["heads.alpha0.last.weight"], given["heads.alpha0.last.weight"])


def test_fresh_parts_must_exist_and_need_overlap(tmp_path) -> None:
    save(Network(TINY), tmp_path / "old.safetensors", info={"network": "tiny"})
    start = TrainArgs(weights=str(tmp_path / "old.safetensors"), network="aligned-adacof")
    with pytest.raises(ValueError, match="nothing to start fresh .*'heds.*encoder"):
        build_network(replace(start, overlap=True, fresh=("heds",)))
    with pytest.raises(ValueError, match="fresh must be given with overlap=true"):
        replace(start, fresh=("heads",))


def test_a_larger_kernel_copies_every_tensor() -> None:
    torch.manual_seed(1)
    old = Network(TINY)
    state = {k: v for k, v in old.state_dict().items() if not k.startswith("heads.")}
    new = Network(replace(TINY, kernel=5))
    fresh = new.state_dict()["heads.alpha0.last.weight"].clone()
    copy_overlap(new, state, TINY)
    assert torch.equal(new.state_dict()["heads.alpha0.last.weight"], fresh)


def test_frozen_parts_have_no_gradient() -> None:
    network = build_network(TrainArgs(network="compressed-adacof", freeze=("encoder", "heads.w")))
    asking = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert asking == {"decoder", "upsample", "heads"}
    assert not network.heads["weight0"].last.weight.requires_grad


def test_freezing_an_unknown_part_shows_the_known_parts() -> None:
    with pytest.raises(ValueError, match="nothing to freeze .*encoder"):
        build_network(TrainArgs(network="compressed-adacof", freeze=("enc0der",)))


def test_half_of_the_first_filters_are_zero_for_equal_frames() -> None:
    network = initialise(Network(replace(TINY, encoder=((8, 3, 2), *TINY.encoder[1:]))))
    first = network.encoder[0][0]
    still = torch.rand(1, 3, 16, 16).repeat(1, 2, 1, 1)
    seen = first(still).abs().amax((0, 2, 3))
    assert torch.all(seen[:4] < 1e-5)
    assert torch.all(seen[4:] > 1e-2)


def test_he_initialisation_keeps_the_scale_of_activations() -> None:
    torch.manual_seed(0)
    wide = replace(TINY, encoder=((16, 16, 16),) * 5, decoder=((16, 16, 16),) * 4)
    published, scaled = Network(wide), initialise(Network(wide))
    frames = torch.rand(2, 1, 3, 64, 64)
    coarsest = [network.encode(frames[0], frames[1])[-1] for network in (published, scaled)]
    spread = [float(stage.std((0, 2, 3)).mean()) for stage in coarsest]  # what depends on the place
    assert spread[1] > 5 * spread[0]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_data_is_one_line_from_any_process(tmp_path: Path, workers: int) -> None:
    source = Triplets(folder_triplets(make_triplets(tmp_path / "triplets")), crop=64)
    mixture = Mixture([WeightedSource(source, 1.0)], [])
    args, process = TrainArgs(batch=2, workers=workers), SingleProcess(torch.device("cpu"))
    with pytest.raises(ValueError, match="smaller than the crop of 64") as error:
        next(batches_of(mixture, args, 1, process, range(2)))
    assert len(str(error.value).splitlines()) == 1
