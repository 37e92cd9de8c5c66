"""How long does it take to score the 379 predictions of UCF101-DVF?

    CDFI_DATA=... python benchmarks/scoring_speed.py [--threads 2]

The predictions are frame averages that are saved to a temporary folder first: the time includes
reading them, not computing them.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from machine import machine

from cdfi.evaluation import Scorer, baseline_method, find_dataset, folder_method
from cdfi.evaluation.columns import DEFAULT_METRICS, choose_metrics
from cdfi.evaluation.reports.contact_sheet import Saver


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    torch.set_num_threads(parser.parse_args().threads)
    dataset = find_dataset("ucf101-dvf")
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        saver = Saver(Path(folder))
        for _ in Scorer([], watch=[saver]).run(baseline_method("average"), dataset):
            pass
        method = folder_method(Path(folder) / "average")
        for metrics in (["psnr", "ssim"], ["psnr", "ssim", "lpips-paper"], list(DEFAULT_METRICS)):
            start = time.perf_counter()
            rows = list(Scorer(choose_metrics(metrics)).run(method, dataset))
            seconds[" + ".join(metrics)] = time.perf_counter() - start
            if len(rows) != dataset.size:
                raise SystemExit(f"nothing is reported: {len(rows)} of {dataset.size} scored")
    question = (__doc__ or "").splitlines()[0]
    result = {"question": question, "predictions": dataset.size, "seconds": seconds}
    print(json.dumps({**result, "machine": machine()}, indent=2))


if __name__ == "__main__":
    main()
