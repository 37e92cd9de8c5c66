"""The page with stub jobs: the queue, cancel, closed tabs, killed servers, a full disk."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.media import sliding, write_video
from tests.serve.browser import (
    add_clip,
    open_page,
    save_screenshot,
    wait_for_job,
)
from tests.serve.server_process import RunningServer, run_server


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", sliding(6))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with run_server(tmp_path / "data", stub="wait") as running:
        yield running


def start(page: Any, clip: Path) -> None:
    add_clip(page, clip)
    page.click("#start")
    page.wait_for_selector(".source", state="detached")


def let_go(data: Path, job: Any) -> None:
    (data / "jobs" / job.get_attribute("data-id") / "go").touch()


def test_two_jobs_wait_for_each_other_and_survive_a_closed_tab(
    browser: Any, server: RunningServer, clip: Path, tmp_path: Path
) -> None:
    with open_page(browser, server.url) as page:
        start(page, clip)
        first = wait_for_job(page, "running")
        start(page, clip)
        wait_for_job(page, "queued")
        page.wait_for_selector(".job[data-state=running] .status:has-text('3 / 10')")
        number = first.get_attribute("data-id")
    with open_page(browser, server.url) as page:  # a new tab
        running = wait_for_job(page, "running")
        assert running.get_attribute("data-id") == number
        let_go(tmp_path / "data", running)
        wait_for_job(page, "done")
        second = wait_for_job(page, "running")
        let_go(tmp_path / "data", second)
        wait_for_job(page, "done", 1)


def test_a_cancelled_job_is_continued_and_removed(
    browser: Any, server: RunningServer, clip: Path, tmp_path: Path
) -> None:
    with open_page(browser, server.url) as page:
        start(page, clip)
        page.wait_for_selector(".job[data-state=running] .status:has-text('3 / 10')")
        page.get_by_role("button", name="Cancel: clip.mp4").click()
        job = wait_for_job(page, "cancelled")
        let_go(tmp_path / "data", job)
        page.get_by_role("button", name="Resume: clip.mp4").click()
        wait_for_job(page, "done")
        page.get_by_role("button", name="Remove: clip.mp4").click()
        page.wait_for_selector("#no-jobs:not([hidden])")


def post(url: str, content: bytes) -> dict[str, Any]:
    with urllib.request.urlopen(urllib.request.Request(url, content, method="POST")) as answer:
        return json.load(answer)  # type: ignore[no-any-return]


def test_every_state_of_a_job_is_shown(browser: Any, tmp_path: Path) -> None:
    """Jobs are made through the API: their sources need not be videos for stub jobs."""
    with (
        run_server(tmp_path / "data", stub="copy") as server,
        open_page(browser, server.url) as page,
    ):
        for name, content, state in (
            ("beach", b"a video", "done"),
            ("tape", b"fail", "failed"),
            ("concert", b"die", "failed"),
            ("garden", b"wait", "cancelled"),
            ("holiday", b"wait", "running"),
            ("birthday", b"a video", "queued"),
        ):
            file = post(f"{server.url}api/files?name={name}.mp4", content)["id"]
            body = {"source": {"files": [file]}, "options": {"fps": "60"}}
            job = post(f"{server.url}api/jobs", json.dumps(body).encode())["id"]
            element = f".job[data-id='{job}']"
            if state == "cancelled":
                page.wait_for_selector(f"{element} .status:has-text('3 / 10')")
                page.locator(element).get_by_text("Cancel").click()
            page.wait_for_selector(f"{element}[data-state={state}]")
        states = page.locator(".job").evaluate_all("rows => rows.map(row => row.dataset.state)")
        assert states == ["running", "queued", "cancelled", "failed", "failed", "done"]
        page.wait_for_selector(".job:has-text('SIGKILL')")
        page.locator(".notice").evaluate_all("rows => rows.forEach(row => row.remove())")
        save_screenshot(page, "jobs")


def test_a_killed_server_is_started_again_and_the_page_goes_on(
    browser: Any, clip: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with run_server(data, stub="wait") as server, open_page(browser, server.url) as page:
        start(page, clip)
        job = wait_for_job(page, "running")
        server.kill()
        page.wait_for_selector("#connection.lost")
        with run_server(data, port=server.port, stub="wait"):
            page.wait_for_selector("#connection:not(.lost)")
            let_go(data, job)
            wait_for_job(page, "done")


def test_a_broken_upload_continues_after_a_restart(
    browser: Any, clip: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with run_server(data, stub="copy") as server, open_page(browser, server.url) as page:
        page.evaluate("() => { window.held = true; }")
        page.route("**/api/files/*?offset=*", lambda route: route.abort())
        page.set_input_files("#picker", str(clip))
        page.wait_for_selector(".source .status:has-text('Connection lost')")
        server.kill()
        page.unroute("**/api/files/*?offset=*")
        with run_server(data, port=server.port, stub="copy"):
            page.wait_for_selector(".source .facts")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root mounts a tmpfs")
def test_a_full_disk_is_named_in_a_message(browser: Any, clip: Path, tmp_path: Path) -> None:
    data = tmp_path / "small"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "none", str(data)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        (data / "filler").write_bytes(bytes(200 << 20))
        with run_server(data, stub="copy") as server, open_page(browser, server.url) as page:
            page.set_input_files("#picker", str(clip))
            page.wait_for_selector(".notice:has-text('free on the disk')")
            (data / "filler").unlink()
            add_clip(page, clip)
    finally:
        subprocess.run(["umount", str(data)], check=True)
