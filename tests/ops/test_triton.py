"""The Triton kernels against the reference: on a GPU, or under Triton's interpreter on a CPU."""

import importlib
import os
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops import (
    adacof,
    adacof_logits_strip,
    adacof_reference,
    cost_volume,
    cost_volume_reference,
    detail_bands_reference,
    refine_flow,
    refine_flow_reference,
    shares,
)

refinement = importlib.import_module("cdfi.ops.refine_flow.op")
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
HALVES = [torch.float16, torch.bfloat16]


@pytest.fixture
def kernels() -> ModuleType:
    """The launchers, with kernels that Triton interprets on CPU tensors."""
    if not INTERPRETED:
        pytest.skip("runs in a process of its own, with TRITON_INTERPRET=1")
    return importlib.import_module("cdfi.ops.adacof.triton")


def arguments(
    channels: int, device: str = "cpu", dtype: torch.dtype = torch.float32, reach: float = 2.0
) -> tuple[Tensor, ...]:
    """Random input, weight, offset_y, offset_x for K=3, dilation 2 and an output of 5 x 7."""
    random = torch.Generator().manual_seed(0)
    image = torch.randn(2, channels, 9, 11, generator=random)
    weight, *offsets = (torch.randn(2, 9, 5, 7, generator=random) for _ in range(3))
    tensors = (image, weight, *(offset * reach for offset in offsets))
    return tuple(t.to(device, dtype).requires_grad_() for t in tensors)


def check(kernels: ModuleType, tensors: tuple[Tensor, ...], rounding: str) -> None:
    """Compare values and all four gradients."""
    expected = adacof_reference(*tensors, 2, rounding)
    grad = torch.randn_like(expected)
    plain = [tensor.detach() for tensor in tensors]
    results = (
        kernels.forward(*plain, 0, 2, rounding),
        kernels.backward_input(grad, *plain, 0, 2, rounding),
        *kernels.backward_maps(grad, *plain, 0, 2, rounding),
    )
    references = (expected, *torch.autograd.grad(expected, tensors, grad))
    loose = 1e-4 if tensors[0].dtype == torch.float32 else 2e-2
    for ours, theirs in zip(results, references):
        assert ours.dtype == theirs.dtype
        scale = max(1.0, theirs.abs().max().item())
        torch.testing.assert_close(ours, theirs, rtol=loose, atol=loose * scale)


@pytest.mark.parametrize("rounding", ["floor", "trunc"])
@pytest.mark.parametrize("channels", [3, 70])
def test_interpreted_kernels_match_the_reference(
    kernels: ModuleType, channels: int, rounding: str
) -> None:
    check(kernels, arguments(channels), rounding)


def test_interpreted_kernels_read_the_border_far_out_of_the_frame(kernels: ModuleType) -> None:
    check(kernels, arguments(3, reach=1e9), "floor")


def test_interpreted_kernels_read_any_layout(kernels: ModuleType) -> None:
    image, weight, *offsets = (t.detach() for t in arguments(5))
    last = weight.contiguous(memory_format=torch.channels_last)
    tensors = tuple(
        tensor.requires_grad_()
        for tensor in (image.transpose(2, 3).contiguous().mT, last, *offsets)
    )
    check(kernels, tensors, "floor")


@pytest.mark.parametrize("dtype", HALVES)
def test_interpreted_kernels_sum_half_precision_in_float32(
    kernels: ModuleType, dtype: torch.dtype
) -> None:
    check(kernels, arguments(5, dtype=dtype), "floor")


def test_interpreted_kernels_take_all_taps_of_a_frame_at_once(
    kernels: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "MOST_STEPS", 0)
    check(kernels, arguments(3), "floor")
    test_interpreted_kernels_normalise_logits_themselves(kernels, 3, torch.float32)


