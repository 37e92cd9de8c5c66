"""Do two machines on a 1 Gbit network train to the weights of one with twice the batch?

python benchmarks/training_two_nodes.py [--rate 1gbit] [--steps 5]

Each "machine" is a network namespace; a pair of virtual cards whose rate is limited connects them
(Linux, root, iproute2). Without those the two processes share one machine, and the output says so.
The last line is JSON: the greatest difference of the weights, how great it is if the second node
does nothing, and the bytes on the network. The exit status is 1 if the weights differ.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from cdfi.training.checkpoint import read

PORT = 29577
NODES = ("cdfi-node0", "cdfi-node1")
ADDRESSES = ("10.77.0.1", "10.77.0.2")
CARD = "cdfi-card"
TRAIN = (
    "--network compressed-adacof --loss 1*Charb --optimizer SGD --lr 0.01 --crop 64 --workers 0 "
    "--device cpu --quiet --set log_every=1"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", default="1gbit", help="of the network, as tc writes it")
    parser.add_argument("--steps", type=int, default=5)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, network(words.rate) as is_network:
        folder = Path(name)
        write_photos(folder / "photos")
        for run, batch in (("one", 4), ("half", 2)):
            command = [sys.executable, *training(folder, run, batch, words.steps)]
            subprocess.run(command, check=True)
        before = sent(is_network)
        started = [
            subprocess.Popen(
                [*node_command(node, is_network), *training(folder, "two", 2, words.steps)],
                env={**os.environ, "GLOO_SOCKET_IFNAME": CARD if is_network else "lo"},
            )
            for node in range(2)
        ]
        if [process.wait() for process in started] != [0, 0]:
            sys.exit("a node failed")
        one, half, two = (read(folder / "runs" / r)["network"] for r in ("one", "half", "two"))
        figures = {
            "network": f"two namespaces, {words.rate}" if is_network else "one machine",
            "steps": words.steps,
            "greatest difference of the weights": difference(one, two),
            "the same without the second node": difference(one, half),
            "MB of gradients": sum(value.numel() for value in one.values()) * 4 / 1e6,
            "MB sent by node 0": (sent(is_network) - before) / 1e6,
        }
    print(json.dumps(figures))
    if difference(one, two) > difference(one, half) / 100:
        sys.exit("the weights differ: two nodes do not train as one process with twice the batch")


def difference(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """Return the greatest difference of the weights of two networks."""
    return max(float((first[key] - second[key]).abs().max()) for key in first)


def training(folder: Path, run: str, batch: int, steps: int) -> list[str]:
    """Return the words that train a network, after those that start Python."""
    data = ["--data", f"synthetic={folder / 'photos'}", "--out", str(folder / "runs")]
    given = ["--batch", str(batch), "--steps", str(steps), "--set", f"run={run}"]
    cache = ["--set", f"cache={folder / 'cache'}"]
    return ["-m", "cdfi.cli.main", "train", *TRAIN.split(), *data, *given, *cache]


def node_command(node: int, is_network: bool) -> list[str]:
    """Return the command of the documentation that starts a node, as far as ``-m``."""
    address = ADDRESSES[0] if is_network else "127.0.0.1"
    own = ADDRESSES[node] if is_network else "127.0.0.1"
    torchrun = [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", f"{address}:{PORT}", "--rdzv-id", "two"),
        # In namespaces both nodes have one host name, so who listens is said here.
        *("--local-addr", own, "--rdzv-conf", f"is_host={'false' if node else 'true'}"),
    ]
    return ["ip", "netns", "exec", NODES[node], *torchrun] if is_network else torchrun


@contextmanager
def network(rate: str) -> Iterator[bool]:
    """Connect two namespaces by virtual cards of a rate; yield whether that is possible here."""
    try:
        made = [_run(*words.split()) for words in _cards(rate)]
    except FileNotFoundError:  # no iproute2
        made = [False]
    try:
        if not all(made):
            print("no network namespaces here: both nodes run on one machine", file=sys.stderr)
        yield all(made)
    finally:
        with suppress(FileNotFoundError):
            for node in NODES:
                _run("ip", "netns", "del", node)


def _cards(rate: str) -> Iterator[str]:
    """Yield the commands that make the network."""
    yield from (f"ip netns add {node}" for node in NODES)
    yield f"ip link add {CARD} netns {NODES[0]} type veth peer name {CARD} netns {NODES[1]}"
    for node, address in zip(NODES, ADDRESSES):
        yield f"ip -n {node} addr add {address}/24 dev {CARD}"
        yield f"ip -n {node} link set {CARD} up"
        yield f"ip -n {node} link set lo up"
        yield f"tc -n {node} qdisc add dev {CARD} root tbf rate {rate} burst 256kb latency 50ms"


def sent(is_network: bool) -> int:
    """Return the bytes that the first node has sent."""
    if not is_network:
        return 0
    words = ["ip", "-n", NODES[0], "-s", "-j", "link", "show", CARD]
    shown = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    return int(shown[0]["stats64"]["tx"]["bytes"])


def write_photos(folder: Path) -> None:
    """Write two smooth random pictures."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(2):
        coarse = random.integers(0, 256, (8, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((192, 128), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.png")


def _run(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()
