"""The images of ``cdfi interpolate``: two images, or a folder of images."""

from __future__ import annotations

from cdfi.cli.inputs import created
from cdfi.cli.interpolate_task import InterpolationTask, warn
from cdfi.common.image_numbers import images_of
from cdfi.video.images import check_images, interpolate_images
from cdfi.video.jobs.model import ModelSpec
from cdfi.video.options import Encoding, Options
from cdfi.video.writing.image_files import is_image


def two_images(task: InterpolationTask, options: Options, model: ModelSpec) -> None:
    """Interpolate two images to one."""
    if len(task.inputs) != 2 or not all(is_image(path) for path in task.inputs):
        raise ValueError(
            "expected two images, a folder of images, or videos; got "
            + ", ".join(str(path) for path in task.inputs)
        )
    if _factor(options) != 2:
        raise ValueError("two images give one: put them in a folder for a higher --factor")
    _check_options(task, options)
    first, second = task.inputs
    suffix = ".png" if first.suffix.lower() == ".dpx" else first.suffix
    target = task.output or first.with_name(f"{first.stem}_{second.stem}{suffix}")
    if task.mode == "plan":
        check_images(first, second, target, overwrite=task.overwrite)
    else:
        interpolate_images(
            first,
            second,
            target,
            model=model,
            hold=options.hold,
            black_bars=options.black_bars,
            overwrite=task.overwrite,
            on_warning=warn,
        )
    task.print_result({"target": str(target), "frames": 1, "interpolated": 1})


def image_folder(task: InterpolationTask, options: Options, model: ModelSpec) -> None:
    """Interpolate a folder of images to another."""
    from cdfi.cli.result_names import folder_beside
    from cdfi.video.image_folders import check_folder, image_count, interpolate_folder

    source, factor = task.inputs[0], _factor(options)
    _check_options(task, options)
    sources = len(images_of(source).paths)
    target = task.output or folder_beside(source, factor)
    if task.mode == "plan":
        images = check_folder(source, target, factor, overwrite=task.overwrite)
        numbers = images.numbers if options.fill_gaps else range(len(images.paths))
        count = image_count(numbers, factor)
    else:
        with task.progress(source.name) as show_progress, created(target.absolute().parent):
            count = interpolate_folder(
                source,
                target,
                model=model,
                factor=factor,
                fill_gaps=options.fill_gaps,
                hold=options.hold,
                black_bars=options.black_bars,
                overwrite=task.overwrite,
                progress=show_progress,
                on_warning=warn,
            )
    interpolated = count - sources
    task.print_result({"target": str(target), "frames": count, "interpolated": interpolated})


def _check_options(task: InterpolationTask, options: Options) -> None:
    """Raise ValueError for options that do not apply to images."""
    given = {
        "--codec, --quality, --crf, --preset, --pix-fmt, -x": options.encoding != Encoding(),
        "--rate": options.rate is not None,
        "--audio": options.audio is not None,
        "--start, --end, --duration": any((options.start, options.end, options.duration)),
        "--dedup": options.dedup,
        "--loop": options.loop,
        "--motion-blur": options.motion_blur is not None,
        "--deinterlace": options.deinterlace,
        "--jobs": task.jobs is not None,
        "--live": task.live is not None,
        "--ray": task.cluster.ray is not None,
        "--preview": task.mode == "preview",
    }
    if unsuitable := [name for name, is_given in given.items() if is_given]:
        raise ValueError(f"{', '.join(unsuitable)}: for videos, not for images")


def _factor(options: Options) -> int:
    """Return the factor for images, which have no times."""
    if options.fps is not None or options.slow != 1:
        raise ValueError("images have no times: --fps and --slow need a video")
    return options.factor or 2
