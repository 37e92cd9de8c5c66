"""What both tests of the ComfyUI nodes use: a stub for the network, and a look at files."""

from typing import Any

import av

from tests.video.video_clips import Mean


class MeanInterpolator(Mean):
    """Means of frames for counts of instants as well."""

    def between(self, frame0: Any, frame1: Any, times: Any, tolerance: Any = None) -> Any:
        if isinstance(times, int):
            times = [(n + 1) / (times + 1) for n in range(times)]
        return super().between(frame0, frame1, times, tolerance)


def streams(path: str) -> tuple[int, Any, list[str]]:
    """Return frames, rate and the kinds of streams of a file."""
    with av.open(path) as container:
        kinds = [stream.type for stream in container.streams]
        rate = container.streams.video[0].average_rate
        return sum(1 for _ in container.decode(video=0)), rate, kinds
