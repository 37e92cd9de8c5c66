"""The work folder: only cdfi's own files are touched, and damage never reaches the result."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from cdfi.video import Encoding, Options, interpolate_folder, interpolate_video
from cdfi.video.jobs.workfolder import MARKER, WorkFolder
from tests.cli.interpolate_inputs import write_image
from tests.video.video_clips import Clip, Mean, Stops, images_of, samples_of, times_of, write_clip

OPTIONS = Options(encoding=Encoding(preset="ultrafast"), segment=4)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("source") / "in.mp4", Clip(14))


@pytest.fixture(scope="module")
def expected(source):
    """The result of a run that nothing disturbs."""
    target = source.with_name("expected.mp4")
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    return times_of(target), samples_of(target)


def interrupt(source, target, calls=10):
    """Leave some finished segments in the work folder of ``target``."""
    with pytest.raises(RuntimeError):
        interpolate_video(source, target, options=OPTIONS, model=Stops(calls, RuntimeError()))
    return WorkFolder(target).path


def is_expected(target, expected):
    times, samples = expected
    assert times_of(target) == times
    for before, after in zip(samples, samples_of(target), strict=True):
        for left, right in zip(before, after, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.fixture
def others(tmp_path):
    """A folder of somebody's files."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    (folder / "000000.mkv").write_text("theirs")
    return folder


def untouched(folder):
    return {path.name: path.read_text() for path in folder.iterdir()} == {
        "thesis.txt": "x",
        "000000.mkv": "theirs",
    }


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["link", "folder", "file"])
def test_what_is_not_a_work_folder_is_refused_and_not_touched(
    tmp_path, source, others, kind, overwrite
):
    target = tmp_path / "o.mp4"
    work = WorkFolder(target).path
    if kind == "link":
        work.symlink_to(others)
    elif kind == "folder":
        others.rename(work)
        others = work
    else:
        work.write_text("theirs")
    with pytest.raises(FileExistsError, match=r"o\.mp4\.cdfi-work .*move it away"):
        interpolate_video(source, target, options=OPTIONS, model=Mean(), overwrite=overwrite)
    assert not target.exists()
    assert work.read_text() == "theirs" if kind == "file" else untouched(others)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no user numbers")
def test_a_folder_of_another_user_is_refused(tmp_path, source, monkeypatch):
    target = tmp_path / "o.mp4"
    interrupt(source, target)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(FileExistsError, match="one of another user"):
        interpolate_video(source, target, options=OPTIONS, model=Mean())


@pytest.mark.parametrize("name", ["lock", "owner", "000003.part", "000003.json", "result.part"])
@pytest.mark.parametrize("make_link", ["symlink_to", "hardlink_to"])
def test_links_in_the_work_folder_are_replaced_and_never_followed(
    tmp_path, source, expected, name, make_link
):
    target, theirs = tmp_path / "o.mp4", tmp_path / "theirs"
    work = interrupt(source, target)
    theirs.write_text("theirs")
    (work / name).unlink(missing_ok=True)
    getattr(work / name, make_link)(theirs)
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    assert theirs.read_text() == "theirs"
    assert not target.is_symlink()
    is_expected(target, expected)


def test_a_lost_manifest_starts_the_job_again_and_says_so(tmp_path, source):
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    (work / "manifest.json").unlink()
    options = Options(factor=3, encoding=OPTIONS.encoding, segment=4)
    report = interpolate_video(source, target, options=options, model=Mean())
    assert report.frames == len(images_of(target)) == 3 * 13 + 1
    assert report.warnings == [
        "o.mp4: the record of its unfinished run is missing or damaged: started again"
    ]


def test_segments_of_another_job_are_never_used(tmp_path, source):
    """Even if the manifest is that of this job."""
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    kept = {path: path.read_bytes() for path in work.glob("0*")}
    options = Options(factor=3, encoding=OPTIONS.encoding, segment=4)
    with pytest.raises(RuntimeError):
        interpolate_video(
            source, target, options=options, model=Stops(0, RuntimeError()), overwrite=True
        )
    other = interrupt(source, tmp_path / "p.mp4")
    assert kept
    work.mkdir(exist_ok=True)
    (work / MARKER).write_bytes((other / MARKER).read_bytes())
    for path, content in kept.items():
        path.write_bytes(content)
    report = interpolate_video(source, target, options=options, model=Mean())
    assert report.frames == len(images_of(target)) == 3 * 13 + 1


def flipped(data, position):
    return data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :]


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("name", ["000001.mkv", "000001.json", "manifest.json"])
def test_a_flipped_byte_changes_no_frame(tmp_path, source, expected, name, fraction):
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    data = (work / name).read_bytes()
    (work / name).write_bytes(flipped(data, int(fraction * len(data))))
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    is_expected(target, expected)


