"""Which penalty keeps the most accuracy of a digit classifier at a quarter and a sixteenth?

The data are the 1,797 digits of 8 x 8 pixels that scikit-learn has (the last 500 are the test set).
For each seed a network is trained; each method then fine-tunes a copy with its penalty, makes it
smaller, and trains again. Every method has the same number of steps. Torch-Pruning takes part if it
is installed: python benchmarks/compression_digits.py [seeds] [epochs]
"""

import copy
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from machine import print_seeds
from torch import Tensor, nn

from cdfi.compression import HSPG, Budget, OBProxSG, channel_groups, density, derive

BATCH, TEST = 64, 500
RATIOS = (4, 16)


class Digits:
    """Images (N, 1, 8, 8) in [0, 1] and labels."""

    def __init__(self) -> None:
        from sklearn.datasets import load_digits

        data = load_digits()
        self.images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
        self.labels = torch.tensor(data.target)


class Classifier(nn.Module):
    """Three convolutions and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.c, self.d, self.e = nn.Conv2d(64, 64, 3), nn.Linear(256, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.b(F.relu(self.a(x)))), 2)
        x = F.relu(self.c(x))
        return self.e(F.relu(self.d(x.flatten(1))))


def train(
    model: nn.Module,
    data: Digits,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    penalty: Callable[[], None] = lambda: None,
) -> None:
    for _ in range(epochs):
        order = torch.randperm(len(data.images) - TEST)
        for rows in order.split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(model(data.images[rows]), data.labels[rows]).backward()
            penalty()
            optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module, data: Digits) -> float:
    """Return the percentage of the test set that is classified correctly."""
    found = model(data.images[-TEST:]).argmax(1)
    return 100 * float((found == data.labels[-TEST:]).float().mean())


def fine_tuned(model: nn.Module, data: Digits, method: str, epochs: int) -> nn.Module:
    """Return a copy that was trained with the penalty of a method."""
    model = copy.deepcopy(model)
    steps = -(-(len(data.images) - TEST) // BATCH)
    phases = {"steps_per_epoch": steps, "prox_epochs": max(1, 2 * epochs // 3)}
    if method == "OBProxSG":
        optimizer: torch.optim.Optimizer = OBProxSG(
            model.parameters(), lr=0.05, lambda_=1e-3, momentum=0.9, **phases
        )
    elif method == "HSPG":
        groups = channel_groups(model, (data.images[:2],))
        optimizer = HSPG(model, groups, lr=0.05, lambda_=1e-3, momentum=0.9, **phases)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, dampening=0.9)
    train(model, data, optimizer, epochs)
    return model


def smaller(model: nn.Module, data: Digits, ratio: int) -> nn.Module:
    """Return the network that the densities give, with a fraction of the parameters."""
    count = sum(p.numel() for p in model.parameters())
    densities = {row.name: row.density for row in density(model)}
    budget = Budget(parameters=count // ratio)
    return derive(model, (data.images[:2],), densities, budget=budget).module


def torch_pruning(model: nn.Module, data: Digits, ratio: int, epochs: int) -> nn.Module:
    """Return what Torch-Pruning's group norm pruner makes, trained with its penalty."""
    import torch_pruning as tp

    model = copy.deepcopy(model)
    before = sum(p.numel() for p in model.parameters())
    pruner = tp.pruner.GroupNormPruner(
        model, data.images[:2], importance=tp.importance.GroupMagnitudeImportance(), reg=1e-3,
        pruning_ratio=0.95, iterative_steps=60, global_pruning=False, ignored_layers=[model.e],
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, dampening=0.9)
    pruner.update_regularizer()
    train(model, data, optimizer, epochs, lambda: pruner.regularize(model))
    while sum(p.numel() for p in model.parameters()) > before // ratio:
        pruner.step()
    return model


def main(seeds: int = 5, epochs: int = 12) -> None:
    torch.set_num_threads(1)
    data = Digits()
    found: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    methods = ["OBProxSG", "HSPG", "magnitude", "Torch-Pruning group norm"]
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = Classifier()
        train(model, data, torch.optim.Adam(model.parameters(), 1e-3), epochs)
        note(found, sizes, "dense", model, data)
        for method in methods:
            for ratio in RATIOS:
                torch.manual_seed(seed)
                if method.startswith("Torch"):
                    small = torch_pruning(model, data, ratio, epochs)
                else:
                    small = smaller(fine_tuned(model, data, method, epochs), data, ratio)
                train(small, data, torch.optim.Adam(small.parameters(), 1e-3), epochs)
                note(found, sizes, f"{method}, 1/{ratio}", small, data)
    print_seeds(__doc__, sizes, found)


def note(
    found: dict[str, list[float]], sizes: dict[str, int], name: str, model: nn.Module, data: Digits
) -> None:
    found.setdefault(name, []).append(accuracy(model, data))
    sizes[name] = sum(p.numel() for p in model.parameters())
    print(name, found[name][-1], sizes[name], file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
