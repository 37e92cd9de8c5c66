"""The layout of the packages: import directions, unique names, sizes, safe loading."""

import ast
import functools
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import cdfi

SOURCE = Path(cdfi.__file__).parent
TESTS = Path(__file__).parent
#: Top to bottom: a package may import those after it.
PACKAGES = """
    cli serve plugins design evaluation video export training interpolation weights models
    compression data ops metrics common
""".split()
#: The same inside a package, by sub-package or file. "*" stands for all that are not named.
INNER = {
    "video": "* jobs writing options reading timing pixels".split(),
    "training": "* losses optim distributed args arg_groups bounds callback".split(),
    "evaluation": "reports * methods columns data".split(),
    "compression": "* tracing".split(),
    "interpolation": "interpolator between engine * strips strip_inputs".split(),
    "models": "families network flow_network * timed flow_config config".split(),
    "cli": "main * console".split(),
}
#: Operations do not import each other, except those built on others; all may import ops/common.
BUILT_ON = {"cubic_warp": {"warp"}, "match_features": {"cost_volume", "warp"}}
OPERATIONS = sorted(
    path.name for path in (SOURCE / "ops").iterdir() if path.is_dir() and path.name != "common"
)
#: The file names that every operation has.
FILES_OF_AN_OPERATION = {"op", "reference", "cpu", "triton"}
#: What only comes with an extra, or is slow to import: never at the top level of a module.
EXTRAS = {
    *("cv2", "matplotlib", "lightning_fabric", "tensorboard", "skimage", "lpips"),
    *("onnx", "onnxscript", "onnxruntime", "openvino", "huggingface_hub", "vapoursynth", "ray"),
}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 45
#: Files and functions that are too long, to be removed as they shrink.
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()

MODULES = sorted(path for path in SOURCE.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, top_level_only: bool = False) -> set[str]:
    """Dotted names of what a module imports, with the names taken from each module."""
    tree = tree_of(path)
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def targets(path: Path) -> set[tuple[str, ...]]:
    """What a module of cdfi imports from cdfi, as parts below ``cdfi``."""
    return {tuple(name.split(".")[1:]) for name in imported(path) if name.startswith("cdfi.")}


def rank(order: list[str], name: str) -> int:
    return order.index(name if name in order else "*")


@every_module
def test_a_module_imports_only_from_packages_below_its_own(path: Path) -> None:
    package = path.relative_to(SOURCE).parts[0]
    if package == "__init__.py":
        return
    below = PACKAGES[PACKAGES.index(package) :]
    used = {target[0] for target in targets(path)} & {p.name for p in SOURCE.iterdir()}
    assert used <= {*below}, f"{path} imports from above: {sorted(used - {*below})}"


@every_module
def test_a_module_imports_only_from_sub_packages_below_its_own(path: Path) -> None:
    package, *rest = path.relative_to(SOURCE).with_suffix("").parts
    if package not in INNER or rest == ["__init__"]:
        return
    order = INNER[package]
    own = rank(order, rest[0])
    for target in targets(path):
        if target[0] == package and len(target) > 1 and exists(package, target[1]):
            assert rank(order, target[1]) >= own, f"{path} imports {'.'.join(target)} from above"


def exists(package: str, name: str) -> bool:
    """Whether ``name`` is a file or a folder of the package, not a name that it exports."""
    return (SOURCE / package / name).is_dir() or (SOURCE / package / f"{name}.py").is_file()


@pytest.mark.parametrize("package", INNER)
def test_the_inner_order_names_only_what_exists(package: str) -> None:
    assert all(name == "*" or exists(package, name) for name in INNER[package])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_do_not_import_each_other(operation: str) -> None:
    for path in (SOURCE / "ops" / operation).glob("*.py"):
        used = {target[1] for target in targets(path) if target[0] == "ops"}
        allowed = {operation, "common", *BUILT_ON.get(operation, ())}
        assert used <= allowed, f"{path} imports {sorted(used)}"


def test_a_file_name_occurs_in_one_package_only() -> None:
    folders = defaultdict(set)
    for path in MODULES:
        operation = path.relative_to(SOURCE).parts[0] == "ops"
        if path.stem != "__init__" and not (operation and path.stem in FILES_OF_AN_OPERATION):
            folders[path.stem].add(name_of(path.parent))
    assert not {name: sorted(where) for name, where in folders.items() if len(where) > 1}


def test_a_public_class_name_occurs_in_one_module_only() -> None:
    modules = defaultdict(set)
    for path in MODULES:
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].add(name_of(path))
    assert not {name: sorted(where) for name, where in modules.items() if len(where) > 1}


def test_no_file_is_too_long() -> None:
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name for name, count in lines.items() if count > MOST_LINES} == LONG_FILES


def test_no_function_is_too_long() -> None:
    found = set()
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION:
                    found.add(f"{name_of(path)}:{node.name}")
    assert found == LONG_FUNCTIONS


def test_the_test_folders_mirror_the_packages() -> None:
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    folders.discard(Path("docs"))  # tests of the documents
    assert [str(folder) for folder in folders if not (SOURCE / folder).is_dir()] == []


@every_module
def test_extras_are_not_imported_at_the_top_level(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path, top_level_only=True)} & EXTRAS


def test_importing_cdfi_or_its_command_line_loads_no_heavy_library() -> None:
    heavy = "torch numba av PIL matplotlib cv2".split()
    code = f"import cdfi, cdfi.cli.main, sys; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_torch_load_never_unpickles_code() -> None:
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert safe.get("weights_only") == "True", path
