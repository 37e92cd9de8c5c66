"""The nodes with ComfyUI's own modules: ``make test-comfyui COMFYUI=FOLDER``."""

import inspect
import io
import os
import shutil
import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
import torch

from cdfi.plugins import comfyui
from cdfi.plugins.comfyui import InterpolateImages, InterpolateVideo
from tests.plugins.comfyui_files import MeanInterpolator, streams
from tests.video.video_clips import Clip, write_clip

FOLDER = os.environ.get("COMFYUI", "")
COUNT, RATE = 25, 25  # one second
BT709 = (1, 1, 1, 1)  # matrix, primaries, transfer, range
if not FOLDER:
    pytest.skip("COMFYUI is not the folder of a ComfyUI", allow_module_level=True)


@pytest.fixture(scope="module")
def modules() -> Iterator[SimpleNamespace]:
    """ComfyUI's modules, on the CPU."""
    arguments = sys.argv
    sys.path.append(FOLDER)
    sys.argv = ["main.py", "--cpu"]
    try:
        import_module("comfy.options").enable_args_parsing()
        yield SimpleNamespace(
            utils=import_module("comfy.utils"),
            management=import_module("comfy.model_management"),
            folders=import_module("folder_paths"),
            api=import_module("comfy_api.latest"),
        )
    finally:
        sys.argv = arguments
        sys.path.remove(FOLDER)


