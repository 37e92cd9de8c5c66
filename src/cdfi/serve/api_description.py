"""The description of the API in the form of OpenAPI 3.1, made from its routes.

``python -m cdfi.serve.api_description`` prints it; ``page/openapi.json`` is that text.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from starlette.routing import Route

from cdfi.serve.job_options import OPTIONS

Schema = dict[str, Any]
TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def _query(name: str, text: str, schema: Schema, required: bool = False) -> Schema:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": text,
        "schema": schema,
    }


_SOURCE_QUERY = [
    _query("file", "Id of an upload; repeat it for several images.", TEXT),
    _query("path", "Path below the root folder, with slashes.", TEXT),
]
_WORKER = _query("worker", "Name of the worker.", TEXT, True)
_START = [_query("start", "Second of the result at which the comparison starts.", WHOLE)]
#: Method and path -> parameters of the query.
QUERIES: dict[str, list[Schema]] = {
    "post /api/files": [
        _query("name", "What the file is called; never used as a path.", TEXT, True),
        _query("size", "Bytes of the whole file; by default those of the body.", WHOLE),
    ],
    "patch /api/files/{id}": [_query("offset", "Bytes that have arrived.", WHOLE, True)],
    "get /api/browse": [_query("path", "Path of a folder below the root folder.", TEXT)],
    "get /api/facts": _SOURCE_QUERY,
    "get /api/thumbnails": _SOURCE_QUERY,
    "get /api/still": [*_SOURCE_QUERY, _query("at", "Seconds after the first frame.", NUMBER)],
    "delete /api/work/{id}/claims": [
        _WORKER,
        _query("number", "Number of the segment.", WHOLE, True),
    ],
    "get /api/work/{id}/segments/{number}": [_WORKER],
    "patch /api/work/{id}/segments/{number}": [
        _WORKER,
        _query("offset", "Bytes that have arrived.", WHOLE, True),
    ],
    "put /api/work/{id}/segments/{number}": [_WORKER],
    "get /api/jobs/{id}/compare": _START,
    "get /api/jobs/{id}/compare.mp4": _START,
}
_JOB_BODY = {"$ref": "#/components/schemas/JobRequest"}
_BYTES = {"type": "string", "format": "binary"}
_OWNER = {
    "type": "object",
    "description": "The worker: a name that no other one has, and the process.",
    "properties": {
        **dict.fromkeys(("worker", "host", "system"), TEXT),
        "process": WHOLE,
        "started": NUMBER,
    },
}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


#: Method and path -> type and schema of the body.
BODIES: dict[str, tuple[str, Schema]] = {
    "post /api/files": ("application/octet-stream", _BYTES),
    "patch /api/files/{id}": ("application/octet-stream", _BYTES),
    "post /api/plan": ("application/json", _JOB_BODY),
    "post /api/jobs": ("application/json", _JOB_BODY),
    "post /api/work/{id}/claims": (
        "application/json",
        _object(
            owner=_OWNER,
            number=WHOLE,
            repeat={"type": "boolean", "description": "A second claim, on a slow segment."},
            take_over={"type": "boolean", "description": "Also if its worker is gone."},
        ),
    ),
    "put /api/work/{id}/claims": (
        "application/json",
        _object(owner=_OWNER, numbers={"type": "array", "items": WHOLE}),
    ),
    "patch /api/work/{id}/segments/{number}": ("application/octet-stream", _BYTES),
    "put /api/work/{id}/segments/{number}": (
        "application/json",
        _object(
            size=WHOLE,
            digest={"type": "string", "description": "SHA-256 of the file."},
            times={"type": "array", "items": WHOLE, "description": "Of its frames, in ticks."},
            counts={"type": "object", "additionalProperties": WHOLE},
            seconds=NUMBER,
        ),
    ),
    "post /api/jobs/{id}/move": (
        "application/json",
        {
            "type": "object",
            "properties": {"before": {"type": ["string", "null"], "description": "Id of a job."}},
        },
    ),
}
#: Method and path -> type of the answer, if it is not JSON.
ANSWERS = {
    "get /api/thumbnails": "image/jpeg",
    "get /api/still": "image/jpeg",
    "get /api/jobs/{id}/live": "image/jpeg",
    "get /api/jobs/{id}/result": "application/octet-stream",
    "get /api/jobs/{id}/compare.mp4": "video/mp4",
    "get /api/events": "text/event-stream",
    "get /api/work/{id}/source": "application/octet-stream",
}
CREATED = ("post /api/files", "post /api/jobs")


def describe_api(routes: Sequence[Route]) -> Schema:
    """Return the description of ``routes``, those of the page left out."""
    paths: dict[str, Schema] = {}
    for route in routes:
        if route.path.startswith("/api/"):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                operation = _operation(f"{method.lower()} {route.path}", route)
                paths.setdefault(route.path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "cdfi serve", "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": {"JobRequest": _job_request(), "Error": _error()}},
    }


def _operation(key: str, route: Route) -> Schema:
    """Return the description of one method of a route; its summary is the docstring."""
    summary = (inspect.getdoc(route.endpoint) or "").partition("\n")[0]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters = in_path + QUERIES.get(key, [])
    kind = ANSWERS.get(key, "application/json")
    found: Schema = {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "201" if key in CREATED else "200": {
                "description": "Success",
                "content": {kind: {}},
            },
            "default": {
                "description": "An error, in one line",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if key in BODIES:
        body_kind, schema = BODIES[key]
        found["requestBody"] = {"content": {body_kind: {"schema": schema}}}
    return found


def _job_request() -> Schema:
    names = {"type": "array", "items": TEXT, "minItems": 1}
    options = {
        name: {
            **row.schema,
            "description": f"As {row.flag} of cdfi interpolate." if row.flag else "Suffix.",
        }
        for name, row in OPTIONS.items()
    }
    source = {
        "type": "object",
        "description": "Ids of uploads, or paths below the root folder: one of both.",
        "properties": {"files": names, "paths": names},
    }
    return {
        "type": "object",
        "required": ["source"],
        "additionalProperties": False,
        "properties": {
            "source": source,
            "options": {"type": "object", "additionalProperties": False, "properties": options},
            "in_place": {"type": "boolean", "description": "Write the result beside the source."},
            "preview": {"type": "boolean", "description": "Run the job before all others."},
        },
    }


def _error() -> Schema:
    return {"type": "object", "properties": {"error": TEXT}}


def text_of(routes: Sequence[Route]) -> str:
    """Return the description as the text of a file."""
    return json.dumps(describe_api(routes), indent=1) + "\n"


def main() -> None:
    """Print the description."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from cdfi.serve.app import build_app
    from cdfi.serve.serve_config import ServeConfig

    with TemporaryDirectory() as folder:
        sys.stdout.write(text_of(build_app(ServeConfig(Path(folder))).routes))


if __name__ == "__main__":
    main()
