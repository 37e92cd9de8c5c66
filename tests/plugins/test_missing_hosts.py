"""A host or a library that is missing is an error that names the package to install."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import cdfi
from cdfi.export import RuntimeInterpolator, export_model

UNUSED: Any = None  # an export fails before the network is looked at


class Missing(NamedTuple):
    """A library that is missing, the package to install, and what needs it."""

    library: str
    package: str
    action: Callable[[Path], Any]


CASES = [
    Missing("onnxruntime", "cdfi[onnx]", lambda _: RuntimeInterpolator("flow", "onnxruntime")),
    Missing("openvino", "cdfi[openvino]", lambda _: RuntimeInterpolator("flow", "openvino")),
    Missing("onnx", "cdfi[onnx]", lambda at: export_model(UNUSED, at / "a.onnx", size=(8, 8))),
    Missing(
        "openvino", "cdfi[openvino]", lambda at: export_model(UNUSED, at / "a.xml", size=(8, 8))
    ),
    Missing("huggingface_hub", "cdfi[hub]", lambda _: cdfi.load("hf://team/tiny")),
    Missing("vapoursynth", "vapoursynth", lambda _: import_module("cdfi.plugins.vapoursynth")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.library)
def test_a_missing_library_is_named_with_its_package(
    case: Missing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, case.library, None)  # as if it were not installed
    with pytest.raises(ValueError, match=f"needs {case.library}: ") as caught:
        case.action(tmp_path)
    assert str(caught.value).endswith(f"pip install '{case.package}'")
    assert not list(tmp_path.iterdir())
