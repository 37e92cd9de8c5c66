"""The first two commands of the README work in a fresh clone, in an empty environment."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, commands


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_first_two_commands_of_the_readme_work_in_a_fresh_clone(tmp_path: Path) -> None:
    clone, empty = tmp_path / "clone", tmp_path / "empty"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    venv.create(empty, with_pip=True)
    programs = empty / ("Scripts" if sys.platform == "win32" else "bin")
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    environment.pop("PYTHONPATH", None)
    for words in list(commands(ROOT / "README.md"))[:2]:
        program = shutil.which(words[0], path=path)
        assert program is not None
        done = subprocess.run(
            [program, *words[1:]], cwd=clone, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (clone / "demo" / "interpolated.mp4").is_file()
