"""Networks that take t: exact instants, one preparation per pair of frames, tiles, precision."""

from fractions import Fraction

import pytest
import torch

from cdfi.interpolation import Interpolator
from cdfi.interpolation.engine import Engine
from tests.timed import Lerp
from tests.tiny import tiny_network


def frames(height: int = 20, width: int = 30) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(2, 3, height, width)


def test_every_instant_is_exact_whatever_the_tolerance() -> None:
    interpolator = Interpolator(Lerp(), "cpu", precision="fp32")
    first, second = frames()
    times = [Fraction(1, 10), Fraction(1, 3), 0.7]
    found = list(interpolator.between(first, second, times, Fraction(1, 2)))
    for t, frame in zip(times, found):
        torch.testing.assert_close(frame, torch.lerp(first, second, float(t)))


def test_what_instants_share_is_computed_once_per_pair_of_frames() -> None:
    network = Lerp()
    interpolator = Interpolator(network, "cpu", precision="fp32")
    assert len(list(interpolator.between(*frames(), 9))) == 9
    assert network.prepared == 1
    assert network.instants == [step / 10 for step in range(1, 10)]
    interpolator(*frames())
    assert network.prepared == 2


def test_frames_are_computed_when_they_are_taken() -> None:
    network = Lerp()
    found = Interpolator(network, "cpu").between(*frames(), 3)
    assert network.prepared == 0
    next(found)
    assert len(network.instants) == 1


def test_two_gaps_can_be_read_in_turn() -> None:
    interpolator = Interpolator(Lerp(), "cpu", precision="fp32")
    first, second = frames()
    forwards = interpolator.between(first, second, 3)
    backwards = interpolator.between(second, first, 3)
    for number, (ahead, back) in enumerate(zip(forwards, backwards)):
        torch.testing.assert_close(ahead, torch.lerp(first, second, (number + 1) / 4))
        torch.testing.assert_close(back, torch.lerp(second, first, (number + 1) / 4))


def test_the_interpolator_is_called_with_an_instant() -> None:
    first, second = frames()
    found = Interpolator(Lerp(), "cpu", precision="fp32")(first, second, 0.3)
    torch.testing.assert_close(found, torch.lerp(first, second, 0.3))


def test_frames_that_exceed_the_memory_are_tiled() -> None:
    network = Lerp(bytes_per_pixel=1000)
    whole, tiled = (
        Engine(network, torch.device("cpu"), precision="fp32"),
        Engine(network, torch.device("cpu"), precision="fp32", memory=1000 * 300 * 400),
    )
    first, second = frames(300, 410)[:, None]
    assert tiled.peak_bytes(300, 410) == 1000 * 256 * 256
    torch.testing.assert_close(tiled.frame(first, second, 0.25), whole.frame(first, second, 0.25))


def test_too_little_memory_is_an_error() -> None:
    interpolator = Interpolator(Lerp(), "cpu", memory=1000)
    with pytest.raises(ValueError, match="too little for frames of 30 x 20"):
        interpolator(*frames())


def test_an_overflow_in_fp16_continues_in_fp32() -> None:
    network = Lerp(gain=1e6)
    torch.nn.init.constant_(network.conv[0].bias, 1.0)
    interpolator = Interpolator(network, "cpu", precision="fp16")
    with pytest.warns(UserWarning, match="overflows in fp16"):
        assert interpolator(*frames()).eq(1).all()
    assert interpolator.precision == "fp32"


def test_both_steps_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda step: compiled.append(step.__name__) or step)
    Interpolator(Lerp(), "cpu", compile=True).to("cpu")
    assert compiled == ["prepare", "between"]


def test_other_networks_refuse_instants_other_than_the_middle() -> None:
    engine = Engine(tiny_network(), torch.device("cpu"))
    with pytest.raises(ValueError, match="t = 1/2 only, not at 0.25"):
        engine.frame(*frames()[:, None], 0.25)


@pytest.mark.gpu
def test_a_gpu_replays_both_steps_and_prepares_each_gap(cuda: str) -> None:
    interpolator = Interpolator(Lerp(), cuda, precision="fp32")
    for seed in range(3):
        torch.manual_seed(seed)
        first, second = torch.rand(2, 3, 40, 50, device=cuda)
        forwards = interpolator.between(first, second, 3)
        backwards = interpolator.between(second, first, 3)
        for number, (ahead, back) in enumerate(zip(forwards, backwards)):
            torch.testing.assert_close(ahead, torch.lerp(first, second, (number + 1) / 4))
            torch.testing.assert_close(back, torch.lerp(second, first, (number + 1) / 4))
    assert interpolator.engine._graph is not None
