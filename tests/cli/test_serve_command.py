"""``cdfi serve``: its messages, its token, and what its process loads."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs the extra web: pip install 'cdfi[web]'")

from cdfi.cli.main import main
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.server import url_of
from cdfi.serve.token_file import kept_token


def test_a_port_in_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status = main(["serve", "--port", str(port), "--data", str(tmp_path / "data")])
    assert status == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_root_that_does_not_exist_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--root", str(tmp_path / "missing")]) == 2
    assert "missing" in capsys.readouterr().err


def test_a_host_that_does_not_exist_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--host", "no.such.host.invalid", "--data", str(tmp_path)]) == 1
    assert "--host no.such.host.invalid" in capsys.readouterr().err


def test_the_token_stays_the_same_and_is_private(tmp_path: Path) -> None:
    token = kept_token(tmp_path)
    assert kept_token(tmp_path) == token
    assert re.fullmatch(r"[\w-]{32}", token)
    if sys.platform != "win32":
        assert (tmp_path / "token").stat().st_mode & 0o077 == 0
    for content in (b"damaged", b"\xff" * 32):
        (tmp_path / "token").write_bytes(content)
        assert re.fullmatch(r"[\w-]{32}", kept_token(tmp_path))
        assert kept_token(tmp_path) != token


def test_the_url_holds_the_token_and_an_address_of_version_6(tmp_path: Path) -> None:
    assert url_of(ServeConfig(tmp_path), 8377) == "http://127.0.0.1:8377/"
    other = ServeConfig(tmp_path, host="::1", token="secret")
    assert url_of(other, 80) == "http://[::1]:80/?token=secret"


def test_the_server_loads_no_heavy_library() -> None:
    heavy = "torch numba av PIL numpy".split()
    code = f"import sys, cdfi.serve.server; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    from cdfi.serve.service import Service

    first = Service(ServeConfig(tmp_path))
    with pytest.raises(BlockingIOError, match="used by another server"):
        Service(ServeConfig(tmp_path))
    first._lock.release()
