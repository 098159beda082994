"""What the file system says of a path."""

import os
from pathlib import Path

import pytest

from tailcast_tailer.files.file_system import glimpse, why_unseen


@pytest.mark.parametrize("reopen", [False, True])
def test_who_puts_the_time_back_is_noticed(tmp_path: Path, reopen: bool) -> None:
    """As `rsync --inplace --times` does, with a file of the same length."""
    path = tmp_path / "a"
    path.write_text("one")
    before, times = glimpse(str(path), reopen=reopen), path.stat()
    with path.open("r+") as file:
        file.write("two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = glimpse(str(path), reopen=reopen)
    assert after != before
    assert after._replace(ctime_ns=before.ctime_ns) == before


def test_reading_a_file_is_no_change(tmp_path: Path) -> None:
    """Nor is asking for it."""
    path = tmp_path / "a"
    path.write_text("one")
    before = glimpse(str(path))
    path.read_text()
    assert glimpse(str(path), reopen=True) == before


def test_why_a_path_cannot_be_seen(tmp_path: Path) -> None:
    """A directory or a file can; what is not there, or a pipe, cannot."""
    path = tmp_path / "a"
    path.write_text("one")
    assert why_unseen(str(tmp_path)) == why_unseen(str(path)) == ""
    assert why_unseen(str(tmp_path / "b")) == "No such file or directory"
    assert why_unseen(str(path / "b")) == "Not a directory"
    os.mkfifo(tmp_path / "c")
    assert why_unseen(str(tmp_path / "c")) == "not a regular file"
