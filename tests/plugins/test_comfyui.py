"""The nodes on the documented contract of ComfyUI: inputs, files, progress, interruption."""

import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from cdfi.plugins import comfyui
from cdfi.plugins.comfyui import InterpolateImages, InterpolateVideo
from tests.plugins.comfyui_files import MeanInterpolator, streams
from tests.video.video_clips import Clip, write_clip

COUNT = 5


class ProcessingInterruptedError(Exception):
    """What ComfyUI raises."""


class VideoFromFile:
    """The part of ComfyUI's VIDEO that the nodes use."""

    def __init__(
        self,
        file: str,
        duration: float = 0.2,
        size: tuple[int, int] = (64, 48),
        *,
        in_memory: bool = False,
    ) -> None:
        self.file, self.duration, self.size, self.in_memory = file, duration, size, in_memory
        self.saved = 0

    def get_stream_source(self) -> Any:
        return b"" if self.in_memory else self.file

    def get_dimensions(self) -> tuple[int, int]:
        return self.size

    def get_duration(self) -> float:
        return self.duration

    def save_to(self, path: str) -> None:
        self.saved += 1
        shutil.copy(self.file, path)


class TrimmedVideo(VideoFromFile):
    """A VIDEO of a version that returns the times of a trimmed one."""

    def get_active_trim_window(self) -> tuple[float, float]:
        return (0.04, self.duration)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A host whose progress and interruption a test can see and set."""
    state = SimpleNamespace(progress=[], interrupt_at=None, folder=tmp_path / "temp")

    class ProgressBar:
        def __init__(self, total: int) -> None:
            self.total = total

        def update_absolute(self, value: int, total: int | None = None) -> None:
            state.progress.append((value, total))

    def stop_if_interrupted() -> None:
        if state.interrupt_at is not None and len(state.progress) >= state.interrupt_at:
            raise ProcessingInterruptedError

    modules = {
        "comfy": {},
        "comfy.utils": {"ProgressBar": ProgressBar},
        "comfy.model_management": {
            "throw_exception_if_processing_interrupted": stop_if_interrupted,
            "get_torch_device": lambda: torch.device("cpu"),
        },
        "folder_paths": {"get_temp_directory": lambda: str(state.folder)},
        "comfy_api": {},
        "comfy_api.latest": {"InputImpl": SimpleNamespace(VideoFromFile=VideoFromFile)},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(__import__("sys").modules, name, module)
    monkeypatch.setattr(comfyui, "_interpolator", lambda model, device: MeanInterpolator())
    return state


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "in.mkv", Clip(COUNT, audio=True))


def test_a_video_becomes_a_video_with_its_sound(host: SimpleNamespace, clip: Path) -> None:
    (result,) = InterpolateVideo().interpolate(VideoFromFile(str(clip)), 2, "default")
    frames, rate, kinds = streams(result.file)
    assert (frames, rate, kinds) == (2 * COUNT - 1, 50, ["video", "audio"])
    assert Path(result.file).parent == host.folder
    assert list(host.folder.iterdir()) == [Path(result.file)]
    done, total = host.progress[-1]
    assert done == total == 2 * COUNT - 1


def test_the_times_of_a_trimmed_video_are_obeyed(host: SimpleNamespace, clip: Path) -> None:
    video = TrimmedVideo(str(clip), 0.12)
    (result,) = InterpolateVideo().interpolate(video, 2, "default")
    assert video.saved == 0
    assert streams(result.file)[0] == 2 * 3


@pytest.mark.parametrize("settings", [{"duration": 0.12}, {"size": (32, 48)}, {"in_memory": True}])
def test_a_video_that_is_no_plain_file_is_saved_first(
    host: SimpleNamespace, clip: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    mp4 = write_clip(tmp_path / "in.mp4", Clip(COUNT))
    video = VideoFromFile(str(mp4), **settings)
    (result,) = InterpolateVideo().interpolate(video, 2, "default")
    assert video.saved == 1
    assert streams(result.file)[0] == 2 * COUNT - 1


def test_a_rate_and_slow_motion_are_passed_on(host: SimpleNamespace, clip: Path) -> None:
    (result,) = InterpolateVideo().interpolate(
        VideoFromFile(str(clip)), 2, "default", fps=30.0, slow=2
    )
    assert streams(result.file)[1] == 30


def test_an_interruption_stops_and_leaves_nothing(host: SimpleNamespace, clip: Path) -> None:
    host.interrupt_at = 1
    with pytest.raises(ProcessingInterruptedError):
        InterpolateVideo().interpolate(VideoFromFile(str(clip)), 2, "default")
    assert list(host.folder.iterdir()) == []


def test_a_batch_of_images_grows_and_keeps_its_images(host: SimpleNamespace) -> None:
    images = torch.rand(3, 6, 8, 3)
    (result,) = InterpolateImages().interpolate(images, 4, "default")
    assert result.shape == (9, 6, 8, 3)
    assert torch.equal(result[::4], images)
    torch.testing.assert_close(result[1], torch.lerp(images[0], images[1], 0.25))
    assert host.progress == [(1, 2), (2, 2)]


def test_one_image_stays_one_image(host: SimpleNamespace) -> None:
    images = torch.rand(1, 6, 8, 3)
    (result,) = InterpolateImages().interpolate(images, 2, "default")
    assert torch.equal(result, images)


def test_a_batch_stops_when_it_is_interrupted(host: SimpleNamespace) -> None:
    host.interrupt_at = 1
    with pytest.raises(ProcessingInterruptedError):
        InterpolateImages().interpolate(torch.rand(4, 6, 8, 3), 2, "default")
    assert len(host.progress) == 1


def test_images_with_alpha_are_refused(host: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match=r"expected images \(T, H, W, 3\), got \(2, 6, 8, 4\)"):
        InterpolateImages().interpolate(torch.rand(2, 6, 8, 4), 2, "default")


def test_without_comfyui_the_error_names_it() -> None:
    with pytest.raises(ImportError, match="run inside ComfyUI"):
        InterpolateImages().interpolate(torch.rand(2, 6, 8, 3), 2, "default")


@pytest.mark.parametrize("name", comfyui.NODE_CLASS_MAPPINGS)
def test_a_node_has_what_the_contract_requires(name: str) -> None:
    node: Any = comfyui.NODE_CLASS_MAPPINGS[name]
    assert name in comfyui.NODE_DISPLAY_NAME_MAPPINGS
    inputs = node.INPUT_TYPES()
    named = {*inputs["required"], *inputs.get("optional", {})}
    code = getattr(node, node.FUNCTION).__code__
    assert named == {*code.co_varnames[1 : code.co_argcount]}
    assert isinstance(node.RETURN_TYPES, tuple) and isinstance(node.CATEGORY, str)
    assert inputs["required"]["model"][0][0] == "flow"
