"""A program as a user writes it; mypy checks it against the types of the public names."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt
import torch

import cdfi


def frames(frame0: torch.Tensor, frame1: torch.Tensor) -> None:
    interpolator = cdfi.Interpolator("default", "cpu", precision="fp32", memory=1 << 30)
    assert_type(interpolator, cdfi.Interpolator)
    assert_type(interpolator(frame0, frame1), torch.Tensor)
    assert_type(interpolator(frame0, frame1, 0.25), torch.Tensor)
    fractions = interpolator.between(frame0, frame1, [Fraction(1, 3), Fraction(1, 2)])
    assert_type(fractions, Iterator[torch.Tensor])
    assert_type(interpolator.between(frame0, frame1, [0.25, 0.5]), Iterator[torch.Tensor])
    assert_type(interpolator.between(frame0, frame1, 3), Iterator[torch.Tensor])
    assert_type(interpolator.to("cuda"), cdfi.Interpolator)


def images(image0: npt.NDArray[np.uint8], image1: npt.NDArray[np.uint8]) -> None:
    middle: npt.NDArray[np.uint8] = cdfi.Interpolator()(image0, image1)
    del middle


def videos(source: Path) -> None:
    assert_type(cdfi.interpolate_video(source, "out.mp4"), cdfi.VideoReport)
    for model in ("cdfi", Path("a.safetensors"), cdfi.load("cdfi"), cdfi.Interpolator()):
        cdfi.interpolate_video(source, "out.mp4", model=model, factor=4, codec="hevc", crf=20)
    spec = cdfi.ModelSpec("cdfi", device="cuda", precision="fp16")
    options = cdfi.Options(slow=2, encoding=cdfi.Encoding(preset="slow"))
    report = cdfi.interpolate_video(source, "out.mp4", model=spec, options=options, fps=59.94)
    assert_type(report.frames, int)
    assert_type(cdfi.write_preview(source, "side.mp4", slow=2, seconds=3), cdfi.Preview)
    cdfi.interpolate_images("a.png", "b.png", "ab.png", model="cdfi", overwrite=True)
    assert_type(cdfi.interpolate_folder("in", "out", factor=3), int)


def models() -> None:
    assert_type(cdfi.list_models(), list[str])
    assert_type(cdfi.info("cdfi"), cdfi.ModelInfo)
    assert_type(cdfi.download("released/cdfi"), Path)
    assert_type(cdfi.NETWORKS["cdfi"], cdfi.Config)
    network = cdfi.Network(cdfi.NETWORKS["cdfi"])
    cdfi.save(network, "cdfi.safetensors", info={"note": "mine"}, dtype=torch.float16)
    assert_type(cdfi.environment(), dict[str, object])


def packages(x: torch.Tensor) -> None:
    assert_type(cdfi.metrics.psnr(x, x), torch.Tensor)
    assert_type(cdfi.video.parse_rate("ntsc"), Fraction)
    assert_type(cdfi.__version__, str)


def mistakes(source: Path) -> None:
    cdfi.interpolate_video(source, "out.mp4", factr=4)  # type: ignore[call-arg]
    cdfi.interpolate_video(source, "out.mp4", factor="4")  # type: ignore[arg-type]
    cdfi.Interpolator("default", "cpu", "fp32")  # type: ignore[call-arg]
