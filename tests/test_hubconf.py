"""torch.hub loads from a checkout that is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = """
import sys
sys.meta_path = [x for x in sys.meta_path if "editable" not in str(x)]
sys.path = [x for x in sys.path if not x.endswith("/src")]
import importlib.metadata, torch
def missing(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = missing
repository = sys.argv[1]
interpolator = torch.hub.load(repository, "cdfi", source="local", device="cpu")
network = torch.hub.load(repository, "network", "compressed-adacof", source="local")
import cdfi
print(cdfi.__file__, cdfi.__version__, type(interpolator).__name__, type(network).__name__)
"""


@pytest.mark.long
def test_a_bare_checkout_has_entry_points() -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT)], capture_output=True, text=True, check=True
    )
    source = ROOT / "src" / "cdfi" / "__init__.py"
    assert found.stdout.split() == [str(source), "0+unknown", "Interpolator", "Network"]
