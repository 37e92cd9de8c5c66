"""Servers that a worker cannot use."""

import http.server
import threading

import pytest

from cdfi.cli.main import main
from cdfi.video.work import work
from tests.video.remote.job_server import TOKEN, refused, serving


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "data") as found:
        yield found


def test_servers_that_cannot_be_used_are_one_clear_line(server, monkeypatch, capsys):
    refused([server.url.replace(TOKEN, "other")], match="the token is missing or wrong: give the")
    refused([server.url.partition("?")[0]], match="the token is missing or wrong")
    monkeypatch.setenv("CDFI_TOKEN", TOKEN)
    assert work([server.url.partition("?")[0]], exit_when_idle=True) == 0
    assert work([f"{server.url.partition('?')[0]}#{TOKEN}"], exit_when_idle=True) == 0
    monkeypatch.setattr("cdfi.video.remote.server_jobs.VERSION", 2)
    refused([server.url], match="is of another version of cdfi .*install the same version on both")
    refused(["http://127.0.0.1:1/"], match=r"http://127.0.0.1:1 does not answer \(.*refused")
    refused(["http:///x"], match="expected the URL that cdfi serve printed")
    assert main(["work", "http://127.0.0.1:1/"]) == 1
    assert capsys.readouterr().err.startswith("cdfi: http://127.0.0.1:1 does not answer")


def test_another_web_server_is_one_clear_line():
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        refused([f"http://127.0.0.1:{page.server_port}"], match="is not cdfi serve: expected JSON")
        page.shutdown()
