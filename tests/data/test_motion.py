"""The motion that DIS flow finds in shots."""

import sys
from typing import get_args

import numpy as np
import pytest
import torch

from cdfi.data.batch import Batch, SampleRequest, from_frames
from cdfi.data.motion import TEACHERS, EstimatedMotion, agreement, consistency
from cdfi.training.args import TrainArgs, argument_types
from cdfi.training.sources import KINDS
from tests.data.exact_motion import assert_flow_explains
from tests.media import sliding, write_video


class Pan:
    """A smooth texture that moves down by 5 rows and left by 3 columns a half step."""

    size = 1

    def samples(self, requests: list[SampleRequest]) -> Batch:
        coarse = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(3))
        fine = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic").clamp(0, 1)
        picture = (fine[0].permute(1, 2, 0) * 255).byte().numpy()
        corners = [(30 - 5 * t, 30 + 3 * t) for t in (-1, 0, 1)]
        frames = np.stack([picture[y : y + 96, x : x + 96] for y, x in corners])
        return from_frames(np.stack([frames] * len(requests)))


def requests(count: int) -> list[SampleRequest]:
    return [SampleRequest(i, np.random.default_rng(i)) for i in range(count)]


def test_a_pan_is_found_and_what_left_the_frame_is_masked() -> None:
    pytest.importorskip("cv2")
    batch = EstimatedMotion(Pan()).samples(requests(2))
    assert_flow_explains(batch)
    inner = (slice(None), slice(None), slice(24, 72), slice(24, 72))
    for flow, sign in ((batch.flow0, -1), (batch.flow1, 1)):
        wanted = torch.tensor([5.0, -3.0]).view(1, 2, 1, 1) * sign
        assert (flow[inner] - wanted).abs().mean() < 0.1
    assert batch.visible1[inner].mean() > 0.95
    assert batch.visible1[:, :, -4:].max() == 0  # these rows leave at the bottom


def test_the_number_of_threads_changes_nothing() -> None:
    cv2 = pytest.importorskip("cv2")
    threads = cv2.getNumThreads()
    found = []
    try:
        for count in (1, 2, 3):
            cv2.setNumThreads(count)
            found.append(EstimatedMotion(Pan()).samples(requests(1)).flow0)
            assert cv2.getNumThreads() == count
    finally:
        cv2.setNumThreads(threads)
    assert all(torch.equal(found[0], other) for other in found)


def test_motion_is_estimated_if_it_is_requested(tmp_path) -> None:
    pytest.importorskip("cv2")
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "a.mkv", sliding(5))
    for wanted in (False, True):
        args = TrainArgs(crop=24, cache=str(tmp_path / "cache"), estimate_motion=wanted)
        opened = KINDS["clips"](tmp_path / "videos", args, None)
        assert isinstance(opened.source, EstimatedMotion) is wanted


def test_the_teachers_are_those_that_can_be_chosen() -> None:
    assert get_args(argument_types()["motion_teacher"]) == tuple(TEACHERS)


def test_flow_that_does_not_return_is_inconsistent() -> None:
    there = torch.zeros(1, 2, 8, 8)
    there[:, 1, :, 2:] = 3.0  # columns 5 to 7 leave the frame
    back = torch.zeros(1, 2, 8, 8)
    back[:, 1] = -3.0
    found = consistency(there, back)[0, 0]
    assert found[:, 2:5].min() == 1
    assert found[:, :2].max() == 0 and found[:, 5:].max() == 0
    back[:, 0] = 2.0
    assert consistency(there, back).max() == 0


def test_flow_that_joins_other_colours_has_little_weight() -> None:
    frame = torch.full((1, 3, 6, 6), 0.5)
    assert torch.equal(agreement(frame, frame), torch.ones(1, 1, 6, 6))
    torch.testing.assert_close(agreement(frame, frame + 0.1), torch.full((1, 1, 6, 6), 0.5))
    assert agreement(frame, frame + 0.4).max() < 0.07


def test_without_opencv_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match=r"pip install 'cdfi\[evaluation\]'"):
        EstimatedMotion(Pan())
