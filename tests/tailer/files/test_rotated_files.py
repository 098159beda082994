"""The files that were rotated away from a path, on a real file system."""

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.past_files import past_file, remember
from tailcast_tailer.core.proofs import prove_head, prove_marker
from tailcast_tailer.files import rotated_files as subject
from tailcast_tailer.files.file_system import (
    Glimpse,
    Identity,
    close_file,
    glimpse,
    may_be_written,
    open_regular,
)
from tailcast_tailer.files.rotated_files import (
    RotatedFile,
    RotatedNames,
    oldest_of,
    rotated_files,
)
from tailcast_tailer.files.rotation import (
    leads_to_next,
    open_following,
    what_follows,
)


@given(
    size=st.integers(1, 12),
    read=st.integers(0, 11),
    hidden=st.sets(st.integers(0, 11)),
)
def test_what_follows_is_the_next_one_by_name(
    size: int, read: int, hidden: set[int]
) -> None:
    """Compressed ones between the two are missing, and told."""
    read %= size
    files = [
        RotatedFile(
            f"a.jsonl.{size - at}{'.gz' if at in hidden and at != read else ''}",
            Glimpse(1, at * 10**10, 0, Identity(1, at)),
            is_strong=True,
        )
        for at in range(size)
    ]
    following = what_follows(files, files[read].glimpse, "", since_ms=1)
    readable = [at for at in range(read + 1, size) if at not in hidden]
    expected = files[readable[0]] if readable else None
    assert following.file == expected
    between = range(read + 1, readable[0] if readable else size)
    assert following.is_gapless is not any(at in hidden for at in between)
    assert following.is_rotation


def test_what_follows_an_unknown_file(tmp_path: Path) -> None:
    """What was not read whole, if it is not older than the file that was read last."""
    path = tmp_path / "a.jsonl"
    past = ""
    for number in range(4, 0, -1):
        other = tmp_path / f"a.jsonl.{number}"
        data = f'{{"step":{number}}}'.encode() * 20 + b"\n" * (number != 3)
        other.write_bytes(data)
        os.utime(other, (1_000 - number, 1_000 - number))
        if number > 2:
            # The last line of one of them was read before its newline came.
            data = data.removesuffix(b"\n") + b"\n"
            read = past_file(len(data), prove_head(data), prove_marker(data))
            past = remember(past, read)
    files = rotated_files(str(path))
    assert files is not None
    assert [Path(file.path).name for file in files] == [
        "a.jsonl.4", "a.jsonl.3", "a.jsonl.2", "a.jsonl.1",
    ]  # fmt: skip
    assert what_follows(files, None, past, since_ms=0).file == files[2]
    assert what_follows(files, None, "", since_ms=0).file == files[0]
    assert what_follows(files, None, "", since_ms=999_000).file == files[3]
    nothing = what_follows(files, None, "", since_ms=1_000_000)
    assert (nothing.file, nothing.is_gapless) == (None, False)


def test_a_list_that_changes_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are being renamed; for ever, then nothing can be told."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n")
    names = iter(range(1, 100))

    def stat_and_rename(other: str) -> Glimpse:
        found = glimpse(other)
        if other != str(path):
            Path(other).replace(tmp_path / f"a.jsonl.{next(names)}")
        return found

    (tmp_path / f"a.jsonl.{next(names)}").write_bytes(b"{}\n")
    monkeypatch.setattr(subject, "glimpse", stat_and_rename)
    assert rotated_files(str(path)) is None
    assert open_following(str(path), None, "", since_ms=0) is None


def test_the_oldest_file_that_may_have_a_line(tmp_path: Path) -> None:
    """Half a line may become one; blanks and NULs alone do not."""
    path = tmp_path / "a.jsonl"
    contents = {5: b"", 4: b" \r\n", 3: bytes(9), 2: b'{"step":', 1: b'{"step":1}\n'}
    for number, data in contents.items():
        (tmp_path / f"a.jsonl.{number}").write_bytes(data)
    path.write_bytes(b'{"step":2}\n')
    passed: set[Identity] = set()
    found: list[tuple[int, int]] = []
    while oldest := oldest_of(str(path), lambda _: True, passed=passed):
        found.append((oldest.opened.glimpse.size, oldest.files))
        passed.add(oldest.opened.glimpse.identity)
        os.close(oldest.opened.descriptor)
    assert found == [(8, 3), (11, 2)]


def test_a_link_that_leaves_a_file_out(tmp_path: Path) -> None:
    """It is not gapless; nor if nothing tells what it led to before."""
    for number in (1, 2, 3):
        (tmp_path / f"a.{number}.log").write_bytes(b'{"step":1}\n')
    link = tmp_path / "links" / "current.log"
    link.parent.mkdir()

    def leads_on(before: str, after: str) -> bool:
        read = glimpse(str(tmp_path / before))
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / after)
        found = open_following(str(link), read, "", since_ms=0)
        assert found is not None
        following, opened = found
        assert opened is not None
        close_file(opened.descriptor)
        return following.is_gapless

    assert leads_on("a.1.log", "a.2.log")
    assert not leads_on("a.1.log", "a.3.log")
    read = glimpse(str(tmp_path / "a.2.log"))
    (tmp_path / "a.2.log").unlink()
    assert not leads_to_next(str(link), read.identity)
    assert not leads_to_next(str(tmp_path / "none" / "a.1.log"), read.identity)


def test_a_directory_is_listed_once_for_all_its_files(tmp_path: Path) -> None:
    """Numbers are asked for by name; what else there is may be seen a second late."""
    now = [0.0]
    names = RotatedNames(clock=lambda: now[0])
    assert not names.are_beside(str(tmp_path / "a.jsonl"))
    assert not names.are_beside(str(tmp_path / "none" / "a.jsonl"))
    (tmp_path / "a.jsonl.1").touch()
    (tmp_path / "b.jsonl-20261128").touch()
    assert names.are_beside(str(tmp_path / "a.jsonl"))
    assert not names.are_beside(str(tmp_path / "b.jsonl"))
    now[0] = 1.0
    os.utime(tmp_path, (1, 1))
    assert names.are_beside(str(tmp_path / "b.jsonl"))


def test_whether_a_file_is_open_for_writing(tmp_path: Path) -> None:
    """As Linux tells it to the file's owner; it says nothing wrong elsewhere."""
    path = tmp_path / "a.jsonl"
    with path.open("wb"):
        opened = open_regular(str(path))
        assert may_be_written(opened.descriptor) is not False
    assert may_be_written(opened.descriptor) is not True
    os.close(opened.descriptor)
    device = os.open("/dev/null", os.O_RDONLY)
    assert may_be_written(device) is None
    os.close(device)
