"""Our architectures from densities: the published example, budgets, warm starts."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cdfi.compression.budget import Budget, ratio
from cdfi.compression.density import density
from cdfi.design.architecture import Compact, compact, derive, size_of
from cdfi.models import NETWORKS, Config, FlowConfig, Network, build_network

SMALL = Config(
    kernel=3,
    dilation=2,
    encoder=((4, 5, 6), (6, 6, 7), (7, 8, 8), (8, 8, 9), (9, 8, 8)),
    decoder=((8, 7, 7), (7, 7, 6), (6, 6, 6), (6, 5, 5)),
    weight0=(5, 5, 4),
    alpha0=(5, 5, 4),
    beta0=(5, 5, 4),
    weight1=(5, 5, 4),
    alpha1=(5, 5, 4),
    beta1=(5, 5, 4),
    occlusion=(5, 4, 4),
)
WITH_SYNTHESIS = replace(
    SMALL, blend=(4, 4, 4), pyramid=(4, 5, 6, 7, 8), grid=(8, 10, 11), features="stretched"
)
EVERYTHING = replace(WITH_SYNTHESIS, refine=2, flow=(3,), compare=(4, 2), detail=(3, 4, 4))

#: Densities of AdaCoF after pruning, as its authors published them: convolutions 0, 2 and 4.
ENCODER = (
    (0.858, 0.762, 0.761),
    (0.762, 0.755, 0.751),
    (0.781, 0.779, 0.762),
    (0.698, 0.609, 0.554),
    (0.372, 0.178, 0.140),
)
DECODER = (
    (0.141, 0.192, 0.133),
    (0.234, 0.285, 0.321),
    (0.621, 0.647, 0.687),
    (0.739, 0.703, 0.735),
)
UPSAMPLE = (0.070, 0.313, 0.562, 0.701)
HEADS = {  # and the last one
    "weight0": (0.808, 0.798, 0.765, 0.841),
    "alpha0": (0.781, 0.788, 0.763, 0.803),
    "beta0": (0.782, 0.801, 0.783, 0.810),
    "weight1": (0.800, 0.793, 0.767, 0.836),
    "alpha1": (0.786, 0.790, 0.765, 0.810),
    "beta1": (0.784, 0.799, 0.795, 0.812),
    "occlusion": (0.815, 0.812, 0.809, 0.778),
}


def published() -> dict[str, float]:
    rows = {f"upsample.{i}.0": d for i, d in enumerate(UPSAMPLE)}
    for part, stages in (("encoder", ENCODER), ("decoder", DECODER)):
        rows |= {f"{part}.{i}.{2 * j}": d for i, s in enumerate(stages) for j, d in enumerate(s)}
    for name, (*hidden, last) in HEADS.items():
        rows |= {f"heads.{name}.hidden.{2 * j}": d for j, d in enumerate(hidden)}
        rows[f"heads.{name}.last"] = last
    return rows


def evenly(config: Config, dense: float) -> dict[str, float]:
    return {row.name: dense for row in density(Network(config))}


@pytest.fixture(scope="module")
def adacof() -> dict[str, Compact]:
    return {rule: derive(NETWORKS["adacof"], published(), rule) for rule in ("min", "max")}


def test_the_published_densities_lead_to_the_published_sizes(adacof: dict[str, Compact]) -> None:
    assert adacof["min"].before.parameters == 21_843_427
    assert adacof["min"].after.parameters == pytest.approx(4.6e6, rel=0.01)
    assert adacof["max"].after.parameters == pytest.approx(6.8e6, rel=0.01)


def test_layers_joined_by_an_addition_share_one_width(adacof: dict[str, Compact]) -> None:
    # The coarsest skip: encoder.4.4 asks for 191 outputs, upsample.0.0 for 135.
    assert adacof["min"].config.encoder[4][2] == 135
    # The sum enters decoder.1.0, which asks for 247 inputs.
    assert adacof["max"].config.encoder[4][2] == 247


def test_the_derived_size_is_that_of_the_network_built(adacof: dict[str, Compact]) -> None:
    small = Network(adacof["min"].config)
    assert sum(p.numel() for p in small.parameters()) == adacof["min"].after.parameters


@pytest.mark.parametrize("config", [SMALL, WITH_SYNTHESIS])
def test_density_one_is_the_same_config(config: Config) -> None:
    assert derive(config, evenly(config, 1.0)).config == config
    assert derive(config, {}).config == config


@pytest.mark.parametrize("whole", [WITH_SYNTHESIS, EVERYTHING], ids=["synthesis", "everything"])
@pytest.mark.long
def test_channels_with_a_fixed_meaning_are_kept_and_no_width_is_below_one(whole: Config) -> None:
    config = derive(whole, evenly(whole, 0.0)).config
    assert set(config.stacks()) == {(1, 1, 1)}
    assert config.pyramid == (1,) * 5
    assert config.grid == (1,) * 3
    assert set(config.flow + config.compare) <= {1}
    frame = torch.rand(1, 3, 32, 32)
    assert Network(config)(frame, frame).shape == frame.shape


@pytest.mark.parametrize("config", [SMALL, WITH_SYNTHESIS])
@pytest.mark.long
def test_a_compact_network_runs_and_keeps_the_largest_channels(config: Config) -> None:
    network = Network(config)
    first = network.encoder[0][0]
    with torch.no_grad():
        first.weight[[1, 3]] *= 100
    small, how = compact(network, evenly(config, 0.3))
    assert small.config == how.config
    assert torch.equal(small.encoder[0][0].weight, first.weight[[1, 3]])
    frame = torch.rand(1, 3, 40, 33)
    small(frame, frame).mean().backward()
    assert all(p.grad is not None for p in small.parameters())


@pytest.mark.long
def test_a_gridnet_as_narrow_as_its_output_runs_without_a_skip_layer() -> None:
    small, how = compact(Network(WITH_SYNTHESIS), evenly(WITH_SYNTHESIS, 0.15))
    assert how.config.grid[0] == 3
    frame = torch.rand(1, 3, 32, 32)
    assert small(frame, frame).shape == frame.shape


@torch.no_grad()
def test_a_compact_network_without_the_zero_channels_predicts_the_same() -> None:
    network = Network(SMALL)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.out_channels not in (1, SMALL.taps):
            layer.weight[1], layer.bias[1] = 0, 0  # type: ignore[index]
    # Densities that ask every layer for one channel less on its narrower side.
    densities = {
        name: ((layer.out_channels - 0.5) / layer.out_channels) ** 2
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.out_channels not in (1, SMALL.taps)
    }
    small, _ = compact(network, densities)
    assert small.config.encoder[0] == (3, 4, 5)
    frame0, frame1 = torch.rand(2, 1, 3, 32, 32)
    torch.testing.assert_close(small(frame0, frame1), network(frame0, frame1), atol=1e-5, rtol=0)


def test_budgets_are_met_by_one_factor() -> None:
    densities = evenly(SMALL, 0.8)
    whole = size_of(Network(SMALL))
    tenth = derive(SMALL, densities, budget=ratio(5, whole))
    assert tenth.after.parameters <= whole.parameters / 5
    assert tenth.factor < 1
    scaled = {name: d * tenth.factor for name, d in densities.items()}
    assert derive(SMALL, scaled).config == tenth.config
    quick = derive(SMALL, densities, budget=Budget(flops=whole.flops // 3))
    assert quick.after.flops <= whole.flops // 3


def test_widths_are_rounded_up_to_a_multiple() -> None:
    config = derive(SMALL, evenly(SMALL, 0.3), round_to=2).config
    assert config.encoder[0] == (2, 2, 4)


@pytest.mark.parametrize("budget", [Budget(milliseconds=5.0), Budget(memory=10**6)])
def test_a_budget_that_needs_a_run_is_refused(budget: Budget) -> None:
    with pytest.raises(ValueError, match="give a budget of parameters or flops"):
        derive(SMALL, evenly(SMALL, 0.5), budget=budget)


def test_a_budget_smaller_than_the_smallest_network_is_refused() -> None:
    with pytest.raises(ValueError, match="no network of this topology is within 10 parameters"):
        derive(SMALL, evenly(SMALL, 0.5), budget=Budget(parameters=10))


def test_densities_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="does not have"):
        derive(SMALL, {"synthesis.first.skip": 0.5})


FLOW = FlowConfig((4, 6), (8, 8, 10), 1, width=12, blocks=1, hidden=4, synthesis=8, low=10)


def test_a_flow_network_gets_the_widths_of_its_densities() -> None:
    densities = dict.fromkeys(["encoder.fine.0.0", "encoder.fine.1.0", "synthesis.low.0.0"], 0.25)
    found = derive(FLOW, densities)
    assert isinstance(found.config, FlowConfig)
    assert found.config.fine == (2, 3) and found.config.coarse == FLOW.coarse
    assert (found.config.low, found.config.width) == (5, FLOW.width)
    assert found.after.parameters < found.before.parameters


def test_a_flow_network_without_its_zero_channels_computes_the_same() -> None:
    torch.manual_seed(0)
    network = build_network(FLOW).eval()
    layer = network.get_submodule("encoder.fine.0.0")
    assert isinstance(layer, torch.nn.Conv2d) and layer.bias is not None
    with torch.no_grad():
        layer.weight[1:3] = 0
        layer.bias[1:3] = 0
    small, how = compact(network, {"encoder.fine.0.0": 0.25})
    assert isinstance(how.config, FlowConfig) and how.config.fine == (2, 6)
    frame0, frame1 = torch.rand(2, 1, 3, 70, 66)
    with torch.no_grad():
        expected, found = (x.eval()(frame0, frame1, 0.3) for x in (network, small))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
