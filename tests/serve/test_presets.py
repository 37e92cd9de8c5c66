"""The page offers the named sets of options that the command line ships."""

from typing import TYPE_CHECKING

from cdfi.cli.option_presets import SHIPPED, read_presets
from cdfi.serve.job_options import read_options

if TYPE_CHECKING:
    from starlette.testclient import TestClient


def test_the_server_names_the_shipped_sets_and_takes_their_options(client: "TestClient") -> None:
    offered = client.get("/api/about").json()["presets"]
    assert offered == {name: found.options for name, found in read_presets(SHIPPED).items()}
    for options in offered.values():
        assert read_options(options)
