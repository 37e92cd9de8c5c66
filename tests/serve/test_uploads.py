"""Uploads: streamed, continued after a break, limited, never a path."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cdfi.serve.media_names import plain_name
from cdfi.serve.serve_config import ServeConfig
from tests.serve.api_calls import TestClient, upload


def test_a_file_is_uploaded_in_one_request(client: TestClient, config: ServeConfig) -> None:
    number = upload(client, b"0123456789", "my%20clip.MP4")
    found = client.get(f"/api/files/{number}").json()
    assert found["name"] == "my clip.MP4"
    assert (found["received"], found["complete"]) == (10, True)
    assert (config.files / number / "source.mp4").read_bytes() == b"0123456789"


def test_an_upload_continues_where_it_stopped(serve: Callable[..., TestClient]) -> None:
    client = serve()
    begun = client.post("/api/files?name=a.mkv&size=10", content=b"0123").json()
    assert (begun["received"], begun["complete"]) == (4, False)
    client = serve()  # the server is started again
    assert client.get(f"/api/files/{begun['id']}").json()["received"] == 4
    wrong = client.patch(f"/api/files/{begun['id']}?offset=2", content=b"456789")
    assert wrong.status_code == 409
    assert "expected the bytes from 4 on" in wrong.json()["error"]
    done = client.patch(f"/api/files/{begun['id']}?offset=4", content=b"456789").json()
    assert done["complete"]


def test_more_bytes_than_announced_are_refused(client: TestClient) -> None:
    answer = client.post("/api/files?name=a.mkv&size=3", content=b"0123456789")
    assert answer.status_code == 413


def test_an_incomplete_file_cannot_be_used(client: TestClient) -> None:
    number = client.post("/api/files?name=a.mkv&size=10", content=b"0123").json()["id"]
    answer = client.post("/api/jobs", json={"source": {"files": [number]}})
    assert answer.status_code == 409
    assert "has not arrived completely" in answer.json()["error"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("name=a.exe", 415),
        ("name=a", 415),
        ("name=", 400),
        ("name=/", 400),
        ("name=a.mp4&size=-1", 411),
        ("name=a.mp4&size=0", 413),
        ("name=a.mp4&size=9999999999999999", 413),
    ],
)
def test_what_is_no_media_file_or_too_large_is_refused(
    client: TestClient, config: ServeConfig, query: str, status: int
) -> None:
    assert client.post(f"/api/files?{query}", content=b"x").status_code == status
    assert not [*config.files.iterdir()]


def test_a_file_that_does_not_fit_on_the_disk_is_refused(serve: Callable[..., TestClient]) -> None:
    answer = serve(reserve=1 << 60).post("/api/files?name=a.mp4", content=b"x")
    assert answer.status_code == 507
    assert "free on the disk" in answer.json()["error"]


def test_the_number_of_files_is_limited(serve: Callable[..., TestClient]) -> None:
    client = serve(most_files=1)
    upload(client)
    assert client.post("/api/files?name=b.mp4", content=b"x").status_code == 409


def test_a_removed_file_is_gone(client: TestClient, config: ServeConfig) -> None:
    number = upload(client)
    assert client.delete(f"/api/files/{number}").status_code == 200
    assert client.get(f"/api/files/{number}").status_code == 404
    assert not [*config.files.iterdir()]


@pytest.mark.parametrize("number", ["..", "%2e%2e", "..%2fjobs", "a%00b", "x" * 300])
def test_an_id_is_never_a_path(client: TestClient, number: str) -> None:
    assert client.get(f"/api/files/{number}").status_code == 404
    assert client.delete(f"/api/files/{number}").status_code in (404, 405)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("C:\\videos\\a.mp4", "a.mp4"),
        (".hidden.mp4", "hidden.mp4"),
        ("a\nb\x00.mp4", "a_b_.mp4"),
        ("u\u0308ber.mp4", "über.mp4"),
        ("\u202egpj.mp4", "gpj.mp4"),
        ("x" * 300 + ".mp4", "x" * 116 + ".mp4"),
    ],
)
def test_a_name_keeps_its_last_part_only(given: str, name: str) -> None:
    assert plain_name(given) == name
    assert Path(name).name == name
