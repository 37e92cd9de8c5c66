"""Connect to a Ray cluster, with a bounded wait, and choose what each worker in it gets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cdfi.common.errors import first_line
from cdfi.common.extras import need

AUTO, LOCAL = "auto", "local"
CONNECT = 5.0  # seconds for a connection to the head node
PATIENCE = 120.0  # seconds within which a cluster must answer; a busy machine is slow


@dataclass(frozen=True)
class RayUse:
    """Whether and how a command uses a Ray cluster."""

    ray: str | None = None
    """Compute in a Ray cluster: HOST:PORT, auto (if left out, the one this machine belongs to), or
    local."""
    ray_cpus: int = 4
    """Processors of each worker in a Ray cluster without GPUs."""

    def __post_init__(self) -> None:
        if self.ray_cpus < 1:
            raise ValueError(f"--ray-cpus must be 1 or more, got {self.ray_cpus}")


@dataclass(frozen=True)
class WorkerShape:
    """What each worker in a cluster gets.

    Attributes:
        count: of workers that fit the nodes that are alive.
        gpus: of each worker, 0 or 1.
        cpus: of each worker.
    """

    count: int
    gpus: int
    cpus: int

    def options(self) -> dict[str, Any]:
        """Return Ray's options for an actor or a task."""
        return {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "scheduling_strategy": "SPREAD",
        }


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield the module ``ray``, connected to a cluster.

    Usage statistics and the dashboard are off. Workers end with the connection.

    Args:
        address: ``host:port`` of the head node; "auto" is the cluster that this machine belongs to
            or the one in ``RAY_ADDRESS``; "local" starts one on this machine alone.

    Raises:
        ConnectionError: no cluster answers, or it runs another version of Ray or Python.
        ValueError: Ray is not installed, or ``address`` has another form.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = need("ray", "--ray", "cdfi[ray]")
    only_local: dict[str, Any] = {}
    if address == LOCAL:
        only_local["include_dashboard"] = False
    else:
        _check(address)
    with _messages_kept_off_stdout(ray):
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR", **only_local)
        except Exception as error:  # Ray raises this class itself if a node starts too slowly
            refusal = f"the Ray cluster {address} refuses: {first_line(error)}"
            raise ConnectionError(refusal) from error
        try:
            yield ray
        finally:
            ray.shutdown()


@contextmanager
def _messages_kept_off_stdout(ray: Any) -> Iterator[None]:
    """Stop Ray from printing messages, such as "a node died", among the results of a command.

    ``log_to_driver=False`` does not apply to them, and Ray has no public setting that does.
    """
    driver = ray._private.worker
    before = getattr(driver, "_worker_logs_enabled", True)
    driver._worker_logs_enabled = False
    try:
        yield
    finally:
        driver._worker_logs_enabled = before


def worker_shape(ray: Any, cpus: int) -> WorkerShape:
    """Return what each worker gets: a GPU, or ``cpus`` processors in a cluster without GPUs.

    Processors are shared among the GPUs of a node. If some nodes have a GPU, those without one are
    not used: the frames of a CPU may differ.
    """
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    nodes = [(int(one.get("GPU", 0)), int(one.get("CPU", 0))) for one in alive]
    if with_gpus := [(gpus, cores) for gpus, cores in nodes if gpus]:
        least = min(cores // gpus for gpus, cores in with_gpus)
        return WorkerShape(sum(gpus for gpus, _ in with_gpus), 1, min(least, cpus))
    cores_of = [cores for _, cores in nodes if cores]
    each = min([cpus, *cores_of])
    return WorkerShape(sum(cores // each for cores in cores_of), 0, each)


def _check(address: str) -> None:
    """Raise ConnectionError if no cluster answers.

    The check runs in another process: Ray waits for minutes, prints much, and may end its process.
    """
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    if address != AUTO:
        _check_port(address)
        command += ["--address", address]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise ConnectionError(
            f"no Ray cluster answers at {address} within {PATIENCE:.0f} s: expected the address of "
            "its head node, such as 10.0.0.1:6379"
        ) from None
    if result.returncode == 0:
        return
    if address == AUTO:
        raise ConnectionError(
            "this machine belongs to no running Ray cluster: start one with ray start --head, name "
            "one with --ray HOST:PORT, or use this machine alone with --ray local"
        )
    lines = (result.stderr or result.stdout).strip().splitlines() or ["no reason is known"]
    raise ConnectionError(f"the Ray cluster at {address} cannot be used: {lines[-1]}")


def _check_port(address: str) -> None:
    """Raise ConnectionError if nothing listens at an address."""
    host, sign, port = address.rpartition(":")
    if not sign or not port.isdecimal():
        raise ValueError(f"--ray: expected HOST:PORT, auto or local, got {address}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConnectionError(f"no Ray cluster is at {address}: {reason}") from None
