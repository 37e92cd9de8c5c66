"""Jobs: from a request to a result, and the ways in which they end."""

import errno
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cdfi.serve.child_process import ChildProcess
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.stored_job import JobFolder, StoredJob
from tests.serve.api_calls import (
    JobQueue,
    TestClient,
    let_go,
    queue_of,
    start_job,
    upload,
    wait_for,
)


def test_a_job_makes_a_result_to_download(client: TestClient) -> None:
    job = wait_for(client, start_job(client, b"video", fps="60", crf=20), "done")
    assert (job["done"], job["total"], job["frames"], job["interpolated"]) == (10, 10, 10, 5)
    assert (job["download"], job["size"]) == ("clip_60fps.mp4", 13)
    answer = client.get(f"/api/jobs/{job['id']}/result")
    assert answer.content == b"made of video"
    assert 'filename="clip_60fps.mp4"' in answer.headers["content-disposition"]
    part = client.get(f"/api/jobs/{job['id']}/result", headers={"Range": "bytes=8-"})
    assert (part.status_code, part.content) == (206, b"video")


def test_the_options_become_arguments_of_the_command(client: TestClient) -> None:
    given = {"slow": 4, "audio": "stretch", "scenes": False, "dedup": True, "model": "flow-wide"}
    job = start_job(client, b"video", **given)
    wait_for(client, job, "done")
    words = queue_of(client).get(job).report["words"]
    expected = ["--slow=4", "--audio=stretch", "--no-scenes", "--dedup", "--model=flow-wide"]
    assert words[: len(expected)] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1}, "factor must be a whole number from 2"),
        ({"factor": "2"}, "factor: expected a whole number"),
        ({"factor": 2, "fps": "60"}, "both given"),
        ({"fps": "fast"}, "fps: expected a rate"),
        ({"model": "../../weights.pth"}, "model: expected one of"),
        ({"codec": "-x"}, "codec: expected a value"),
        ({"pix_fmt": "a/b"}, "pix_fmt: expected a value"),
        ({"extra": {"stats": "/etc/x"}}, "unknown option 'extra'"),
        ({"output": "/etc/x"}, "unknown option 'output'"),
        ({"memory": "much"}, "memory: expected a size"),
        ({"dedup": 1}, "dedup: expected true or false"),
    ],
)
def test_an_option_that_is_not_accepted_is_named(
    client: TestClient, options: dict[str, object], message: str
) -> None:
    body = {"source": {"files": [upload(client)]}, "options": options}
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert client.get("/api/jobs").json() == []


def test_jobs_run_in_their_order(client: TestClient, config: ServeConfig) -> None:
    first = start_job(client, b"wait")
    wait_for(client, first, "running")
    second, third = start_job(client), start_job(client)
    client.post(f"/api/jobs/{third}/move", json={"before": second})
    assert [job["id"] for job in client.get("/api/jobs").json()] == [first, third, second]
    let_go(config, first)
    ended = {number: wait_for(client, number, "done")["started"] for number in (second, third)}
    assert ended[third] < ended[second]


@pytest.mark.long
def test_a_running_job_is_cancelled_and_continued(client: TestClient, config: ServeConfig) -> None:
    job = start_job(client, b"wait")
    wait_for(client, job, "running")
    while client.get(f"/api/jobs/{job}").json()["total"] is None:
        time.sleep(0.01)
    client.post(f"/api/jobs/{job}/cancel")
    wait_for(client, job, "cancelled")
    let_go(config, job)
    assert client.post(f"/api/jobs/{job}/resume").json()["state"] in ("queued", "running")
    wait_for(client, job, "done")
    assert "--overwrite" not in queue_of(client).get(job).report["words"]


def test_a_waiting_job_is_cancelled_at_once(client: TestClient, config: ServeConfig) -> None:
    first = start_job(client, b"wait")
    wait_for(client, first, "running")
    second = start_job(client)
    assert client.post(f"/api/jobs/{second}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/jobs/{second}/cancel").status_code == 409
    let_go(config, first)
    wait_for(client, first, "done")


def test_a_failed_job_shows_its_last_line(client: TestClient) -> None:
    job = wait_for(client, start_job(client, b"fail"), "failed")
    assert job["message"] == "clip.mp4: no space left on the disk"
    assert client.post(f"/api/jobs/{job['id']}/retry").status_code == 200
    wait_for(client, job["id"], "failed")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_job_is_shown_and_can_continue(client: TestClient) -> None:
    job = wait_for(client, start_job(client, b"die"), "failed")
    assert "SIGKILL" in job["message"]
    assert "memory" in job["message"]
    assert client.post(f"/api/jobs/{job['id']}/resume").status_code == 200


def test_a_removed_job_takes_its_files_with_it(client: TestClient, config: ServeConfig) -> None:
    job = start_job(client, b"wait")
    wait_for(client, job, "running")
    assert client.delete(f"/api/jobs/{job}").status_code == 409
    let_go(config, job)
    wait_for(client, job, "done")
    assert client.delete(f"/api/jobs/{job}").status_code == 200
    assert client.get(f"/api/jobs/{job}").status_code == 404
    assert not (config.jobs / job).exists()


