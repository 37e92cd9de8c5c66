"""The page with a clip of the user's: CDFI_WEB_CLIP=film.mp4 make test-web."""

import os
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.serve.browser import add_clip, open_page, wait_for_estimate, wait_for_job
from tests.serve.server_process import run_server
from tests.serve.test_page import choose_part

PATIENCE = 1_800_000  # milliseconds
START, END = 1.0, 1.4  # seconds, so that a clip of 1080p is finished in minutes
CLIP = os.environ.get("CDFI_WEB_CLIP")


@pytest.mark.skipif(CLIP is None, reason="needs a clip of 2 s or more: set CDFI_WEB_CLIP")
def test_a_part_of_a_given_clip_goes_from_drop_to_download(browser: Any, tmp_path: Path) -> None:
    clip, result = Path(str(CLIP)), tmp_path / "result.mp4"
    with run_server(tmp_path / "data") as server, open_page(browser, server.url) as page:
        page.set_default_timeout(PATIENCE)
        add_clip(page, clip)
        choose_part(page, str(START), str(END))
        page.wait_for_selector("#estimate:has-text('→')")
        wait_for_estimate(page)
        before, after = map(int, re.findall(r"(\d+) → (\d+)", page.text_content("#estimate"))[0])
        page.click("#start")
        job = wait_for_job(page, "done")
        with page.expect_download() as download:
            job.get_by_text("Download").click()
        download.value.save_as(result)
        job.get_by_text("Compare").click()
        page.wait_for_selector(f"#frame-label:has-text('Frame 1 / {after}')")
    source, made = decoded(clip, START, END), decoded(result, 0, END)
    assert (len(source), len(made)) == (before, after)
    for number, frame in enumerate(source):  # source frames are kept, but for encoding
        assert psnr(frame, made[2 * number]) > 32
    assert kinds_of_streams(result) == kinds_of_streams(clip)


def decoded(path: Path, start: float, end: float) -> list[np.ndarray]:
    """The frames of a part, in RGB."""
    with av.open(str(path)) as container:
        frames = [x for x in container.decode(video=0) if start <= (x.time or 0) < end]
        return [frame.to_ndarray(format="rgb24") for frame in frames]


def kinds_of_streams(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [stream.type for stream in container.streams]


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """PSNR in dB of two 8-bit images."""
    error = np.mean((first.astype(float) - second) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
