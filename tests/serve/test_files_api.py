"""Facts, pictures and plans through the API, and what happens if the helper fails."""

import errno
import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from cdfi.serve.serve_config import ServeConfig
from tests.serve.api_calls import TestClient, let_go, start_job, upload, wait_for


def test_facts_pictures_and_plans_come_from_the_helper(client: TestClient) -> None:
    number = upload(client)
    assert client.get(f"/api/facts?file={number}").json()["name"] == "clip.mp4"
    picture = client.get(f"/api/thumbnails?file={number}")
    assert (picture.content, picture.headers["content-type"]) == (b"a picture", "image/jpeg")
    assert client.get(f"/api/still?file={number}&at=1.5").content == b"a picture"
    body = {"source": {"files": [number]}, "options": {"factor": 4}}
    values = client.post("/api/plan", json=body).json()["values"]
    assert (values["kind"], values["options"]) == ("video", {"factor": 4})


@pytest.mark.parametrize("query", ["", "file=0", "path=a.mp4&file=0", "file="])
def test_facts_need_one_source(client: TestClient, query: str) -> None:
    assert client.get(f"/api/facts?{query}").status_code in (400, 404)


@pytest.mark.parametrize("at", ["-1", "nan", "inf", "x", "1e99"])
def test_an_invalid_time_is_refused(client: TestClient, at: str) -> None:
    number = upload(client)
    assert client.get(f"/api/still?file={number}&at={at}").status_code == 400


def test_an_error_about_a_file_has_the_name_of_the_upload(client: TestClient) -> None:
    answer = client.get(f"/api/facts?file={upload(client, b'bad')}")
    assert answer.status_code == 422
    assert answer.json()["error"] == "clip.mp4 is not a readable video"


def test_a_file_that_crashes_the_helper_does_not_stop_the_next_one(client: TestClient) -> None:
    assert client.get(f"/api/facts?file={upload(client, b'crash')}").status_code == 500
    assert client.get(f"/api/facts?file={upload(client)}").status_code == 200


def test_a_full_disk_keeps_what_has_arrived(
    client: TestClient, config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = client.post("/api/files?name=a.mp4&size=8", content=b"0123").json()
    write = os.write

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    answer = client.patch(f"/api/files/{begun['id']}?offset=4", content=b"4567")
    monkeypatch.setattr(os, "write", write)
    assert answer.status_code == 507
    assert "no space left" in answer.json()["error"]
    assert client.get(f"/api/files/{begun['id']}").json()["received"] == 4
    assert client.patch(f"/api/files/{begun['id']}?offset=4", content=b"4567").json()["complete"]


def test_a_folder_is_downloaded_as_a_zip_file(client: TestClient) -> None:
    names = ["1.png", "2.png", "3.png"]
    numbers = [upload(client, name.encode(), name) for name in names]
    job = client.post("/api/jobs", json={"source": {"files": numbers}}).json()["id"]
    wait_for(client, job, "done")
    answer = client.get(f"/api/jobs/{job}/result")
    assert "1_2x.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert [Path(name).parts[0] for name in archive.namelist()] == ["1_2x"] * 3
        assert archive.read(archive.namelist()[1]) == b"2.png"


def test_a_comparison_is_made_once(client: TestClient, config: ServeConfig) -> None:
    job = start_job(client, b"wait", start="2", slow=2.5)
    assert client.get(f"/api/jobs/{job}/compare").status_code == 409  # it is not done
    let_go(config, job)
    wait_for(client, job, "done")
    assert client.get(f"/api/jobs/{job}/compare.mp4").status_code == 404
    record = client.get(f"/api/jobs/{job}/compare?start=10").json()
    assert (record["values"]["slow"], record["values"]["part"], record["start"]) == ("2.5", "2", 10)
    assert client.get(f"/api/jobs/{job}/compare.mp4?start=10").content == b"a picture"
    assert client.get(f"/api/jobs/{job}/compare?start=-1").status_code == 400
