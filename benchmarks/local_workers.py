"""How long does a video take with local workers, compared with another version of cdfi?

    python benchmarks/local_workers.py --other OTHER/src [--jobs 2] [--repeats 7]
        [--frames 400] [--size 854x480]

Both versions interpolate the same clip with the default network, one after the other in each
repeat, the first one alternating. The ratios of each pair are compared: a busy machine slows both.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine
from video_pipeline import write_source

OWN = Path(__file__).resolve().parents[1] / "src"


def cost(source_code: Path, clip: Path, jobs: int) -> dict[str, float]:
    """Return the wall and processor seconds of ``cdfi interpolate`` with a version of cdfi."""
    environment = {**os.environ, "PYTHONPATH": str(source_code)}
    words = [str(clip), "-o", str(clip.with_name("out.mp4")), "--overwrite", "--quiet"]
    words += ["--model", "flow", "--device", "cpu", "--preset", "ultrafast", "--jobs", str(jobs)]
    command = [sys.executable, "-m", "cdfi.cli.main", "interpolate", *words]
    before, wall = _processor_seconds(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return {"wall": time.perf_counter() - wall, "processor": _processor_seconds() - before}


def _processor_seconds() -> float:
    """Return the processor seconds of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--other", type=Path, required=True, help="folder src of another version")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--size", default="854x480")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    versions = {"this": OWN, "other": given.other.resolve()}
    pairs: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "in.mp4"
        write_source(clip, width, height, given.frames)
        for code in versions.values():
            cost(code, clip, given.jobs)  # kernels are compiled and cached
        for number in range(given.repeats):
            order = sorted(versions, reverse=number % 2 == 1)
            pairs.append({one: cost(versions[one], clip, given.jobs) for one in order})
            print(json.dumps(pairs[-1]), file=sys.stderr, flush=True)
    result: dict[str, object] = {"question": (__doc__ or "").splitlines()[0]}
    for kind in ("wall", "processor"):
        ratios = [pair["this"][kind] / pair["other"][kind] for pair in pairs]
        result[f"{kind} seconds"] = {
            "this": statistics.median(pair["this"][kind] for pair in pairs),
            "other": statistics.median(pair["other"][kind] for pair in pairs),
            "median_of_ratios": statistics.median(ratios),
            "ratios": sorted(ratios),
        }
    print(json.dumps({**result, "machine": machine()}, indent=2))


if __name__ == "__main__":
    main()
