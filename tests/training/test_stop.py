"""Requests to end a run: the first, the same one forwarded by a launcher, and a later one."""

import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from cdfi.training.stop import Stop


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, to be moved; outside, both signals raise KeyboardInterrupt (a shell's background
    jobs begin with SIGINT ignored)."""
    clock = [100.0]
    monkeypatch.setattr("cdfi.training.stop.time", SimpleNamespace(monotonic=lambda: clock[0]))
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield clock
    for number, handler in zip(numbers, before):
        signal.signal(number, handler)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_forwarded_by_a_launcher_is_the_same_request(
    now: list[float], second: signal.Signals
) -> None:
    with Stop() as stop:
        assert stop.reason() is None
        signal.raise_signal(signal.SIGTERM)
        now[0] += 1.0
        signal.raise_signal(second)
        assert stop.reason() == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_later_signal_takes_effect_at_once(now: list[float], number: signal.Signals) -> None:
    with Stop() as stop:
        signal.raise_signal(number)
        now[0] += 6.0
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stop.reason() == "interrupted"
