"""Compiled kernels with a cache that cannot be read."""

import importlib.util
import pickle
import sys
from pathlib import Path

import pytest

SOURCE = """
from cdfi.common.numba import compiled

@compiled
def double(x):
    return 2 * x
"""


def _load(folder: Path, name: str) -> object:
    spec = importlib.util.spec_from_file_location(name, folder / "kernels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_an_unreadable_cache_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    (tmp_path / "kernels.py").write_text(SOURCE)
    assert _load(tmp_path, "kernels_a").double(21) == 42  # type: ignore[attr-defined]
    (index,) = tmp_path.rglob("*.nbi")
    with index.open("rb") as file:
        version, rest = pickle.load(file), file.read()
    stamp, _ = pickle.loads(rest)
    unreadable = b"cno_such_module\nno_such_class\n."
    index.write_bytes(pickle.dumps(version) + pickle.dumps((stamp, unreadable)))
    assert _load(tmp_path, "kernels_b").double(4) == 8  # type: ignore[attr-defined]
    assert index.stat().st_size > 0
