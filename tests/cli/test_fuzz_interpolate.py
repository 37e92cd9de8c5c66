"""Corrupted copies of small inputs: a result or one clear line, never a traceback or a hang."""

import os
import random
import threading

import pytest

from tests.cli.interpolate_inputs import Command, tiny_model, write_image
from tests.video.video_clips import Clip, write_clip

#: Of each of the four inputs; ``make test-fuzz`` tries ten times as many.
COPIES = 80 if os.environ.get("CDFI_FUZZ") else 8
PATIENCE = 120  # seconds after which a call counts as hung
SMALL = Clip(5, size=(32, 32))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model"))


def corrupted(content: bytes, chance: random.Random) -> bytes:
    """``content`` with some bytes changed, a stretch removed or doubled, or its end cut off."""
    data = bytearray(content)
    place = chance.randrange(len(data))
    length = chance.randrange(1, 200)
    kind = chance.randrange(5)
    if kind == 0:
        return bytes(data[:place])
    if kind == 1:
        del data[place : place + length]
    elif kind == 2:
        data[place:place] = data[place : place + length]
    else:
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts", "in.png"])
@pytest.mark.long
def test_corrupted_copies_give_a_result_or_one_line(tmp_path, model, capsys, name):
    command = Command(model, capsys)
    image = name.endswith("png")
    whole = tmp_path / name
    write_image(whole) if image else write_clip(whole, SMALL)
    content, chance = whole.read_bytes(), random.Random(name)
    second = write_image(tmp_path / "second.png", 5) if image else None
    broken = tmp_path / f"broken{whole.suffix}"
    target = tmp_path / ("out.png" if image else "out.mkv")
    for copy in range(COPIES):
        broken.write_bytes(corrupted(content, chance))
        words = [broken, *([second] if second else []), "-o", target, "--overwrite"]
        status = within_patience(command, words if image else [*words, "--preset", "ultrafast"])
        assert status in (0, 1), f"copy {copy}: status {status}"
        assert "Traceback" not in command.err
        assert "unexpected" not in command.err, f"copy {copy}: {command.err}"
        assert (status == 0) == bool(command.out)
        if status == 1:
            assert len(command.err.strip().splitlines()) == 1, command.err
        left = {path.name for path in tmp_path.iterdir()}
        assert left <= {name, "second.png", broken.name, target.name}, f"copy {copy}: {left}"


def within_patience(command: Command, words: list[object]) -> int:
    """Return the exit status of a call; fail if it does not return."""
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(command(*words)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert statuses, f"no answer in {PATIENCE} s"
    return statuses[0]
