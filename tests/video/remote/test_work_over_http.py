"""Workers without a shared folder: claims, sources and segments over HTTP; make test-cluster."""

import threading

import pytest

from cdfi.common.files import create
from cdfi.video import Encoding, ModelSpec, Options, interpolate_video
from cdfi.video.jobs.claims import Claims
from cdfi.video.jobs.sealed import file_fingerprint
from cdfi.video.remote.connection import RefusedError, ServerConnection, ServerGoneError
from cdfi.video.remote.server_jobs import ServerJob
from cdfi.video.work import work
from tests.cli.interpolate_inputs import tiny_model
from tests.video.jobs.test_segments import same_frames
from tests.video.jobs.test_work import full_file, needs_a_full_device, planned
from tests.video.remote.job_server import refused, serving
from tests.video.video_clips import Clip, write_clip

pytestmark = pytest.mark.cluster
OPTIONS = Options(encoding=Encoding(preset="ultrafast"), segment=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return ModelSpec(tiny_model(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    clip = Clip(12, options={"preset": "fast", "bf": "2", "g": "9"})
    return write_clip(tmp_path_factory.mktemp("source") / "in.mp4", clip)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, source, model):
    target = tmp_path_factory.mktemp("whole") / "whole.mp4"
    interpolate_video(source, target, options=OPTIONS, model=model)
    return target


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "data") as found:
        yield found


def test_a_worker_gives_the_same_frames(tmp_path, source, whole, model, cache, server):
    target = tmp_path / "out.mp4"
    with planned(source, target, model, options=OPTIONS):
        server.offer(source, target)
        assert work([server.url], once=True) == 8
        assert work([server.url], exit_when_idle=True) == 15
        assert work([server.url], exit_when_idle=True) == 0
    same_frames(target, whole)
    (kept,) = (cache / "sources").glob("*.mp4")
    assert kept.stem == file_fingerprint(source)
    assert not [*(cache / "served").iterdir()]


def test_a_worker_at_a_server_and_one_in_the_folder_share_a_job(
    tmp_path, source, whole, model, cache, server
):
    target, counts = tmp_path / "out.mp4", []
    with planned(source, target, model, options=OPTIONS) as folder:
        server.offer(source, target)
        words = ([server.url], [folder])
        threads = [
            threading.Thread(target=lambda w=w: counts.append(work(w, exit_when_idle=True)))
            for w in words
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    assert sum(counts) == 23
    same_frames(target, whole)


def test_the_server_may_be_started_again(tmp_path, source, whole, model, cache, server):
    target, restarts = tmp_path / "out.mp4", []

    def restart(folder, count):
        if not restarts:
            restarts.append(folder)
            server.stop()
            threading.Timer(0.5, server.start).start()

    with planned(source, target, model, options=OPTIONS):
        server.offer(source, target)
        assert work([server.url], exit_when_idle=True, on_frames=restart) == 23
    same_frames(target, whole)


def test_a_segment_that_arrives_damaged_is_sent_again(
    tmp_path, source, whole, model, cache, server, monkeypatch
):
    target, damaged = tmp_path / "out.mp4", []
    append = ServerConnection.append

    def damage(connection, path, file, **query):
        append(connection, path, file, **query)
        if not damaged:
            (part,) = folder.glob("*.part")
            damaged.append(part)
            content = bytearray(part.read_bytes())
            content[len(content) // 2] ^= 1
            part.write_bytes(bytes(content))

    monkeypatch.setattr(ServerConnection, "append", damage)
    with planned(source, target, model, options=OPTIONS) as folder:
        server.offer(source, target)
        assert work([server.url], exit_when_idle=True) == 23
    assert damaged
    same_frames(target, whole)


def test_a_broken_upload_continues(tmp_path, source, model, cache, server):
    target, content = tmp_path / "out.mp4", bytes(range(256)) * 5000
    (tmp_path / "segment").write_bytes(content)
    with planned(source, target, model, options=OPTIONS) as folder:
        job = server.offer(source, target)
        connection, path = ServerConnection(server.url), f"/api/work/{job.id}/segments/1"
        (folder / "000001.w.part").write_bytes(content[:700_000])
        connection.append(path, tmp_path / "segment", worker="w")
        assert (folder / "000001.w.part").read_bytes() == content
        with pytest.raises(RefusedError, match="segment 1 arrived damaged"):
            connection.ask(
                "PUT", path, {"times": [0], "counts": {}, "size": 1, "digest": ""}, worker="w"
            )
        assert not [*folder.glob("*.part")] and not [*folder.glob("[0-9]*.json")]
        work([folder], exit_when_idle=True)


def test_the_claim_of_a_worker_that_is_gone_is_taken_over(
    tmp_path, source, whole, model, cache, server, monkeypatch
):
    target = tmp_path / "out.mp4"
    with planned(source, target, model, options=OPTIONS) as folder:
        server.offer(source, target)
        dead = Claims(folder)
        assert dead.take(1)
        monkeypatch.setattr(
            Claims, "_is_lost", lambda *a: a[2] and a[2].worker == dead.owner.worker
        )
        assert work([server.url], exit_when_idle=True) == 23
    same_frames(target, whole)


def test_a_server_that_is_gone_is_waited_for_a_while(tmp_path, source, model, cache, monkeypatch):
    monkeypatch.setattr("cdfi.video.remote.connection.PATIENCE", 1.0)
    target = tmp_path / "out.mp4"
    with (
        planned(source, target, model, options=OPTIONS) as folder,
        serving(tmp_path / "data") as server,
    ):
        server.offer(source, target)
        with pytest.raises(ServerGoneError, match=r"does not answer for \d+ s"):
            work([server.url], on_frames=lambda *_: server.server.should_exit or server.stop())
        work([folder], exit_when_idle=True)
        server.start()


def test_a_full_disk_at_the_server_is_one_clear_line(tmp_path, source, model, cache):
    target = tmp_path / "out.mp4"
    with (
        planned(source, target, model, options=OPTIONS) as folder,
        serving(tmp_path / "data", reserve=1 << 60) as server,
    ):
        server.offer(source, target)
        refused([server.url], match="no space left on the server's disk")
        work([folder], exit_when_idle=True)


@needs_a_full_device
def test_a_full_disk_at_a_worker_leaves_its_segment_to_others(
    tmp_path, source, whole, model, cache, server, monkeypatch
):
    target = tmp_path / "out.mp4"
    with planned(source, target, model, options=OPTIONS) as folder:
        server.offer(source, target)
        with monkeypatch.context() as patch:
            patch.setattr("cdfi.video.jobs.segments.create", lambda path: full_file(create(path)))
            refused([server.url], match="cdfi-work: no space left on the disk: free some space")
        assert not [*folder.glob("*.claim")] and not [*(cache / "served").iterdir()]
        assert work([server.url], exit_when_idle=True) == 23
    same_frames(target, whole)


@needs_a_full_device
def test_a_full_disk_while_the_source_is_fetched_is_one_clear_line(
    tmp_path, source, model, cache, server
):
    target = tmp_path / "out.mp4"
    part = cache / "sources" / f"{file_fingerprint(source)}.mp4.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with planned(source, target, model, options=OPTIONS) as folder:
        server.offer(source, target)
        refused([server.url], match="no space left on the disk: free some space and start this")
        assert not [*folder.glob("*.claim")]
        part.unlink()
        assert work([server.url], exit_when_idle=True) == 23


@pytest.mark.parametrize("step", ["prepare", "_source"])
def test_a_job_that_ends_before_a_worker_opens_it_is_no_error(
    tmp_path, source, model, cache, server, monkeypatch, step
):
    target = tmp_path / "out.mp4"
    original = getattr(ServerJob, step)

    def late(self, *arguments):
        job.state = "cancelled"
        return original(self, *arguments)

    with planned(source, target, model, options=OPTIONS) as folder:
        job = server.offer(source, target)
        monkeypatch.setattr(ServerJob, step, late)
        assert work([server.url], exit_when_idle=True) == 0
        work([folder], exit_when_idle=True)


def test_a_source_that_is_another_file_is_refused(tmp_path, source, model, cache, server):
    target, other = tmp_path / "out.mp4", tmp_path / "other.mp4"
    other.write_bytes(source.read_bytes()[::-1])
    with planned(source, target, model, options=OPTIONS) as folder:
        server.offer(other, target)
        refused([server.url], match="sent another file than the planned other.mp4")
        work([folder], exit_when_idle=True)


WRONG = [
    ("POST", "claims", {"number": 0}, {}, "expected a worker: its name, host"),
    ("POST", "claims", {"number": 99}, {}, "expected a segment from 0 to 2, got 99"),
    ("PUT", "claims", {"numbers": 3}, {}, 'expected {"owner": CLAIM'),
    ("DELETE", "claims", None, {"worker": "../x", "number": 0}, "the name of a worker"),
    ("GET", "segments/0", None, {"worker": "a/b"}, "the name of a worker"),
    ("PUT", "segments/0", {"times": [2, 1], "counts": {}}, {"worker": "w"}, "ascending"),
    ("PUT", "segments/0", {"times": [1], "counts": {"x": "y"}}, {"worker": "w"}, "of counts"),
    ("PUT", "segments/0", {"times": [1], "counts": {}}, {"worker": "w"}, "has not arrived"),
    ("GET", "segments/x", None, {"worker": "w"}, "expected a segment from 0"),
]


def test_wrong_requests_are_refused(tmp_path, source, model, server):
    target = tmp_path / "out.mp4"
    connection = ServerConnection(server.url)
    with planned(source, target, model, options=OPTIONS) as folder:
        job = server.offer(source, target)
        before = sorted(one.name for one in folder.iterdir())
        for method, path, body, query, line in WRONG:
            with pytest.raises(RefusedError) as found:
                connection.ask(method, f"/api/work/{job.id}/{path}", body, **query)
            assert line in str(found.value)
        assert sorted(one.name for one in folder.iterdir()) == before
        job.state = "cancelled"
        with pytest.raises(RefusedError, match="needs no workers now: it is cancelled"):
            connection.ask("GET", f"/api/work/{job.id}")
        work([folder], exit_when_idle=True)
