"""Render notebooks: their text, code and stored outputs become a page of Markdown.

No notebook is run. Outputs that are shown: printed text, PNG pictures, HTML.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Kind of an output -> Markdown of its content; the first kind that an output has is used.
SHOWN = {
    "text/html": "```{{raw}} html\n{}\n```".format,
    "image/png": '```{{raw}} html\n<img alt="output" src="data:image/png;base64,{}">\n```'.format,
    "text/plain": "```text\n{}\n```".format,
}


def markdown(text: str) -> str:
    """Return the JSON of a notebook as Markdown.

    Raises:
        ValueError: a cell has an error, or code without being run.
    """
    return "\n\n".join(part for cell in json.loads(text)["cells"] for part in _cell(cell)) + "\n"


def _cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"]).rstrip()
    if cell["cell_type"] == "markdown":
        return [source]
    if cell["execution_count"] is None:
        raise ValueError(f"a cell was not run: {source}")
    return [f"```python\n{source}\n```", *map(_output, cell["outputs"])]


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "error":
        raise ValueError(f"a cell failed: {output['evalue']}")
    data = output.get("data") or {"text/plain": output["text"]}
    kind = next(kind for kind in SHOWN if kind in data)
    return SHOWN[kind]("".join(data[kind]).strip())


def read(app: "Sphinx", name: str, content: list[str]) -> None:
    """Replace the JSON of a notebook by Markdown."""
    if app.env.doc2path(name).suffix == ".ipynb":
        content[0] = markdown(content[0])


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the extension."""
    app.add_source_suffix(".ipynb", "markdown")
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
