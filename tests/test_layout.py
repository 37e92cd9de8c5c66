"""The house keeps its order: rooms import from rooms below, and importing does no work."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cdfi

SOURCE = Path(cdfi.__file__).parent
#: Top to bottom; a room may use those after it.
PACKAGES = """
    cli serve design evaluation video export training interpolation weights models compression data
    ops metrics common
""".split()
#: What only comes with an extra, or is slow to import: never at the top level of a module.
EXTRAS = {
    "cv2",
    "matplotlib",
    "lightning_fabric",
    "tensorboard",
    "skimage",
    "lpips",
}


def modules():
    return sorted(SOURCE.rglob("*.py"))


def imported(path, top_level_only=False):
    """Absolute names of what a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["cdfi", *path.relative_to(SOURCE).parts[:-1]]
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *filter(None, [node.module])])


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_imports_only_from_rooms_below_its_own(path):
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    assert room in PACKAGES
    used = {name.split(".")[1] for name in imported(path) if name.startswith("cdfi.")}
    below = PACKAGES[PACKAGES.index(room) :]
    assert used <= {*below}, f"{path} looks up: {sorted(used - {*below})}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_extras_are_imported_where_they_are_used_and_not_before(path):
    assert not {name.split(".")[0] for name in imported(path, top_level_only=True)} & EXTRAS


def test_importing_cdfi_or_its_command_line_loads_no_heavy_library():
    heavy = "torch numba av PIL matplotlib cv2".split()
    code = f"import cdfi, cdfi.cli.main, sys; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_torch_load_never_unpickles_code():
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert safe.get("weights_only") == "True", path
