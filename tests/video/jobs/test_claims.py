"""Claims: exclusive, kept alive, taken over from workers that are gone, whatever the clocks say."""

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from cdfi.video.jobs.claims import REPEAT, Claims, own_claim
from cdfi.video.jobs.scheduling import LEASE, SKEW


def old(path: Path, seconds: float) -> None:
    """Make the last touch of a file lie so many seconds back."""
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def owners(claims):
    """Return the worker of each claimed segment."""
    return {claim.number: claim.owner.worker for claim in claims.seen()}


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("cdfi.video.jobs.claims.time.monotonic", lambda: self.now)


def test_a_segment_is_claimed_by_one_worker(tmp_path):
    with Claims(tmp_path) as first, Claims(tmp_path) as second:
        assert first.take(3)
        assert not second.take(3)
        assert owners(second) == {3: first.owner.worker}
        first.give_up(3)
        assert second.take(3)


def test_claims_and_the_clock_are_gone_at_the_end(tmp_path):
    with Claims(tmp_path) as claims:
        claims.take(0)
        claims.seen()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_is_not_touched_for_the_lease_is_taken_over(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    first = Claims(tmp_path, replace(own_claim(), host="elsewhere"))
    assert first.take(0)
    with Claims(tmp_path) as second:
        assert not second.take(0)
        clock.now = LEASE - 1
        assert not second.take(0)
        old(tmp_path / "000000.claim", -1)  # a touch: the lease begins again
        clock.now = LEASE + 1
        assert not second.take(0)
        clock.now = 2 * LEASE + 1
        assert second.take(0)
        first.give_up(0)  # it is not the first worker's any more
        assert owners(second) == {0: second.owner.worker}


def test_a_claim_that_is_old_in_spite_of_clocks_that_differ_is_taken_over_at_once(tmp_path):
    first = Claims(tmp_path, replace(own_claim(), host="elsewhere"))
    assert first.take(0)
    with Claims(tmp_path) as second:
        old(tmp_path / "000000.claim", LEASE + SKEW - 5)
        assert not second.take(0)
        old(tmp_path / "000000.claim", 10)
        assert second.take(0)


def test_two_workers_that_take_over_one_claim_do_not_take_it_from_each_other(tmp_path, monkeypatch):
    """The slower one has judged the lost claim, and then moves the new claim of the faster one."""
    lost = Claims(tmp_path, replace(own_claim(), host="elsewhere"))
    assert lost.take(0)
    old(tmp_path / "000000.claim", LEASE + SKEW + 5)
    with Claims(tmp_path) as fast, Claims(tmp_path) as slow:
        judge = slow._is_lost

        def late(*state):
            is_lost = judge(*state)
            assert fast.take(0)
            return is_lost

        monkeypatch.setattr(slow, "_is_lost", late)
        assert not slow.take(0)
        assert owners(slow) == {0: fast.owner.worker}
        assert not list(tmp_path.glob("*.old"))


def test_claims_that_are_kept_stay_after_the_worker_and_are_not_touched(tmp_path):
    with Claims(tmp_path, replace(own_claim(), host="elsewhere"), beat=0.01) as first:
        assert first.take(0)
        first.keep(0)
        before = (tmp_path / "000000.claim").stat().st_mtime_ns
    assert (tmp_path / "000000.claim").stat().st_mtime_ns == before
    with Claims(tmp_path) as second:
        assert not second.take(0)


def test_a_claim_that_cannot_be_written_leaves_no_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cdfi.video.jobs.claims.json.dump", full)
    with Claims(tmp_path) as claims:
        with pytest.raises(OSError, match="No space left"):
            claims.take(0)
        assert not (tmp_path / "000000.claim").exists()


def test_one_worker_at_a_time_repeats_a_segment(tmp_path):
    with Claims(tmp_path) as first, Claims(tmp_path) as second, Claims(tmp_path) as third:
        assert first.take(0)
        assert second.take(0, REPEAT) and not third.take(0, REPEAT)
        assert [claim.repeat for claim in first.seen()].count(True) == 1
        assert first.numbers() == {0}


def test_held_claims_are_touched(tmp_path):
    with Claims(tmp_path, beat=0.01) as claims:
        claims.take(0)
        old(tmp_path / "000000.claim", 50)
        deadline = time.monotonic() + 20
        while claims.seen()[0].age > 40:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("same", [{}, {"host": "elsewhere"}, {"system": "another container"}])
def test_a_claim_of_a_dead_process_of_this_machine_is_taken_over_at_once(tmp_path, same):
    dead = replace(own_claim(), process=2**22 - 7, started=1.0, **same)
    (tmp_path / "000000.claim").write_text(json.dumps(asdict(dead)))
    with Claims(tmp_path) as claims:
        assert claims.take(0) == (not same)


def test_a_number_that_another_process_has_now_counts_as_dead(tmp_path):
    reused = replace(own_claim(), worker="before", started=1.0)
    (tmp_path / "000000.claim").write_text(json.dumps(asdict(reused)))
    with Claims(tmp_path) as claims:
        assert claims.take(0)


def test_a_damaged_claim_is_taken_over_after_the_lease(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    (tmp_path / "000000.claim").write_text("{")
    with Claims(tmp_path) as claims:
        assert not claims.take(0)
        assert claims.seen()[0].owner is None
        clock.now = LEASE
        assert claims.take(0)


@pytest.mark.parametrize("skew", [-120.0, 120.0])
def test_times_that_come_from_the_machines_do_no_harm(tmp_path, skew):
    """Some file systems do not set the times of files, so clocks that differ show in them."""
    other = Claims(tmp_path, replace(own_claim(), host="elsewhere"))
    assert other.take(0)
    old(tmp_path / "000000.claim", skew)
    with Claims(tmp_path) as claims:
        assert not claims.take(0)


@pytest.mark.parametrize("skew", [-120.0, 120.0])
def test_the_clock_of_a_machine_does_not_matter(tmp_path, monkeypatch, skew):
    other = Claims(tmp_path, replace(own_claim(), host="elsewhere"))
    other.take(0)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + skew)
    with Claims(tmp_path) as claims:
        assert not claims.take(0)
        assert 0 <= claims.seen()[0].age < 30