def test_a_job_keeps_its_source_when_the_upload_is_removed(client: TestClient) -> None:
    number = upload(client, b"video")
    job = client.post("/api/jobs", json={"source": {"files": [number]}}).json()["id"]
    client.delete(f"/api/files/{number}")
    assert wait_for(client, job, "done")["size"] == 13


def test_finished_jobs_are_there_after_a_restart(serve: Callable[..., TestClient]) -> None:
    client = serve()
    job = start_job(client)
    wait_for(client, job, "done")
    client = serve()
    assert client.get(f"/api/jobs/{job}").json()["state"] == "done"
    assert client.get(f"/api/jobs/{job}/result").content == b"made of video"


@pytest.mark.long
def test_a_stopped_server_offers_its_running_job_again(
    serve: Callable[..., TestClient], config: ServeConfig
) -> None:
    client = serve()
    job = start_job(client, b"wait")
    wait_for(client, job, "running")
    process = queue_of(client).get(job).pid
    client = serve()
    assert wait_for(client, job, "interrupted")["state"] == "interrupted"
    assert process is not None
    assert not psutil.pid_exists(process) or psutil.Process(process).status() == "zombie"
    let_go(config, job)
    client.post(f"/api/jobs/{job}/resume")
    wait_for(client, job, "done")


def test_a_new_server_follows_the_process_of_a_killed_one(
    serve: Callable[..., TestClient], config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve()
    job = start_job(client, b"wait")
    wait_for(client, job, "running")

    async def die(queue: JobQueue) -> None:
        """Do nothing, as a killed server does."""

    monkeypatch.setattr(JobQueue, "close", die)
    client = serve()
    assert client.get(f"/api/jobs/{job}").json()["state"] == "running"
    let_go(config, job)
    assert wait_for(client, job, "done")["size"] == len(b"made of wait")


def test_a_job_whose_process_vanished_is_offered_again(
    serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve()
    job = start_job(client, b"wait")
    wait_for(client, job, "running")
    process = queue_of(client).get(job).pid

    async def die(queue: JobQueue) -> None:
        """Do nothing, as a killed server does."""

    monkeypatch.setattr(JobQueue, "close", die)
    assert process is not None
    os.kill(process, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    client = serve()
    assert wait_for(client, job, "interrupted", "failed")["message"]


def test_a_job_without_a_process_number_does_not_run() -> None:
    assert not ChildProcess(-1, 0.0).running


def no_space(folder: JobFolder, job: StoredJob) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_does_not_stop_the_queue(
    client: TestClient, config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = start_job(client, b"wait"), start_job(client)
    wait_for(client, first, "running")
    monkeypatch.setattr(JobFolder, "save", no_space)
    let_go(config, first)
    wait_for(client, second, "done")


def test_a_job_that_cannot_be_recorded_is_refused_and_leaves_nothing(
    client: TestClient, config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = upload(client)
    monkeypatch.setattr(JobFolder, "save", no_space)
    answer = client.post("/api/jobs", json={"source": {"files": [number]}})
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]
    assert client.get("/api/jobs").json() == []
    assert list(config.jobs.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "name"),
    [({"slow": "1"}, "clip_2x"), ({"slow": "4"}, "clip_4x_slow"), ({"factor": 3}, "clip_3x")],
)
def test_a_result_is_named_after_its_rate(
    client: TestClient, options: dict[str, object], name: str
) -> None:
    body = {"source": {"files": [upload(client)]}, "options": options}
    assert client.post("/api/jobs", json=body).json()["download"] == f"{name}.mp4"


def test_two_images_and_many_become_one_job(client: TestClient) -> None:
    numbers = [upload(client, b"image %d" % number, f"{number}.png") for number in (10, 9, 8)]
    two = client.post("/api/jobs", json={"source": {"files": numbers[:2]}}).json()
    assert (two["kind"], two["download"]) == ("images", "9_10.png")
    many = client.post("/api/jobs", json={"source": {"files": numbers}}).json()
    assert (many["kind"], many["download"]) == ("folder", "8_2x")
    wait_for(client, many["id"], "done")
    links = sorted(Path(queue_of(client).get(many["id"]).inputs[0]).iterdir())
    assert [path.read_bytes() for path in links] == [b"image 8", b"image 9", b"image 10"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": {}},
        {"source": {"files": []}},
        {"source": {"files": ["0"]}},
        {"source": {"files": [1]}},
        {"source": {"urls": ["http://x"]}},
        {"source": {"files": ["0"]}, "command": "rm"},
    ],
)
def test_an_invalid_request_is_refused(client: TestClient, body: object) -> None:
    assert client.post("/api/jobs", json=body).status_code in (400, 404)


@pytest.mark.parametrize("content", [b"[]", b"{", b"[" * 30_000, b"\xff", b"x" * 70_000])
def test_json_that_cannot_be_read_is_refused(client: TestClient, content: bytes) -> None:
    assert client.post("/api/jobs", content=content).status_code in (400, 413)
