"""The cache of workers at servers: what is in use stays."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from cdfi.video.jobs.claims import own_claim
from cdfi.video.remote import source_cache
from cdfi.video.remote.connection import ServerConnection
from cdfi.video.remote.server_claims import ServerClaims
from cdfi.video.remote.source_cache import jobs_folder, remove_unused, source_lock, sources_folder

LONG_AGO = time.time() - 8 * 86400


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A source that nothing has used for eight days."""
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    sources_folder().mkdir()
    path = sources_folder() / "0123.mp4"
    path.write_bytes(b"video")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture
def folder(source):
    """The folder of a worker that has been killed eight days ago."""
    path = jobs_folder() / "worker"
    (path / "job").mkdir(parents=True)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_only_what_has_not_been_used_for_a_week_is_removed(source, folder):
    recent = source.with_name("4567.mp4"), folder.with_name("other")
    recent[0].write_bytes(b"video")
    recent[1].mkdir()
    remove_unused()
    assert not source.exists() and not folder.exists()
    assert all(path.exists() for path in recent)


def test_a_source_that_another_worker_fetches_or_checks_stays(source):
    with source_lock(source):
        remove_unused()
        assert source.exists()
        os.utime(source)
    remove_unused()
    assert source.exists()


def test_lock_files_stay(source):
    """A removed one would not exclude a process that waits for it."""
    with source_lock(source) as lock:
        os.utime(lock.lock_file, (LONG_AGO, LONG_AGO))
        remove_unused()
        assert Path(lock.lock_file).exists()
        with pytest.raises(TimeoutError), source_lock(source, timeout=0):
            pass


def test_a_worker_keeps_its_source_and_its_folder(source, folder):
    connection = ServerConnection("http://127.0.0.1:1")
    ServerClaims(connection, "/api/work/job", folder / "job", own_claim(), [source, folder]).touch()
    remove_unused()
    assert source.exists() and folder.exists()


def test_files_that_another_worker_removes_at_the_same_time_are_no_error(
    source, folder, monkeypatch
):
    @contextmanager
    def too_late(path, timeout):
        path.unlink()
        yield

    def removed(path):
        path.rmdir() if path.is_dir() else None
        return path.lstat().st_mtime < time.time()

    (folder / "job").rmdir()
    monkeypatch.setattr(source_cache, "source_lock", too_late)
    monkeypatch.setattr(source_cache, "_is_unused", removed)
    remove_unused()
    assert not source.exists() and not folder.exists()
