"""Write one API page for each public package, from the names in its ``__all__``."""

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import ismodule, isroutine
from pathlib import Path
from typing import Any, NamedTuple

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

import cdfi

SOURCE = Path(cdfi.__file__).parent
FOLDER = "api"


class Package(NamedTuple):
    """A package with public names."""

    name: str  # "cdfi.video"
    summary: str  # the first line of its docstring


def packages() -> Iterator[Package]:
    """Yield the packages below ``cdfi`` that define ``__all__``, in alphabetical order."""
    for path in sorted(SOURCE.glob("*/__init__.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            summary = (ast.get_docstring(tree) or "").partition("\n")[0]
            yield Package(f"cdfi.{path.parent.name}", summary)


def home(package: str, name: str) -> str:
    """Return the module that defines ``package.name``, following ``from ... import``."""
    tree = ast.parse(Path(str(import_module(package).__file__)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in {a.asname or a.name for a in node.names}:
            relative = "." * node.level + (node.module or "")
            return import_module(relative, package).__name__ if node.level else str(node.module)
    return package


def exported(package: str) -> list[object]:
    """Return the objects that the ``__all__`` of a package names."""
    module = import_module(package)
    return [getattr(module, name) for name in module.__all__]


def elsewhere(package: str, found: object) -> str | None:
    """Return the public package that defines ``found``, if that is not ``package``."""
    owner = ".".join(str(getattr(found, "__module__", "")).split(".")[:2])
    if owner == package or owner not in {other.name for other in packages()}:
        return None
    return owner if any(found is public for public in exported(owner)) else None


def describe(package: str, name: str) -> list[str]:
    """Return the reStructuredText lines that document ``package.name``."""
    found = getattr(import_module(package), name)
    if (isinstance(found, type) or isroutine(found)) and (owner := elsewhere(package, found)):
        return [f"``{name}`` is :py:obj:`{owner}.{found.__name__}`.", ""]
    if isinstance(found, type):
        bases = {base.__name__ for base in found.__bases__} - {"object", "tuple", "Protocol"}
        options = ["   :members:", *(["   :show-inheritance:"] if bases else [])]
        return [f".. autoclass:: {name}", *options, ""]
    if isroutine(found):
        return [f".. autofunction:: {name}", ""]
    comments = ModuleAnalyzer.for_module(home(package, name)).find_attr_docs()
    text = comments.get(("", name), [])
    if isinstance(found, Mapping):
        text = [*text, "", "Keys: " + ", ".join(f"``{key}``" for key in found) + "."]
    elif len(repr(found)) < 200:
        text = [*text, "", f"``{found!r}``"]
    return [f".. py:data:: {name}", "", *(f"   {line}" for line in text), ""]


def page(package: Package) -> str:
    """Return the text of a package's page."""
    names = import_module(package.name).__all__
    lines = [package.name, "=" * len(package.name), "", f".. automodule:: {package.name}", ""]
    lines += [f".. currentmodule:: {package.name}", ""]
    for name in names:
        lines += describe(package.name, name)
    return "\n".join(lines)


def row(name: str) -> list[str]:
    """Return the row of ``cdfi.name`` in the table of top-level names."""
    found = getattr(cdfi, name)
    for package in packages():
        if found is getattr(import_module(package.name), name, None):
            return [
                f"   * - :py:obj:`cdfi.{name} <{package.name}.{name}>`",
                f"     - {first(found)}",
            ]
    return [f"   * - ``cdfi.{name}``", f"     - {first(found)}"]


def first(found: object) -> str:
    """Return the first line of a docstring; nothing for plain data."""
    documented = isinstance(found, type) or isroutine(found) or ismodule(found)
    return ((found.__doc__ or "") if documented else "").strip().partition("\n")[0]


def top_page() -> str:
    """Return the text of the page of the top-level names, which link to their packages."""
    head = ["cdfi", "====", "", str(cdfi.__doc__), "", ".. list-table::", "   :widths: 35 65", ""]
    return "\n".join([*head, *(line for name in cdfi.__all__ for line in row(name)), ""])


def write(app: Sphinx) -> None:
    """Write all pages; a page whose text is unchanged is left alone."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    pages = {"cdfi": top_page()} | {package.name: page(package) for package in packages()}
    for stale in {p.stem for p in folder.glob("*.rst")} - set(pages):
        (folder / f"{stale}.rst").unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def clean(*event: Any) -> None:
    """Drop the docstrings that Python gives the fields of a NamedTuple."""
    lines: list[str] = event[-1]
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("builder-inited", write)
    app.connect("autodoc-process-docstring", clean)
    return {"parallel_read_safe": True}
