"""``cdfi serve``: the web page."""

import webbrowser
from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from cdfi.cli.console import stdout
from cdfi.common.extras import need

Host = Annotated[str, Option(help="Address to listen on; others than 127.0.0.1 need a token.")]
Port = Annotated[int, Option(help="Port to listen on; 0 chooses a free one.", min=0, max=65535)]
Root = Annotated[
    Path | None,
    Option(help="Folder whose files can be used without an upload.", exists=True, file_okay=False),
]
Data = Annotated[
    Path | None, Option(help="Folder of uploads and jobs; by default in the user's data folder.")
]
Workers = Annotated[
    Literal["local", "external"],
    Option(help="external leaves the frames to cdfi work URL on other machines."),
]
Open = Annotated[bool, Option("--open", help="Open the page in a browser.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8377,
    root: Root = None,
    data: Data = None,
    workers: Workers = "local",
    open_page: Open = False,
) -> None:
    """Serve a web page that interpolates videos and images, until Ctrl-C.

    Jobs run in processes of their own. They are kept in the data folder, and are offered again
    after a restart.

    Example: cdfi serve --open --root videos
    """
    for module in ("starlette", "uvicorn", "httptools"):
        need(module, "cdfi serve", "cdfi[web]")
    from cdfi.serve.serve_config import INTERPOLATE, ServeConfig, is_loopback
    from cdfi.serve.server import run_server
    from cdfi.serve.token_file import kept_token

    folder = (data or _data_folder()).absolute()
    config = ServeConfig(
        data=folder,
        root=None if root is None else root.absolute(),
        host=host,
        interpolate=(*INTERPOLATE, f"--workers={workers}"),
        token=None if is_loopback(host) else kept_token(folder),
    )

    def on_ready(url: str) -> None:
        stdout.print(f"cdfi serve: {url} (Ctrl-C stops it)")
        if open_page:
            webbrowser.open(url)

    run_server(config, port, on_ready)


def _data_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("cdfi", appauthor=False) / "serve"
