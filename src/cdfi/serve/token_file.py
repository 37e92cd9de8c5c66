"""The token of a server that can be reached from elsewhere; it stays the same after a restart."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

NAME = "token"
_TOKEN = re.compile(r"[\w-]{32}")


def kept_token(data: Path) -> str:
    """Return the token in the data folder, after creating it if there is none.

    Only the user may read its file.

    Raises:
        OSError: the file cannot be read or written.
    """
    path = data / NAME
    data.mkdir(parents=True, exist_ok=True)
    if path.is_file() and _TOKEN.fullmatch(found := path.read_text("ascii", "replace").strip()):
        return found
    path.unlink(missing_ok=True)
    token = secrets.token_urlsafe(24)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        opened.write(token)
    return token
