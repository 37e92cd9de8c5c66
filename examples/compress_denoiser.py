"""Compress a network that has nothing to do with video: a U-Net that removes noise."""

import sys

import torch
from denoiser import UNet, noisy
from fitting import fit

from cdfi.compression import Budget, OBProxSG, density, derive, overall


def main(steps: int = 600, width: int = 32) -> None:
    torch.manual_seed(0)
    model = UNet(width)
    quality = fit(model, noisy, torch.optim.Adam(model.parameters(), 1e-3), steps)
    print(f"trained    {quality:6.2f} dB")

    epoch = max(1, steps // 4)  # two epochs of proximal steps, then orthant steps
    pruner = OBProxSG(
        model.parameters(), lr=0.05, lambda_=1e-3, steps_per_epoch=epoch, prox_epochs=2, eps=1e-4
    )
    quality = fit(model, noisy, pruner, steps)
    print(f"pruned     {quality:6.2f} dB, density {overall(density(model)):.3f}")

    densities = {row.name: row.density for row in density(model)}
    budget = Budget(parameters=sum(p.numel() for p in model.parameters()) // 4)
    small = derive(model, (torch.rand(1, 3, 32, 32),), densities, budget=budget)
    parameters = f"{small.before.parameters:,} -> {small.after.parameters:,} parameters"
    print(f"derived    {parameters}, all densities times {small.factor:.3f}")

    again = torch.optim.Adam(small.module.parameters(), 1e-3)
    print(f"retrained  {fit(small.module, noisy, again, steps):6.2f} dB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
