"""The level of libav's log is as before, however many threads read videos."""

from concurrent.futures import ThreadPoolExecutor

import av
import av.logging
import numpy as np

from cdfi.video.reading.source import chroma_location


def test_threads_leave_the_level_as_it_was():
    frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8)).reformat(format="yuv420p")
    before = av.logging.get_level()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: chroma_location(frame), range(200)))
    assert set(found) == {"unspecified"}
    assert av.logging.get_level() == before
