"""Poisoned memory for the tests of the operations; which files Triton's interpreter runs."""

from collections.abc import Iterator

import pytest
import torch

from tests.ops.operations import INTERPRETED

collect_ignore = [] if INTERPRETED else ["test_interpreted.py"]


@pytest.fixture(autouse=True)
def poisoned_memory() -> Iterator[None]:
    """Fill memory that PyTorch allocates with NaN, so that reading it before writing shows."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    yield
    torch.use_deterministic_algorithms(False)
