"""``cdfi serve --workers external`` and ``cdfi work URL`` as processes; make test-cluster."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

for module in ("starlette", "uvicorn", "httptools"):
    pytest.importorskip(module, reason="needs the extra web: pip install 'cdfi[web]'")

from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.remote.connection import ServerConnection
from tests.video.jobs.test_segments import same_frames
from tests.video.video_clips import Clip, write_clip

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes, as POSIX does"),
]
DEADLINE = 600.0  # seconds after which something counts as stuck
FRAMES = 220  # of the source: three segments


@pytest.fixture
def source(tmp_path):
    (tmp_path / "videos").mkdir()
    clip = Clip(FRAMES, options={"preset": "fast"}, audio=True)
    return write_clip(tmp_path / "videos" / "in.mp4", clip)


@contextmanager
def command(*words, **settings):
    """Run a command of cdfi; kill it at the end if it is still there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cdfi.cli.main", *map(str, words)], **settings
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(value):
    """Return the result of a function as soon as it is true."""
    deadline = time.monotonic() + DEADLINE
    while not (found := value()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
    return found


def claims_of(connection, job):
    """Return the numbers of the processes that have claims."""
    found = connection.ask("GET", f"/api/work/{job}/claims")["claims"]
    return [claim["owner"]["process"] for claim in found if claim["owner"]]


def test_a_worker_is_killed_and_the_others_finish_the_job(tmp_path, source, monkeypatch):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "workers.log"
    with ExitStack() as stack:
        words = ["--port=0", f"--data={tmp_path / 'data'}", f"--root={source.parent}"]
        serve = command("serve", "--workers=external", *words, stdout=subprocess.PIPE, text=True)
        server = stack.enter_context(serve)
        url = server.stdout.readline().split()[2]
        connection = ServerConnection(url)
        options = {"model": "flow", "device": "cpu", "preset": "ultrafast"}
        body = {"source": {"paths": [source.name]}, "options": options}
        job = connection.ask("POST", "/api/jobs", body)["id"]
        output = stack.enter_context(log.open("w"))
        workers = [
            stack.enter_context(command("work", url, stdout=output, stderr=output))
            for _ in range(3)
        ]
        numbers = {worker.pid: worker for worker in workers}

        def state():
            found = connection.ask("GET", f"/api/jobs/{job}")
            assert found["state"] in ("queued", "running", "done"), found
            return found["state"]

        def claimed():
            planned = state() and connection.ask("GET", "/api/work")["jobs"]
            return claims_of(connection, job) if planned else []

        killed = numbers[wait_for(claimed)[0]]
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL

        wait_for(lambda: state() == "done")
        assert not log.read_text()
        assert all(worker.poll() is None for worker in workers if worker is not killed)
    (result,) = (tmp_path / "data" / "jobs" / job).glob("result.*")
    whole = tmp_path / "whole.mp4"
    encoding = Encoding(preset="ultrafast")
    interpolate_video(source, whole, options=Options(encoding=encoding), model="flow")
    same_frames(result, whole)
