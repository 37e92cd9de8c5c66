"""``cdfi models download`` from a server of our own: what arrives can be loaded by its name."""

import hashlib
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

import cdfi
from cdfi.cli.main import main
from cdfi.weights import catalog
from cdfi.weights.catalog import RELEASED
from tests.tiny import TINY, tiny_network

NAME = "released/compressed-adacof"


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A tiny checkpoint behind a local address, in place of a released row; returns its file."""
    folder = tmp_path / "server"
    folder.mkdir()
    torch.save({"state_dict": tiny_network(TINY).state_dict(), "epoch": 1}, folder / "tiny.pth")
    body = (folder / "tiny.pth").read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        row = replace(
            RELEASED[NAME],
            url=f"http://127.0.0.1:{server.server_address[1]}/tiny.pth",
            git_blob=hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest(),
        )
        monkeypatch.setitem(catalog.RELEASED, NAME, row)
        monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "cache"))
        yield folder / "tiny.pth"
        server.shutdown()


def test_a_download_can_be_loaded_by_its_name(published, capsys):
    assert main(["models", "download", NAME, "--quiet"]) == 0
    assert "licence" in capsys.readouterr().out
    assert cdfi.load(NAME).config.stacks() == TINY.stacks()


def test_a_download_that_is_not_the_published_file_is_not_kept(published, capsys, tmp_path):
    published.write_bytes(published.read_bytes()[:-10] + b"0123456789")
    assert main(["models", "download", NAME]) == 1
    assert "the file was not kept" in capsys.readouterr().err
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".lock"}