def test_an_interpreted_strip_is_that_of_the_whole(kernels: ModuleType) -> None:
    image, *maps = (tensor.detach() for tensor in arguments(3))
    whole = kernels.forward(image, *maps, 0, 2, "floor")
    strip = kernels.forward(image, *(m[:, :, 3:5] for m in maps), 3, 2, "floor")
    assert torch.equal(strip, whole[:, :, 3:5])


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("channels", [3, 5])
def test_interpreted_kernels_normalise_logits_themselves(
    kernels: ModuleType, channels: int, dtype: torch.dtype
) -> None:
    image, logits, *offsets = (t.detach() for t in arguments(channels, dtype=dtype))
    logits = 10 * logits  # far apart: exponentials of these would overflow half precision
    result = kernels.forward(image, logits, *offsets, 0, 2, "floor", softmax=True)
    expected = adacof_reference(image.float(), shares(logits), *(o.float() for o in offsets), 2)
    loose = 1e-4 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(result.float(), expected, rtol=loose, atol=loose)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("channels", [3, 5])
def test_interpreted_kernels_count_offsets_from_a_motion(
    kernels: ModuleType, channels: int, softmax: bool
) -> None:
    image, logits, *offsets = (t.detach() for t in arguments(channels))
    way = torch.randn(2, 4, 5, 7)[:, 1:3]
    result = kernels.forward(image, logits, *offsets, 0, 2, "floor", softmax=softmax, way=way)
    weight = shares(logits) if softmax else logits
    moved = (offsets[0] + way[:, :1], offsets[1] + way[:, 1:])
    torch.testing.assert_close(result, adacof_reference(image, weight, *moved, 2))


def check_finish(module: ModuleType, device: str, dtype: torch.dtype, slope: float) -> None:
    """Compare bias and activation, on numbers that end within a block."""
    x = torch.randn(2, 12, 13, 11, device=device).to(dtype, memory_format=torch.channels_last)
    bias = torch.randn(12, device=device)
    exact = x.float() + bias[:, None, None]
    module.finish_(x, bias, slope)
    torch.testing.assert_close(x, torch.where(exact < 0, slope * exact, exact).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("slope", [0.0, 1.0, -0.3])
def test_interpreted_bias_and_activation_match_their_definition(
    kernels: ModuleType, dtype: torch.dtype, slope: float
) -> None:
    check_finish(importlib.import_module("cdfi.ops.conv.triton"), "cpu", dtype, slope)


def check_enlarged(
    module: ModuleType, device: str, dtype: torch.dtype, channels: int, corners: bool
) -> None:
    """Compare some rows, at each end of the frame and between, with those of the whole."""
    whole = torch.randn(2, channels, 6, 5, device=device, dtype=dtype)
    exact = F.interpolate(whole.float(), (12, 10), mode="bilinear", align_corners=corners)
    exact = F.pad(exact, (0, 0, 1, 1))  # row -1 and row 12
    for start, end, top, bottom in ((0, 3, -1, 4), (1, 5, 3, 8), (3, 6, 7, 13), (0, 6, -1, 13)):
        x = whole[:, :, start:end].permute(0, 2, 3, 1)
        result = module.enlarged_rows(x, start, 6, (12, 10), top, bottom, corners)
        expected = exact[:, :, top + 1 : bottom + 1].permute(0, 2, 3, 1).to(dtype)
        loose = 1e-5 if dtype == torch.float32 else 2e-2
        torch.testing.assert_close(result, expected, rtol=loose, atol=loose)


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize(("channels", "corners"), [(8, True), (21, False)])
def test_interpreted_rows_are_enlarged_by_their_definition(
    kernels: ModuleType, dtype: torch.dtype, channels: int, corners: bool
) -> None:
    module = importlib.import_module("cdfi.ops.resize.triton")
    check_enlarged(module, "cpu", dtype, channels, corners)


def check_volume(
    module: ModuleType, size: tuple[int, int], radius: int, device: str, dtype: torch.dtype
) -> None:
    """Compare the cost volume's values and both gradients."""
    random = torch.Generator().manual_seed(0)
    pair = [torch.randn(2, 18, *size, generator=random).to(device, dtype) for _ in range(2)]
    exact = [x.float().requires_grad_() for x in pair]
    expected = cost_volume_reference(*exact, radius)
    grad = torch.randn(expected.shape, generator=random).to(device, dtype)
    of_first, of_second = torch.autograd.grad(expected, exact, grad.float())
    loose = 1e-4 if dtype == torch.float32 else 2e-2
    for ours, theirs in (
        (module.forward(*pair, radius), expected),
        (module.backward(grad, pair[1], radius, 1), of_first),
        (module.backward(grad, pair[0], radius, -1), of_second),
    ):
        assert ours.dtype == dtype
        scale = max(1.0, theirs.abs().max().item())
        torch.testing.assert_close(ours.float(), theirs, rtol=loose, atol=loose * scale)


def check_details(
    module: ModuleType,
    size: tuple[int, int],
    channels: int,
    device: str,
    dtype: torch.dtype,
    reach: float = 3.0,
) -> None:
    """Compare both bands of a strip of a frame with a border, and what is added of them."""
    random = torch.Generator().manual_seed(0)
    height, width = size
    frame = torch.rand(2, channels, height + 7, width + 4, generator=random)
    flow, gains = torch.randn(2, 2, 2, height, width, generator=random).mul(reach)
    frame, flow, gains = (x.to(device, dtype) for x in (frame, flow, gains))
    flow[0, :, 0, 0] = torch.nan
    expected = detail_bands_reference(frame.float(), flow.float(), 3)
    lost, fine = expected.chunk(2, 1)
    added = gains[:, :1].float() * lost + gains[:, 1:].float() * fine
    found = module.details(frame, flow, gains, 3)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, added, rtol=1e-4, atol=1e-4 * reach)


