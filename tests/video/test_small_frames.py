"""Tests for small frames, which are interpolated without compiled kernels."""

import subprocess
import sys

import pytest
import torch

from cdfi import Interpolator
from cdfi.ops.common.backends import has_kernel, without_kernels
from cdfi.video.small_frames import SMALL, operations_for_one_frame

NUMBA_AFTER_TWO_IMAGES = """
import sys
from cdfi.cli.main import main
try:
    main(["interpolate", "a.png", "b.png", "-o", "c.png"])
except SystemExit as status:
    assert not status.code, status.code
print("numba" in sys.modules)
"""


@pytest.fixture(scope="module")
def flow():
    return Interpolator("flow", "cpu", precision="fp32")


def test_only_small_frames_of_flow_networks_go_without_kernels(flow):
    large = SMALL // 100 + 1
    for interpolator, width, height, kernels in [
        (flow, 64, 48, False),
        (flow, large, 100, True),
        (Interpolator("matched-adacof", "cpu"), 64, 48, True),
        (object(), 64, 48, True),
    ]:
        with operations_for_one_frame(interpolator, width, height):
            assert has_kernel(torch.zeros(1)) is kernels
        assert has_kernel(torch.zeros(1))


def test_both_give_the_same_frame(flow):
    frames = torch.rand(2, 1, 3, 50, 70)
    expected = flow(*frames)
    with without_kernels():
        torch.testing.assert_close(flow(*frames), expected, atol=1e-3, rtol=0)


@pytest.mark.long
def test_two_small_images_do_not_load_numba(tmp_path):
    from PIL import Image

    for name, level in (("a.png", 80), ("b.png", 120)):
        Image.new("RGB", (40, 30), (level, 60, 90)).save(tmp_path / name)
    command = [sys.executable, "-c", NUMBA_AFTER_TWO_IMAGES]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.stdout.split()[-1] == "False", found.stderr
    assert Image.open(tmp_path / "c.png").size == (40, 30)
