"""Run the application with uvicorn on a socket of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from cdfi.serve.app import build_app
from cdfi.serve.serve_config import ServeConfig

GRACE = 1  # seconds that open connections get when the server stops
BACKLOG = 256
MOST_CONNECTIONS = 512


def run_server(config: ServeConfig, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Args:
        config: of the server.
        port: 0 chooses a free one.
        on_ready: called with the URL before the first request is accepted.

    Raises:
        OSError: the address cannot be used.
    """
    with listen(config.host, port) as listener:
        app = build_app(config)
        settings = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            log_level="critical",
            access_log=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=GRACE,
        )
        on_ready(url_of(config, listener.getsockname()[1]))
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        OSError: the address is in use, or not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise OSError(f"--host {host}: {error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(
            f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port"
        ) from None
    return listener


def url_of(config: ServeConfig, port: int) -> str:
    """Return the URL of the page, with the token if there is one."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    name = {"0.0.0.0": socket.gethostname(), "[::]": socket.gethostname()}.get(host, host)
    return f"http://{name}:{port}/" + (f"?token={config.token}" if config.token else "")