@pytest.fixture
def comfy(
    modules: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """ComfyUI with a temporary folder and a record of its progress bar."""
    monkeypatch.setattr(modules.folders, "temp_directory", str(tmp_path / "temp"))
    monkeypatch.setattr(comfyui, "_interpolator", lambda model, device: MeanInterpolator())
    progress: list[tuple[int, int]] = []
    modules.utils.set_progress_bar_global_hook(
        lambda value, total, preview, node_id=None: progress.append((value, total))
    )
    yield SimpleNamespace(**vars(modules), progress=progress, temp=tmp_path / "temp")
    modules.utils.set_progress_bar_global_hook(None)
    modules.management.interrupt_current_processing(False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "in.mp4"
    return write_clip(path, Clip(COUNT, pix_fmt="yuv420p10le", colour=BT709, audio=True))


def interpolated(video: Any) -> Any:
    """The VIDEO at twice the rate, as the node returns it."""
    (result,) = InterpolateVideo().interpolate(video, 2, "default")
    return result


def frames_and_kinds(path: Any) -> tuple[int, list[str]]:
    """Return the frames of a file and the kinds of its streams."""
    frames, _, kinds = streams(str(path))
    return frames, kinds


def closest(image: torch.Tensor, images: torch.Tensor) -> int:
    """Return the number of the image that differs least."""
    return int((images - image).abs().flatten(1).mean(1).argmin())


def video_from_file(comfy: SimpleNamespace, path: Any, **settings: Any) -> Any:
    """A VIDEO of a file; skip if this version of ComfyUI does not have a setting."""
    kind = comfy.api.InputImpl.VideoFromFile
    if missing := set(settings) - set(inspect.signature(kind).parameters):
        pytest.skip(f"this ComfyUI has no {', '.join(missing)} of a VIDEO")
    return kind(path, **settings)


def test_a_video_of_a_file_keeps_its_sound_its_depth_and_its_colours(
    comfy: SimpleNamespace, clip: Path
) -> None:
    result = interpolated(video_from_file(comfy, str(clip)))
    assert isinstance(result, comfy.api.Input.Video)
    components = result.get_components()
    assert len(components.images) == 2 * COUNT - 1
    assert components.audio is not None
    with av.open(result.get_stream_source()) as container:
        (stream,) = container.streams.video
        assert stream.format.name == "yuv420p10le"
        found = stream.codec_context
        colours = (found.colorspace, found.color_primaries, found.color_trc, found.color_range)
        assert colours == BT709
    assert list(comfy.temp.iterdir()) == [Path(result.get_stream_source())]


def test_a_result_can_be_saved_by_the_host(
    comfy: SimpleNamespace, clip: Path, tmp_path: Path
) -> None:
    result = interpolated(video_from_file(comfy, str(clip)))
    result.save_to(str(tmp_path / "saved.mp4"), metadata={"prompt": {"1": "node"}})
    assert frames_and_kinds(tmp_path / "saved.mp4") == (2 * COUNT - 1, ["video", "audio"])


@pytest.mark.parametrize("times", [(0.4, 0.4), (0.4, 0.0), (0.0, 0.4)])
def test_only_the_trimmed_part_is_interpolated(
    comfy: SimpleNamespace, clip: Path, times: tuple[float, float]
) -> None:
    start, duration = times
    video = video_from_file(comfy, str(clip), start_time=start, duration=duration)
    expected = video.get_components().images
    result = interpolated(video)
    found = result.get_components().images
    assert len(found) // 2 in (len(expected), len(expected) - 1)  # with a frame after the last
    assert [closest(image, expected) for image in found[::2]] == list(range(len(expected)))
    assert abs(result.get_duration() - video.get_duration()) < 1 / RATE


def test_only_the_cropped_part_is_interpolated(comfy: SimpleNamespace, clip: Path) -> None:
    result = interpolated(video_from_file(comfy, str(clip), crop=(8, 8, 32, 24)))
    assert result.get_dimensions() == (32, 24)
    assert result.get_frame_count() == 2 * COUNT - 1


def test_a_video_in_memory_is_interpolated(comfy: SimpleNamespace, clip: Path) -> None:
    result = interpolated(video_from_file(comfy, io.BytesIO(clip.read_bytes())))
    assert frames_and_kinds(result.get_stream_source()) == (2 * COUNT - 1, ["video", "audio"])


def test_a_video_of_images_is_interpolated(comfy: SimpleNamespace) -> None:
    components = comfy.api.Types.VideoComponents(
        images=torch.rand(3, 48, 64, 3), audio=None, frame_rate=Fraction(RATE)
    )
    result = interpolated(comfy.api.InputImpl.VideoFromComponents(components))
    assert frames_and_kinds(result.get_stream_source()) == (5, ["video"])


def test_progress_is_shown_up_to_the_end(comfy: SimpleNamespace, clip: Path) -> None:
    interpolated(video_from_file(comfy, str(clip)))
    values = [value for value, _ in comfy.progress]
    assert values == sorted(values)
    assert comfy.progress[-1] == (2 * COUNT - 1, 2 * COUNT - 1)


def test_an_interruption_stops_and_leaves_nothing(comfy: SimpleNamespace, clip: Path) -> None:
    comfy.management.interrupt_current_processing(True)
    with pytest.raises(comfy.management.InterruptProcessingException):
        interpolated(video_from_file(comfy, str(clip)))
    assert list(comfy.temp.iterdir()) == []


def test_a_batch_of_images_is_interpolated_and_can_be_interrupted(comfy: SimpleNamespace) -> None:
    images = torch.rand(3, 6, 8, 3)
    (result,) = InterpolateImages().interpolate(images, 2, "default")
    assert torch.equal(result[::2], images)
    assert comfy.progress[-1] == (2, 2)
    comfy.management.interrupt_current_processing(True)
    with pytest.raises(comfy.management.InterruptProcessingException):
        InterpolateImages().interpolate(images, 2, "default")


def test_the_network_is_put_on_the_device_of_the_host(
    comfy: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices: list[str] = []

    def interpolator(model: str, device: str) -> MeanInterpolator:
        devices.append(device)
        return MeanInterpolator()

    monkeypatch.setattr(comfyui, "_interpolator", interpolator)
    InterpolateImages().interpolate(torch.rand(2, 6, 8, 3), 2, "default")
    assert devices == ["cpu"]


def test_a_damaged_video_is_an_error_that_names_it(
    comfy: SimpleNamespace, clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.mkv"
    shutil.copy(clip, path)
    video = video_from_file(comfy, str(path))
    path.write_bytes(b"nonsense")
    with pytest.raises((ValueError, OSError), match=r"cut\.mkv"):
        interpolated(video)
