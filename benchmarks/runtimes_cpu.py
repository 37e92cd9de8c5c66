"""How long does a frame take with PyTorch (ours), ONNX Runtime and OpenVINO on this CPU?

Usage: python benchmarks/runtimes_cpu.py [--model M] [--size WxH] [--repeats N]

The three compute the same pair of frames in turn, so that other work on the machine affects all
alike; the median of each is reported. Prints JSON; refuses if a frame differs from ours by half a
level of 8 bits or more.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory

import onnxruntime
import openvino
import torch
from machine import machine
from torch import Tensor

from cdfi import Interpolator
from cdfi.common.allocator import keep_freed_memory
from cdfi.common.sizes import frame_size
from cdfi.export import RuntimeInterpolator, export_model

HALF_A_LEVEL = 0.5 / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="flow")
    parser.add_argument("--size", default="854x480")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    size = frame_size(arguments.size)
    keep_freed_memory()
    frame0, frame1 = frames(*size)
    with TemporaryDirectory() as folder:
        runs: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "ours": Interpolator(arguments.model, "cpu", precision="fp32")
        }
        for name, suffix in (("onnxruntime", ".onnx"), ("openvino", ".xml")):
            path = f"{folder}/model{suffix}"
            export_model(arguments.model, path, size=size)
            runs[name] = RuntimeInterpolator(path)
        expected = runs["ours"](frame0, frame1)
        errors = {
            name: float((run(frame0, frame1) - expected).abs().max()) for name, run in runs.items()
        }
        if max(errors.values()) >= HALF_A_LEVEL:
            raise SystemExit(f"nothing is reported: the frames differ: {errors}")
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(arguments.repeats):
            for name, run in runs.items():
                begin = time.perf_counter()
                run(frame0, frame1)
                times[name].append(time.perf_counter() - begin)
    result = {
        "question": __doc__.splitlines()[0],
        "model": arguments.model,
        "size": arguments.size,
        "seconds": {name: round(median(found), 3) for name, found in times.items()},
        "fastest": {name: round(min(found), 3) for name, found in times.items()},
        "largest_difference_in_levels": {name: error * 255 for name, error in errors.items()},
        "runtimes": {"onnxruntime": onnxruntime.__version__, "openvino": openvino.__version__},
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def frames(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Two smooth frames, the second moved by 6 pixels."""
    torch.manual_seed(0)
    coarse = torch.rand(1, 3, height // 16, width // 16)
    picture = torch.nn.functional.interpolate(coarse, (height, width + 6), mode="bicubic")
    picture = picture.clamp(0, 1)[0]
    return picture[..., :width].contiguous(), picture[..., 6:].contiguous()


if __name__ == "__main__":
    main()
