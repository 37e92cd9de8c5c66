"""How much processor time does the command line take before and around the work?

python benchmarks/startup.py [--source OTHER/src] [--repeats 5]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from machine import machine
from PIL import Image

#: Question -> words of the command and its exit status.
CASES = {
    "a wrong file": ("interpolate no-such-file.mp4", 1),
    "a wrong model": ("interpolate in.mp4 --model no-such-model", 1),
    "a wrong option": ("interpolate in.mp4 --nonsense", 2),
    "a wrong command": ("nonsense", 2),
    "two images, warm": ("interpolate a.png b.png -o c.png --overwrite", 0),
    "a dry run of 720p, warm": ("interpolate in.mp4 -o out.mp4 --dry-run", 0),
}
COLD = {
    "two images, kernels compiled": "interpolate a.png b.png -o c.png --overwrite",
    "a video, kernels compiled": "interpolate in.mp4 -o out.mp4 --overwrite --duration 2f",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--source", type=Path, help="another version of the package, its src folder"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="compile kernels into an empty cache")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder)
        times = {
            case: [seconds(words, status, folder, options.source) for _ in range(options.repeats)]
            for case, (words, status) in CASES.items()
        }
        if options.cold:
            times |= {
                case: [seconds(words, 0, folder, options.source, cold=folder / case)]
                for case, words in COLD.items()
            }
        torch = [importing("torch", folder) for _ in range(options.repeats)]
    result = {
        "question": __doc__.splitlines()[0],
        "cpu_seconds": {case: statistics.median(found) for case, found in times.items()},
        "import torch alone": statistics.median(torch),
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def write_inputs(folder: Path) -> None:
    """Two small images and a short video of 720p."""
    ramp = np.add.outer(np.arange(48), np.arange(64))[..., None] * np.array([1, 2, 3])
    for number, name in enumerate("ab"):
        Image.fromarray(((ramp + number * 9) % 200).astype(np.uint8)).save(folder / f"{name}.png")
    with av.open(str(folder / "in.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(25):
            image = np.full((720, 1280, 3), 60, np.uint8)
            image[200:400, 10 * number : 10 * number + 300] = 200
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))


def seconds(
    words: str, status: int, folder: Path, source: Path | None, cold: Path | None = None
) -> float:
    """Return user and system time of one command; the exit status must be as expected."""
    environment = dict(os.environ)
    if source is not None:
        environment["PYTHONPATH"] = str(source.resolve())
    if cold is not None:
        environment["NUMBA_CACHE_DIR"] = str(cold)
    call = [sys.executable, "-m", "cdfi.cli.main", *words.split()]
    return spent(call, status, folder, environment)


def importing(module: str, folder: Path) -> float:
    """Return user and system time of an import alone."""
    return spent([sys.executable, "-c", f"import {module}"], 0, folder, dict(os.environ))


def spent(call: list[str], status: int, folder: Path, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != status:
        raise SystemExit(f"{call}: status {done.returncode}, {done.stderr.decode()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
