"""Compiled functions are reported when they are compiled, not when they come from the cache."""

import importlib.util
from pathlib import Path

from cdfi.common.compilation import watch_compilation

PROGRAM = """
from cdfi.common.numba import compiled

@compiled
def doubled(x):
    return 2 * x
"""


def call_doubled(path: Path) -> int:
    spec = importlib.util.spec_from_file_location("kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.doubled(21)


def test_a_function_is_reported_when_it_is_compiled(tmp_path):
    path = tmp_path / "kernels.py"
    path.write_text(PROGRAM)
    names = []
    with watch_compilation(names.append):
        assert call_doubled(path) == 42
        assert names == ["kernels.doubled"]
        assert call_doubled(path) == 42  # from the cache on disk
        assert names == ["kernels.doubled"]
