"""The page with real jobs: from a dropped clip to a download, and the comparison."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.media import sliding, write_video
from tests.serve.browser import (
    add_clip,
    open_page,
    save_screenshot,
    wait_for_estimate,
    wait_for_job,
)
from tests.serve.server_process import RunningServer, run_server

DEMO = Path(__file__).parents[2] / "src/cdfi/cli/demo_clip.mp4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return write_video(folder / "root" / "clip.mp4", sliding(6, height=96, width=128))


@pytest.fixture(scope="module")
def server(folder: Path, clip: Path) -> Iterator[RunningServer]:
    with run_server(folder / "data", root=clip.parent) as running:
        yield running


def test_a_clip_goes_from_drop_to_download(
    browser: Any, server: RunningServer, clip: Path, folder: Path
) -> None:
    with open_page(browser, server.url) as page:
        add_clip(page, clip)
        wait_for_estimate(page)
        assert "6 → 11" in page.text_content("#estimate")
        page.click("label.chip:has(#rate-60)")
        page.wait_for_selector("#estimate:has-text('60 frames/s')")
        page.click("#start")
        job = wait_for_job(page, "done")
        assert "interpolated" in job.locator(".status").text_content()
        with page.expect_download() as download:
            job.get_by_text("Download").click()
        assert download.value.suggested_filename == "clip_60fps.mp4"
        download.value.save_as(folder / "downloaded.mp4")
        command = job.locator(".command").text_content()
    words = shlex.split(command)
    assert words[:2] == ["cdfi", "interpolate"]
    program = [sys.executable, "-m", "cdfi.cli.main", *words[1:]]
    subprocess.run(program, cwd=clip.parent, check=True, capture_output=True)
    by_command, downloaded = clip.parent / "clip_60fps.mp4", folder / "downloaded.mp4"
    assert by_command.read_bytes() == downloaded.read_bytes()


def test_a_preset_of_the_command_line_is_chosen(browser: Any, clip: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with run_server(data, stub="copy") as server, open_page(browser, server.url) as page:
        add_clip(page, clip)
        page.click("#preset-archive-lossless")
        page.click("#start")
        job = wait_for_job(page, "done")
        words = shlex.split(job.locator(".command").text_content())
    assert {"--factor=2", "--codec=ffv1", "--quality=lossless"} <= {*words}
    assert words[words.index("-o") + 1] == "clip_2x.mkv"


def test_a_file_of_the_folder_is_used_in_place(
    browser: Any, server: RunningServer, clip: Path
) -> None:
    with open_page(browser, server.url) as page:
        page.click("#browse")
        page.locator("#browser").get_by_role("button", name="clip.mp4").click()
        page.wait_for_selector(".source .facts")
        page.check("#beside")
        page.click("#start")
        page.wait_for_selector(".job >> text=Saved beside the source")
    assert (clip.parent / "clip_2x.mp4").is_file()


def pixels(page: Any, x: float, y: float) -> list[int]:
    """The colour at a point of the comparison, given as fractions of its size."""
    code = """([x, y]) => {
        const canvas = document.querySelector("canvas.screen");
        const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1];
        return [...canvas.getContext("2d").getImageData(...at).data.slice(0, 3)];
    }"""
    return page.evaluate(code, [x, y])


def test_the_divider_shows_the_source_on_its_left_and_the_result_on_its_right(
    browser: Any, folder: Path, clip: Path
) -> None:
    """The job's result is replaced by a negative of the source, so that they differ."""
    data = folder / "compared"
    with run_server(data, stub="copy") as server, open_page(browser, server.url) as page:
        add_clip(page, clip)
        page.click("#start")
        job = wait_for_job(page, "done")
        number = job.get_attribute("data-id")
        record = json.loads((data / "jobs" / number / "job.json").read_text())
        write_video(Path(record["target"]), 255 - sliding(6, height=96, width=128))
        job.get_by_text("Compare").click()
        page.wait_for_selector("#frame-label:has-text('Frame 1 / 6')")
        expected = sliding(6, height=96, width=128)
        assert_near(pixels(page, 0.25, 0.5), expected[0, 48, 32])
        assert_near(pixels(page, 0.75, 0.5), 255 - expected[0, 48, 96])
        page.locator("#split").fill("90")
        assert_near(pixels(page, 0.75, 0.5), expected[0, 48, 96])
        page.locator("#split").fill("10")
        assert_near(pixels(page, 0.25, 0.5), 255 - expected[0, 48, 32])
        page.click("#next")
        page.wait_for_selector("#frame-label:has-text('Frame 2 / 6')")
        assert_near(pixels(page, 0.25, 0.5), 255 - expected[1, 48, 32])
        assert "source frame" in page.text_content("#frame-label")
        page.click("label.chip:has(#view-side)")
        assert_near(pixels(page, 0.125, 0.5), expected[1, 48, 32])
        assert_near(pixels(page, 0.625, 0.5), 255 - expected[1, 48, 32])


def assert_near(found: Any, expected: Any) -> None:
    """Two colours agree but for what H.264 and its 4:2:0 change."""
    assert all(abs(int(a) - int(b)) <= 24 for a, b in zip(found, expected)), (found, expected)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [(b"this is no video", "wrong.mp4", "wrong.mp4"), (b"MZ", "program.exe", "expected a video")],
)
def test_a_wrong_file_is_named_in_a_message(
    browser: Any, server: RunningServer, content: bytes, name: str, message: str
) -> None:
    with open_page(browser, server.url) as page:
        file = {"name": name, "mimeType": "video/mp4", "buffer": content}
        page.set_input_files("#picker", [file])
        page.wait_for_selector(f".notice:has-text('{message}')")
        assert page.locator(".source").count() == 0


