"""Tests for the end of the program: output, exit handlers and exit status as usual."""

import subprocess
import sys
from pathlib import Path

import pytest

#: Registers a handler, leaves a thread running and text unwritten, then ends with ``status``.
PROGRAM = """
import atexit, sys, threading, time
from cdfi.cli.quick_exit import run_and_exit

class Remains:
    def __del__(self):
        print("taken down", flush=True)

remains = Remains()

def command():
    atexit.register(print, "handler")
    threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
    sys.stdout.write("unwritten ")
    {ending}

run_and_exit(command)
"""


def run(ending: str, **options):
    call = [sys.executable, "-c", PROGRAM.format(ending=ending)]
    return subprocess.run(call, text=True, check=False, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("status", [0, 2])
def test_threads_and_handlers_come_before_the_end(status):
    done = run(f"return {status}", stdout=subprocess.PIPE)
    assert done.returncode == status
    assert done.stdout == "unwritten thread\nhandler\n"
    assert done.stderr == ""


def test_an_exception_ends_the_program_as_usual():
    done = run("raise RuntimeError('broken')", stdout=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stdout == "unwritten thread\nhandler\ntaken down\n"
    assert "RuntimeError: broken" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_reported():
    with Path("/dev/full").open("w") as full:
        done = run("return 0", stdout=full)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
