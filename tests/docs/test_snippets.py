"""Code in the README and the guides runs, and its commands exist."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from cdfi.cli.main import build, main
from cdfi.cli.ray_address import fill_address
from tests.docs.markdown import GUIDES, ROOT, Block, blocks, commands, inline_commands, project
from tests.media import sliding, write_video

WITH_PYTHON = [path for path in GUIDES[1:] if blocks(path, "python")]  # the README is below
#: A word of a guide that stands for something else.
PLACEHOLDERS = {"...", "NAME", "FILE", "DIR", "RUN"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with the videos that the guides name."""
    for name in ("film.mp4", "in.mkv"):
        write_video(tmp_path / name, sliding(3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", WITH_PYTHON, ids=lambda path: path.name)
@pytest.mark.long
def test_python_of_a_page_runs(path: Path, folder: Path) -> None:
    images = list(sliding(3))
    names: dict[str, Any] = {"images": images, "frame0": images[0], "frame1": images[1]}
    for block in blocks(path, "python"):
        exec(compile(block.code, str(path), "exec"), names)


def test_the_first_python_of_the_readme_gives_a_video_and_a_frame(folder: Path) -> None:
    frame0, frame1 = sliding(2)
    names: dict[str, Any] = {"frame0": frame0, "frame1": frame1}
    (block,) = blocks(ROOT / "README.md", "python")
    exec(block.code, names)
    assert (folder / "smooth.mp4").is_file()
    assert names["middle"].shape == frame0.shape and names["middle"].dtype == np.uint8


@pytest.mark.long
def test_the_commands_of_the_readme_interpolate(folder: Path) -> None:
    found = [
        words for words in commands(ROOT / "README.md") if words[:2] == ["cdfi", "interpolate"]
    ]
    assert len(found) == 3
    for words in found:
        assert main([*words[1:], "--quiet"]) == 0
        assert (folder / words[words.index("-o") + 1]).is_file()


def options(words: list[str]) -> set[str]:
    """Return the options of the command that ``words`` name."""
    command: Any = typer.main.get_command(build(words))
    known = {"--help", "--debug", *(o for p in command.params for o in p.opts)}
    rest = list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
        known |= {o for p in command.params for o in [*p.opts, *p.secondary_opts]}
    passes_on = command.context_settings.get("ignore_unknown_options", False)
    return known | options(["interpolate"]) if passes_on else known


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_commands_of_a_page_have_options_that_exist(path: Path) -> None:
    for words in [*commands(path), *inline_commands(path)]:
        if words[0] == "cdfi":
            used = {
                word.partition("=")[0] for word in words[1:] if word.startswith("-") and word != "-"
            }
            assert used <= options(words[1:]), f"{path.name}: {shlex.join(words)}"


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_commands_of_a_page_parse(path: Path) -> None:
    for words in commands(path):
        if words[0] != "cdfi" or PLACEHOLDERS & {*words}:
            continue
        command: Any = typer.main.get_command(build(words[1:]))
        rest = fill_address(words[1:])
        while hasattr(command, "commands") and not rest[0].startswith("-"):
            command = command.commands[rest.pop(0)]
        try:
            command.make_context("cdfi", rest)
        except typer.Exit:  # --help and --version end here
            continue


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_scripts_targets_and_extras_of_a_page_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = project()["optional-dependencies"]
    for words in commands(path):
        if words[0] == "python" and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file(), shlex.join(words)
        if words[0] == "make":
            assert f"\n{words[1]}:" in makefile, shlex.join(words)
        if words[:2] == ["pip", "install"] and "[" in words[2]:
            assert words[2].partition("[")[2].rstrip("]") in extras, shlex.join(words)


def test_blocks_marked_as_not_run_are_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\na = 1\n```\n<!-- not run: no GPU -->\n```python\nb = 2\n```\n")
    assert blocks(page, "python") == [Block("python", "a = 1\n")]
