"""How many synthetic samples per second does one core render?

CDFI_DATA=data python benchmarks/synthetic_rate.py [--side 128]
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from machine import machine

from cdfi.common.cache import training_cache
from cdfi.data.batch import Batch, SampleRequest
from cdfi.data.photos import photo_cache
from cdfi.data.synthetic import Synthetic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    photos = photo_cache(Path(os.environ["CDFI_DATA"]) / "train" / "stills", training_cache())
    source = Synthetic(photos, options.side)
    check(source.samples(requests(0, options.batch)))
    start = time.perf_counter()
    for number in range(options.batches):
        source.samples(requests(number * options.batch, options.batch))
    rate = options.batch * options.batches / (time.perf_counter() - start)
    result = {
        "question": __doc__.splitlines()[0],
        **vars(options),
        "samples_per_second": rate,
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def check(batch: Batch) -> None:
    if not 0 <= float(batch.middle.min()) < float(batch.middle.max()) <= 1:
        raise SystemExit("nothing is reported: the frames are constant or outside [0, 1]")


def requests(first: int, count: int) -> list[SampleRequest]:
    return [SampleRequest(i, np.random.default_rng(i)) for i in range(first, first + count)]


if __name__ == "__main__":
    main()
