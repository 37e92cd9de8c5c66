"""What can be tested of the Triton kernels without a GPU: compilation and interpretation."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("triton", reason="Triton comes only with PyTorch for CUDA on Linux")

#: Each kernel, and the constants to compile it with. Constants that a kernel lacks are ignored.
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
    ("warp.triton", "kernel"),
    ("cubic_warp.triton", "kernel"),
    ("match_features.triton", "warp_kernel"),
    ("match_features.triton", "volume_kernel"),
    ("refine_flow.triton_refinement", "evaluate_kernel"),
    ("refine_flow.triton_refinement", "accept_kernel"),
    ("refine_flow.triton_refinement", "multiply_kernel"),
]
CONSTANTS = {
    "KERNEL": 5,
    "DILATION": 1,
    "TRUNCATE": True,
    "SOFTMAX": True,
    "HAS_FLOW": True,
    "BLOCK_ROWS": 4,
    "TAPS": 32,
    "CHANNELS": 24,
    "BLOCK": 2048,
    "PIXELS": 32,
    "LANES": 64,
    "PADDED": 64,
    "RADIUS": 4,
    "COLUMNS": 64,
    "SIGN": -1,
    "SHARPNESS": -0.5,
    "MARGIN": 8.0,
    "MIN_SQUARE": 1e-4,
    "SIDE": 1,
    "STEP": True,
    "NEIGHBOURS": False,
    "PRODUCTS": 5,
    "REGULARISATION": 1e-5,
    "MAX_STEP": 1.0,
    "ACCEPT_RATIO": 0.9999,
    "ROBUST_SCALE": 0.02,
}
OTHERS = {
    "LANES": 16,
    "PADDED": 16,
    "STEP": False,
    "SIDE": 0,
    "NEIGHBOURS": True,
    "TRUNCATE": False,
    "SOFTMAX": False,
    "BLOCK_ROWS": 1,
    "HAS_FLOW": False,
    "CHANNELS": 21,
}
SIZES = (
    *("channels", "height", "width", "rows", "columns", "row", "top", "left"),
    *("out_rows", "count", "planes"),
)
FLOATS = ("slope", "row_step", "row_start", "column_step", "column_start")
STRIDES = ("_n", "_c", "_y", "_x", "_row", "_column")
MAPS = ("offset_y", "offset_x", "of_y", "of_x")  # pointers, whose names end alike
#: The kernels that read images or add to them, and the instructions for it.
IMAGES = {
    "forward_kernel": ["ld.global.v4.b32"],
    "backward_maps_kernel": ["ld.global.v4.b32"],
    "backward_input_kernel": ["ld.global.v4.b32", ".add.v4.f32"],
    "narrow_forward_kernel": ["ld.global.v4.b32"],
    "narrow_backward_maps_kernel": ["ld.global.v4.b32"],
}


@pytest.mark.parametrize(("module", "name"), KERNELS)
@pytest.mark.parametrize("others", [{}, OTHERS], ids=["first", "second"])
@pytest.mark.parametrize("ones", [False, True])
def test_kernels_compile_without_a_gpu(
    module: str, name: str, others: dict[str, Any], ones: bool
) -> None:
    """With ``ones``, sizes and strides are 1, which Triton passes as constants."""
    kernel = getattr(importlib.import_module(f"cdfi.ops.{module}"), name)
    constants = {k: v for k, v in (CONSTANTS | others).items() if k in kernel.arg_names}
    if name.startswith("narrow"):
        constants |= {"PADDED": 4}
    if ones:
        constants |= dict.fromkeys(numbers_of(kernel), 1)
    assert ptx(kernel, constants)


@pytest.mark.parametrize(("name", "vector"), [(k, v) for k in IMAGES for v in IMAGES[k]])
def test_neighbours_are_read_and_added_to_as_vectors(name: str, vector: str) -> None:
    """With one access per channel, the kernel would be slower than the released one."""
    kernel = getattr(importlib.import_module("cdfi.ops.adacof.triton_kernels"), name)
    constants = {k: v for k, v in CONSTANTS.items() if k in kernel.arg_names}
    if name.startswith("narrow"):
        constants |= {"PADDED": 4}
    assert vector in ptx(kernel, constants)


def numbers_of(kernel: Any) -> list[str]:
    """Return the names of a kernel's sizes and strides."""
    names: list[str] = kernel.arg_names
    return [x for x in names if x in SIZES or (x.endswith(STRIDES) and x not in MAPS)]


def ptx(kernel: Any, constants: dict[str, Any]) -> str:
    """Compile a kernel for sm_90 and aligned float32 tensors; return the assembly."""
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


def test_interpreted_kernels_equal_their_references() -> None:
    """Triton reads TRITON_INTERPRET when kernels are defined: hence a second process."""
    files = [Path(__file__).with_name(name) for name in ("test_interpreted.py", "test_triton.py")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        env={**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout and "skipped" not in run.stdout
