"""What workers in a Ray cluster get, and addresses that are wrong; Ray itself is not needed."""

import sys
from types import SimpleNamespace

import pytest

from cdfi.cli.ray_address import fill_address
from cdfi.common import ray_cluster
from cdfi.common.ray_cluster import RayUse, WorkerShape, connected, worker_shape


def cluster(*nodes: dict[str, float]) -> SimpleNamespace:
    listed = [{"Alive": True, "Resources": node} for node in nodes]
    gone = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
    return SimpleNamespace(nodes=lambda: [*listed, gone])


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        ([{"CPU": 16.0}, {"CPU": 8.0}], WorkerShape(6, 0, 4)),
        ([{"CPU": 16.0}, {"CPU": 2.0}], WorkerShape(9, 0, 2)),
        ([{"CPU": 1.0}], WorkerShape(1, 0, 1)),
        ([{"CPU": 64.0}, {"CPU": 32.0, "GPU": 4.0}], WorkerShape(4, 1, 4)),
        ([{"CPU": 2.0, "GPU": 4.0}], WorkerShape(4, 1, 0)),
        ([{}], WorkerShape(0, 0, 4)),
    ],
)
def test_each_worker_gets_a_gpu_or_some_processors(nodes, shape) -> None:
    assert worker_shape(cluster(*nodes), 4) == shape


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("interpolate a.mkv --ray", "interpolate a.mkv --ray auto"),
        ("interpolate --ray a.mkv", "interpolate --ray auto a.mkv"),
        ("interpolate --ray 10.0.0.1:6379 a.mkv", "interpolate --ray 10.0.0.1:6379 a.mkv"),
        ("interpolate --ray [::1]:6379 a.mkv", "interpolate --ray [::1]:6379 a.mkv"),
        ("evaluate --ray local", "evaluate --ray local"),
        ("interpolate --ray=head:1 a.mkv", "interpolate --ray=head:1 a.mkv"),
    ],
)
def test_the_address_may_be_left_out(words, filled) -> None:
    assert fill_address(words.split()) == filled.split()


def test_a_missing_package_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ValueError, match=r"--ray needs ray: pip install 'cdfi\[ray\]'"),
        connected("auto"),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("127.0.0.1:1", "no Ray cluster is at 127.0.0.1:1: Connection refused"),
        ("head", "expected HOST:PORT, auto or local, got head"),
        ("127.0.0.1:99999", "no Ray cluster is at 127.0.0.1:99999"),
    ],
)
def test_a_wrong_address_is_one_line(monkeypatch, address, line) -> None:
    monkeypatch.setattr(ray_cluster, "need", lambda *_: None)
    with pytest.raises((ValueError, OSError), match=line), connected(address):
        pass


def test_a_worker_needs_a_processor() -> None:
    with pytest.raises(ValueError, match="--ray-cpus must be 1 or more, got 0"):
        RayUse("auto", 0)
