"""Data sets from a server on this machine: checked, resumed, and whole or not there at all."""

import hashlib
import io
import shutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pytest

from cdfi.evaluation.data import datasets
from cdfi.evaluation.data import remote as download
from cdfi.evaluation.data.remote import SOURCES, Archive, Blob, Files


@dataclass
class Server:
    """Contents by path, and what was asked for: paths with the first byte asked."""

    url: str
    contents: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        state: ClassVar[Server]

        def do_GET(self) -> None:
            path = unquote(self.path)
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.state.asked.append((path, start))
            content = self.state.contents.get(path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Handler.state = Server(f"http://127.0.0.1:{running.server_port}")
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield Handler.state
        running.shutdown()
        thread.join()


def ignore(done: int, total: int | None) -> None:
    """No progress is shown."""


def blob(path: str, content: bytes) -> Blob:
    header = b"blob %d\0" % len(content)
    return Blob(hashlib.sha1(header + content).hexdigest(), len(content), path)


FILES = {"1/a.png": b"first", "1/b c.png": b"second", "2/a.png": b"third"}


@pytest.fixture
def files(server: Server, monkeypatch: pytest.MonkeyPatch) -> Files:
    """A data set of three small files on the server."""
    server.contents = {f"/{path}": content for path, content in FILES.items()}
    rows = [blob(*item) for item in FILES.items()]
    monkeypatch.setattr(Files, "blobs", lambda self: rows)
    return Files("small", server.url)


def test_every_file_arrives(tmp_path: Path, files: Files) -> None:
    seen: list[tuple[int, int | None]] = []
    folder = files.download(tmp_path, lambda *step: seen.append(step))
    found = {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*.png")}
    assert found == FILES
    assert seen[-1] == (16, 16)


def test_what_is_here_is_not_fetched_again(tmp_path: Path, files: Files, server: Server) -> None:
    files.download(tmp_path, ignore)
    (tmp_path / "small" / "2" / "a.png").write_bytes(b"xxxxx")
    server.asked.clear()
    files.download(tmp_path, ignore)
    assert [path for path, _ in server.asked] == ["/2/a.png"]
    assert (tmp_path / "small" / "2" / "a.png").read_bytes() == b"third"


def test_a_changed_file_is_refused(tmp_path: Path, files: Files, server: Server) -> None:
    server.contents["/2/a.png"] = b"other"
    with pytest.raises(ValueError, match=r"2/a\.png sent a file of git object"):
        files.download(tmp_path, ignore)
    assert not (tmp_path / "small" / "2" / "a.png").exists()


def test_a_missing_file_is_named(tmp_path: Path, files: Files, server: Server) -> None:
    del server.contents["/1/a.png"]
    with pytest.raises(OSError, match=r"1/a\.png: the server answered 404"):
        files.download(tmp_path, ignore)


@pytest.mark.parametrize("name", ["middlebury", "ucf101-dvf"])
def test_the_recorded_objects_are_the_files_of_the_data_set(
    data: Path, name: str, tmp_path: Path
) -> None:
    source, dataset = SOURCES[name], datasets.find_dataset(name, tmp_path)
    assert isinstance(source, Files)
    (tmp_path / source.folder).mkdir()
    paths = {tmp_path / source.folder / row.path for row in source.blobs()}
    assert paths == {file for triplet in dataset.triplets() for file in triplet.files}
    for row in source.blobs()[:: len(paths) // 12]:
        here = data / source.folder / row.path
        assert blob(row.path, here.read_bytes()) == row


def packed(lines: str = "00001/0001\n") -> bytes:
    """An archive laid out as Vimeo-90K's: two shots, of which one is in the test list."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("vimeo_triplet/tri_testlist.txt", lines)
        for shot in ("00001/0001", "00001/0002"):
            for number in (1, 2, 3):
                name = f"vimeo_triplet/sequences/{shot}/im{number}.png"
                archive.writestr(name, f"{shot} {number}")
    return buffer.getvalue()


@pytest.fixture
def archive(server: Server) -> Archive:
    """A small Vimeo-90K on the server."""
    server.contents = {"/vimeo.zip": packed()}
    return Archive("vimeo_triplet", f"{server.url}/vimeo.zip", 1000)


def test_the_test_triplets_of_vimeo_are_unpacked(tmp_path: Path, archive: Archive) -> None:
    archive.download(tmp_path, ignore)
    dataset = datasets.find_dataset("vimeo-90k", tmp_path)
    dataset.check()
    assert [triplet.name for triplet in dataset.triplets()] == ["00001/0001"]
    assert not (tmp_path / "vimeo_triplet" / "sequences" / "00001" / "0002").exists()
    assert (tmp_path / "vimeo_triplet.zip").is_file()


def test_a_broken_archive_download_resumes(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    (tmp_path / "vimeo_triplet.zip.part").write_bytes(server.contents["/vimeo.zip"][:100])
    archive.download(tmp_path, ignore)
    assert server.asked == [("/vimeo.zip", 100)]


def test_an_archive_that_is_here_is_not_fetched_again(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    archive.download(tmp_path, ignore)
    archive.download(tmp_path, ignore)
    assert len(server.asked) == 1


def test_a_full_disk_is_told_before_anything_is_asked(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    greedy = replace(archive, size=shutil.disk_usage(tmp_path).total + 10**9)
    with pytest.raises(OSError, match=r"GB are needed, but only .* GB free"):
        greedy.download(tmp_path, ignore)
    assert server.asked == []


def test_a_damaged_archive_says_what_to_do(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    server.contents["/vimeo.zip"] = b"no archive"
    with pytest.raises(ValueError, match=r"vimeo_triplet\.zip is damaged.*delete it"):
        archive.download(tmp_path, ignore)
    assert not (tmp_path / "vimeo_triplet").exists()


def test_a_list_cannot_lead_out_of_the_folder(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    server.contents["/vimeo.zip"] = packed("../../../00001/0001\n")
    with pytest.raises(ValueError, match="is damaged"):
        archive.download(tmp_path, ignore)


def test_the_published_addresses_are_pinned() -> None:
    assert "537291c7adc78117e50a31628f143aee9263ce20" in download.CDFI
    assert {name: SOURCES[name].folder for name in SOURCES} == {
        name: str(datasets.DATASETS[name].folder) for name in SOURCES
    }
