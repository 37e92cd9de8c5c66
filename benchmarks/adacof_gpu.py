"""How much faster is AdaCoF's Triton kernel than the released design on this GPU? Prints JSON.

    python benchmarks/adacof_gpu.py [--repeats 20] [--height 1080 --width 1920]

The baseline is built as the released kernel is: one thread per output value, channels-first
float32, so that every channel reads all maps again. A `cdfi` side warps 3 + 60 channels, which the
released network does in six calls (the frame and five feature levels), so twelve in all. With
``--network`` the same for a whole frame: the published network in float32 around those twelve
warps, against ours as an ``Interpolator`` runs it; both with random weights.
"""

import argparse
import json
import sys

import torch
import triton
import triton.language as tl
from adacof_cpu import Case
from machine import machine
from torch import Tensor
from triton.testing import do_bench

from cdfi.interpolation import Interpolator
from cdfi.models import NETWORKS, Maps, Network
from cdfi.ops import adacof, adacof_reference

KERNEL, DILATION = 11, 2
LEVELS = (3, 4, 8, 12, 16, 20)  # channels of the frame and of each feature level


@triton.jit
def _neighbours(offset, origin, size):
    """Return the fraction of ``offset``, and the two neighbours in [0, size)."""
    near = origin + tl.floor(offset).to(tl.int32)
    first = tl.minimum(tl.maximum(near, 0), size - 1)
    return offset - tl.floor(offset), first, tl.minimum(tl.maximum(near + 1, 0), size - 1)


