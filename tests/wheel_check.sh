#!/bin/sh
# Build the wheel, install it into an empty environment, import every module and interpolate once.
# Usage: wheel_check.sh PYTHON (one that has the `build` package)
set -eu
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m build --outdir "$work/dist" . >"$work/build.log" || { cat "$work/build.log"; exit 1; }
wheel=$(echo "$work"/dist/*.whl) # built from the source archive, so that one is checked as well
case "$wheel" in
*-py3-none-any.whl) ;;
*) echo "wheel-check: this is no pure-Python wheel: $wheel" >&2; exit 1 ;;
esac
"$python" -c "import sys, venv; venv.create(sys.argv[1], with_pip=True)" "$work/empty"
"$work/empty/bin/python" -m pip install --quiet --constraint constraints.txt torch
"$work/empty/bin/python" -m pip install --quiet --constraint constraints.txt "$wheel"
cp tests/assets/frame0.png tests/assets/frame1.png "$work"
cd "$work" # away from the checkout: what runs is the wheel
"$work/empty/bin/python" - <<'PYTHON'
import importlib
import pkgutil

import cdfi

#: Packages whose modules import what an extra or a host program brings, when they are imported.
OPTIONAL = {"cdfi.plugins": ("vapoursynth", "comfy_api"), "cdfi.serve": ("starlette", "uvicorn")}
names = [module.name for module in pkgutil.walk_packages(cdfi.__path__, "cdfi.")]
for name in names:
    package = ".".join(name.split(".")[:2])
    allowed = ("triton", *OPTIONAL.get(package, ()))  # Triton comes with torch where it exists
    try:
        importlib.import_module(name)
    except (ModuleNotFoundError, ValueError) as error:  # a ValueError names the package to install
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        if (getattr(missing, "name", None) or "").partition(".")[0] not in allowed:
            raise
print(f"wheel-check: imported {len(names)} modules without extras")
PYTHON
"$work/empty/bin/cdfi" --version
"$work/empty/bin/cdfi" interpolate frame0.png frame1.png -o middle.png
"$work/empty/bin/python" - <<'PYTHON'
from PIL import Image, ImageChops, ImageStat

middle, frame0, frame1 = (Image.open(f"{name}.png") for name in ("middle", "frame0", "frame1"))
assert middle.size == frame0.size, (middle.size, frame0.size)
mean = Image.blend(frame0, frame1, 0.5)
difference = max(ImageStat.Stat(ImageChops.difference(middle, mean)).mean)
assert 0 < difference < 20, f"the middle frame is not between its neighbours: {difference}"
print(f"wheel-check: interpolated {middle.size[0]} x {middle.size[1]} from the installed wheel")
PYTHON
