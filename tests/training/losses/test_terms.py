"""The loss string and its terms."""

from pathlib import Path

import pytest
import torch

from cdfi.data.batch import Batch
from cdfi.models import Maps, Prediction
from cdfi.training.losses.terms import (
    LOSSES,
    census,
    charbonnier,
    laplacian,
    negative_psnr,
    parse_loss,
    smoothness,
)
from cdfi.training.losses.vgg import VggLoss

SIDE = 32


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(3, 2, 3, SIDE, SIDE, generator=generator)
    flow, seen = torch.zeros(2, 2, SIDE, SIDE), torch.ones(2, 1, SIDE, SIDE)
    half = torch.full((frames.shape[1], 1, 1, 1), 0.5)
    return Batch(*frames.unbind(0), flow, flow, seen, seen, half)


def _parts(middle: torch.Tensor) -> Prediction:
    maps = Maps(*(torch.rand(2, 9, SIDE, SIDE) for _ in range(3)))
    occlusion = torch.rand(2, 1, SIDE, SIDE)
    return Prediction(middle, middle, middle, maps, maps, occlusion, None)


def test_the_published_string_is_three_weighted_terms(vgg: Path) -> None:
    terms = parse_loss("1*Charb+0.01*g_Spatial+0.005*VGG", vgg)
    assert [(term.weight, term.name) for term in terms] == [
        (1.0, "Charb"),
        (0.01, "g_Spatial"),
        (0.005, "VGG"),
    ]


def test_a_term_without_weight_has_weight_one_and_spaces_are_ignored() -> None:
    assert [term.weight for term in parse_loss("L1 + 2e-1 * MSE")] == [1.0, 0.2]


@pytest.mark.parametrize("text", ["", "1*", "Charb++L1", "1**L1", "L1-MSE", "1.2.3*L1"])
def test_other_grammar_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"like 1\*Charb\+0\.01\*g_Spatial"):
        parse_loss(text)


def test_an_unknown_loss_shows_similar_names() -> None:
    with pytest.raises(ValueError, match=r"unknown loss 'charbo'; did you mean Charb\?"):
        parse_loss("1*charbo")


@pytest.mark.parametrize("name", [name for name in LOSSES if not name.startswith("g_")])
def test_a_perfect_prediction_scores_best_and_a_worse_one_worse(name: str, vgg: Path) -> None:
    batch = _batch()
    (term,) = parse_loss(name, vgg)
    scores = [
        float(term.measure(_parts((1 - share) * batch.middle + share * batch.frame0), batch))
        for share in (0.0, 0.3, 1.0)
    ]
    assert scores[0] == pytest.approx(-50 if name == "PSNR" else 0, abs=2e-3)
    assert scores[0] < scores[1] < scores[2]


@pytest.mark.parametrize("name", LOSSES)
def test_every_term_is_a_scalar_with_gradients(name: str, vgg: Path) -> None:
    leaf = torch.rand(2, 3, SIDE, SIDE, requires_grad=True)
    prediction = _parts(leaf)
    prediction.occlusion.requires_grad_()
    prediction.maps0.offset_y.requires_grad_()
    (term,) = parse_loss(name, vgg)
    value = term.measure(prediction, _batch())
    assert value.shape == ()
    value.backward()
    grads = [
        t.grad
        for t in (leaf, prediction.occlusion, prediction.maps0.offset_y)
        if t.grad is not None
    ]
    assert any(bool(grad.abs().sum() > 0) for grad in grads)


def test_psnr_weighs_each_sample_by_its_own_error() -> None:
    truth = torch.full((2, 3, 8, 8), 0.5)
    error = torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)  # 20 and 40 dB
    made = (truth + error).requires_grad_()
    value = negative_psnr(made, truth)
    assert value.item() == pytest.approx(-30, abs=0.3)
    value.backward()
    wild, gentle = made.grad.flatten(1).norm(dim=1)
    assert 8 < gentle / wild <= 10


def test_charbonnier_is_a_smooth_absolute_value() -> None:
    assert float(charbonnier(torch.tensor([3.0, -5.0]))) == pytest.approx(4.0, abs=1e-5)
    assert float(charbonnier(torch.zeros(4))) == pytest.approx(1e-3)


def test_smoothness_is_the_mean_step_along_both_axes() -> None:
    ramp = torch.arange(6.0).expand(1, 1, 4, 6)
    assert float(smoothness(ramp)) == pytest.approx(1.0 + 1e-3, abs=1e-5)


def test_census_is_invariant_to_brightness() -> None:
    x = torch.rand(1, 3, 16, 16) * 0.5
    assert float(census(x, x + 0.3)) < 1e-6
    assert float(census(x, x.flip(3))) > 0.1


def test_laplacian_weighs_coarse_differences_more() -> None:
    x = torch.zeros(1, 3, 64, 64)
    stripes = 0.1 * (torch.arange(64) % 2).float().expand(1, 3, 64, 64)
    waves = 0.1 * (torch.arange(64) // 16 % 2).float().expand(1, 3, 64, 64)
    assert laplacian(x, waves) > 2 * laplacian(x, stripes)


def test_missing_vgg_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--download-vgg"):
        VggLoss(tmp_path / "absent.pth")


def test_a_file_without_vgg_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold torchvision's VGG16"):
        VggLoss(tmp_path / "other.pth")


def test_vgg_measures_the_features_of_conv4_3(vgg: Path) -> None:
    features = VggLoss(vgg).features
    convolutions = [layer for layer in features if isinstance(layer, torch.nn.Conv2d)]
    assert len(features) == 22
    assert (len(convolutions), convolutions[-1].out_channels) == (10, 512)
