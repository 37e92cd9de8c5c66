"""The table of the guide that says what each container keeps, checked against real runs.

``CDFI_WRITE_TABLES=1 python -m pytest -m slow tests/video/test_container_table.py`` writes it anew.
"""

import os
import re
from pathlib import Path

import pytest

from tests.video.case_files import make

GUIDE = Path(__file__).parents[2] / "docs" / "video.md"
BEGIN, END = "<!-- containers: begin -->\n", "<!-- containers: end -->\n"
CONTAINERS = (".mp4", ".mov", ".mkv", ".webm", ".ts", ".gif", ".nut")
#: What is checked, the case that has it, and what a report says if it is lost.
PROPERTIES = (
    ("Sound (AAC), copied", "iphone.mov", r"audio stream"),
    ("Subtitles, SRT", "multi.mkv", r"subtitle stream"),
    ("Subtitles, QuickTime text", "multi.mp4", r"subtitle stream"),
    ("Attached fonts", "attc.mkv", r"attachment stream"),
    ("Cover picture", "attc.mkv", r"cover picture"),
    ("Chapters", "multi.mp4", r"chapters"),
    ("Title of the file", "multi.mp4", r"tag title(,|$)"),
    ("Names of tracks", "multi.mp4", r"tag title of stream|audio stream"),
    ("QuickTime tags of cameras", "iphone.mov", r"tag com\.apple\.quicktime"),
    ("Timecode", "tc.mov", r"tag timecode"),
    ("Rotation", "rot90.mp4", r"the rotation"),
    ("Pixel aspect ratio", "sarc.mp4", r"pixels of"),
    ("Alpha channel", "alpha.webm", r"alpha channel"),
    ("Spherical mapping", "sph.mkv", r"spherical mapping"),
    ("Full colour", "small.mp4", r"palette"),
    ("Start of the times", "small.mp4", r"start of its times"),
)


def table(folder: Path) -> str:
    """Interpolate each case into each container; return what the reports say, in Markdown."""
    lines = {
        (case, suffix): "\n".join(make(case, folder / f"{case}{suffix}").warnings)
        for case in sorted({case for _, case, _ in PROPERTIES})
        for suffix in CONTAINERS
    }
    rows = [["", *(f"`{suffix}`" for suffix in CONTAINERS)], ["---", *[":-:"] * len(CONTAINERS)]]
    for label, case, lost in PROPERTIES:
        found = (re.search(lost, lines[case, suffix], re.MULTILINE) for suffix in CONTAINERS)
        rows.append([label, *("no" if match else "yes" for match in found)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


@pytest.mark.slow
def test_the_guide_says_what_each_container_keeps(tmp_path):
    text = GUIDE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    written, after = rest.split(END)
    found = table(tmp_path)
    if os.environ.get("CDFI_WRITE_TABLES") == "1":
        GUIDE.write_text(before + BEGIN + found + END + after, encoding="utf-8")
    else:
        assert written == found
