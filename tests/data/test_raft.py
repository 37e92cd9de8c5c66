"""RAFT-small: its graph, the download of its weights, and its use as a teacher."""

import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from cdfi.common.files import file_sha256
from cdfi.data import raft_file
from cdfi.data.motion import EstimatedMotion
from cdfi.data.raft import RaftSmall, _correlations, _look_up
from cdfi.data.raft_file import load_raft, raft_path
from tests.data.test_motion import Pan, requests


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of a file of random weights, in the form of the authors' file."""
    torch.manual_seed(0)
    state = {f"module.{name}": x for name, x in RaftSmall().state_dict().items()}
    (tmp_path / "served").mkdir()
    torch.save(state, tmp_path / "served" / "raft-small.pth")
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(raft_file, "SHA256", file_sha256(tmp_path / "served" / "raft-small.pth"))

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "served"))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def test_the_network_has_the_parameters_of_the_paper() -> None:
    assert sum(p.numel() for p in RaftSmall().parameters()) == 990_162


def test_correlations_are_looked_up_about_a_position() -> None:
    torch.manual_seed(0)
    features0, features1 = torch.rand(2, 2, 5, 16, 16)
    positions = torch.full((2, 2, 16, 16), 8.0)
    positions[:, 0] = 6.0  # column 6, row 8
    found = _look_up(_correlations(features0, features1), positions)
    assert found.shape == (2, 4 * 49, 16, 16)
    for number, (dx, dy) in ((24, (0, 0)), (25, (0, 1)), (31, (1, 0)), (0, (-3, -3))):
        wanted = torch.einsum("nchw,nc->nhw", features0, features1[:, :, 8 + dy, 6 + dx]) / 5**0.5
        torch.testing.assert_close(found[:, number], wanted)
    coarse = F.avg_pool2d(features1, 2)
    wanted = torch.einsum("nchw,nc->nhw", features0, coarse[:, :, 4, 3]) / 5**0.5
    torch.testing.assert_close(found[:, 49 + 24], wanted)


@pytest.mark.parametrize("size", [(40, 30), (128, 136), (131, 260)])
def test_any_size_gives_a_flow_of_that_size(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = RaftSmall().eval()
    frame0, frame1 = torch.rand(2, 2, 3, *size)
    with torch.no_grad():
        flow = network(frame0, frame1, steps=1)
        alone = network(frame0[1:], frame1[1:], steps=1)
    assert flow.shape == (2, 2, *size)
    torch.testing.assert_close(flow[1:], alone, atol=1e-4, rtol=1e-4)


def test_the_weights_are_downloaded_once_and_checked(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raft_file, "URL", f"{server}/raft-small.pth")
    first = load_raft()
    assert raft_path().is_file() and not any(p.requires_grad for p in first.parameters())
    monkeypatch.setattr(raft_file, "URL", f"{server}/missing")
    again = load_raft()
    assert all(torch.equal(x, y) for x, y in zip(first.parameters(), again.parameters()))


def test_weights_that_cannot_be_had_are_one_line_with_a_remedy(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raft_file, "URL", f"{server}/missing")
    with pytest.raises(ValueError, match=r"404.*motion_teacher=dis") as error:
        EstimatedMotion(Pan(), "raft")
    assert "\n" not in str(error.value) and not raft_path().exists()
    monkeypatch.setattr(raft_file, "URL", f"{server}/raft-small.pth")
    monkeypatch.setattr(raft_file, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match=re.escape(str(raft_path()))):
        load_raft()
    assert not raft_path().exists()


@pytest.mark.long
def test_the_teacher_gives_flows_and_weights(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raft_file, "URL", f"{server}/raft-small.pth")
    batch = EstimatedMotion(Pan(), "raft").samples(requests(2))
    assert batch.flow0.shape == batch.flow1.shape == (2, 2, 96, 96)
    assert batch.visible0.shape == (2, 1, 96, 96)
    assert float(batch.visible0.min()) >= 0 and float(batch.visible0.max()) <= 1
