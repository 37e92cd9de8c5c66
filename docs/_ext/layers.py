"""Draw the packages of cdfi in rows: a package imports only from the rows below it.

``python docs/_ext/layers.py`` prints the same as text.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SOURCE = Path(__file__).parents[2] / "src" / "cdfi"
FOLDER = "_generated"
WIDTH, ROW, GAP = 760, 56, 8  # of the picture, of a row, between boxes; in pixels

Graph = dict[str, set[str]]


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of what a module imports, at any depth of its code."""
    package = ["cdfi", *path.relative_to(SOURCE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *filter(None, [node.module])])


def graph(folder: Path = SOURCE) -> Graph:
    """Return which packages each package directly in ``folder`` imports, itself left out."""
    prefix = ".".join(["cdfi", *folder.relative_to(SOURCE).parts, ""])
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    found: Graph = {}
    for package in sorted(packages):
        names = {name for path in (folder / package).rglob("*.py") for name in imported(path)}
        used = {
            name.removeprefix(prefix).split(".")[0] for name in names if name.startswith(prefix)
        }
        found[package] = (used & packages) - {package}
    return found


def heights(edges: Graph) -> dict[str, int]:
    """Return each package's longest chain of imports down to a package without any."""
    known: dict[str, int] = {}

    def height(package: str, above: tuple[str, ...] = ()) -> int:
        if package in above:
            raise ValueError(f"a circle of imports: {' -> '.join([*above, package])}")
        if package not in known:
            below = [height(other, (*above, package)) for other in edges[package]]
            known[package] = 1 + max(below, default=-1)
        return known[package]

    return {package: height(package) for package in edges}


def reduced(edges: Graph) -> Graph:
    """Return the imports that no chain of other imports implies."""
    reach: Graph = {}
    for package in sorted(edges, key=heights(edges).__getitem__):
        reach[package] = edges[package].union(*(reach[other] for other in edges[package]))
    implied = {p: {far for near in edges[p] for far in reach[near]} for p in edges}
    return {package: edges[package] - implied[package] for package in edges}


def summary(package: str) -> str:
    """Return the first line of a package's docstring."""
    text = (SOURCE / package / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def box(name: str, below: set[str], left: float, top: float, width: float) -> str:
    """Return the SVG of one package: its name and the nearest packages it imports."""
    middle, used = left + width / 2, ", ".join(sorted(below))
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{ROW - GAP}" rx="6" '
        'fill="#eef3fb" stroke="#4a72b0"/>'
        f'<text x="{middle:.0f}" y="{top + 21:.0f}" font-size="17" fill="#1b2b44">{name}</text>'
        f'<text x="{middle:.0f}" y="{top + 38:.0f}" font-size="12" fill="#5a6b85">{used}</text>'
    )


def svg(edges: Graph) -> str:
    """Return the picture as SVG: one row for each height, the highest at the top."""
    height, nearest = heights(edges), reduced(edges)
    levels = range(max(height.values()), -1, -1)
    boxes = []
    for row, level in enumerate(levels):
        names = [package for package in sorted(edges) if height[package] == level]
        step = WIDTH / len(names)
        boxes += [
            box(name, nearest[name], index * step + GAP / 2, row * ROW + GAP / 2, step - GAP)
            for index, name in enumerate(names)
        ]
    size = f'viewBox="0 0 {WIDTH} {len(levels) * ROW}"'
    style = 'font-family="sans-serif" text-anchor="middle"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return "\n".join([head, *boxes, "</svg>\n"])


def downwards(edges: Graph) -> list[str]:
    """Return the packages from the top down."""
    height = heights(edges)
    return sorted(edges, key=lambda name: (-height[name], name))


def table(edges: Graph) -> str:
    """Return a Markdown table of the packages, and of the packages in them, from the top down."""
    rows = ["| package | what it holds | imports | packages in it |", "|---|---|---|---|"]
    for package in downwards(edges):
        used = ", ".join(sorted(edges[package])) or "nothing of cdfi"
        inner = ", ".join(downwards(graph(SOURCE / package)))
        rows.append(f"| `{package}` | {summary(package)} | {used} | {inner} |")
    return "\n".join(rows) + "\n"


def write(app: "Sphinx") -> None:
    """Write the picture and the table into the folder of generated files."""
    folder, edges = Path(app.srcdir) / FOLDER, graph()
    folder.mkdir(exist_ok=True)
    (folder / "layers.svg").write_text(svg(edges), encoding="utf-8")
    (folder / "layers.md").write_text(table(edges), encoding="utf-8")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the extension."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    print(table(graph()))
