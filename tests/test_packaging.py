"""The container and the recipe agree with the project."""

import re
from typing import Any

import typer

from cdfi.cli.main import build
from tests.docs.markdown import ROOT, project

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
RECIPE = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
#: Names on conda-forge that differ from PyPI's.
CONDA_NAMES = {"torch": "pytorch"}


def test_the_container_installs_extras_that_exist() -> None:
    (extras,) = re.findall(r"'\.\[([\w,-]+)\]'", DOCKERFILE)
    assert {*extras.split(",")} <= project()["optional-dependencies"].keys()


def test_the_container_copies_files_that_exist_and_are_not_ignored() -> None:
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists()
            assert name in kept


def test_the_container_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users and users[-1] not in ("root", "0")


def test_the_command_of_the_container_has_options_that_exist() -> None:
    (words,) = re.findall(r"^CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    name, *rest = re.findall(r'"([^"]+)"', words)
    command: Any = typer.main.get_command(build([name]))
    command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
    default = {p.name: p.default for p in command.params}["port"]
    assert f"EXPOSE {default}" in DOCKERFILE
    assert rest[rest.index("--port") + 1] == str(default)


def test_the_recipe_has_the_version_and_the_requirements_of_the_project() -> None:
    assert f'version: "{project()["version"]}"' in RECIPE
    run = RECIPE.partition("  run:\n")[2].partition("\n\n")[0]
    found = dict(re.findall(r"- ([\w-]+) >=([\d.]+)", run))
    expected = dict(line.partition(";")[0].split(">=") for line in project()["dependencies"])
    expected = {CONDA_NAMES.get(name, name): bound for name, bound in expected.items()}
    assert found == {"python": project()["requires-python"].removeprefix(">="), **expected}
