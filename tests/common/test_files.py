"""Atomic writing, output links, and URLs of files."""

import os
from pathlib import Path

import pytest

from cdfi.common.files import atomic_write, create, media_url, resolve_output, write_text


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with atomic_write(path, fsync=True) as part:
        part.write_text("a,b")
        assert not path.exists()
        assert (part.parent, part.suffix) == (path.parent, ".csv")
    assert path.read_text() == "a,b"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as part:
        part.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_target_and_not_the_part_file(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with pytest.raises(FileNotFoundError) as caught, atomic_write(path) as part:
        part.unlink()
        part.open()
    assert caught.value.filename == str(path)


def test_a_long_name_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 120 + ".json")
    write_text(path, "text")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_create_never_opens_an_existing_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("theirs")
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            create(tmp_path / name)
    assert (tmp_path / "file").read_text() == "theirs"
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("there", [True, False])
def test_an_output_link_is_followed_only_to_overwrite(tmp_path: Path, there: bool) -> None:
    link, target = tmp_path / "link.mp4", tmp_path / "target.mp4"
    link.symlink_to(target)
    if there:
        target.write_text("old")
    with pytest.raises(FileExistsError, match="--overwrite"):
        resolve_output(link, overwrite=False)
    assert resolve_output(link, overwrite=True) == target


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(ValueError, match="leads back to itself"):
        resolve_output(tmp_path / "a", overwrite=True)


def test_a_name_that_looks_like_a_protocol_is_a_file_for_libav() -> None:
    assert media_url(Path("clip:1.mp4")) == "file:clip:1.mp4"


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    write_text(target, "old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=tmp_path.name):  # its class depends on the system
        write_text(tmp_path, "text")
    assert tmp_path.is_dir()


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "text")
    with pytest.raises(OSError, match=r"file'$"):
        write_text(tmp_path / "file" / "table.csv", "text")
