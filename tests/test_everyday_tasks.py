"""Everyday tasks by the command line, on small clips, each checked by reading its result."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from PIL import Image

from cdfi.cli import option_presets
from cdfi.cli.main import main
from tests.cli.interpolate_inputs import write_image
from tests.video.video_clips import Clip, images_of, packets_of, picture, times_of, write_clip

FRAMES = 6
LAST = Fraction(FRAMES - 1, 25)
FAST = "--preset ultrafast"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small inputs, which no task changes."""
    folder = tmp_path_factory.mktemp("inputs")
    clip = Clip(FRAMES, audio=True)
    write_clip(folder / "in.mp4", clip)
    write_clip(folder / "in.mkv", Clip(FRAMES, codec="ffv1", options={}))
    deep = Clip(FRAMES, pix_fmt="yuv420p10le", codec="ffv1", options={})
    write_clip(folder / "deep.mkv", deep)
    twos = (picture(number // 2 * 2, clip) for number in range(FRAMES))
    write_clip(folder / "twos.mkv", Clip(FRAMES, codec="ffv1", options={}), twos)
    for name in ("one", "two"):
        (folder / "clips").mkdir(exist_ok=True)
        write_clip(folder / "clips" / f"{name}.mp4", Clip(3))
    for number in (1, 2, 4):
        (folder / "shot").mkdir(exist_ok=True)
        write_image(folder / "shot" / f"shot.{number:04d}.png", number)
    images = [Image.open(path) for path in sorted((folder / "shot").iterdir())]
    gif = folder / "loop.gif"
    images[0].save(gif, save_all=True, append_images=images[1:], duration=100, loop=0)
    (folder / "bad.mp4").write_bytes(b"no video")
    (folder / "mine.toml").write_text('[web]\nfactor = 3\nquality = "small"\n')
    return folder


class Result(NamedTuple):
    """What a task left: its inputs, its output folder, and its report."""

    inputs: Path
    folder: Path
    report: dict[str, Any]

    def times(self, name: str) -> list[Fraction]:
        return times_of(self.folder / name)

    def codec(self, name: str) -> tuple[str, str]:
        """Codec and pixel format of a result."""
        with av.open(str(self.folder / name)) as container:
            context = container.streams.video[0].codec_context
            return context.name, context.pix_fmt or ""

    def sound(self, name: str) -> Fraction:
        """Seconds of sound."""
        packets = packets_of(self.folder / name, "audio")
        return packets[-1][0] - packets[0][0] + Fraction(1024, 48000) if packets else Fraction(0)

    def planes(self, name: str, source: bool = False) -> list[np.ndarray[Any, Any]]:
        """Decoded frames in their own format."""
        path = (self.inputs if source else self.folder) / name
        return [image.to_ndarray(format=image.format.name).astype(int) for image in images_of(path)]

    def size_of(self, name: str) -> int:
        return sum(len(data) for _, data in packets_of(self.folder / name, "video"))


Check = Callable[[Result], bool]


def evenly(count: int, rate: int, start: Fraction = Fraction(0)) -> list[Fraction]:
    return [start + Fraction(number, rate) for number in range(count)]


def near(times: list[Fraction], expected: list[Fraction]) -> bool:
    """Equal to the millisecond of Matroska."""
    pairs = zip(times, expected)
    return len(times) == len(expected) and all(abs(a - b) <= Fraction(1, 1000) for a, b in pairs)


def source_frames_are_exact(result: Result) -> bool:
    given, made = result.planes("in.mkv", source=True), result.planes("out.mkv")
    return all((a == b).all() for a, b in zip(given, made[::2], strict=True))


def held_box_is_of_the_source(result: Result) -> bool:
    given, made = result.planes("in.mkv", source=True), result.planes("out.mkv")
    box = np.s_[0:16, 0:16]
    odd = made[1::2]
    pairs = zip(odd, given, given[1:])
    held = all((x[box] == a[box]).all() or (x[box] == b[box]).all() for x, a, b in pairs)
    return held and any((x != a).any() for x, a in zip(odd, given))


def moving_everywhere(result: Result) -> bool:
    """Between frames that differ, no frame repeats another."""
    made = result.planes("out.mkv")[: FRAMES * 2 - 3]
    return all((a != b).any() for a, b in itertools.pairwise(made))


def tagged(result: Result) -> bool:
    with av.open(str(result.folder / "out.mp4")) as container:
        return "factor=3" in container.metadata["comment"]


def is_triple(result: Result) -> bool:
    with Image.open(result.folder / "live.png") as image:
        return image.size == (3 * 64, 48)


def image_between(result: Result) -> bool:
    with Image.open(result.folder / "c.png") as image:
        return image.size == (40, 24) and np.asarray(image).std() > 1


#: Task -> words after "cdfi interpolate" ({i} inputs, {o} outputs) and what is true afterwards.
TASKS: dict[str, tuple[str, Check]] = {
    "twice the rate": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 {FAST}",
        lambda r: r.times("out.mp4") == evenly(2 * FRAMES - 1, 50) and r.sound("out.mp4") > LAST,
    ),
    "four times the rate": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --factor 4 {FAST}",
        lambda r: r.times("out.mp4") == evenly(4 * FRAMES - 3, 100),
    ),
    "60 frames per second": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --fps 60 {FAST}",
        lambda r: r.times("out.mp4") == evenly(len(r.times("out.mp4")), 60),
    ),
    "the rate of television": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --fps ntsc {FAST}",
        lambda r: r.times("out.mp4")[1] == Fraction(1001, 30000),
    ),
    "slow motion with its sound": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --slow 2.5 {FAST}",
        lambda r: r.times("out.mp4")[-1] > 2.4 * LAST and r.sound("out.mp4") > 2 * LAST,
    ),
    "slow motion without sound": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --slow 2 --audio drop {FAST}",
        lambda r: r.sound("out.mp4") == 0 and r.times("out.mp4") == evenly(2 * FRAMES - 1, 25),
    ),
    "slow motion at twice the rate": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --slow 2 --factor 4 {FAST}",
        lambda r: r.times("out.mp4") == evenly(4 * FRAMES - 3, 50),
    ),
    "a part, by its times": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --start 0.08 --duration 0.08 {FAST}",
        lambda r: r.report["frames"] == 4 and r.sound("out.mp4") < 0.2,
    ),
    "a part, by its frames": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --start 1f --end 3f {FAST}",
        lambda r: r.report["frames"] == 4,
    ),
    "a preview beside the source": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --preview {FAST}",
        lambda r: images_of(r.folder / "out.mp4")[0].width == 2 * 64,
    ),
    "the plan alone": (
        "{i}/in.mp4 -o {o}/out.mp4 --fps 60 --dry-run",
        lambda r: r.report["rate"] == [25.0, 60.0] and not list(r.folder.iterdir()),
    ),
    "the image between two": (
        "{i}/shot/shot.0001.png {i}/shot/shot.0002.png -o {o}/c.png",
        image_between,
    ),
    "a folder of images": (
        "{i}/shot --factor 4 -o {o}/more",
        lambda r: len(list((r.folder / "more").glob("*.png"))) == 9,
    ),
    "a missing image of a sequence": (
        "{i}/shot/shot.%04d.png --fill-gaps -o {o}/more",
        lambda r: len(list((r.folder / "more").glob("*.png"))) == 7,
    ),
    "images to a video": (
        "{i}/shot --rate 24 -o {o}/out.mkv --codec ffv1",
        lambda r: near(r.times("out.mkv"), evenly(5, 48)),
    ),
    "a video to numbered images": (
        "{i}/in.mp4 -o {o}/frame%03d.png",
        lambda r: len(list(r.folder.glob("frame*.png"))) == 2 * FRAMES - 1,
    ),
    "a loop without a step": (
        "{i}/loop.gif --loop -o {o}/out.gif",
        lambda r: len(images_of(r.folder / "out.gif")) == 6,
    ),
    "a GIF to an animated PNG": (
        "{i}/loop.gif -o {o}/out.apng",
        lambda r: len(images_of(r.folder / "out.apng")) == 5,
    ),
    "a folder of clips": (
        f"{{i}}/clips -o {{o}}/new {FAST}",
        lambda r: [len(r.times(f"new/{name}.mp4")) for name in ("one", "two")] == [5, 5],
    ),
    "clips by a pattern": (
        f"{{i}}/clips/o*.mp4 -o {{o}}/new {FAST}",
        lambda r: [path.name for path in (r.folder / "new").iterdir()] == ["one.mp4"],
    ),
    "animation on twos": ("{i}/twos.mkv -o {o}/out.mkv --dedup --codec ffv1", moving_everywhere),
    "a logo that stays": (
        "{i}/in.mkv -o {o}/out.mkv --hold 0,0,16,16 --codec ffv1",
        held_box_is_of_the_source,
    ),
    "motion blur at the same rate": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --factor 1 --motion-blur 180 {FAST}",
        lambda r: len(r.times("out.mp4")) == FRAMES,
    ),
    "frames for a pipe": (
        "{i}/in.mkv -o {o}/out.y4m",
        lambda r: (r.folder / "out.y4m").read_bytes().startswith(b"YUV4MPEG2 W64 H48 F50:1"),
    ),
    "a small file": (
        "{i}/in.mp4 -o {o}/out.mp4 --quality small",
        lambda r: r.size_of("out.mp4") < (r.inputs / "in.mp4").stat().st_size * 2,
    ),
    "an archive without loss": (
        "{i}/in.mkv -o {o}/out.mkv --preset archive-lossless",
        source_frames_are_exact,
    ),
    "ProRes for an editor": (
        "{i}/in.mp4 -o {o}/out.mov --codec prores:lt",
        lambda r: r.codec("out.mov") == ("prores", "yuv422p10le"),
    ),
    "ten bits stay ten bits": (
        f"{{i}}/deep.mkv -o {{o}}/out.mkv {FAST}",
        lambda r: r.codec("out.mkv") == ("hevc", "yuv420p10le"),
    ),
    "a file for the web": (
        "{i}/in.mkv -o {o}/out.webm",
        lambda r: r.codec("out.webm")[0] == "vp9",
    ),
    "a shipped set of options": (
        "{i}/in.mp4 -o {o}/out.mp4 --preset slow4",
        lambda r: r.report["options"]["quality"] == "high" and r.times("out.mp4")[-1] > 3 * LAST,
    ),
    "a set of options of one's own": (
        "{i}/in.mp4 -o {o}/out.mp4 --preset web --preset-file {i}/mine.toml",
        lambda r: r.times("out.mp4") == evenly(3 * FRAMES - 2, 75),
    ),
    "the options in the file's tags": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --factor 3 --record-options {FAST}",
        tagged,
    ),
    "a picture of the progress": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --live {{o}}/live.png {FAST}",
        is_triple,
    ),
    "large motion": (
        f"{{i}}/in.mp4 -o {{o}}/out.mp4 --scale 0.5 {FAST}",
        lambda r: len(r.times("out.mp4")) == 2 * FRAMES - 1,
    ),
}


