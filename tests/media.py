"""Small generated videos."""

from pathlib import Path

import av
import numpy as np
from PIL import Image


def write_video(path: Path, frames: np.ndarray) -> Path:
    """A nearly lossless H.264 file of uint8 (T, H, W, 3)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    return path


def sliding(count: int, seed: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth random picture that slides by two pixels a frame."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((width + 2 * count, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(picture)
    return np.stack([pixels[:, 2 * i : 2 * i + width] for i in range(count)])
