"""How much memory does interpolating a video take? The peak of a process of its own.

    python benchmarks/video_memory.py [--model cdfi] [1080p] [2160p]

Three frames of each size, with random weights (memory does not depend on them); then 480p of 60 and
of 600 frames with a network that does nothing: the memory must not depend on the length.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import machine
from video_pipeline import write_source

CHILD = """
import resource, sys
from cdfi import NETWORKS, Interpolator, Network
from cdfi.video import Encoding, Options, interpolate_video
sys.path.insert(0, {folder!r})
from video_pipeline import Nothing
model = Nothing() if {model!r} == "nothing" else Interpolator(
    Network(NETWORKS[{model!r}]), memory={memory} or None)
options = Options(encoding=Encoding(preset="ultrafast"), scene_threshold=None)
report = interpolate_video({source!r}, {target!r}, options=options, model=model)
assert report.interpolated, "no frame was interpolated"
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# Width, height, memory of the network and limit of the process, both in GB.
CASES = {"1080p": (1920, 1080, 3.3, 4), "2160p": (3840, 2160, 6.0, 8)}


def peak(source: Path, target: Path, model: str, memory: int) -> float:
    """Peak resident memory in GB of one run."""
    code = CHILD.format(
        folder=str(Path(__file__).parent),
        model=model,
        memory=memory,
        source=str(source),
        target=str(target),
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(run.stdout.split()[-1]) * 1024 / 1e9  # Linux counts in KiB


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="cdfi")
    parser.add_argument("sizes", nargs="*", default=list(CASES))
    words = parser.parse_args()
    result: dict[str, object] = {"question": (__doc__ or "").splitlines()[0], "model": words.model}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in words.sizes:
            width, height, memory, limit = CASES[size]
            write_source(folder / f"{size}.mp4", width, height, 2)
            source, target = folder / f"{size}.mp4", folder / f"{size}_2x.mp4"
            used = peak(source, target, words.model, int(memory * 1e9))
            result[size] = {"gigabytes": used, "limit": limit}
        for count in (60, 600):
            source = folder / f"{count}.mp4"
            write_source(source, 854, 480, count)
            used = peak(source, folder / f"{count}_2x.mp4", "nothing", 0)
            result[f"480p, {count} frames, no network"] = {"gigabytes": used}
    print(json.dumps({**result, "machine": machine()}, indent=2))


if __name__ == "__main__":
    main()
