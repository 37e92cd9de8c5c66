"""The AdaCoF operation inside PyTorch: compile, export, autocast, threads, caches, errors."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cdfi.ops import adacof, adacof_rows
from cdfi.ops.adacof.op import _adacof_backward


def arguments(
    channels: int = 5, size: tuple[int, int] = (6, 7), kernel: int = 3, gradients: bool = False
) -> tuple[Tensor, ...]:
    """Random input, weight, offset_y, offset_x for two images and dilation 1."""
    random = torch.Generator().manual_seed(0)
    shape = (2, kernel * kernel, *size)
    image = torch.randn(2, channels, *(s + kernel - 1 for s in size), generator=random)
    maps = (torch.randn(shape, generator=random) for _ in range(3))
    return tuple(tensor.requires_grad_(gradients) for tensor in (image, *maps))


class Warp(nn.Module):
    """Pads a frame and warps it."""

    def forward(self, frame: Tensor, weight: Tensor, offset_y: Tensor, offset_x: Tensor) -> Tensor:
        padded = nn.functional.pad(frame, (1, 1, 1, 1), mode="replicate")
        return adacof(padded, weight, offset_y, offset_x)


@pytest.mark.long
@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
def test_opcheck_accepts_the_backward_operation(wanted: tuple[bool, bool]) -> None:
    tensors = arguments()
    grad = torch.randn(2, 5, 6, 7)
    torch.library.opcheck(_adacof_backward, (grad, *tensors, 0, 1, "trunc", *wanted))


@pytest.mark.long
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_compiled_graph_contains_the_operation_and_its_gradient(dynamic: bool) -> None:
    compiled = torch.compile(adacof, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for size in ((6, 7), (9, 8)):
        tensors = arguments(size=size, gradients=True)
        result, expected = compiled(*tensors), adacof(*tensors)
        torch.testing.assert_close(result, expected)
        ours = torch.autograd.grad(result.square().sum(), tensors)
        theirs = torch.autograd.grad(expected.square().sum(), tensors)
        torch.testing.assert_close(ours, theirs)


def test_an_exported_program_takes_frames_of_any_size() -> None:
    height, width = torch.export.Dim("height", min=2), torch.export.Dim("width", min=2)
    shapes = tuple({2: height, 3: width} for _ in range(4))
    frame, maps = torch.rand(2, 3, 6, 7), arguments(size=(6, 7))[1:]
    program = torch.export.export(Warp(), (frame, *maps), dynamic_shapes=shapes)
    frame, maps = torch.rand(2, 3, 11, 8), arguments(size=(11, 8))[1:]
    torch.testing.assert_close(program.module()(frame, *maps), Warp()(frame, *maps))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_on_a_cpu_computes_in_float32(dtype: torch.dtype) -> None:
    image, *maps = arguments()
    halves = [tensor.to(dtype) for tensor in (image, *maps[:2])]
    with torch.autocast("cpu", torch.bfloat16):
        result = adacof(*halves, maps[2])
    expected = adacof(*(half.float() for half in halves), maps[2])
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, expected)


def test_threads_may_call_the_operation_at_the_same_time() -> None:
    tensors = arguments(size=(40, 30), gradients=True)

    def gradients(_: int) -> tuple[Tensor, ...]:
        return torch.autograd.grad(adacof(*tensors).square().sum(), tensors)

    expected = gradients(0)
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(gradients, range(20)):
            assert all(torch.equal(ours, theirs) for ours, theirs in zip(result, expected))


@pytest.mark.long
def test_importing_the_operation_does_not_import_its_compiler() -> None:
    code = (
        "import sys, cdfi.ops; sys.exit('numba' in sys.modules or 'triton.language' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX folders")
@pytest.mark.long
def test_machine_code_is_kept_in_the_folder_of_numba_cache_dir(tmp_path: Path) -> None:
    code = (
        "import torch; from cdfi.ops import adacof; "
        "m = torch.zeros(1, 1, 1, 1); adacof(torch.zeros(1, 1, 1, 1), m, m, m)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
    )
    assert list(tmp_path.rglob("*.nbc"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rounding": "round"}, "rounding"),
        ({"dilation": 0}, "dilation"),
        ({"input": torch.zeros(2, 5, 8, 8)}, "columns"),
        ({"input": torch.zeros(2, 5, 9, 9)}, "rows"),
        ({"input": torch.zeros(1, 5, 8, 9)}, "images"),
        ({"input": torch.zeros(5, 8, 9)}, "4 dimensions"),
        ({"offset_y": torch.zeros(2, 9, 6, 1)}, "one shape"),
        ({name: torch.zeros(2, 8, 6, 7) for name in ("weight", "offset_y", "offset_x")}, r"K\*K"),
        ({"offset_x": torch.zeros(2, 9, 6, 7, device="meta")}, "one device"),
        ({"weight": torch.zeros(2, 9, 6, 7, dtype=torch.int32)}, "floating"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    names = ("input", "weight", "offset_y", "offset_x")
    call = {**dict(zip(names, arguments())), **change}
    with pytest.raises(ValueError, match=message):
        adacof(**call)


@pytest.mark.parametrize("row", [-1, 3])
def test_rows_beyond_the_input_are_refused(row: int) -> None:
    image, *maps = arguments()
    with pytest.raises(ValueError, match="row"):
        adacof_rows(image, *(values[:, :, :4] for values in maps), row=row)
