"""environment: complete, and plain JSON."""

import json
from pathlib import Path

import pytest
import torch

import cdfi
from cdfi.video.writing.codecs import CODECS


def test_the_environment_names_versions_devices_codecs_and_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    found = json.loads(json.dumps(cdfi.environment()))
    assert found["versions"]["cdfi"] == cdfi.__version__
    assert found["versions"]["torch"] == torch.__version__
    assert found["devices"][-1] == "cpu"
    assert set(found["codecs"]) == set(CODECS)
    assert found["codecs"]["h264"] is True
    assert found["cache"] == str(tmp_path)
    assert found["variables"]["CDFI_CACHE"] == str(tmp_path)
