"""Videos made in a Ray cluster of two nodes on this machine: make test-cluster."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
pytest.importorskip("ray", reason="needs the extra ray: pip install 'cdfi[ray]'")

from ray.cluster_utils import Cluster

from cdfi.cli.main import main
from cdfi.common.ray_cluster import RayUse, connected
from cdfi.video import Encoding, ModelSpec, Options, interpolate_video
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.ray_jobs import RayWatch, interpolate_on_ray
from cdfi.video.ray_workers import RayWorkers
from tests.cli.interpolate_inputs import tiny_model
from tests.video.jobs.test_segments import same_frames
from tests.video.video_clips import Clip, write_clip

pytestmark = pytest.mark.cluster
OPTIONS = Options(factor=8, encoding=Encoding(preset="ultrafast"), segment=2)
FRAMES = 8 * 29 + 1
DEADLINE = 300.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return ModelSpec(tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    clip = Clip(30, options={"preset": "fast", "bf": "2", "g": "9"}, audio=True)
    return write_clip(tmp_path_factory.mktemp("source") / "in.mp4", clip)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, source, model):
    target = tmp_path_factory.mktemp("whole") / "whole.mp4"
    interpolate_video(source, target, options=OPTIONS, model=model)
    return target


@pytest.fixture(scope="module")
def cluster():
    """A cluster whose head has one processor; tests add and remove another node."""
    head = {"num_cpus": 1, "include_dashboard": False}
    for attempt in range(
        3
    ):  # Ray waits 30 s for its own processes, which is short on a busy machine
        try:
            found = Cluster(initialize_head=True, head_node_args=head)
            break
        except Exception:
            if attempt == 2:
                raise
    yield found
    found.shutdown()


@pytest.fixture
def second_node(cluster):
    node = cluster.add_node(num_cpus=1)
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node)


class Lines(RayWatch):
    """Keeps what it is called with."""

    def __init__(self):
        self.counts, self.warnings = [], []

    def on_progress(self, source, done, total):
        self.counts.append((done, total))

    def on_warning(self, text):
        self.warnings.append(text)


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def workers_seen(folder: Path) -> set[str]:
    found = set()
    for path in folder.glob("[0-9]*.json"):
        found.add(json.loads(path.read_text())["content"]["worker"])
    return found


def test_a_node_is_removed_and_the_frames_stay_the_same(
    tmp_path, source, whole, model, cluster, second_node
):
    target, removed = tmp_path / "out.mp4", []
    folder = WorkFolder(target).path

    def remove():
        wait_for(lambda: len(workers_seen(folder)) == 2)
        cluster.remove_node(second_node, allow_graceful=False)
        removed.append(folder.exists() and len(list(folder.glob("[0-9]*.json"))))

    thread = threading.Thread(target=remove)
    thread.start()
    lines = Lines()
    outcomes = interpolate_on_ray(
        {source: target}, RayUse(cluster.address), model=model, options=OPTIONS, watch=lines
    )
    thread.join(DEADLINE)
    assert outcomes[source].frames == FRAMES
    assert removed and removed[0] < 15, "the node was removed after the last segment"
    same_frames(target, whole)
    assert lines.counts[-1] == (FRAMES, FRAMES) and len({*lines.counts}) > 2


def test_several_videos_and_one_that_cannot_be_read(
    tmp_path, source, whole, model, cluster, second_node, capsys
):
    films = tmp_path / "films"
    films.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (films / name).write_bytes(source.read_bytes())
    (films / "broken.mp4").write_bytes(b"no video")
    words = ["interpolate", str(films), "-o", str(tmp_path / "out"), "--factor", "2", "--json"]
    status = main([*words, "--model", str(model.name), "--ray", cluster.address])
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 1 and "1 of 3 videos failed" in err
    assert {row.get("frames") for row in rows} == {59, None}
    assert sum("broken.mp4" in row.get("error", "") for row in rows) == 1
    target = tmp_path / "one.mp4"
    interpolate_video(source, target, model=model, factor=2)
    same_frames(tmp_path / "out" / "a.mp4", target)
    same_frames(tmp_path / "out" / "b.mp4", target)


def test_a_driver_that_is_killed_and_started_again_goes_on(tmp_path, source, whole, model, cluster):
    target = tmp_path / "out.mp4"
    folder = WorkFolder(target).path
    options = "--factor 8 --codec h264 --preset ultrafast".split()
    words = ["interpolate", str(source), "-o", str(target), "--model", str(model.name), *options]
    command = [sys.executable, "-m", "cdfi.cli.main", *words, "--ray", cluster.address]
    driver = subprocess.Popen(command, start_new_session=True)
    wait_for(lambda: (folder / "manifest.json").exists() and workers_seen(folder))
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("[0-9]*.json")}
    assert kept and not target.exists()
    again = subprocess.Popen(command)
    wait_for(lambda: (folder / "owner").exists() or target.exists())
    there = {path.name: path.stat().st_mtime_ns for path in folder.glob("[0-9]*.json")}
    assert again.wait(DEADLINE) == 0
    assert {name: there.get(name) for name in kept} == kept or not there
    assert not folder.exists()
    expected = tmp_path / "expected.mp4"
    settings = {"factor": 8, "codec": "h264", "preset": "ultrafast"}
    interpolate_video(source, expected, model=model, **settings)
    same_frames(target, expected)


def test_a_video_that_no_node_can_read_is_one_clear_line(
    tmp_path, source, model, cluster, monkeypatch
):
    """The driver has read the source; then it is gone, as on nodes without the shared folder."""
    moved = tmp_path / "in.mp4"
    moved.write_bytes(source.read_bytes())
    add = RayWorkers.add

    def remove_source(workers, folder):
        moved.unlink()
        add(workers, folder)

    monkeypatch.setattr(RayWorkers, "add", remove_source)
    videos = {moved: tmp_path / "out.mp4"}
    outcomes = interpolate_on_ray(videos, RayUse(cluster.address), model=model, options=OPTIONS)
    assert "no worker of the Ray cluster can make" in str(outcomes[moved])
    assert "does not exist on this machine" in str(outcomes[moved])


def test_another_service_at_the_address_is_one_clear_line(tmp_path, source, capsys, monkeypatch):
    import http.server

    monkeypatch.setattr("cdfi.common.ray_cluster.PATIENCE", 5.0)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler
    ) as s:
        threading.Thread(target=s.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{s.server_port}"
        assert main(["interpolate", str(source), "--ray", address]) == 1
        s.shutdown()
    assert capsys.readouterr().err == (
        f"cdfi: no Ray cluster answers at {address} within 5 s: expected the address of its head "
        "node, such as 10.0.0.1:6379\n"
    )


def test_messages_of_ray_stay_off_the_output(cluster, capsys):
    message = {"lines": ["a node died"], "pid": "raylet", "is_err": False}
    with connected(cluster.address) as ray:
        ray._private.worker.print_to_stdstream(message, ignore_prefix=False)
    assert capsys.readouterr().out == ""
    ray._private.worker.print_to_stdstream(message, ignore_prefix=False)
    assert "a node died" in capsys.readouterr().out
