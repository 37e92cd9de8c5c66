"""Compress a residual network that interpolates frames along a flow."""

import sys

import torch
from fitting import fit
from flow_network import FlowNetwork, sliding

from cdfi.compression import Budget, OBProxSG, density, derive, overall


def main(steps: int = 1000, width: int = 48) -> None:
    torch.manual_seed(0)
    model = FlowNetwork(width)
    quality = fit(model, sliding, torch.optim.Adam(model.parameters(), 2e-3), steps)
    print(f"trained    {quality:6.2f} dB")

    epoch = max(1, steps // 4)  # two epochs of proximal steps, then orthant steps
    pruner = OBProxSG(
        model.parameters(), lr=0.05, lambda_=1e-3, steps_per_epoch=epoch, prox_epochs=2, eps=1e-4
    )
    quality = fit(model, sliding, pruner, steps)
    print(f"pruned     {quality:6.2f} dB, density {overall(density(model)):.3f}")

    densities = {row.name: row.density for row in density(model)}
    budget = Budget(parameters=sum(p.numel() for p in model.parameters()) // 4)
    frame = torch.rand(1, 3, 32, 32)
    small = derive(model, (frame, frame), densities, budget=budget)
    parameters = f"{small.before.parameters:,} -> {small.after.parameters:,} parameters"
    print(f"derived    {parameters}, all densities times {small.factor:.3f}")

    again = torch.optim.Adam(small.module.parameters(), 2e-3)
    print(f"retrained  {fit(small.module, sliding, again, steps):6.2f} dB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