def test_the_page_reaches_no_other_origin(browser: Any, server: RunningServer) -> None:
    with open_page(browser, server.url) as page:
        code = "fetch('https://192.0.2.1/').then(() => 'reached', error => String(error))"
        blocked: list[str] = []
        page.on("console", lambda message: blocked.append(message.text))
        assert "TypeError" in page.evaluate(f"() => {code}")
        assert any("Content Security Policy" in text for text in blocked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_control_has_a_name_and_nothing_overflows(
    browser: Any, server: RunningServer, clip: Path, size: str, scheme: str
) -> None:
    with open_page(browser, server.url, scheme=scheme, size=size) as page:
        add_clip(page, clip)
        wait_for_estimate(page)
        page.click("summary")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        tree = page.locator("body").aria_snapshot()
        bare = [line for line in tree.splitlines() if line.strip() in BARE]
        assert bare == []
        assert page.evaluate(CONTRAST) == []


#: Lines of the accessibility tree of controls that have no name.
BARE = {
    f"- {role}" for role in ("button", "textbox", "combobox", "checkbox", "radio", "link", "slider")
}
#: Texts whose contrast with what is behind them is under 4.5 (WCAG 2, level AA).
CONTRAST = """() => {
    const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, number) => sum + v * [0.2126, 0.7152, 0.0722][number], 0);
    const behind = node => {
        for (let up = node; up; up = up.parentElement) {
            const colour = parse(getComputedStyle(up).backgroundColor);
            if (colour.length === 3 || colour[3] > 0.99) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        if (!own || !node.checkVisibility() || node.closest(".stale, :disabled, .skip")) continue;
        const [one, two] = [parse(getComputedStyle(node).color), behind(node)].map(light);
        const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        if (ratio < 4.5) found.push(`${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return found;
}"""


def test_a_clip_of_1080p_goes_from_drop_to_download(
    browser: Any, server: RunningServer, folder: Path
) -> None:
    large = write_video(folder / "large.mp4", sliding(3, height=1080, width=1920))
    with open_page(browser, server.url) as page:
        add_clip(page, large)
        wait_for_estimate(page)
        page.click("#start")
        job = page.locator(".job[data-state=done]:has-text('large.mp4')")
        with page.expect_download() as download:
            job.get_by_text("Download").click()
        download.value.save_as(folder / "large-result.mp4")
    with av.open(str(folder / "large-result.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.height) for frame in frames] == [(1920, 1080)] * 5


def choose_part(page: Any, start: str, end: str) -> None:
    """Choose a part of the clip on the scrubber, and wait for its frame."""
    position = page.locator(".scrubber input[type=range]")
    for value, name in ((start, "Start here"), (end, "End here")):
        position.fill(value)
        page.get_by_role("button", name=name).click()
    page.wait_for_selector(".still:not([hidden])")


def test_a_part_is_chosen_previewed_and_compared(
    browser: Any, server: RunningServer, clip: Path
) -> None:
    with open_page(browser, server.url) as page:
        add_clip(page, clip)
        choose_part(page, "0.08", "0.16")  # frames 2 and 3 of 6
        page.wait_for_selector("#estimate:has-text('2 → 4')")
        page.locator(".scrubber input[type=range]").fill("0")
        page.get_by_role("button", name="Preview 2 seconds").click()
        page.wait_for_selector("#frame-label:has-text('Frame 1 / 11')")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#frame-label:has-text('interpolated')")


def test_two_images_are_interpolated_and_compared(
    browser: Any, server: RunningServer, folder: Path
) -> None:
    frames = sliding(2)
    paths = [folder / f"{number}.png" for number in range(2)]
    for path, frame in zip(paths, frames):
        Image.fromarray(frame).save(path)
    with open_page(browser, server.url) as page:
        page.set_input_files("#picker", [str(path) for path in paths])
        page.wait_for_selector(".source .facts:has-text('2 images')")
        page.click("#start")
        job = page.locator(".job:has-text('0.png + 1.png')")
        job.get_by_text("Compare").click()
        page.wait_for_selector("#frame-label:has-text('Frame 1 / 3')")


def test_the_states_of_the_page_are_pictured_for_the_docs(browser: Any, folder: Path) -> None:
    with run_server(folder / "pictured") as server:
        with open_page(browser, server.url) as page:
            add_clip(page, DEMO)
            choose_part(page, "0.2", "0.6")
            page.click("#start")
            page.wait_for_selector(".source", state="detached")
            add_clip(page, DEMO)
            choose_part(page, "0.4", "1.2")
            wait_for_estimate(page)
            page.wait_for_selector(".live:not([hidden])")
            save_screenshot(page, "page")
            wait_for_job(page, "done").get_by_text("Compare").click()
            page.wait_for_selector("#frame-label:has-text('Frame')")
            page.locator("#timeline").fill("11")
            page.wait_for_selector("#frame-label:has-text('Frame 12')")
            save_screenshot(page, "compare", full=False)
        with open_page(browser, server.url, scheme="dark") as page:
            page.get_by_text("Uploaded before").click()
            page.get_by_role("button", name="Use: demo_clip.mp4").first.click()
            wait_for_estimate(page)
            page.get_by_text("More options").click()
            save_screenshot(page, "dark")
        with open_page(browser, server.url, size="phone") as page:
            wait_for_job(page, "done")
            save_screenshot(page, "phone")
