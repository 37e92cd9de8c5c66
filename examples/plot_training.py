"""Plot the curves of a run to a PNG, as `cdfi train --plot` does.

python examples/plot_training.py runs/first curves.png
"""

import sys
from pathlib import Path

from cdfi.training.curves import plot_curves

if __name__ == "__main__":
    plot_curves(Path(sys.argv[1]), Path(sys.argv[2]))
