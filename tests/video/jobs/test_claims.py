"""Claims: exclusive, kept alive, taken over from workers that are gone, whatever the clocks say."""

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from cdfi.video.jobs.claims import Claims, own_claim


def old(path: Path, seconds: float) -> None:
    """Make the last touch of a file lie so many seconds back."""
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def test_a_segment_is_claimed_by_one_worker(tmp_path):
    with Claims(tmp_path) as first, Claims(tmp_path) as second:
        assert first.take(3)
        assert not second.take(3)
        assert [(claim.number, claim.owner) for claim in second.seen()] == [(3, first.owner)]
        first.give_up(3)
        assert second.take(3)


def test_claims_and_the_clock_are_gone_at_the_end(tmp_path):
    with Claims(tmp_path) as claims:
        claims.take(0)
        claims.seen()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_without_a_touch_for_the_lease_is_taken_over(tmp_path):
    elsewhere = replace(own_claim(), host="elsewhere")
    first = Claims(tmp_path, elsewhere)
    assert first.take(0)
    with Claims(tmp_path) as second:
        old(tmp_path / "000000.claim", 50)
        assert not second.take(0)
        old(tmp_path / "000000.claim", 20)
        assert second.take(0)
        first.give_up(0)  # it is not the first worker's any more
        assert [claim.owner for claim in second.seen()] == [second.owner]


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


def test_a_damaged_claim_is_taken_over_after_the_lease(tmp_path):
    (tmp_path / "000000.claim").write_text("{")
    with Claims(tmp_path) as claims:
        assert not claims.take(0)
        assert claims.seen()[0].owner is None
        old(tmp_path / "000000.claim", 70)
        assert claims.take(0)


@pytest.mark.parametrize("skew", [-120.0, 120.0])
def test_the_clock_of_a_machine_does_not_matter(tmp_path, monkeypatch, skew):
    other = Claims(tmp_path, replace(own_claim(), host="elsewhere"))
    other.take(0)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + skew)
    with Claims(tmp_path) as claims:
        assert not claims.take(0)
        assert 0 <= claims.seen()[0].age < 30
