"""Downloads from a local server: resumed, checked, complete or absent."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cdfi.common import download
from cdfi.common.download import download_lock, fetch, git_blob_sha1

BODY = bytes(range(256)) * 5000
BLOB = hashlib.sha1(b"blob %d\0" % len(BODY) + BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``BODY`` at /file, with the fault that its path names; records requested ranges."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if self.path == "/missing":
            self.send_error(404)
            return
        body = BODY if self.path != "/corrupted" else BODY[:-1] + b"x"
        asked = self.headers.get("Range")
        start = int(asked[6:-1]) if asked and self.path != "/no-ranges" else 0
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        broken = self.path == "/broken" or (self.path == "/broken-once" and not start)
        self.wfile.write(body[start : start + 300_000] if broken else body[start:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "deep" / "file.bin"


def left(target):
    """Return the names of the files that a download left in its folder."""
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_is_complete_and_its_progress_is_reported(server, target):
    seen = []
    fetch(server.url("file"), target, git_blob=BLOB, progress=lambda *p: seen.append(p))
    assert target.read_bytes() == BODY
    assert left(target) == ["file.bin"]
    assert seen[-1] == (len(BODY), len(BODY))


def test_an_existing_file_is_not_requested_again(server, target):
    fetch(server.url("file"), target, git_blob=BLOB)
    fetch(server.url("file"), target, git_blob=BLOB)
    assert len(server.ranges) == 1


def test_a_broken_transfer_is_resumed(server, target):
    fetch(server.url("broken-once"), target, git_blob=BLOB)
    assert target.read_bytes() == BODY
    assert server.ranges == [None, "bytes=300000-"]


def test_an_earlier_part_is_continued(server, target):
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(BODY[:1000])
    fetch(server.url("file"), target, git_blob=BLOB)
    assert target.read_bytes() == BODY
    assert server.ranges == ["bytes=1000-"]


def test_a_server_that_cannot_resume_sends_the_file_again(server, target):
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(b"other")
    fetch(server.url("no-ranges"), target, git_blob=BLOB)
    assert target.read_bytes() == BODY


def test_a_complete_part_is_only_checked(server, target):
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(BODY)
    fetch(server.url("file"), target, git_blob=BLOB)
    assert left(target) == ["file.bin"]


def test_a_truncated_body_leaves_a_part_to_resume(server, target):
    with pytest.raises(OSError, match="was closed.*to resume"):
        fetch(server.url("broken"), target, git_blob=BLOB)
    assert left(target) == ["file.bin.part"]


@pytest.mark.parametrize(
    ("path", "check", "message"),
    [
        ("corrupted", {"git_blob": BLOB}, "git object"),
        ("file", {"git_blob": "0" * 40}, "git object"),
        ("file", {"sha256": "0" * 64}, "SHA-256"),
        ("file", {"size": 10}, "bytes instead of 10"),
    ],
)
def test_a_wrong_file_is_refused_and_not_kept(server, target, path, check, message):
    with pytest.raises(ValueError, match=message):
        fetch(server.url(path), target, **check)
    assert left(target) == []


def test_a_missing_file_is_an_error(server, target):
    with pytest.raises(OSError, match="404"):
        fetch(server.url("missing"), target)
    assert not target.exists()


def test_a_missing_server_is_an_error(target, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 1.0)
    with pytest.raises(OSError, match="127.0.0.1:9"):
        fetch("http://127.0.0.1:9/file", target)


def test_only_web_addresses_are_fetched(target):
    with pytest.raises(ValueError, match="http or https"):
        fetch("file:///etc/passwd", target)


def test_too_little_disk_space_is_found_before_the_transfer(server, target, monkeypatch):
    usage = download.shutil.disk_usage(target.anchor)._replace(free=10)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="are needed"):
        fetch(server.url("file"), target)
    assert left(target) == []


def test_the_digest_is_that_of_git(tmp_path):
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert git_blob_sha1(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_callers_of_one_file_at_a_time_transfer_it_once(server, target):
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(fetch, server.url("file"), target, git_blob=BLOB) for _ in range(4)]
    assert {one.result() for one in found} == {target}
    assert target.read_bytes() == BODY
    assert server.ranges == [None]
    assert left(target) == ["file.bin"]


def test_a_caller_waits_for_another_process_that_downloads_the_file(server, target):
    target.parent.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with download_lock(target):
            target.with_name("file.bin.part").write_bytes(b"bytes of the other process")
            waiting = pool.submit(fetch, server.url("file"), target, git_blob=BLOB)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            target.with_name("file.bin.part").unlink()
            target.write_bytes(BODY)
        assert waiting.result(timeout=30) == target
    assert server.ranges == []
