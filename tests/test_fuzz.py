"""Damaged inputs of every kind: a result or one line that names the file, and never more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.video.video_clips import Clip, Stops, write_clip

TESTS = Path(__file__).parent
#: How many damaged inputs; ``make test-fuzz`` tries ten times as many.
COUNT = int(os.environ.get("CDFI_FUZZ", "0")) or 200
SEED = int(os.environ.get("CDFI_FUZZ_SEED", "0"))
VIDEOS = {
    "mp4": {},
    "mkv": {},
    "mov": {},
    "ts": {},
    "webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}},
    "avi": {"codec": "mpeg4", "options": {}},
    "gif": {"codec": "gif", "pix_fmt": "rgb8", "options": {}},
}
IMAGES = ("gif", "png", "jpg", "webp")


def write_gif(path: Path) -> Path:
    frames = [Image.new("P", (24, 16), 9 * number) for number in range(6)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    return path


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """The undamaged inputs: what uses each, and where it is."""
    folder = tmp_path_factory.mktemp("fuzz")
    found = []
    for kind, settings in VIDEOS.items():
        path = folder / f"in.{kind}"
        if kind == "gif":
            write_gif(path)
        else:
            sound = kind in ("mp4", "mkv", "mov", "ts")
            write_clip(path, Clip(8, size=(32, 16), audio=sound, **settings))
        found.append({"use": "video", "file": str(path)})
    for kind in IMAGES[1:]:
        path = folder / f"image.{kind}"
        Image.effect_noise((40, 30), 60).convert("RGB").save(path)
        found.append({"use": "image", "file": str(path)})
    found += [{"use": "weights", "file": str(path)} for path in weights(folder)]
    found += work_files(folder)
    return found


def weights(folder: Path) -> list[Path]:
    import torch

    from cdfi.weights import load, save
    from tests.tiny import tiny_network

    network = tiny_network()
    save(network, folder / "tiny.safetensors")
    torch.save({"state_dict": network.state_dict()}, folder / "tiny.pth")
    assert load(folder / "tiny.safetensors")
    return [folder / "tiny.safetensors", folder / "tiny.pth"]


def work_files(folder: Path) -> list[dict[str, str]]:
    """An interrupted job, and the files of its work folder."""
    from cdfi.video import interpolate_video
    from tests.fuzz_worker import fast

    home = folder / "job"
    home.mkdir()
    source = write_clip(home / "in.mp4", Clip(8, size=(32, 16)))
    with pytest.raises(KeyboardInterrupt):
        interpolate_video(
            source, home / "out.mkv", options=fast(), model=Stops(5, KeyboardInterrupt())
        )
    (work,) = (path for path in home.iterdir() if path.is_dir())
    kinds = {path.suffix or path.name: path for path in sorted(work.iterdir()) if path.is_file()}
    assert len(kinds) >= 3
    return [{"use": "work", "file": str(path), "folder": str(home)} for path in kinds.values()]


def outcomes(inputs, folder):
    """Run ``inputs`` in processes of their own; yield each with what was wrong."""
    rest = list(inputs)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), *sys.path])}
    while rest:
        lines = "".join(json.dumps(entry) + "\n" for entry in rest)
        done = subprocess.run(
            [sys.executable, str(TESTS / "fuzz_worker.py"), str(folder)],
            input=lines,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        finished = [answer for answer in answers if "begin" not in answer]
        yield from zip(rest, (answer["wrong"] for answer in finished))
        if done.returncode:
            entry = rest[len(finished)] if len(finished) < len(rest) else None
            assert entry is not None and answers, done.stderr
            yield entry, f"the process ended with {done.returncode}: {done.stderr[-300:]}"
            rest = rest[len(finished) + 1 :]
        else:
            rest = []


@pytest.mark.long
def test_damaged_inputs_give_a_result_or_one_line(entries, tmp_path):
    inputs = [entries[number % len(entries)] | {"seed": SEED + number} for number in range(COUNT)]
    wrong = [
        f"{Path(entry['file']).name} {entry['use']} seed {entry['seed']}: {what}"
        for entry, what in outcomes(inputs, tmp_path)
        if what
    ]
    assert not wrong, f"{len(wrong)} of {COUNT}:\n" + "\n".join(wrong)
