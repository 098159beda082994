"""What becomes of a file that is called as if it had been rotated away."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.sources import SourceState
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.core.past_files import past_file, remember
from tailcast_tailer.core.proofs import prove_head, prove_marker
from tailcast_tailer.core.stored_sessions import StoredSessions
from tailcast_tailer.files import session_file
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Identity,
    glimpse,
)
from tailcast_tailer.files.portions import Place
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.finding import rotated as subject
from tailcast_tailer.finding.candidates import Candidate, FileKind, WatchedRoot
from tailcast_tailer.finding.directory_tree import DirectoryTree
from tailcast_tailer.finding.listing import Known, Listing
from tailcast_tailer.finding.rotated import Fate, fate_of
from tailcast_tailer.finding.survey import Survey
from tests.tailer.harness import lines


NOTHING = Known(Place(0, "", ""), "")
NS = 10**9
# When the file of the path was written to, Unix seconds.
BEGUN = 1_000_000


def put(path: Path, data: bytes, changed: float = BEGUN) -> Path:
    """Write a file, changed at that time."""
    path.write_bytes(data)
    os.utime(path, (changed, changed))
    return path


def place_in(data: bytes) -> Place:
    """The end of what was read."""
    return Place(len(data), prove_head(data), prove_marker(data))


def read(*files: bytes, place: Place = NOTHING.place) -> Known:
    """What a session knows that read these files whole, and is at a place."""
    past = ""
    for data in files:
        end = place_in(data)
        past = remember(past, past_file(end.offset, *end[1:3]))
    return Known(place, past)


HERE, THERE = lines(1, 2, 3), lines(7, 8, 9)
STANDING = read(place=place_in(HERE))


@pytest.mark.parametrize(
    ("later", "known", "fate"),
    [
        (10, STANDING, Fate.OWN),
        # Its session has read it, or is about to.
        (10, read(THERE, place=place_in(HERE)), Fate.PAST),
        (10, read(place=place_in(THERE)), Fate.PAST),
        (10, None, Fate.PERHAPS_PAST),
        (10, NOTHING, Fate.PERHAPS_PAST),
        # What was rotated away is older than what has the path.
        (1, STANDING, Fate.PERHAPS_PAST),
        (-1, STANDING, Fate.PAST),
    ],
)
def test_beside_a_file_that_is_followed(
    tmp_path: Path, later: int, known: Known | None, fate: Fate
) -> None:
    """One that was written to later, and that its session has left behind, is none."""
    base = put(tmp_path / "a.jsonl", HERE)
    path = put(tmp_path / "a.jsonl.1", THERE, BEGUN + later)
    assert fate_in(path, base, known) is fate


def fate_in(
    path: Path,
    base: Path,
    known: Known | None,
    *,
    found: float = BEGUN,
    is_followed: bool = True,
    has_sibling: bool = False,
) -> Fate:
    """What such a file is, that was changed last at some time when it was found."""
    candidate = Candidate(
        str(path), None, None, is_link=False, changed_ns=int(found) * NS
    )
    return fate_of(
        candidate, str(base), known, 0.0,
        is_followed=is_followed, has_sibling=has_sibling,
    )  # fmt: skip  # as a call


def test_what_is_held_to_be_read(tmp_path: Path) -> None:
    """It is read, however long that takes."""
    base = put(tmp_path / "a.jsonl", HERE)
    path = put(tmp_path / "a.jsonl.1", THERE, BEGUN + 10)
    held = STANDING._replace(held=glimpse(str(path)).identity)
    assert fate_in(path, base, held) is Fate.PERHAPS_PAST


def test_what_a_session_does_not_come_to(tmp_path: Path) -> None:
    """After a minute; but who does not say what it has read is waited for."""
    base = put(tmp_path / "a.jsonl", HERE)
    path = put(tmp_path / "a.jsonl.1", THERE, BEGUN + 10)
    candidate = Candidate(str(path), None, None, is_link=False)

    def fates(known: Known | None) -> list[Fate]:
        return [
            fate_of(
                candidate, str(base), known, now, is_followed=True, has_sibling=False
            )
            for now in (5.0, 64.0, 65.0)
        ]

    waiting = Fate.PERHAPS_PAST
    assert fates(None) == [waiting, waiting, waiting]
    assert fates(NOTHING) == [waiting, waiting, Fate.OWN]


@pytest.mark.parametrize("is_empty", [False, True])
def test_of_a_path_that_nothing_has(tmp_path: Path, *, is_empty: bool) -> None:
    """Once it was written to a while after it was found, or others are sessions."""
    base, path = tmp_path / "a.jsonl", put(tmp_path / "a.jsonl.1", THERE, BEGUN + 10)
    if is_empty:
        put(base, b"")

    def fate(known: Known | None, found: int = BEGUN, *, sibling: bool = False) -> Fate:
        return fate_in(
            path, base, known, found=found, is_followed=False, has_sibling=sibling
        )

    assert fate(None) is Fate.OWN
    assert fate(None, BEGUN + 1) is Fate.PERHAPS_PAST
    assert fate(None, BEGUN + 1, sibling=True) is Fate.OWN
    assert fate(read(THERE)) is Fate.PAST
    put(path, b"", BEGUN + 10)
    assert fate(None, sibling=True) is Fate.PERHAPS_PAST


def test_of_a_path_that_is_gone(tmp_path: Path) -> None:
    """Its session may have read it, if that is not known."""
    base, path = tmp_path / "a.jsonl", put(tmp_path / "a.jsonl.1", THERE, BEGUN + 10)
    assert fate_in(path, base, None) is Fate.PERHAPS_PAST
    assert fate_in(path, base, STANDING) is Fate.OWN


def test_of_a_path_that_is_not_read_yet(tmp_path: Path) -> None:
    """Its session begins after that is decided, and an empty file has no times."""
    base = put(tmp_path / "a.jsonl", HERE)
    path = put(tmp_path / "a.jsonl.1", THERE, BEGUN + 10)
    assert fate_in(path, base, None, is_followed=False) is Fate.OWN
    put(base, b"")
    assert fate_in(path, base, STANDING) is Fate.PERHAPS_PAST


@pytest.mark.parametrize("is_followed", [False, True])
@pytest.mark.parametrize("more", [b"", b"{}\n"])
def test_a_copy_is_no_session(
    tmp_path: Path, more: bytes, *, is_followed: bool
) -> None:
    """It has the lines of the file that was copied, or of its beginning."""
    base = put(tmp_path / "a.jsonl", HERE + more)
    path = put(tmp_path / "a.jsonl.1", HERE, BEGUN + 10)
    known = read(place=place_in(HERE + more)) if is_followed else None
    assert fate_in(path, base, known, is_followed=is_followed) is not Fate.OWN


def test_compressed_ones_are_the_past(tmp_path: Path) -> None:
    """Nobody goes on in them."""
    base, path = tmp_path / "a.jsonl", put(tmp_path / "a.jsonl.1.gz", THERE, BEGUN + 10)
    assert fate_in(path, base, STANDING, has_sibling=True) is Fate.PAST


def test_a_path_that_cannot_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is decided by an error."""
    base = put(tmp_path / "a.jsonl", HERE)
    path = put(tmp_path / "a.jsonl.1", THERE, BEGUN + 10)

    def fail_for_base(other: str) -> object:
        if other == str(base):
            raise CannotBeSeen(PermissionError(13, "Permission denied"))
        return glimpse(other)

    monkeypatch.setattr(subject, "glimpse", fail_for_base)
    with pytest.raises(CannotBeSeen):
        fate_in(path, base, STANDING)
    survey = one_survey(tmp_path)
    listing = survey.look([], 0.0)
    assert str(path) in dict(listing.unseen)
    assert states(listing, path) == [SourceState.LEFT_OUT]


