"""The helper: what it reads from media files, the pictures and the comparison it makes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from cdfi.serve.helper import METHODS, respond
from cdfi.serve.media_facts import facts
from cdfi.serve.plans import plan
from cdfi.serve.proxies import write_proxy
from cdfi.serve.stills import write_still, write_thumbnails
from tests.media import sliding, write_video
from tests.video.video_clips import Clip, write_clip

CLIP = Clip(count=8)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", sliding(8))


def test_the_facts_of_a_video(tmp_path: Path) -> None:
    found = facts([str(write_clip(tmp_path / "a.mkv", replace(CLIP, audio=True)))])
    assert (found["size"], found["frames"], found["rate"]) == ([64, 48], 8, 25.0)
    assert (found["bits"], found["dynamic_range"], found["variable"]) == (8, "SDR", False)
    assert [stream["type"] for stream in found["streams"]] == ["video", "audio"]


def test_hdr_and_a_variable_rate_are_facts(tmp_path: Path) -> None:
    clip = replace(
        CLIP,
        pix_fmt="yuv420p10le",
        colour=(9, 9, 16, 1),
        time_base=Fraction(1, 1000),
        times=[0, 40, 80, 200, 240, 300, 340, 380],
    )
    found = facts([str(write_clip(tmp_path / "hdr.mkv", clip))])
    assert (found["bits"], found["dynamic_range"], found["variable"]) == (10, "HDR (PQ)", True)


def test_the_facts_of_images(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(sliding(1)[0]).save(tmp_path / f"{number}.png")
    found = facts([str(tmp_path)])
    assert (found["size"], found["count"]) == ([64, 48], 3)


def test_a_strip_of_thumbnails_and_the_frame_at_a_time(video: Path, tmp_path: Path) -> None:
    write_thumbnails(str(video), str(tmp_path / "strip.jpg"), ratio=8)
    assert Image.open(tmp_path / "strip.jpg").size == (6 * 64, 48)
    write_still(str(video), str(tmp_path / "still.jpg"), seconds=0.13)  # within frame 3
    still = np.asarray(Image.open(tmp_path / "still.jpg"), dtype=int)
    errors = [abs(still - frame).mean() for frame in sliding(8).astype(int)]
    assert int(np.argmin(errors)) == 3


def read_proxy(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_comparison_holds_the_source_above_the_result(video: Path, tmp_path: Path) -> None:
    """The result has each frame of the source twice, inverted."""
    frames = sliding(8)
    result = tmp_path / "result.mp4"
    write_video(result, 255 - np.repeat(frames, 2, axis=0))  # at 25 frames/s: twice as long
    found = write_proxy([str(video)], str(result), str(tmp_path / "proxy.mp4"), slow="2")
    assert found["size"] == [64, 48]
    assert found["source"] == [True, False] * 8
    assert found["times"] == pytest.approx([number / 25 for number in range(16)])
    pictures = read_proxy(tmp_path / "proxy.mp4")
    for number, picture in enumerate(pictures):
        expected = np.concatenate([frames[number // 2], 255 - frames[number // 2]])
        assert abs(picture.astype(int) - expected).mean() < 12


def test_a_comparison_of_a_part_begins_with_the_part(video: Path, tmp_path: Path) -> None:
    result = tmp_path / "result.mp4"
    write_video(result, sliding(8)[3:])
    proxy = tmp_path / "proxy.mp4"
    found = write_proxy([str(video)], str(result), str(proxy), part="0.1")
    assert found["source"] == [True] * 5
    top = read_proxy(proxy)[0][:48].astype(int)
    assert int(np.argmin([abs(top - frame).mean() for frame in sliding(8).astype(int)])) == 3


def test_a_comparison_shows_a_later_part(video: Path, tmp_path: Path) -> None:
    proxy = tmp_path / "proxy.mp4"
    found = write_proxy([str(video)], str(video), str(proxy), start=0.2, seconds=0.08)
    assert found["times"] == pytest.approx([0, 0.04])
    with pytest.raises(ValueError, match="no frame after 9 s"):
        write_proxy([str(video)], str(video), str(tmp_path / "none.mp4"), start=9)
    assert not (tmp_path / "none.mp4").exists()


def test_a_comparison_of_two_images_shows_all_three(tmp_path: Path) -> None:
    for number, name in enumerate(("a.png", "middle.png", "b.png")):
        Image.fromarray(sliding(3)[number]).save(tmp_path / name)
    sources = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    found = write_proxy(sources, str(tmp_path / "middle.png"), str(tmp_path / "proxy.mp4"))
    assert found["source"] == [True, False, True]


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    from cdfi.serve.turned import shown_image

    frame = av.VideoFrame.from_ndarray(sliding(1)[0], "rgb24")
    assert shown_image(frame, (32, 100)).size == (32, 24)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_still_of_an_image_is_upright_and_has_its_levels(tmp_path: Path, depth: int) -> None:
    """It is stored as 64 x 48 and shown as 48 x 64, black below and white above."""
    levels = np.repeat([0, 1], 32)[None].repeat(48, 0) * ((1 << depth) - 1)
    exif = Image.Exif()
    exif[0x0112] = 8  # shown a quarter turn to the left
    kind = np.uint8 if depth == 8 else np.uint16
    Image.fromarray(levels.astype(kind)).save(tmp_path / "a.png", exif=exif)
    assert facts([str(tmp_path / "a.png")])["size"] == [48, 64]
    write_still(str(tmp_path / "a.png"), str(tmp_path / "still.jpg"), seconds=0)
    still = np.asarray(Image.open(tmp_path / "still.jpg"), dtype=int)
    assert still.shape == (64, 48, 3)
    assert still[:28].min() > 250
    assert still[36:].max() < 5


def test_a_video_without_a_frame_that_can_be_decoded_is_one_line(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def undecodable(path: Path) -> Iterator[tuple[SimpleNamespace, None]]:
        yield SimpleNamespace(decode=lambda stream: iter(())), None

    monkeypatch.setattr("cdfi.serve.stills.open_video", undecodable)
    with pytest.raises(ValueError, match="no frame of the video can be decoded"):
        write_thumbnails(str(video), str(tmp_path / "strip.jpg"), ratio=8)


def test_the_plan_of_images(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(sliding(1)[0]).save(folder / f"{number}.png")
    found = plan("folder", [str(folder)], str(tmp_path / "result"), {"factor": 4})
    assert (found["source_frames"], found["frames"]) == (3, 9)


def test_errors_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    request = {"method": "facts", "values": {"paths": [str(tmp_path / "a.mp4")]}}
    answer = respond(json.dumps(request))
    assert "is not a readable video" in answer["error"]
    assert "\n" not in answer["error"]


def test_every_method_of_the_helper_exists() -> None:
    from importlib import import_module

    for name in METHODS.values():
        module, _, function = name.partition(":")
        assert callable(getattr(import_module(module), function))
