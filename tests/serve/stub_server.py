"""Start a server in a process of its own, for tests with a browser or under load.

    python stub_server.py DATA PORT [--root DIR] [--stub]

With ``--stub``, jobs run ``stub_interpolate.py``, and the helper stays the real one.
"""

import argparse
import sys
from pathlib import Path

from cdfi.serve.serve_config import INTERPOLATE, ServeConfig
from cdfi.serve.server import run_server

STUB = (sys.executable, str(Path(__file__).with_name("stub_interpolate.py")))

parser = argparse.ArgumentParser()
parser.add_argument("data", type=Path)
parser.add_argument("port", type=int)
parser.add_argument("--root", type=Path)
parser.add_argument("--stub", action="store_true")
given = parser.parse_args()
config = ServeConfig(
    data=given.data, root=given.root, interpolate=STUB if given.stub else INTERPOLATE
)
run_server(config, given.port, lambda url: print(url, flush=True))