@triton.jit
def _baseline(
    image, weight, offset_y, offset_x, out, values, channels, rows, columns, height, width,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    real = index < values
    j, i = index % width, index // width % height
    c, n = index // (width * height) % channels, index // (width * height * channels)
    plane = image + (n * channels + c) * rows * columns
    total = tl.zeros((BLOCK,), tl.float32)
    for t in range(KERNEL * KERNEL):
        at = ((n * KERNEL * KERNEL + t) * height + i) * width + j
        w = tl.load(weight + at, mask=real, other=0.0)
        y = tl.load(offset_y + at, mask=real, other=0.0)
        x = tl.load(offset_x + at, mask=real, other=0.0)
        fy, y0, y1 = _neighbours(y, i + t // KERNEL * DILATION, rows)
        fx, x0, x1 = _neighbours(x, j + t % KERNEL * DILATION, columns)
        total += w * (1 - fy) * (1 - fx) * tl.load(plane + y0 * columns + x0, mask=real, other=0.0)
        total += w * (1 - fy) * fx * tl.load(plane + y0 * columns + x1, mask=real, other=0.0)
        total += w * fy * (1 - fx) * tl.load(plane + y1 * columns + x0, mask=real, other=0.0)
        total += w * fy * fx * tl.load(plane + y1 * columns + x1, mask=real, other=0.0)
    tl.store(out + index, total, mask=real)


@triton.jit
def _baseline_backward(
    image, weight, offset_y, offset_x, grad, out, values, channels, rows, columns, height, width,
    KERNEL: tl.constexpr, DILATION: tl.constexpr, BLOCK: tl.constexpr, OF: tl.constexpr,
):  # fmt: skip
    """One thread per value of one map's gradient, which sums the channels; OF: weight, y or x."""
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    real = index < values
    j, i = index % width, index // width % height
    taps = KERNEL * KERNEL
    t, n = index // (width * height) % taps, index // (width * height * taps)
    w = tl.load(weight + index, mask=real, other=0.0)
    y = tl.load(offset_y + index, mask=real, other=0.0)
    x = tl.load(offset_x + index, mask=real, other=0.0)
    fy, y0, y1 = _neighbours(y, i + t // KERNEL * DILATION, rows)
    fx, x0, x1 = _neighbours(x, j + t % KERNEL * DILATION, columns)
    total = tl.zeros((BLOCK,), tl.float32)
    for c in range(channels):
        plane = image + (n * channels + c) * rows * columns
        place = ((n * channels + c) * height + i) * width + j
        g = tl.load(grad + place, mask=real, other=0.0)
        p00 = tl.load(plane + y0 * columns + x0, mask=real, other=0.0)
        p01 = tl.load(plane + y0 * columns + x1, mask=real, other=0.0)
        p10 = tl.load(plane + y1 * columns + x0, mask=real, other=0.0)
        p11 = tl.load(plane + y1 * columns + x1, mask=real, other=0.0)
        if OF == 0:
            upper, lower = p00 + (p01 - p00) * fx, p10 + (p11 - p10) * fx
            total += g * (upper + (lower - upper) * fy)
        elif OF == 1:
            total += g * w * ((p10 - p00) * (1 - fx) + (p11 - p01) * fx)
        else:
            total += g * w * ((p01 - p00) * (1 - fy) + (p11 - p10) * fy)
    tl.store(out + index, total, mask=real)


def baseline_backward(image: Tensor, maps: list[Tensor], grad: Tensor) -> list[Tensor]:
    """The maps' gradients, by three launches; contiguous float32.

    The released kernels sum three channels and return zeros for the image; these sum all.
    """
    gradients = [torch.empty_like(m) for m in maps]
    for of, out in enumerate(gradients):
        _baseline_backward[(triton.cdiv(out.numel(), 256),)](
            *(image, *maps, grad, out, out.numel(), *image.shape[1:], *out.shape[2:]),
            KERNEL=KERNEL,
            DILATION=DILATION,
            BLOCK=256,
            OF=of,
        )
    return gradients


def baseline(image: Tensor, weight: Tensor, offset_y: Tensor, offset_x: Tensor) -> Tensor:
    """The warp of contiguous float32 tensors, one thread per output value."""
    out = image.new_empty(*image.shape[:2], *weight.shape[2:])
    _baseline[(triton.cdiv(out.numel(), 256),)](
        *(image, weight, offset_y, offset_x, out, out.numel(), *image.shape[1:], *out.shape[2:]),
        KERNEL=KERNEL,
        DILATION=DILATION,
        BLOCK=256,
    )
    return out


def released_side(image: Tensor, maps: list[Tensor]) -> list[Tensor]:
    """The six separate warps of one side."""
    return [baseline(level.contiguous(), *maps) for level in image.split(LEVELS, 1)]


def released_side_backward(image: Tensor, maps: list[Tensor], grad: Tensor) -> list[Tensor]:
    """The maps' gradients of the six separate warps, added up."""
    pairs = zip(image.split(LEVELS, 1), grad.split(LEVELS, 1))
    parts = [baseline_backward(x.contiguous(), maps, g.contiguous()) for x, g in pairs]
    return [sum(part[1:], start=part[0]) for part in zip(*parts)]


class Released(Network):
    """The published network as the released code runs it: whole maps, twelve separate warps."""

    def warp(self, frame: Tensor, features: Tensor | None, maps: Maps) -> Tensor:
        assert features is not None
        image = torch.cat([frame, features], 1)
        return torch.cat(released_side(image, [m.contiguous() for m in maps]), 1)


def whole_frame(height: int, width: int, repeats: int) -> dict[str, float]:
    """Return the milliseconds per frame of the released design and ours, with the same weights."""
    torch.manual_seed(0)
    network = Network(NETWORKS["cdfi"])
    released = Released(network.config).cuda().eval()
    released.load_state_dict(network.state_dict())
    ours = Interpolator(network, "cuda")
    small, frames = (torch.rand(2, 1, 3, *size).cuda() for size in ((96, 128), (height, width)))
    with torch.inference_mode():
        error = (released(*small).clamp(0, 1) - ours(*small)).abs().mean()
        if not error < 2e-3:
            sys.exit(f"adacof_gpu: the networks differ by {float(error):.4f} on average")
        return {
            "released": do_bench(lambda: released(*frames), rep=repeats * 50),
            "ours": do_bench(lambda: ours(*frames), rep=repeats * 50),
        }


def check(device: str) -> None:
    """Exit if values or gradients of either kernel are wrong on a small frame."""
    case = Case(KERNEL, DILATION, sum(LEVELS), 1, 40, 56)
    tensors = tuple(t.to(device).requires_grad_() for t in case.arguments())
    ours, expected = (
        operation(*tensors, dilation=DILATION) for operation in (adacof, adacof_reference)
    )
    image, *maps = (t.detach().contiguous() for t in tensors)
    torch.testing.assert_close(torch.cat(released_side(image, maps), 1), expected)
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3)
    gradients = [torch.autograd.grad(r.square().sum(), tensors) for r in (ours, expected)]
    for mine, theirs in zip(*gradients):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)
    grad = (2 * expected).detach().contiguous()
    for base, theirs in zip(released_side_backward(image, maps, grad), gradients[1][1:]):
        torch.testing.assert_close(base, theirs, rtol=1e-3, atol=1e-3)


def measure(case: Case, repeats: int) -> dict[str, float]:
    """Return milliseconds per side, forward and backward: the baseline, and ours in each precision.

    ``backward_maps`` is what the baseline computes; ``backward`` has the image's gradient as well.
    """
    image, *maps = (t.to("cuda") for t in case.arguments())
    planes, *plane_maps = (t.contiguous() for t in (image, *maps))
    grad = torch.randn_like(planes[..., : case.height, : case.width]).contiguous()
    times = {
        "baseline": do_bench(lambda: released_side(planes, plane_maps), rep=repeats * 10),
        "baseline_backward": do_bench(
            lambda: released_side_backward(planes, plane_maps, grad), rep=repeats * 10
        ),
    }
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        cast = [t.to(dtype) for t in (image, *maps)]
        name = str(dtype).removeprefix("torch.")
        times[name] = do_bench(lambda cast=cast: adacof(*cast, dilation=DILATION), rep=repeats * 10)
    for name, wanted in (("backward_maps", maps), ("backward", [image, *maps])):
        leaves = [t.requires_grad_() for t in wanted]  # the image not yet, the first time
        result = adacof(image, *maps, dilation=DILATION)
        times[name] = do_bench(
            lambda result=result, leaves=leaves: torch.autograd.grad(
                result, leaves, result.detach(), retain_graph=True
            ),
            rep=repeats * 10,
        )
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--network", action="store_true", help="a whole frame as well")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("adacof_gpu: needs a CUDA device, and there is none")
    check("cuda")
    case = Case(KERNEL, DILATION, sum(LEVELS), 1, args.height, args.width)
    times = measure(case, args.repeats)
    report = {"machine": machine(), "milliseconds": times}
    report["times_faster"] = times["baseline"] / times["float32"]
    both = times["baseline"] + times["baseline_backward"]
    report["times_faster_in_training"] = both / (times["float32"] + times["backward_maps"])
    report["with_the_image"] = both / (times["float32"] + times["backward"])
    if args.network:
        report["frame"] = whole_frame(args.height, args.width, args.repeats)
    json.dump(report, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
