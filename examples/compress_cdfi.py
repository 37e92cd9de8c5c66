"""Derive cdfi-small, a smaller CDFI for slow machines, and print the command that trains it.

The densities are those of the given weights. With a name of cdfi.NETWORKS all densities are equal,
and every width shrinks in proportion.
"""

import sys
from pathlib import Path

import cdfi
from cdfi.compression import Budget, density
from cdfi.design.architecture import compact


def main(model: str = "cdfi", budget: int = 1_200_000, out: str = "cdfi-small") -> None:
    pruned = model not in cdfi.NETWORKS
    network = cdfi.load(model) if pruned else cdfi.Network(cdfi.NETWORKS[model])
    densities = {row.name: row.density for row in density(network)}
    small, how = compact(network, densities, rule="max", budget=Budget(parameters=budget))

    print(f"all densities times {how.factor:.3f}")
    print(f"parameters    {how.before.parameters:12,} -> {how.after.parameters:12,}")
    print(f"720p GFLOPs   {how.before.flops / 1e9:12,.0f} -> {how.after.flops / 1e9:12,.0f}")

    Path(f"{out}.json").write_text(how.config.to_json(), encoding="utf-8")
    cdfi.save(small, Path(f"{out}.safetensors"))
    print(f"cdfi train --data clips=VIDEOS --network {out}.json")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cdfi")
