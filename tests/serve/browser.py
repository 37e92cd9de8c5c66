"""A server process and a Chromium for tests of the page; ``make test-web`` runs them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

if os.environ.get("CDFI_WEB") != "1":
    pytest.skip("needs a browser: run make test-web", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install)")
pytest.importorskip("starlette", reason="needs the extra web: pip install 'cdfi[web]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Chromium", allow_module_level=True)

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()
PATIENCE = 300_000  # milliseconds; the first job compiles kernels
MOST_WIDTH = 900  # pixels of a picture for the docs
SIZES = {"desk": (1180, 820), "phone": (390, 844)}


@contextmanager
def open_page(
    browser: Any, url: str, *, scheme: str = "light", size: str = "desk"
) -> Iterator[Any]:
    """Open the page; errors of its scripts, and requests to other hosts, fail the test."""
    width, height = SIZES[size]
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.extend(_foreign(request.url, url)))
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector("#connection:has-text('Connected')")
    yield page
    context.close()
    assert errors == []


def _foreign(requested: str, url: str) -> list[str]:
    """The requested URL, if it is not on the server."""
    return [] if requested.startswith((url, "blob:", "data:")) else [requested]


def add_clip(page: Any, path: Path) -> None:
    """Upload a clip, and wait until its facts are shown."""
    before = page.locator(".source .facts").count()
    page.set_input_files("#picker", str(path))
    page.wait_for_selector(f".source .facts >> nth={before}")


def wait_for_estimate(page: Any) -> None:
    page.wait_for_selector("#estimate:not(.stale) dl")


def wait_for_job(page: Any, state: str, index: int = 0) -> Any:
    """The element of a job once it is in a state."""
    page.wait_for_selector(f".job[data-state={state}] >> nth={index}")
    return page.locator(f".job[data-state={state}]").nth(index)


def save_screenshot(page: Any, name: str, *, full: bool = True) -> None:
    """Save a picture for the docs in 256 colours, if CDFI_SCREENSHOTS names their folder."""
    folder = os.environ.get("CDFI_SCREENSHOTS")
    page.mouse.move(0, 0)
    page.evaluate("() => Promise.allSettled([...document.images].map(image => image.decode()))")
    content = page.screenshot(full_page=full, animations="disabled")
    if folder:
        picture = Image.open(BytesIO(content)).convert("RGB")
        picture.thumbnail((MOST_WIDTH, 10_000))
        palette = picture.quantize(256, Image.Quantize.MAXCOVERAGE)
        small = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        small.save(Path(folder) / f"serve-{name}.png", optimize=True)
