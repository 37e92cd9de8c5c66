"""Models on a hub, served by a small local server; the card that a hub shows."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

import cdfi
from cdfi.weights import save
from cdfi.weights.hub_card import hub_card
from tests.tiny import tiny_network

hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
constants = pytest.importorskip("huggingface_hub.constants")
COMMIT = "0" * 40


class Hub:
    """A server of the files in a folder, as the model ``team/tiny``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.requests = folder, []  # type: ignore[var-annotated]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def _answer(self, with_body: bool) -> None:
                outer.requests.append(self.path)
                start = "/team/tiny/resolve/main/"
                known = self.path.startswith(start)
                path = outer.folder / self.path.removeprefix(start)
                if known and path.is_file():
                    content = path.read_bytes()
                    self.send_response(200)
                    self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                    self.send_header("X-Repo-Commit", COMMIT)
                else:
                    content = b"{}"
                    self.send_response(404)
                    kind = "EntryNotFound" if known else "RepoNotFound"
                    self.send_header("X-Error-Code", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if with_body:
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = tmp_path / "served"
    served.mkdir()
    save(tiny_network(), served / "model.safetensors")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    found = Hub(served)
    monkeypatch.setenv("HF_ENDPOINT", found.url)
    yield found
    found.stop()


def assert_is_tiny(network: Any) -> None:
    expected = tiny_network().state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in network.state_dict().items())


def test_a_model_is_downloaded_from_the_hub_and_then_read_from_the_cache(
    server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_is_tiny(cdfi.load("hf://team/tiny"))
    assert any(path.endswith("/model.safetensors") for path in server.requests)
    server.stop()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_is_tiny(cdfi.load("hf://team/tiny"))


def test_offline_a_model_that_is_not_in_the_cache_is_named(
    server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="hf://team/tiny is not in the cache of the hub"):
        cdfi.load("hf://team/tiny")
    assert server.requests == []


def test_weights_that_do_not_match_their_digest_are_refused(server: Hub) -> None:
    path = server.folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="weights do not match the digest"):
        cdfi.load("hf://team/tiny")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf://team/other", "hf://team/other: the hub has no such model"),
        ("hf://team/tiny:more.safetensors", r"has no file more\.safetensors"),
        ("hf://team/tiny:model.pth", r"only \.safetensors files are read from a hub"),
        ("hf://tiny", "expected hf://owner/name"),
        ("hf://team/tiny/model", "expected hf://owner/name"),
    ],
)
def test_what_the_hub_does_not_have_is_named(server: Hub, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cdfi.load(name)


def test_the_card_has_the_front_matter_of_a_hub() -> None:
    card = hub.ModelCard(hub_card("flow"))
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "cdfi")
    results = {
        (row.dataset_type, row.metric_type): row.metric_value
        for row in card.data.eval_results or []
    }
    listed = next(row for row in cdfi.weights.listed_models() if row.name == "flow")
    assert listed.middlebury is not None
    assert results["middlebury", "psnr"] == listed.middlebury[0]
    assert cdfi.info("flow").digest in card.text
