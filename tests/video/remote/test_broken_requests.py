"""Requests to a server that is busy, closes connections or loses bytes."""

import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from cdfi.video.remote.connection import RefusedError, ServerConnection, ServerGoneError
from cdfi.video.remote.server_jobs import JobServer

CONTENT = bytes(range(256)) * 40


class Server(http.server.ThreadingHTTPServer):
    """Keeps one file; ``faults`` are the names of methods of its handler, used one by one."""

    daemon_threads = True
    stored, faults, patches = b"", (), 0

    def next_fault(self):
        first, *self.faults = self.faults or [None]
        return first


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/api/work":
            self.send({"jobs": self.server.jobs})
        elif self.path == "/source":
            begin = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(CONTENT) - begin))
            self.end_headers()
            self.wfile.write(CONTENT[begin : begin + 1000])  # then the connection is closed
        elif fault := self.server.next_fault():
            getattr(self, fault)()
        else:
            self.send({"received": len(self.server.stored)})

    def do_PATCH(self):
        server, length = self.server, int(self.headers["Content-Length"])
        server.patches += 1
        offset = int(parse_qs(urlsplit(self.path).query)["offset"][0])
        if offset != len(server.stored):
            self.rfile.read(length)
            return self.send({"error": f"expected the bytes from {len(server.stored)} on"}, 409)
        fault = server.next_fault()
        server.stored += self.rfile.read(min(length, 1000) if fault == "break_off" else length)
        return None if fault == "break_off" else self.send({})

    def stale(self):
        """Answer as if the last 1000 bytes had not arrived yet."""
        self.send({"received": max(len(self.server.stored) - 1000, 0)})

    def busy(self):
        self.send({"error": "being started"}, 503)

    def hang_up(self):
        """Close the connection without an answer."""

    def send(self, values, status=200):
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def connection(server, monkeypatch):
    """A connection that forgives the first failure, but no two in a row without progress."""
    monkeypatch.setattr("cdfi.video.remote.connection.PATIENCE", 0.0)
    return ServerConnection(f"http://127.0.0.1:{server.server_port}")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def test_an_upload_that_breaks_often_continues_as_long_as_bytes_arrive(server, connection, file):
    server.faults = [fault for _ in range(6) for fault in (None, "break_off")]
    connection.append("/segment", file)
    assert server.stored == CONTENT and server.patches == 7


def test_a_file_is_sent_in_pieces(server, connection, file, monkeypatch):
    monkeypatch.setattr("cdfi.video.remote.connection.PIECE", 3000)
    connection.append("/segment", file)
    assert server.stored == CONTENT and server.patches == 4


def test_a_piece_is_sent_again_if_bytes_of_an_older_request_arrive_late(server, connection, file):
    server.stored, server.faults = CONTENT[:2000], ["stale"]
    connection.append("/segment", file)
    assert server.stored == CONTENT and server.patches == 2


def test_a_longer_file_at_the_server_ends_the_upload(server, connection, file):
    """The digest that is sent next shows that it is another one."""
    server.stored = CONTENT + b"more"
    connection.append("/segment", file)
    assert server.patches == 0


def test_an_upload_of_which_nothing_arrives_ends(server, connection, file):
    server.faults = ["hang_up", "hang_up"]
    with pytest.raises(ServerGoneError, match=r"does not answer for \d+ s"):
        connection.append("/segment", file)
    server.faults = ["stale"] * 3
    server.stored = CONTENT[:2000]
    with pytest.raises(ServerGoneError, match="expected the bytes from"):
        connection.append("/segment", file)


def test_a_file_that_cannot_be_read_is_no_failure_of_the_server(server, connection, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder") as found:
        connection.append("/segment", tmp_path / "folder")
    assert not isinstance(found.value, (ServerGoneError, RefusedError))


def test_a_busy_server_is_tried_again(server, connection):
    server.faults = ["busy"]
    assert connection.ask("GET", "/segment") == {"received": 0}
    server.faults = ["busy"]
    with pytest.raises(ServerGoneError, match="being started"):
        connection.ask("GET", "/segment", patient=False)


def test_a_download_that_breaks_often_continues_as_long_as_bytes_arrive(connection, tmp_path):
    connection.download("/source", tmp_path / "source", len(CONTENT))
    assert (tmp_path / "source").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["../x", "", "..", "a/b", "a\\b"])
def test_names_that_lead_out_of_the_cache_are_refused(server, tmp_path, monkeypatch, name):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "cache"))
    server.jobs = [{"id": name, "target": "out.mp4"}]
    with pytest.raises(ValueError, match="expected a plain name"):
        JobServer(f"http://127.0.0.1:{server.server_port}", "worker").new_jobs()
    assert not [*tmp_path.iterdir()]
