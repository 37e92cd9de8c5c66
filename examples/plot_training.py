"""Plot the curves of a run to a PNG.

python examples/plot_training.py runs/first curves.png
"""

import csv
import sys
from pathlib import Path

import matplotlib.pyplot as plt


def column(path: Path, name: str) -> tuple[list[int], list[float]]:
    """Return the steps and values of one column of a run's table; none if there is no table."""
    if not path.is_file():  # validation.csv is missing if the data has no held-out shots
        return [], []
    with path.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get(name)]
    return [int(row["step"]) for row in rows], [float(row[name]) for row in rows]


def main(folder: Path, picture: Path) -> None:
    """Draw loss and validation PSNR side by side."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    steps, losses = column(folder / "train.csv", "loss")
    left.plot(steps, losses)
    scale = "log" if min(losses, default=1) > 0 else "linear"  # the loss PSNR is negative
    left.set(xlabel="step", ylabel="loss", yscale=scale, title="training")
    right.plot(*column(folder / "validation.csv", "psnr"), marker="o")
    right.set(xlabel="step", ylabel="PSNR (dB)", title="held-out shots")
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
