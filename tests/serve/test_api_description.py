"""The OpenAPI file is in step with the routes and the options."""

import json
import re
from pathlib import Path
from typing import Any

from cdfi.serve.job_options import MODELS, OPTIONS, read_options
from cdfi.weights import BUNDLED
from tests.serve.api_calls import ANSWERS, BODIES, FOLDER, QUERIES, TestClient, text_of

FILE = FOLDER / "openapi.json"


def api_routes(client: TestClient) -> list[Any]:
    return [route for route in client.app.routes if route.path.startswith("/api/")]


def test_the_file_is_what_the_routes_say(client: TestClient) -> None:
    assert FILE.read_text() == text_of(client.app.routes), (
        "run: python -m cdfi.serve.api_description > src/cdfi/serve/page/openapi.json"
    )
    assert client.get("/openapi.json").json() == json.loads(FILE.read_text())


def test_the_tables_name_only_routes_that_exist(client: TestClient) -> None:
    keys = {f"{m.lower()} {route.path}" for route in api_routes(client) for m in route.methods}
    assert {*QUERIES, *BODIES, *ANSWERS} <= keys


def test_every_endpoint_has_a_summary(client: TestClient) -> None:
    paths = json.loads(FILE.read_text())["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len(operations) == sum(len(route.methods - {"HEAD"}) for route in api_routes(client))
    assert all(operation["summary"].endswith(".") for operation in operations)


def test_values_of_the_schemas_are_accepted() -> None:
    for name, row in OPTIONS.items():
        for value in [*row.schema.get("enum", []), *row.schema.get("examples", [])]:
            assert read_options({name: value}) == {name: value}


def test_the_models_of_the_page_are_those_of_the_catalog() -> None:
    assert {*MODELS} == {*BUNDLED}


def test_the_requests_in_the_guide_are_described() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    paths = re.findall(r"\$URL(/api/[^\"?]*)", guide)
    assert len(paths) >= 8
    known = {*json.loads(FILE.read_text())["paths"]}
    named = {re.sub(r"/(FILE|JOB)", "/{id}", path) for path in paths}
    assert {path.replace("/NUMBER", "/{number}") for path in named} <= known
