"""The thread pool of the CPU kernels."""

import os
import subprocess
import sys

import pytest
import torch

from cdfi.common.threads import over_lines


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    def broken(start: int, stop: int) -> None:
        raise MemoryError(f"{start} {stop}")

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(MemoryError):
            over_lines(broken, 10)
    finally:
        torch.set_num_threads(threads)


def test_every_line_is_worked_on_once_whatever_the_threads() -> None:
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            for lines in (1, 7, 9, 100):
                seen: list[int] = []
                over_lines(lambda start, stop: seen.extend(range(start, stop)), lines)  # noqa: B023
                assert sorted(seen) == list(range(lines))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.long
def test_a_forked_process_has_threads_of_its_own() -> None:
    code = """
import os, signal, threading, time, torch
from cdfi.common.threads import over_lines

def threads():
    seen = set()
    over_lines(lambda start, stop: time.sleep(0.1) or seen.add(threading.get_ident()), 99)
    return len(seen)

torch.set_num_threads(3)
assert threads() == 3
child = os.fork()
if not child:
    signal.alarm(30)  # instead of waiting for ever
    os._exit(threads())
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
