"""Interpolator: any kind of frame in, the same kind out; instants, memory, precision, bad input."""

import functools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.interpolation import Interpolator, engine
from cdfi.interpolation.precision import automatic_precision
from tests.tiny import TINY, TINY_SYNTHESIS, tiny_network

ASSETS = Path(__file__).parent.parent / "assets"


def real_frames():
    """Two frames of a film, (180, 320, 3) of uint8."""
    return [np.array(Image.open(ASSETS / f"frame{i}.png").convert("RGB")) for i in (0, 1)]


@pytest.fixture(scope="module")
def interpolator():
    return Interpolator(tiny_network(TINY_SYNTHESIS))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_an_array_comes_back_as_such_an_array(interpolator, dtype):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    frames = [(np.random.default_rng(s).random((20, 30, 3)) * top).astype(dtype) for s in (0, 1)]
    middle = interpolator(*frames)
    assert (middle.shape, middle.dtype) == ((20, 30, 3), np.dtype(dtype))
    batch = [torch.from_numpy(f.astype(np.float32) / top).permute(2, 0, 1) for f in frames]
    expected = interpolator(*batch).permute(1, 2, 0).numpy()
    assert np.abs(middle / top - expected).max() <= (0.51 / top if top > 1 else 1e-6)


def test_a_picture_comes_back_as_a_picture(interpolator):
    arrays = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    middle = interpolator(*map(Image.fromarray, arrays))
    assert (middle.mode, middle.size) == ("RGB", (30, 20))
    np.testing.assert_array_equal(np.asarray(middle), interpolator(*arrays))
    assert middle._repr_png_()  # what a notebook displays


def test_a_picture_of_another_mode_is_refused_by_name(interpolator):
    grey = Image.new("L", (30, 20))
    with pytest.raises(ValueError, match="frame1 is a Image of mode L; expected .* mode RGB"):
        interpolator(Image.new("RGB", (30, 20)), grey)


