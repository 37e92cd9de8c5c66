"""Several workers in processes: kills at random moments, clocks that differ, late renames."""

import multiprocessing
import random
import signal
import time
from dataclasses import replace

import psutil
import pytest

from cdfi.video import ModelSpec, interpolate_video
from cdfi.video.jobs.workfolder import WorkFolder
from tests.cli.interpolate_inputs import tiny_model
from tests.video.jobs.cluster_conditions import OPTIONS, Machine, help_with, plan
from tests.video.jobs.test_segments import same_frames
from tests.video.video_clips import Clip, write_clip

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes, as POSIX does"),
]
PATIENCE = 300  # seconds after which something counts as stuck; a busy machine is slow
KILLS = 30


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return ModelSpec(tiny_model(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    clip = Clip(80, options={"preset": "fast", "bf": "2", "g": "9"}, audio=True)
    return write_clip(tmp_path_factory.mktemp("source") / "in.mp4", clip)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, source, model):
    target = tmp_path_factory.mktemp("whole") / "whole.mp4"
    interpolate_video(source, target, options=OPTIONS, model=model)
    return target


@pytest.fixture(scope="module")
def processes():
    """Processes that start quickly: they are forked from one that has imported cdfi."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.video.jobs.cluster_conditions"])
    return context


class Cluster:
    """A planner and its workers, any of which may be killed and started again."""

    def __init__(self, processes, planner, workers):
        self._processes = processes
        self._calls = [planner, *workers]
        self.running = [self._start(call) for call in self._calls]

    def _start(self, call):
        function, *arguments = call
        process = self._processes.Process(target=function, args=arguments)
        process.start()
        return process

    def is_done(self):
        """Return whether the planner has ended without an error."""
        assert self.running[0].exitcode in (None, 0)
        return self.running[0].exitcode == 0

    def kill(self, number):
        """Kill a process and start it again, unless it has finished its task."""
        process = self.running[number]
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        if process.exitcode:
            self.running[number] = self._start(self._calls[number])

    def join(self):
        """Wait until all processes have ended, without an error."""
        for process in self.running:
            process.join(PATIENCE)
            assert process.exitcode == 0

    def end(self):
        for process in self.running:
            process.kill()
            process.join()


MACHINES = [
    Machine("first"),
    Machine("first"),
    Machine("ahead", skew=120.0),
    Machine("behind", skew=-120.0),
]


@pytest.mark.parametrize("late", [0.0, 5.0])
def test_kills_at_random_moments_lose_nothing(tmp_path, processes, source, whole, model, late):
    """Workers and the planner are killed; two clocks differ by two minutes from the others."""
    chance, kills, number = random.Random(11), 0, 0
    machines = [replace(machine, late=late, pause=0.1) for machine in MACHINES]
    while kills < KILLS:
        target = tmp_path / f"{number}.mp4"
        planner = (plan, source, target, model, Machine("planner", late=late), None)
        cluster = Cluster(processes, planner, [(help_with, target, m) for m in machines])
        try:
            kills += killed(cluster, chance, target, KILLS - kills)
            cluster.join()
        finally:
            cluster.end()
        same_frames(target, whole)
        number += 1


def killed(cluster, chance, target, most):
    """Kill processes at random moments until the result is there; return how many."""
    deadline = time.monotonic() + PATIENCE
    for kills in range(most):
        time.sleep(chance.uniform(0.02, 0.6))
        assert time.monotonic() < deadline
        if cluster.is_done() or target.exists():
            return kills
        cluster.kill(0 if chance.random() < 0.3 else chance.randrange(1, 5))
    return most


def test_a_planner_that_is_killed_takes_its_processes_with_it(
    tmp_path, processes, source, whole, model
):
    target = tmp_path / "out.mp4"
    planner = (plan, source, target, model, Machine(pause=0.1), 2)
    cluster = Cluster(processes, planner, [])
    folder = WorkFolder(target).path
    wait_for(lambda: len(list(folder.glob("*.claim"))) > 2 if folder.exists() else False)
    children = psutil.Process(cluster.running[0].pid).children(recursive=True)
    assert len(children) >= 2
    cluster.kill(0)
    wait_for(lambda: not any(is_running(child) for child in children))
    cluster.join()
    same_frames(target, whole)


def is_running(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
