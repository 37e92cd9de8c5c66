"""Answers of the API: JSON, and errors as one line with a status."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MOST_JSON = 1 << 16  # bytes of a request's JSON


class ApiError(Exception):
    """A request that fails: its status and one line that says what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def answer(values: object, status: int = 200) -> Response:
    """Return ``values`` as JSON."""
    return JSONResponse(values, status, {"Cache-Control": "no-store"})


def failure(status: int, text: str) -> Response:
    """Return an error as JSON: ``{"error": text}``."""
    return answer({"error": text}, status)


async def on_error(request: Request, error: Exception) -> Response:
    """Return the answer for an ApiError; Starlette calls this."""
    assert isinstance(error, ApiError)
    return failure(error.status, str(error))


async def read_json(request: Request, most: int = MOST_JSON) -> dict[str, Any]:
    """Return the JSON object in the body of ``request``, of at most ``most`` bytes.

    Raises:
        ApiError: it is too long, or not an object.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ApiError(413, f"expected at most {most} bytes of JSON")
    try:
        values = json.loads(bytes(body) or b"{}")
    except (ValueError, RecursionError):
        raise ApiError(400, "expected JSON in the body of the request") from None
    if not isinstance(values, dict):
        raise ApiError(400, "expected a JSON object in the body of the request")
    return values
