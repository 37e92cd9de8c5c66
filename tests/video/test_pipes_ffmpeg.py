"""The pipe of the documentation, from ffmpeg through cdfi to ffmpeg."""

import os
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.docs.markdown import ROOT
from tests.video.video_clips import Clip, write_clip

pytestmark = pytest.mark.slow  # a process that compiles the kernels
COUNT = 6


def ffmpeg() -> str:
    """Return the path of ffmpeg: the system's, or that of the package imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found is None:
        package = pytest.importorskip("imageio_ffmpeg", reason="ffmpeg is not installed")
        found = str(package.get_ffmpeg_exe())
    return found


@pytest.mark.skipif(os.name == "nt", reason="the command is for a POSIX shell")
def test_the_command_of_the_documentation_doubles_the_rate_and_keeps_the_sound(
    tmp_path: Path,
) -> None:
    page = (ROOT / "docs" / "integrations.md").read_text("utf-8")
    (command,) = re.findall(r"^\$ (ffmpeg .* \| cdfi .* \| ffmpeg .*)$", page, re.MULTILINE)
    rate = Fraction(30000, 1001)
    write_clip(tmp_path / "film.mkv", Clip(COUNT, rate=rate, audio=True))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ffmpeg").symlink_to(ffmpeg())
    script = programs / "cdfi"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cdfi.cli.main "$@"\n')
    script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, check=True, timeout=600)
    with av.open(str(tmp_path / "smooth.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert abs(container.streams.video[0].average_rate - 2 * rate) < Fraction(1, 20)
        assert sum(1 for _ in container.decode(video=0)) == 2 * COUNT - 1
