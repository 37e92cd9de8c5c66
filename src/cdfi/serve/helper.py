"""The helper process: answers requests, one line of JSON each, about media files and plans.

PyAV and PyTorch are loaded here instead of in the server, and a file that crashes a decoder ends
only this process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TextIO

#: Method -> module and function.
METHODS = {
    "facts": "cdfi.serve.media_facts:facts",
    "thumbnails": "cdfi.serve.stills:write_thumbnails",
    "still": "cdfi.serve.stills:write_still",
    "plan": "cdfi.serve.plans:plan",
    "compare": "cdfi.serve.proxies:write_proxy",
}


def main() -> None:
    """Answer the requests on stdin until it ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(
        sys.stderr.fileno(), sys.stdout.fileno()
    )  # so that libraries do not print among the answers
    for line in sys.stdin:
        _write(answers, respond(line))


def respond(line: str) -> dict[str, Any]:
    """Return the answer to a request: ``{"result": ...}`` or ``{"error": text}``."""
    request = json.loads(line)
    try:
        return {"result": _function(request["method"])(**request["values"])}
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        known = isinstance(error, (ValueError, OSError, MemoryError))
        return {"error": text if known else f"unexpected {type(error).__name__}: {text}"}


def _function(method: str) -> Callable[..., Any]:
    module, _, name = METHODS[method].partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _write(file: TextIO, values: dict[str, Any]) -> None:
    file.write(f"{json.dumps(values)}\n")
    file.flush()


if __name__ == "__main__":
    main()
