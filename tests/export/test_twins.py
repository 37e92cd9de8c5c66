"""Every twin computes what the registered operation does."""

import pytest
import torch

from cdfi.export.twins import TWINS
from cdfi.ops.adacof.op import _adacof
from tests.ops.comparison import make
from tests.ops.operations import OPERATIONS

CASES = ["default", "1x1", "13x11", "far", "truncated", "2 x 2 taps", "radius beyond the frame"]
CASES += ["some rows", "3 levels"]
ROWS = [(name, case) for name in TWINS for case in CASES if case in OPERATIONS[name].cases]


@pytest.mark.parametrize(("name", "case"), ROWS)
@pytest.mark.long
def test_a_twin_equals_its_operation(name: str, case: str) -> None:
    row = OPERATIONS[name]
    tensors = [x.detach() for x in make(row, row.cases[case], torch.float64)]
    arguments = row.registered(tensors, row.cases[case])[name]
    expected = getattr(torch.ops.cdfi, name)(*arguments)
    found = TWINS[name](*arguments)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_the_twin_of_adacof_computes_some_rows() -> None:
    torch.manual_seed(0)
    frame = torch.randn(1, 2, 11, 9, dtype=torch.float64)
    maps = [torch.randn(1, 9, 3, 7, dtype=torch.float64) for _ in range(3)]
    arguments = (frame, *maps, 4, 1, "floor")
    torch.testing.assert_close(TWINS["adacof"](*arguments), _adacof(*arguments))


def test_every_operation_of_a_forward_pass_has_a_twin() -> None:
    registered = {name for name in OPERATIONS if hasattr(torch.ops.cdfi, name)}
    assert registered == set(TWINS)