DAMAGE = {
    "empty": lambda text: "",
    "half": lambda text: text[: len(text) // 2],
    "list": lambda text: "[1, 2, 3]",
    "number": lambda text: "7",
    "null": lambda text: "null",
    "nested": lambda text: "[" * 100_000,
    "no times": lambda text: json.dumps(
        {**json.loads(text), "content": {**json.loads(text)["content"], "times": []}}
    ),
    "not text": lambda text: "\udcff\udcfe",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["000001.json", "manifest.json"])
def test_a_malformed_record_changes_no_frame(tmp_path, source, expected, name, damage):
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    text = DAMAGE[damage]((work / name).read_text())
    (work / name).write_bytes(text.encode(errors="surrogateescape"))
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    is_expected(target, expected)


def test_a_damaged_segment_is_encoded_again_and_others_are_kept(tmp_path, source, expected):
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    assert {path.name for path in work.glob("*.mkv")} >= {"000000.mkv", "000001.mkv"}
    data = (work / "000000.mkv").read_bytes()
    (work / "000000.mkv").write_bytes(flipped(data, len(data) // 2))
    resumed = Mean()
    interpolate_video(source, target, options=OPTIONS, model=resumed)
    is_expected(target, expected)
    assert resumed.calls <= 13 - 4


@pytest.mark.parametrize("overwrite", [False, True])
def test_folders_of_others_inside_are_left_alone(tmp_path, source, expected, overwrite):
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    (work / "@eaDir").mkdir()
    (work / "@eaDir" / "index").write_text("theirs")
    (work / "notes.txt").write_text("theirs")
    interpolate_video(source, target, options=OPTIONS, model=Mean(), overwrite=overwrite)
    is_expected(target, expected)
    assert (work / "@eaDir" / "index").read_text() == (work / "notes.txt").read_text() == "theirs"
    assert not list(work.glob("0*"))
    interpolate_video(
        source, target, options=OPTIONS, model=Mean(), overwrite=True
    )  # the folder is still ours


def test_a_folder_with_a_segments_name_is_named_in_one_line(tmp_path, source):
    target = tmp_path / "o.mp4"
    work = interrupt(source, target)
    (work / "000003.part").mkdir()
    with pytest.raises(FileExistsError, match=r"000003\.part is a folder: move it away"):
        interpolate_video(source, target, options=OPTIONS, model=Mean())
    assert (work / "000003.part").is_dir()


def test_an_output_link_is_followed_to_overwrite(tmp_path, source, expected):
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real.mp4", tmp_path / "o.mp4"
    real.write_text("old")
    link.symlink_to(real)
    with pytest.raises(FileExistsError, match="--overwrite"):
        interpolate_video(source, link, options=OPTIONS, model=Mean())
    interpolate_video(source, link, options=OPTIONS, model=Mean(), overwrite=True)
    assert link.is_symlink()
    is_expected(real, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "o.mp4"]
    assert [path.name for path in real.parent.iterdir()] == ["real.mp4"]


def test_images_follow_output_links_by_the_same_rule(tmp_path, source):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "real.png").write_text("old")
    (tmp_path / "f2.png").symlink_to(tmp_path / "disk" / "real.png")
    interpolate_video(source, tmp_path / "f%d.png", options=Options(), model=Mean(), overwrite=True)
    assert (tmp_path / "f2.png").is_symlink()
    assert (tmp_path / "disk" / "real.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("stem", ["x" * 240, "ä" * 120, "💡" * 60])
def test_long_names_are_written(tmp_path, source, expected, stem):
    target = tmp_path / f"{stem}.mp4"
    interpolate_video(source, target, options=OPTIONS, model=Mean())
    is_expected(target, expected)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_name_that_is_too_long_is_refused_before_the_first_frame(tmp_path, source):
    interpolator = Mean()
    with pytest.raises(OSError, match="cannot be written"):
        interpolate_video(
            source, tmp_path / f"{'x' * 300}.mp4", options=OPTIONS, model=interpolator
        )
    assert not interpolator.calls
    assert not list(tmp_path.iterdir())


def test_a_work_folder_is_private(tmp_path, source):
    work = interrupt(source, tmp_path / "o.mp4")
    assert work.stat().st_mode & 0o077 == 0
    assert Path(work / MARKER).is_file()


@pytest.mark.slow
def test_random_damage_never_changes_a_frame(tmp_path, source, expected):
    """Bytes flipped, inserted and cut at random in all files of the work folder."""
    seed = int.from_bytes(os.urandom(4), "big")
    random = np.random.default_rng(seed)
    for number in range(60):
        target = tmp_path / f"{number}.mp4"
        work = interrupt(source, target)
        names = [path for path in work.iterdir() if path.suffix in (".json", ".mkv")]
        path = names[random.integers(len(names))]
        data = bytearray(path.read_bytes())
        place = int(random.integers(len(data)))
        kind = random.integers(3)
        if kind == 0:
            data[place] ^= int(random.integers(1, 256))
        elif kind == 1:
            data[place:place] = random.bytes(7)
        else:
            del data[place:]
        path.write_bytes(data)
        try:
            interpolate_video(source, target, options=OPTIONS, model=Mean())
        except BaseException as error:
            raise AssertionError(f"seed {seed}, {path.name} at {place}: {error}") from error
        is_expected(target, expected)


def test_a_damaged_or_linked_image_is_written_again(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for number in range(4):
        write_image(source / f"{number}.png", number)
    interpolate_folder(source, tmp_path / "expected", model=Mean())
    target, theirs = tmp_path / "out", tmp_path / "theirs"
    with pytest.raises(RuntimeError):
        interpolate_folder(source, target, model=Stops(2, RuntimeError()))
    work = WorkFolder(target).path
    data = (work / "000001.png").read_bytes()
    (work / "000001.png").write_bytes(flipped(data, len(data) // 2))
    theirs.write_text("theirs")
    (work / "000002.png").unlink()
    (work / "000002.png").symlink_to(theirs)
    interpolate_folder(source, target, model=Mean())
    names = [f"{number:06d}.png" for number in range(7)]
    assert sorted(path.name for path in target.iterdir()) == names
    for name in names:
        assert (target / name).read_bytes() == (tmp_path / "expected" / name).read_bytes()
    assert theirs.read_text() == "theirs"
    assert not work.exists()


def test_a_folder_of_images_refuses_a_link_for_its_work_folder(tmp_path, others):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(2):
        write_image(source / f"{number}.png", number)
    WorkFolder(target).path.symlink_to(others)
    with pytest.raises(FileExistsError, match="move it away"):
        interpolate_folder(source, target, model=Mean(), overwrite=True)
    assert untouched(others)
    assert not target.exists()
