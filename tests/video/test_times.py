"""Presentation times of whole files: starts, edit lists, reordering, hours."""

from fractions import Fraction

import av
import pytest

from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.jobs.plan import plan_job
from cdfi.video.reading.index import read_index
from cdfi.video.reading.source import read_source
from tests.video.video_clips import Clip, Mean, packets_of, times_of, write_clip

FAST = Options(encoding=Encoding(preset="ultrafast"))
NTSC = Fraction(24000, 1001)


class Still(Mean):
    """The cheapest stand-in: the first frame again."""

    def between(self, frame0, frame1, times, tolerance, /):
        return (frame0 for _ in times)


def shifted(given, target, shift, **options):
    """A copy of ``given`` with all times moved by ``shift`` seconds."""
    with (
        av.open(str(given)) as source,
        av.open(str(target), "w", container_options=options) as made,
    ):
        streams = {s.index: made.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                ticks = round(shift / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                packet.stream = streams[packet.stream_index]
                made.mux_one(packet)
    return target


def test_an_edit_list_that_hides_the_beginning_is_obeyed(tmp_path):
    options = {"preset": "fast", "bf": "2", "g": "30"}
    plain = write_clip(tmp_path / "plain.mp4", Clip(20, options=options))
    source = shifted(plain, tmp_path / "in.mp4", Fraction(-1, 5))
    given = times_of(source)
    assert len(given) == 15
    interpolate_video(source, tmp_path / "out.mp4", options=FAST, model=Mean())
    assert times_of(tmp_path / "out.mp4")[::2] == given


def test_negative_first_times_are_kept_in_step_with_the_sound(tmp_path):
    plain = write_clip(tmp_path / "plain.mkv", Clip(12, audio=True))
    source = shifted(plain, tmp_path / "in.mkv", Fraction(-1, 5), avoid_negative_ts="disabled")
    report = interpolate_video(source, tmp_path / "out.mkv", options=FAST, model=Mean())
    made = times_of(tmp_path / "out.mkv")
    assert made == [Fraction(number * 20, 1000) for number in range(23)]
    sounds = [packets_of(path, "audio") for path in (source, tmp_path / "out.mkv")]
    for (before, first), (after, second) in zip(*sounds):
        assert (after - before, second) == (Fraction(1, 5), first)
    assert "all streams are 0.2 s later" in report.warnings[0]


def test_video_that_starts_after_the_sound_stays_behind_it(tmp_path):
    times = [number * 600 + 9000 for number in range(10)]
    clip = Clip(10, rate=Fraction(25), time_base=Fraction(1, 15000), times=times, audio=True)
    source = write_clip(tmp_path / "in.mp4", clip)
    interpolate_video(source, tmp_path / "out.mp4", options=FAST, model=Mean())
    assert times_of(tmp_path / "out.mp4")[0] == times_of(source)[0] == Fraction(3, 5)
    assert packets_of(tmp_path / "out.mp4", "audio")[0] == packets_of(source, "audio")[0]


@pytest.mark.parametrize("fps", [None, Fraction(60), Fraction(60000, 1001)])
@pytest.mark.long
def test_a_minute_of_23_976_does_not_drift(tmp_path, fps):
    check_drift(tmp_path, 24 * 60, fps)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [None, Fraction(60000, 1001)])
def test_an_hour_of_23_976_does_not_drift(tmp_path, fps):
    check_drift(tmp_path, 24 * 3600, fps)


def check_drift(folder, count, fps):
    from tests.video.video_clips import picture

    clip = Clip(count, size=(16, 16), rate=NTSC)
    images = [picture(number, clip) for number in (0, 10)]
    source = write_clip(folder / "in.mp4", clip, (images[n % 2] for n in range(count)))
    options = Options(fps=fps, encoding=FAST.encoding, scene_threshold=None, segment=5000)
    interpolate_video(source, folder / "out.mp4", options=options, model=Still())
    times = times_of(folder / "out.mp4")
    rate = fps or 2 * NTSC
    assert times == [number / rate for number in range(len(times))]
    end = count / NTSC
    with av.open(str(folder / "out.mp4")) as made:
        stream = made.streams.video[0]
        length = stream.duration * stream.time_base
    assert length == end if fps is None else end <= length < end + 1 / fps


def test_the_index_finds_the_keyframe_to_start_from(tmp_path):
    options = {"preset": "fast", "bf": "2", "g": "10", "sc_threshold": "0"}
    source = write_clip(tmp_path / "in.mp4", Clip(35, options=options))
    index = read_index(source)
    step = index.step
    assert index.keys.tolist() == [0, 10 * step, 20 * step, 30 * step]
    assert index.before(25 * step, lead=3) == 20 * step
    assert index.before(21 * step, lead=3) == 10 * step
    assert index.before(step, lead=3) == 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_reading_from_the_middle_gives_the_frames_of_reading_from_the_start(tmp_path, suffix):
    options = {"preset": "fast", "bf": "3", "g": "9", "sc_threshold": "0"}
    source = write_clip(tmp_path / f"in{suffix}", Clip(40, options=options))
    job = plan_job(source, tmp_path / "out.mp4", FAST)
    whole = {frame.pts: frame.image.to_ndarray().tobytes() for frame in job.reader().frames()}
    assert len(whole) == 40
    for place in range(0, 40, 3):
        start = int(job.index.times[place])
        part = {
            frame.pts: frame.image.to_ndarray().tobytes()
            for frame in job.reader().frames(start, lead=2)
        }
        wanted = job.index.times[max(place - 2, 0) :].tolist()
        assert set(wanted) <= part.keys()
        assert all(whole[pts] == content for pts, content in part.items())


def test_the_source_says_what_it_is(tmp_path):
    source = read_source(write_clip(tmp_path / "in.mp4", Clip(3, colour=(1, 1, 1, 1))))
    assert (source.width, source.height, source.pix_fmt) == (64, 48, "yuv420p")
    assert (source.colour.matrix, source.colour.range) == (1, 1)
