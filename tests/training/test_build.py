"""Starting from the weights of a similar network."""

from dataclasses import replace

import torch

from cdfi.models import Network
from cdfi.training.build import copy_overlap, initialise
from tiny import TINY, TINY_SYNTHESIS


def test_a_wider_network_takes_over_what_overlaps() -> None:
    wider = replace(TINY, encoder=((2, 3, 5), *TINY.encoder[1:]))
    old, new = Network(TINY), Network(wider)
    copy_overlap(new, old.state_dict(), TINY)
    taken, given = new.state_dict(), old.state_dict()
    assert torch.equal(taken["encoder.0.4.weight"][:2], given["encoder.0.4.weight"])
    assert torch.equal(taken["encoder.1.0.weight"][:, :2], given["encoder.1.0.weight"])
    assert taken["encoder.1.0.weight"][:, 2:].abs().max() < 0.1
    assert torch.equal(taken["decoder.0.0.weight"], given["decoder.0.0.weight"])


def test_parts_that_only_the_new_network_has_stay_fresh() -> None:
    like = replace(TINY, dilation=TINY_SYNTHESIS.dilation)
    old, new = Network(like), Network(TINY_SYNTHESIS)
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    assert copy_overlap(new, old.state_dict(), like) == len(old.state_dict())
    for name, value in new.state_dict().items():
        expected = old.state_dict().get(name, fresh[name])
        assert torch.equal(value, expected)


def test_taps_of_another_kernel_are_not_copied() -> None:
    old, new = Network(replace(TINY, kernel=5)), Network(TINY)
    fresh = new.state_dict()["heads.alpha0.last.weight"].clone()
    copy_overlap(new, old.state_dict(), old.config)
    assert torch.equal(new.state_dict()["heads.alpha0.last.weight"], fresh)
    assert torch.equal(
        new.state_dict()["heads.occlusion.last.weight"],
        old.state_dict()["heads.occlusion.last.weight"],
    )


def test_half_of_the_first_filters_see_nothing_where_the_frames_are_equal() -> None:
    network = initialise(Network(replace(TINY, encoder=((8, 3, 2), *TINY.encoder[1:]))))
    first = network.encoder[0][0]
    still = torch.rand(1, 3, 16, 16).repeat(1, 2, 1, 1)
    seen = first(still).abs().amax((0, 2, 3))
    assert torch.all(seen[:4] < 1e-5)
    assert torch.all(seen[4:] > 1e-2)


def test_fresh_layers_scaled_for_relu_pass_their_signal_on() -> None:
    torch.manual_seed(0)
    wide = replace(TINY, encoder=((16, 16, 16),) * 5, decoder=((16, 16, 16),) * 4)
    published, scaled = Network(wide), initialise(Network(wide))
    frames = torch.rand(2, 1, 3, 64, 64)
    coarsest = [network.encode(frames[0], frames[1])[-1] for network in (published, scaled)]
    spread = [float(stage.std((0, 2, 3)).mean()) for stage in coarsest]  # what depends on the place
    assert spread[1] > 5 * spread[0]
