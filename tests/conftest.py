"""Where tests find real data, and what happens where there is none."""

import os

# Before torch is imported: tiny tensors gain nothing from threads, and lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import signal
from contextlib import suppress
from pathlib import Path

import hypothesis
import pytest

# A shell that starts the tests in the background lets them, and all they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes any example slow, and the first one compiles kernels.
hypothesis.settings.register_profile("cdfi", deadline=None)
hypothesis.settings.load_profile("cdfi")


def _present(path: Path | None, name: str) -> Path:
    if path is not None and path.is_dir():
        return path
    reason = f"{name} not found: set CDFI_DATA to the folder that holds it"
    if os.environ.get("CDFI_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data (``CDFI_DATA``)."""
    root = os.environ.get("CDFI_DATA")
    return _present(Path(root).resolve() if root else None, "the data folder")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of parity data, beside the data folder."""
    root = os.environ.get("CDFI_DATA")
    return _present(Path(root).resolve().parent / "fixtures" if root else None, "the parity data")


@pytest.fixture
def cuda() -> str:
    """The name of the CUDA device, for tests marked ``gpu``."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if os.environ.get("CDFI_REQUIRE_GPU") == "1":
        pytest.fail("CDFI_REQUIRE_GPU=1, but there is no CUDA device")
    pytest.skip("no CUDA device")
