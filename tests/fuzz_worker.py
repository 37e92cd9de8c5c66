"""Runs damaged inputs, one after another, and writes what came of each to stdout.

A line of JSON before each input names it, so that the caller knows which one ended the process; the
kernel ends it when an input takes more than :data:`SECONDS` of processor time.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

SECONDS = 20
CHANGES = 8  # at most, to one input


def damage(data: bytes, seed: int) -> bytes:
    """Return ``data`` with one or a few changes of one kind, by ``seed``."""
    chance = random.Random(seed)
    kind = chance.choice(KINDS)
    for _ in range(chance.randint(1, CHANGES) if kind in SMALL else 1):
        data = kind(data, chance) if data else data
    return data


def _place(data: bytes, chance: random.Random) -> int:
    """Half of the changes are in the first tenth, where headers are."""
    return chance.randrange(max(len(data) // chance.choice((1, 10)), 1))


def flip(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def largest(data: bytes, chance: random.Random) -> bytes:
    place, size = _place(data, chance), chance.choice((1, 2, 4, 8))
    return data[:place] + b"\xff" * size + data[place + size :]


def zero(data: bytes, chance: random.Random) -> bytes:
    place, size = _place(data, chance), chance.choice((1, 4, 16, 256))
    return data[:place] + bytes(min(size, len(data) - place)) + data[place + size :]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def remove(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + data[place + chance.choice((1, 4, 100, 1000)) :]


def repeat(data: bytes, chance: random.Random) -> bytes:
    place, size = _place(data, chance), chance.choice((4, 100, 1000))
    return data[:place] + data[place : place + size] + data[place:]


def noise(data: bytes, chance: random.Random) -> bytes:
    place, size = _place(data, chance), chance.choice((4, 32, 500))
    return data[:place] + chance.randbytes(size) + data[place + size :]


SMALL = (flip, largest, zero)
KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *SMALL, cut, remove, repeat, noise,
)  # fmt: skip


def use_video(path: Path, folder: Path) -> None:
    from cdfi.video import interpolate_video
    from tests.video.video_clips import Mean

    interpolate_video(path, folder / "out.mkv", options=fast(), model=Mean())


def use_image(path: Path, folder: Path) -> None:
    from cdfi.video import interpolate_images
    from tests.video.video_clips import Mean

    interpolate_images(path, path, folder / "out.png", model=Mean())


def use_weights(path: Path, folder: Path) -> None:
    from cdfi.weights import load

    load(path)


def use_work(path: Path, folder: Path) -> None:
    """Continue the job whose work folder holds the damaged file ``path``."""
    from cdfi.video import interpolate_video
    from tests.video.video_clips import Mean, times_of

    source = folder / "in.mp4"
    interpolate_video(source, folder / "out.mkv", options=fast(), model=Mean())
    assert len(times_of(folder / "out.mkv")) == 2 * len(times_of(source)) - 1


def fast():
    from cdfi.video import Encoding, Options

    return Options(encoding=Encoding(codec="ffv1"), segment=3)


USES = {
    "video": use_video,
    "image": use_image,
    "weights": use_weights,
    "work": use_work,
}


def run(entry: dict[str, str], seed: int, folder: Path) -> dict[str, object]:
    """Use one damaged input and return what is wrong with the outcome, if anything.

    ``entry``: the kind of use, the undamaged file, and for work folders the folder that is copied
    before the file in it is damaged.
    """
    given = Path(entry["file"])
    shutil.rmtree(folder, ignore_errors=True)
    if entry["use"] == "work":
        shutil.copytree(entry["folder"], folder)
        path = folder / given.relative_to(entry["folder"])
    else:
        folder.mkdir()
        path = folder / f"damaged{given.suffix}"
    path.write_bytes(damage(given.read_bytes(), seed))
    before = resource.getrusage(resource.RUSAGE_SELF)
    wrong = ""
    try:
        USES[entry["use"]](path, folder)
    except (ValueError, OSError) as error:
        names = ("damaged", "in.mp4", "out.mkv", path.name)
        if not any(name in str(error) for name in names):
            wrong = f"names no file: {type(error).__name__}: {error}"
    except BaseException:
        wrong = traceback.format_exc(limit=-6)
    after = resource.getrusage(resource.RUSAGE_SELF)
    grown = (after.ru_maxrss - before.ru_maxrss) // 1024
    if grown > 2048:
        wrong += f" grew by {grown} MB"
    return {"wrong": wrong, "seconds": after.ru_utime - before.ru_utime, "grown": grown}


def say(found: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def main() -> None:
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        entry = json.loads(line)
        say({"begin": entry})
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        found = run(entry, int(entry["seed"]), folder / "case")
        signal.setitimer(signal.ITIMER_PROF, 0)
        say(found)


if __name__ == "__main__":
    main()