@pytest.mark.parametrize("shape", [(3, 20, 30), (2, 3, 20, 30), (3, 1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_a_tensor_comes_back_as_such_a_tensor(interpolator, shape, dtype):
    middle = interpolator(*torch.rand(2, *shape).to(dtype))
    assert (middle.shape, middle.dtype) == (shape, dtype)


def test_a_gradient_can_be_taken_through_what_comes_of_a_frame(interpolator):
    middle = interpolator(*torch.rand(2, 3, 20, 30))
    assert not middle.requires_grad
    scale = torch.ones(3, 1, 1, requires_grad=True)
    (middle * scale).sum().backward()
    torch.testing.assert_close(scale.grad.flatten(), middle.sum((1, 2)))


def test_the_interpolator_clamps_and_the_network_does_not():
    network = tiny_network()
    with torch.no_grad():
        network.heads["occlusion"].last.bias.fill_(50)
        network.heads["weight0"].last.weight.zero_()
    over = torch.full((1, 3, 16, 16), 1.5)
    assert Interpolator(network)(over, over).max() == 1
    assert network(over, over).max() > 1.4


def test_between_computes_each_midpoint_once_and_in_order(interpolator, monkeypatch):
    made = []
    inner = interpolator.engine.frame
    monkeypatch.setattr(interpolator.engine, "frame", lambda a, b: made.append(1) or inner(a, b))
    frames = torch.rand(2, 3, 16, 16)
    quarters = [Fraction(k, 4) for k in (1, 2, 3)]
    first, middle, third = interpolator.between(*frames, quarters)
    assert len(made) == 3
    assert torch.equal(middle, interpolator(*frames))
    assert torch.equal(first, interpolator(frames[0], middle))
    assert torch.equal(third, interpolator(middle, frames[1]))


@pytest.mark.parametrize(
    "times",
    [[0.25, 0.5, 0.75], [Fraction(k, 4) for k in (1, 2, 3)], 3],
    ids=["floats", "fractions", "count"],
)
def test_between_takes_floats_fractions_or_a_count(interpolator, times):
    frames = torch.rand(2, 3, 8, 8)
    expected = interpolator.between(*frames, [Fraction(k, 4) for k in (1, 2, 3)])
    for found, same in zip(interpolator.between(*frames, times), expected, strict=True):
        assert torch.equal(found, same)


def test_a_call_takes_the_instant(interpolator):
    frames = torch.rand(2, 3, 8, 8)
    (expected,) = interpolator.between(*frames, [Fraction(1, 4)])
    assert torch.equal(interpolator(*frames, 0.25), expected)


def test_the_repr_names_network_device_and_precision():
    network = tiny_network()
    found = repr(Interpolator(network, "cpu", precision="fp32", memory=1 << 30))
    assert found == f"Interpolator({network!r}, device='cpu', precision='fp32', memory=1073741824)"
    assert repr(network) == "Network(K=3, d=2, 0.01 M parameters)"
    named = repr(Interpolator("cdfi", "cpu", precision="fp32"))
    assert named.startswith("Interpolator('cdfi', Network(")


def test_to_moves_the_network_in_place(monkeypatch):
    interpolator = Interpolator(tiny_network(), "cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert interpolator.to("cpu") is interpolator
    assert interpolator.precision == "bf16"  # "auto" is chosen anew
    with pytest.raises(ValueError, match="no device 'cuda:77' here"):
        interpolator.to("cuda:77")


def test_all_frames_of_a_size_are_computed_in_the_same_pieces(monkeypatch):
    free = iter((1 << 40, 1))
    monkeypatch.setattr(engine, "free_memory", lambda device: next(free))
    interpolator = Interpolator(tiny_network())
    frames = torch.rand(2, 3, 40, 50)
    assert torch.equal(interpolator(*frames), interpolator(*frames))


def test_between_computes_a_frame_when_it_is_taken(interpolator, monkeypatch):
    made = []
    inner = interpolator.engine.frame
    monkeypatch.setattr(interpolator.engine, "frame", lambda a, b: made.append(1) or inner(a, b))
    frames = interpolator.between(*torch.rand(2, 3, 8, 8), [Fraction(k, 8) for k in range(1, 8)])
    next(frames)
    assert len(made) == 3


@pytest.mark.long
@torch.inference_mode()
def test_a_small_budget_gives_the_same_frame_in_smaller_pieces():
    from cdfi.interpolation.memory import peak_bytes

    network = tiny_network(TINY_SYNTHESIS, gain=10)
    frames = torch.rand(2, 1, 3, 700, 90)
    least = peak_bytes(TINY_SYNTHESIS, 700, 90, 64, 8)
    roomy, tight = (Interpolator(network, memory=m)(*frames) for m in (1 << 40, least + 1))
    assert torch.allclose(roomy, tight, atol=1e-4)


@pytest.mark.long
def test_half_precision_differs_by_less_than_half_a_level_on_average():
    frames = real_frames()
    exact, half = (
        Interpolator("default", "cpu", precision=p)(
            *(torch.from_numpy(f).permute(2, 0, 1) / 255 for f in frames)
        )
        for p in ("fp32", "bf16")
    )
    assert 0 < (exact - half).abs().mean() * 255 < 0.5


@pytest.mark.parametrize(
    ("can", "precision"),
    [({}, "fp32"), ({"avx2": True, "amx_bf16": False}, "fp32"), ({"avx512_bf16": True}, "bf16")],
)
def test_automatic_precision_on_a_cpu_is_what_its_units_multiply(monkeypatch, can, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can, raising=False)
    assert Interpolator(tiny_network(), "cpu").precision == precision


def test_automatic_precision_is_not_bf16_for_networks_that_compute_colours(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert automatic_precision(torch.device("cpu"), TINY) == "bf16"
    assert automatic_precision(torch.device("cpu"), TINY_SYNTHESIS) == "fp32"
    assert automatic_precision(torch.device("meta"), TINY) == "fp32"


@pytest.mark.long
def test_a_compiled_network_computes_the_same_frames(monkeypatch):
    network = tiny_network(TINY_SYNTHESIS)
    frames = torch.rand(2, 3, 40, 48)
    plain = Interpolator(network, "cpu", precision="fp32")(*frames)
    graphs = []

    def backend(graph, example):  # no C++ compiler needed
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    compiled = Interpolator(network, "cpu", precision="fp32", compile=True)
    assert torch.allclose(compiled(*frames), plain, atol=1e-5)
    assert len(graphs) == 3  # encoder, decoder, GridNet


def test_half_precision_keeps_the_brightness():
    grey = np.full((32, 48, 3), 20_001, np.uint16)
    made = Interpolator(tiny_network(gain=5), "cpu", precision="bf16")(grey, grey)
    assert np.abs(made.astype(int) - 20_001).max() <= 1


def test_an_overflow_in_fp16_continues_in_fp32():
    network = tiny_network()
    with torch.no_grad():
        network.encoder[0][0].weight.mul_(1e6)
    frames = torch.rand(2, 3, 32, 48)
    half = Interpolator(network, "cpu", precision="fp16")
    with pytest.warns(UserWarning, match="overflows in fp16"):
        made = half(*frames)
    assert half.precision == "fp32"
    assert torch.equal(made, Interpolator(network, "cpu", precision="fp32")(*frames))


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["default", "compressed-adacof", "cdfi"])
def test_automatic_precision_on_cuda_is_half_and_close(cuda, name):
    frames = real_frames()
    automatic = Interpolator(name, cuda)
    assert automatic.precision in ("fp16", "bf16")
    exact = Interpolator(name, cuda, precision="fp32")(*frames).astype(float)
    assert np.abs(automatic(*frames) - exact).mean() < 0.5


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["default", "cdfi"])
def test_a_gpu_captures_a_graph_for_each_size_anew(cuda, name):
    torch.manual_seed(0)
    interpolator, plain = Interpolator(name, cuda), Interpolator(name, cuda)
    plain.engine._graph_allowed = False
    for size in ((3, 96, 128), (3, 64, 160), (3, 96, 128)):
        for number in range(3):
            frames = torch.rand(2, *size, device=cuda)
            found = interpolator(*frames)
            assert (interpolator.engine._graph is not None) == (number > 0)
            torch.testing.assert_close(found, plain(*frames), rtol=0, atol=1e-5)


FRAME = torch.rand(3, 8, 8)


@pytest.mark.parametrize(
    ("frame0", "frame1", "says"),
    [
        (FRAME, torch.rand(3, 8, 9), "differ in size"),
        (FRAME, FRAME[None], "a single frame .* of shape .* a batch .* two single frames or two"),
        (FRAME, FRAME.double(), "differ in kind"),
        (FRAME, FRAME.numpy().transpose(1, 2, 0), "differ in kind"),
        (torch.rand(1, 8, 8), FRAME, r"frame0 is \(1, 8, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), FRAME, "expected a float tensor"),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), r"image \(H, W, 3\)"),
        (np.zeros((8, 8, 3), np.int32),) * 2 + ("int32",),
        (torch.rand(3, 0, 8),) * 2 + ("frame0 is",),
        ("a.png", "b.png", "is a str"),
    ],
)
def test_frames_that_do_not_form_a_pair_are_refused(interpolator, frame0, frame1, says):
    with pytest.raises(ValueError, match=says):
        interpolator(frame0, frame1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"precision": "fp8"}, "fp32, bf16, fp16"),
        ({"memory": 0}, "positive number of bytes"),
        ({"device": "gpu"}, "no device .gpu. here"),
        ({"device": "cuda:77"}, "no device 'cuda:77' here"),
    ],
)
def test_bad_arguments_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        Interpolator(tiny_network(), **arguments)