def one_survey(root: Path) -> Survey:
    """What looks through one directory, by what files hold."""
    tree = DirectoryTree(str(root), depth=None)
    return Survey(
        [WatchedRoot(tree, FileKind.TELEMETRY, accepts=None, base=str(root))],
        [],
        prefix="",
        part_names=PartNames(),
        step_keys=STEP_KEYS,
        time_keys=TIME_KEYS,
        stored=StoredSessions({}, owner="host:test"),
    )


def states(listing: Listing, path: Path) -> Sequence[SourceState]:
    """What was told of a path."""
    return [one.state for one in listing.sources if one.path == str(path)]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A session of its own beside a file that was written to before."""
    put(tmp_path / "a.jsonl", HERE, BEGUN - 100)
    return put(tmp_path / "a.jsonl.1", THERE)


def test_such_a_session_is_found_again_by_its_bytes(
    tmp_path: Path, first: Path
) -> None:
    """Where its file is called otherwise by the file system, or was moved unread."""
    survey, known = one_survey(tmp_path), read(place=place_in(THERE))
    (found,) = [one for one in survey.look([], 0.0).found if one.path == str(first)]
    assert found.only == glimpse(str(first)).identity
    # Another file with the same bytes has its path now.
    put(tmp_path / "other.tmp", THERE).replace(first)
    (suspect,) = survey.look([str(tmp_path)], 1_000.0).suspects
    assert suspect.before == str(first)
    assert states(survey.settle([(suspect, None)], 0.0), first) == [SourceState.WAITING]
    listing = survey.settle([(suspect, known)], 0.0)
    assert [one.only for one in listing.found] == [glimpse(str(first)).identity]
    first.replace(tmp_path / "a.jsonl.2")
    (suspect,) = survey.look([str(tmp_path)], 2_000.0).suspects
    (moved,) = survey.settle([(suspect, NOTHING)], 0.0).moved
    assert moved == (str(first), str(tmp_path / "a.jsonl.2"))


def test_another_file_with_its_path_is_the_past(tmp_path: Path, first: Path) -> None:
    """As its bytes show; it is decided at the next look."""
    base, survey = tmp_path / "a.jsonl", one_survey(tmp_path)
    survey.look([], 0.0)
    base.replace(first)
    put(base, lines(20, 21))
    (suspect,) = survey.look([str(tmp_path)], 1_000.0).suspects
    listing = survey.settle([(suspect, read(place=place_in(THERE)))], 1_000.0)
    assert states(listing, first) == [SourceState.WAITING]
    (suspect,) = survey.look([str(first)], 2_000.0).suspects
    assert suspect.before == str(base)
    listing = survey.settle([(suspect, read(HERE))], 2_000.0)
    assert states(listing, first) == [SourceState.LEFT_OUT]


def test_such_a_session_that_was_forgotten(tmp_path: Path, first: Path) -> None:
    """It is a new one if it comes back."""
    survey = one_survey(tmp_path)
    survey.look([], 0.0)
    listing = survey.look([], 1_000.0, forgotten=[str(first)])
    assert [one.before for one in listing.suspects] == [str(tmp_path / "a.jsonl")]


def test_a_second_name_of_a_session(tmp_path: Path, first: Path) -> None:
    """It is the same file, whatever the name."""
    other = tmp_path / "a.jsonl.0"
    os.link(first, other)
    listing = one_survey(tmp_path).look([], 0.0)
    assert states(listing, other) == [SourceState.FOLLOWED]
    assert states(listing, first) == [SourceState.LEFT_OUT]


def test_what_is_no_run_is_no_session(tmp_path: Path) -> None:
    """Whatever its name."""
    put(tmp_path / "a.log", HERE, BEGUN - 100)
    text = put(tmp_path / "a.log.1", b"once upon a time\n")
    listing = one_survey(tmp_path).look([], 0.0)
    assert [one.name for one in listing.found] == ["a.log"]
    assert states(listing, text) == [SourceState.LEFT_OUT]


def test_only_its_own_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever has its path; by its bytes where its number is another one."""
    path = put(tmp_path / "a.jsonl.1", THERE)
    place, start = place_in(THERE), Place(0, "", "")
    file = SessionFile(
        str(path), max_line_bytes=1_000, only=glimpse(str(path)).identity
    )
    assert file.look(start).portion is not None
    file.release()
    assert file.held is None
    put(tmp_path / "other.tmp", THERE).replace(path)
    assert not file.may_be(glimpse(str(path)).identity)
    for _ in range(2):
        assert file.look(place).portion is not None
        assert file.may_be(glimpse(str(path)).identity)
        assert file.held == glimpse(str(path)).identity
        file.release()
    put(tmp_path / "other.tmp", HERE).replace(path)
    for one in (start, place):
        with pytest.raises(CannotBeSeen) as caught:
            file.look(one)
        assert caught.value.is_absent
    assert file.first_look(place, most_bytes=1, holds=False) is None
    assert not file.may_be(Identity(0, 0))

    def fail(*_: object) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(session_file, "is_read_to", fail)
    with pytest.raises(CannotBeSeen, match="Input/output"):
        file.look(place)
