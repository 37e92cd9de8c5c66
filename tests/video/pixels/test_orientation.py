"""Tests for display matrices: which stored pixel is shown where."""

import itertools

import pytest
import torch

from cdfi.video.pixels.orientation import Orientation, orientation

ONE = 1 << 16  # of a display matrix's fixed-point numbers
SIGNS = list(itertools.product((ONE, -ONE), (ONE, -ONE)))
TURNS = [
    *((a, 0, 0, 0, d, 0, 0, 0, 1 << 30) for a, d in SIGNS),
    *((0, b, 0, c, 0, 0, 0, 0, 1 << 30) for b, c in SIGNS),
]


@pytest.mark.parametrize("matrix", TURNS)
def test_a_map_as_shown_becomes_the_map_as_stored(matrix):
    stored = torch.arange(12.0).view(1, 3, 4)
    turned = orientation(matrix)
    width, height = turned.shown_size(4, 3)
    shown = torch.full((1, height, width), -1.0)
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    for q, p in itertools.product(range(3), range(4)):
        x, y = (a * p + c * q) // ONE, (b * p + d * q) // ONE
        shown[0, y % height, x % width] = stored[0, q, p]  # -1 counts from the far edge
    # A mirrored axis begins at -0: column 0 is shown in the last column, as -1 is.
    shown = shown.roll((-1 if turned.down else 0, -1 if turned.across else 0), (1, 2))
    assert torch.equal(turned.stored(shown), stored)


def test_a_video_without_a_matrix_is_shown_as_it_is_stored():
    assert orientation(None) == Orientation(False, False, False)
    assert orientation(None).shown_size(4, 3) == (4, 3)


def test_a_slight_turn_counts_as_none():
    assert orientation((ONE, ONE // 9, 0, -ONE // 9, ONE, 0, 0, 0, 1 << 30)) == Orientation()
