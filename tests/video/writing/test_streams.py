"""Other streams and properties: audio, subtitles, attachments, chapters, tags, rotation, shape."""

from fractions import Fraction

import av
import pytest

from cdfi.video import Encoding, Options, interpolate_video
from tests.video.video_clips import Clip, Mean, add_tone, packets_of, picture, write_clip

FAST = Options(encoding=Encoding(preset="ultrafast"))
CHAPTERS = [("one", 0, 500), ("two", 500, 1000)]


def write_rich(path):
    """A second of video with two languages, subtitles, chapters and, in Matroska, a font."""
    matroska = path.suffix == ".mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(4, 3)
        sounds = [container.add_stream("aac", rate=48000, layout="mono") for _ in range(2)]
        for sound, language in zip(sounds, ("fra", "eng")):
            sound.metadata["language"] = language
        sounds[1].disposition = av.stream.Disposition.comment
        texts = container.add_mux_stream("subrip" if matroska else "mov_text")
        texts.time_base, texts.metadata["language"] = Fraction(1, 1000), "deu"
        if matroska:
            container.add_attachment("font.ttf", "font/ttf", b"abc" * 100)
        else:
            video.set_display_rotation(90)
        container.metadata["title"] = "A title"
        container.set_chapters(
            [
                {
                    "id": n,
                    "start": start,
                    "end": end,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for n, (title, start, end) in enumerate(CHAPTERS)
            ]
        )
        for number in range(25):
            container.mux(video.encode(picture(number, Clip())))
        container.mux(video.encode(None))
        for sound in sounds:
            add_tone(container, sound, 1.0)
        for number in range(3):
            text = f"Hello {number}".encode()
            packet = av.Packet(text if matroska else len(text).to_bytes(2, "big") + text)
            packet.pts = packet.dts = number * 300
            packet.duration, packet.time_base, packet.stream = 200, Fraction(1, 1000), texts
            container.mux_one(packet)
    return path


def run(source, target, options=FAST):
    return interpolate_video(source, target, options=options, model=Mean())


def spoken(path):
    """Subtitles that show a text."""
    return [entry for entry in packets_of(path, "subtitle") if entry[1] != bytes(2)]


def chapters_of(path):
    with av.open(str(path)) as container:
        return [
            (c["metadata"]["title"], c["start"] * c["time_base"], c["end"] * c["time_base"])
            for c in container.chapters()
        ]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_every_stream_that_the_container_holds_is_copied(tmp_path, suffix):
    source = write_rich(tmp_path / ("in.mkv" if suffix == ".mkv" else "in.mp4"))
    report = run(source, tmp_path / f"out{suffix}")
    assert report.warnings == []
    with av.open(str(source)) as given, av.open(str(tmp_path / f"out{suffix}")) as made:
        kinds = [[stream.type for stream in file.streams] for file in (given, made)]
        assert kinds[0] == kinds[1]
        assert made.metadata["title"] == "A title"
        for before, after in zip(given.streams.audio, made.streams.audio):
            assert after.language == before.language
        if suffix == ".mkv":
            assert made.streams[-1].data == b"abc" * 100
            assert made.streams[-1].mimetype == "font/ttf"
        if suffix != ".mov":  # QuickTime itself has no such note
            assert [s.disposition for s in made.streams] == [s.disposition for s in given.streams]
    sounds = [
        [content for _, content in packets_of(file, "audio")]
        for file in (source, tmp_path / f"out{suffix}")
    ]
    assert sounds[0] == sounds[1]
    assert spoken(tmp_path / f"out{suffix}") == spoken(source)
    assert chapters_of(tmp_path / f"out{suffix}") == chapters_of(source)


def test_rotation_and_pixel_shape_are_kept(tmp_path):
    source = write_rich(tmp_path / "in.mp4")
    for name in ("out.mp4", "out.mkv", "out.mov"):
        run(source, tmp_path / name)
        with av.open(str(tmp_path / name)) as made:
            assert made.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
            assert next(made.decode(video=0)).rotation == 90


def test_what_the_container_cannot_hold_is_named_in_one_line(tmp_path):
    report = run(write_rich(tmp_path / "in.mkv"), tmp_path / "out.mp4")
    (line,) = report.warnings
    assert "cannot hold subtitle stream 3 (srt), attachment stream 4 (font.ttf)" in line


def test_chapters_and_subtitles_stretch_with_slow_motion(tmp_path):
    source = write_rich(tmp_path / "in.mkv")
    run(source, tmp_path / "out.mkv", Options(slow=2, encoding=FAST.encoding))
    assert chapters_of(tmp_path / "out.mkv")[1] == ("two", 1, 2)
    assert [time for time, _ in spoken(tmp_path / "out.mkv")] == [0, Fraction(3, 5), Fraction(6, 5)]


def test_a_cover_picture_is_not_taken_for_the_video(tmp_path):
    source = tmp_path / "in.mp4"
    plain = write_clip(tmp_path / "plain.mp4")
    cover = av.CodecContext.create("mjpeg", "w")
    cover.width, cover.height, cover.pix_fmt, cover.time_base = 32, 32, "yuvj420p", Fraction(1, 25)
    (art,) = [*cover.encode(av.VideoFrame(32, 32, "yuvj420p")), *cover.encode(None)]
    with av.open(str(plain)) as given, av.open(str(source), "w") as made:
        image = made.add_mux_stream("mjpeg", width=32, height=32)
        image.disposition = av.stream.Disposition.attached_pic
        video = made.add_stream_from_template(given.streams.video[0], opaque=True)
        art.stream, art.pts, art.dts, art.time_base = image, 0, 0, Fraction(1, 25)
        made.mux_one(art)
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = video
                made.mux_one(packet)
    report = run(source, tmp_path / "out.mp4")
    assert report.frames == 23
    with av.open(str(tmp_path / "out.mp4")) as result:
        assert len(result.streams.video) == 2