DETAILS = [((5, 7), 3), ((2, 70), 18), ((1, 1), 1)]


@pytest.mark.parametrize(("size", "channels"), DETAILS)
def test_interpreted_details_match_their_definition(
    kernels: ModuleType, size: tuple[int, int], channels: int
) -> None:
    module = importlib.import_module("cdfi.ops.details.triton")
    check_details(module, size, channels, "cpu", torch.float32)
    check_details(module, size, channels, "cpu", torch.float32, reach=1e6)


@pytest.mark.parametrize("dtype", HALVES)
def test_interpreted_details_are_summed_in_float32(kernels: ModuleType, dtype: torch.dtype) -> None:
    module = importlib.import_module("cdfi.ops.details.triton")
    check_details(module, (5, 7), 3, "cpu", dtype)


@pytest.mark.gpu
@pytest.mark.parametrize(("size", "channels"), DETAILS)
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
def test_details_on_a_gpu_match_their_definition(
    cuda: str, size: tuple[int, int], channels: int, dtype: torch.dtype
) -> None:
    module = importlib.import_module("cdfi.ops.details.triton")
    check_details(module, size, channels, cuda, dtype)


def check_registration(
    improve: Any, size: tuple[int, int], moves: tuple[int, ...], device: str
) -> None:
    """Compare a level with its definition, but for places that rounding decides."""
    random = torch.Generator().manual_seed(0)
    rough = torch.rand(2, 1, 3, -(-size[0] // 4), -(-size[1] // 4), generator=random)
    frames = [torch.nn.functional.interpolate(x, size, mode="bicubic") for x in rough]
    flow = 2 * torch.randn(1, 4, *size, generator=random)
    start = torch.randn(1, 2, *size, generator=random)
    levels = [x.to(device) for x in (*frames, flow, start)]
    for ours, theirs in zip(improve(*levels, moves), refinement._improve(*levels, moves)):
        assert ours.dtype == torch.float32
        close = (ours - theirs).abs() < 1e-3
        assert close.float().mean() > 0.99


LEVELS = [((5, 7), (0,)), ((3, 70), (4, 0)), ((1, 1), (0, 8)), ((4, 5), (0, 2, 0))]


@pytest.mark.parametrize(("size", "moves"), LEVELS)
def test_interpreted_registration_matches_its_definition(
    kernels: ModuleType, size: tuple[int, int], moves: tuple[int, ...]
) -> None:
    module = importlib.import_module("cdfi.ops.refine_flow.triton")
    check_registration(module.improve, size, moves, "cpu")


def test_interpreted_registration_of_frames_that_are_not_numbers_moves_nothing(
    kernels: ModuleType,
) -> None:
    module = importlib.import_module("cdfi.ops.refine_flow.triton")
    frame = torch.full((1, 3, 6, 9), torch.nan)
    shift, _ = module.improve(frame, frame, torch.zeros(1, 4, 6, 9), torch.ones(1, 2, 6, 9), (0,))
    assert torch.equal(shift, torch.zeros_like(shift))


@pytest.mark.gpu
@pytest.mark.parametrize(("size", "moves"), LEVELS)
def test_registration_on_a_gpu_matches_its_definition(
    cuda: str, size: tuple[int, int], moves: tuple[int, ...]
) -> None:
    module = importlib.import_module("cdfi.ops.refine_flow.triton")
    check_registration(module.improve, size, moves, cuda)


@pytest.mark.gpu
def test_the_gpu_registers_through_the_public_function(cuda: str) -> None:
    frames = torch.rand(2, 1, 3, 32, 48, device=cuda)
    frames = torch.nn.functional.avg_pool2d(frames.flatten(0, 1), 5, 1, 2).view_as(frames)
    flow = torch.randn(1, 4, 32, 48, device=cuda)
    for ours, theirs in zip(refine_flow(*frames, flow, 3), refine_flow_reference(*frames, flow, 3)):
        assert ((ours - theirs).abs() < 1e-3).float().mean() > 0.98


VOLUMES = [((5, 7), 2), ((2, 70), 1), ((1, 1), 1)]


@pytest.mark.parametrize(("size", "radius"), VOLUMES)
def test_interpreted_cost_volumes_match_the_reference(
    kernels: ModuleType, size: tuple[int, int], radius: int
) -> None:
    module = importlib.import_module("cdfi.ops.cost_volume.triton")
    check_volume(module, size, radius, "cpu", torch.float32)


@pytest.mark.parametrize("dtype", HALVES)
def test_interpreted_cost_volumes_sum_half_precision_in_float32(
    kernels: ModuleType, dtype: torch.dtype
) -> None:
    module = importlib.import_module("cdfi.ops.cost_volume.triton")
    check_volume(module, (5, 7), 2, "cpu", dtype)


@pytest.mark.skipif(INTERPRETED, reason="is the process that runs the others")
def test_the_interpreter_passes_these_tests() -> None:
    """Triton reads TRITON_INTERPRET once, when kernels are defined: hence a second process."""
    pytest.importorskip("triton", reason="Triton comes only with PyTorch for CUDA on Linux")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    run = subprocess.run(
        [*command, "-k", "interpreted"],
        env={**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout and "skipped" not in run.stdout


#: Each kernel, and the constants that it is compiled with (those that it has not are left out).
KERNELS = [
    ("adacof.triton_kernels", "forward_kernel"),
    ("adacof.triton_kernels", "backward_maps_kernel"),
    ("adacof.triton_kernels", "backward_input_kernel"),
    ("adacof.triton_kernels", "narrow_forward_kernel"),
    ("adacof.triton_kernels", "narrow_backward_maps_kernel"),
    ("cost_volume.triton", "forward_kernel"),
    ("cost_volume.triton", "backward_kernel"),
    ("details.triton", "kernel"),
    ("resize.triton", "kernel"),
    ("conv.triton", "kernel"),
    ("refine_flow.triton", "look_kernel"),
    ("refine_flow.triton", "keep_kernel"),
    ("refine_flow.triton", "multiply_kernel"),
]
CONSTANTS = {
    "KERNEL": 5,
    "DILATION": 1,
    "TRUNCATE": True,
    "SOFTMAX": True,
    "MOVED": True,
    "TALL": 4,
    "TAPS": 32,
    "CHANNELS": 24,
    "BLOCK": 2048,
    "PIXELS": 32,
    "LANES": 64,
    "WIDE": 64,
    "RADIUS": 4,
    "COLUMNS": 64,
    "SIGN": -1,
    "SHARPNESS": -0.5,
    "STEP": True,
    "NEIGHBOURS": False,
    "PRODUCTS": 5,
    "FLAT": 1e-5,
    "LONGEST": 1.0,
    "BETTER": 0.9999,
    "FAINT": 0.02,
}
OTHERS = {
    "LANES": 16,
    "WIDE": 16,
    "STEP": False,
    "NEIGHBOURS": True,
    "TRUNCATE": False,
    "SOFTMAX": False,
    "TALL": 1,
    "MOVED": False,
    "CHANNELS": 21,
}
SIZES = (
    *("channels", "height", "width", "rows", "columns", "row", "top", "left"),
    *("wanted", "start", "count"),
)
FLOATS = ("slope", "down_step", "down_start", "aside_step", "aside_start")
STRIDES = ("_n", "_c", "_y", "_x", "_row", "_column")
MAPS = ("offset_y", "offset_x", "of_y", "of_x")  # pointers, whose names end alike
#: The kernels that read or add to images, and with which instructions.
IMAGES = {
    "forward_kernel": ["ld.global.v4.b32"],
    "backward_maps_kernel": ["ld.global.v4.b32"],
    "backward_input_kernel": ["ld.global.v4.b32", ".add.v4.f32"],
    "narrow_forward_kernel": ["ld.global.v4.b32"],
    "narrow_backward_maps_kernel": ["ld.global.v4.b32"],
}


@pytest.mark.skipif(INTERPRETED, reason="interpreted kernels have no compiler")
@pytest.mark.parametrize(("module", "name"), KERNELS)
@pytest.mark.parametrize("others", [{}, OTHERS], ids=["first", "second"])
@pytest.mark.parametrize("ones", [False, True])
def test_the_kernels_compile_for_a_gpu_that_is_not_here(
    module: str, name: str, others: dict[str, Any], ones: bool
) -> None:
    """With ``ones``, every number is 1: Triton compiles that in, as no tensor any more."""
    pytest.importorskip("triton", reason="Triton is not installed")
    kernel = getattr(importlib.import_module(f"cdfi.ops.{module}"), name)
    constants = {k: v for k, v in (CONSTANTS | others).items() if k in kernel.arg_names}
    if name.startswith("narrow"):
        constants |= {"WIDE": 4}
    if ones:
        constants |= dict.fromkeys(numbers_of(kernel), 1)
    assert ptx(kernel, constants)


@pytest.mark.skipif(INTERPRETED, reason="interpreted kernels have no compiler")
@pytest.mark.parametrize(("name", "vector"), [(k, v) for k in IMAGES for v in IMAGES[k]])
def test_neighbours_are_read_and_added_to_as_whole_vectors(name: str, vector: str) -> None:
    """One by one, channels take a GPU longer than the released kernel."""
    pytest.importorskip("triton", reason="Triton is not installed")
    kernel = getattr(importlib.import_module("cdfi.ops.adacof.triton_kernels"), name)
    constants = {k: v for k, v in CONSTANTS.items() if k in kernel.arg_names}
    if name.startswith("narrow"):
        constants |= {"WIDE": 4}
    assert vector in ptx(kernel, constants)


def numbers_of(kernel: Any) -> list[str]:
    """The names of a kernel's sizes and strides."""
    names: list[str] = kernel.arg_names
    return [x for x in names if x in SIZES or (x.endswith(STRIDES) and x not in MAPS)]


def ptx(kernel: Any, constants: dict[str, Any]) -> str:
    """What a kernel is compiled to for sm_90, of float32 tensors as PyTorch allocates them."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    signature = dict.fromkeys(kernel.arg_names, "*fp32")
    signature |= dict.fromkeys(numbers_of(kernel), "i32")
    signature |= {name: "fp32" for name in FLOATS if name in kernel.arg_names}
    signature |= dict.fromkeys(constants, "constexpr")
    tensors = [i for i, kind in enumerate(signature.values()) if kind.startswith("*")]
    attributes = {(i,): [["tt.divisibility", 16]] for i in tensors}
    source = ASTSource(kernel, signature=signature, constexprs=constants, attrs=attributes)
    assembly: str = compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    return assembly


@pytest.mark.gpu
@pytest.mark.parametrize(("size", "radius"), VOLUMES)
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
def test_the_gpu_matches_the_reference_of_the_cost_volume(
    cuda: str, size: tuple[int, int], radius: int, dtype: torch.dtype
) -> None:
    module = importlib.import_module("cdfi.ops.cost_volume.triton")
    check_volume(module, size, radius, cuda, dtype)


@pytest.mark.gpu
def test_the_gpu_takes_a_cost_volume_and_its_gradients_through_the_public_function(
    cuda: str,
) -> None:
    pair = [torch.randn(2, 5, 9, 8, device=cuda, requires_grad=True) for _ in range(2)]
    ours, theirs = cost_volume(*pair, 2), cost_volume_reference(*pair, 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    for mine, true in zip(*(torch.autograd.grad(v.square().sum(), pair) for v in (ours, theirs))):
        torch.testing.assert_close(mine, true, rtol=1e-3, atol=1e-3)
    torch.library.opcheck(torch.ops.cdfi.cost_volume.default, (*pair, 2))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("slope", [0.0, 1.0, -0.3])
def test_bias_and_activation_on_a_gpu(cuda: str, dtype: torch.dtype, slope: float) -> None:
    check_finish(importlib.import_module("cdfi.ops.conv.triton"), cuda, dtype, slope)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("channels", [8, 21, 48])
@pytest.mark.parametrize("corners", [False, True])
def test_rows_are_enlarged_on_a_gpu(
    cuda: str, dtype: torch.dtype, channels: int, corners: bool
) -> None:
    module = importlib.import_module("cdfi.ops.resize.triton")
    check_enlarged(module, cuda, dtype, channels, corners)


@pytest.mark.gpu
@pytest.mark.parametrize("rounding", ["floor", "trunc"])
@pytest.mark.parametrize("channels", [1, 3, 63, 130])
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
def test_the_gpu_matches_the_reference(
    cuda: str, channels: int, rounding: str, dtype: torch.dtype
) -> None:
    module = importlib.import_module("cdfi.ops.adacof.triton")
    check(module, arguments(channels, cuda, dtype), rounding)


@pytest.mark.gpu
def test_the_gpu_takes_mixed_precision_through_the_public_function(cuda: str) -> None:
    image, *maps = arguments(5, cuda)
    half = image.detach().half().requires_grad_()
    result = adacof(half, *maps, 2)
    expected = adacof_reference(half, *maps, 2)
    torch.testing.assert_close(result, expected, rtol=1e-2, atol=1e-2)
    gradients = torch.autograd.grad(result.float().sum(), (half, *maps))
    assert [g.dtype for g in gradients] == [torch.float16] + [torch.float32] * 3


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("channels", [3, 63])
@pytest.mark.parametrize("steps", [0, 32])
def test_the_gpu_normalises_logits_itself(
    cuda: str, channels: int, dtype: torch.dtype, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("cdfi.ops.adacof.triton"), "MOST_STEPS", steps)
    image, logits, *offsets = (t.detach() for t in arguments(channels, cuda, dtype))
    way = torch.randn(2, 2, 5, 7, device=cuda)
    (result,) = adacof_logits_strip([image], 10 * logits, *offsets, 0, 2, way=way)
    moved = (offset.float() + way[:, side, None] for side, offset in enumerate(offsets))
    maps = (shares(10 * logits), *moved)
    expected = adacof_reference(image.float(), *maps, 2)
    loose = 1e-4 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(result.float(), expected, rtol=loose, atol=loose)


@pytest.mark.gpu
def test_opcheck_accepts_the_operation_on_a_gpu(cuda: str) -> None:
    torch.library.opcheck(torch.ops.cdfi.adacof.default, (*arguments(5, cuda), 0, 2, "floor"))
