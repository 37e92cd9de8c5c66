"""Files appear whole or not at all."""

import os
from pathlib import Path

import pytest

from cdfi.common.files import whole, write_text


def test_a_file_is_there_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with whole(path, lasting=True) as beside:
        beside.write_text("a,b")
        assert not path.exists()
        assert (beside.parent, beside.suffix) == (path.parent, ".csv")
    assert path.read_text() == "a,b"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), whole(path) as beside:
        beside.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with pytest.raises(FileNotFoundError) as caught, whole(path) as beside:
        beside.open()
    assert caught.value.filename == str(path)


def test_a_link_is_followed(tmp_path: Path) -> None:
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
