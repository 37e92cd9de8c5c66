"""The files around the code agree with each other: workflows, versions, templates, release."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cdfi
from tests.docs.markdown import ROOT, project

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def pins(name: str) -> dict[str, str]:
    """Return package -> version of a constraints file."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", line)[0] for line in lines if "==" in line)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_make_targets_that_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"run: make ([\w-]+)", path.read_text(encoding="utf-8"))
    assert targets
    assert not [target for target in targets if f"\n{target}:" not in makefile]


def test_ci_checks_the_documentation() -> None:
    assert "make docs" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_oldest_constraints_are_the_lower_bounds_of_the_project() -> None:
    oldest = pins("constraints-oldest.txt")
    table, extras = project(), project()["optional-dependencies"]
    lists = [table["dependencies"], *(extras[name] for name in ("evaluation", "train"))]
    for requirement in (line for lines in lists for line in lines):
        name, bound = requirement.partition(";")[0].split(">=")
        version = oldest.get(name, "nothing")
        assert f"{version}.".startswith(f"{bound}."), (
            f"constraints-oldest.txt has {version}: {requirement}"
        )


def test_pre_commit_uses_the_ruff_of_the_constraints() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert (
        re.search(r"ruff-pre-commit\n\s+rev: v([\d.]+)", text)[1] == pins("constraints.txt")["ruff"]
    )


def test_issues_ask_for_the_environment() -> None:
    for name in ("bug.yml", "quality.yml"):
        text = (ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8")
        assert "cdfi info --environment" in text


def test_the_version_is_that_of_the_project_file() -> None:
    assert cdfi.__version__ == project()["version"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
def test_a_release_needs_a_tag_of_the_version() -> None:
    script = ["sh", str(ROOT / "tests" / "release_check.sh"), sys.executable]
    done = subprocess.run([*script, "v9.9.9"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "release-check: the tag is v9.9.9, but pyproject.toml has version"
    )