@pytest.fixture
def run(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> Callable[..., Result]:
    """Return a function that runs a command line and returns what it left."""
    monkeypatch.setattr(option_presets, "user_file", lambda: tmp_path / "none.toml")

    def call(words: str, status: int = 0) -> Result:
        filled = words.format(i=inputs, o=tmp_path).split()
        found = main(["interpolate", *filled, "--json"])
        out, err = capsys.readouterr()
        assert found == status, err
        return Result(inputs, tmp_path, json.loads(out.splitlines()[-1]) if out else {})

    return call


@pytest.mark.parametrize("task", TASKS)
def test_a_task_leaves_what_it_should(task: str, run: Callable[..., Result]) -> None:
    words, check = TASKS[task]
    assert check(run(words))


def test_there_are_thirty_tasks() -> None:
    assert len(TASKS) >= 30


def test_one_bad_file_does_not_stop_the_others(run: Callable[..., Result]) -> None:
    result = run(f"{{i}}/bad.mp4 {{i}}/in.mp4 -o {{o}}/new {FAST}", status=1)
    assert [path.name for path in (result.folder / "new").iterdir()] == ["in.mp4"]


def test_a_result_is_replaced_only_on_request(run: Callable[..., Result]) -> None:
    words = f"{{i}}/in.mp4 -o {{o}}/out.mp4 {FAST}"
    first = run(words)
    before = (first.folder / "out.mp4").stat().st_mtime_ns
    run(words, status=1)
    assert (first.folder / "out.mp4").stat().st_mtime_ns == before
    run(f"{words} --factor 3 --overwrite")
    assert len(first.times("out.mp4")) == 3 * FRAMES - 2
