"""The verdict rule: what is a fault, and what a reader was told of."""

import pytest

from tests.accidents.ledger import (
    Ledger,
    Rejected,
    Session,
    Told,
    document_faults,
    faults,
    judge,
)


ONE, TWO, THREE = Told(b"1"), Told(b"2"), Told(b"3")
REWIND = Told(is_rewind=True)
LOSS = Told(is_rewind=True, is_loss=True)


def _ledger(*texts: bytes) -> Ledger:
    ledger = Ledger()
    ledger.wrote("a.jsonl", texts or (b"1", b"2", b"3"))
    return ledger


def _kinds(ledger: Ledger, **sessions: Session) -> list[str]:
    return [one.kind for one in faults(ledger, sessions)]


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        ([ONE, TWO, THREE], []),
        ([ONE, TWO], ["lost"]),
        ([ONE, TWO, TWO, THREE], ["twice"]),
        ([TWO, ONE, THREE], ["order"]),
        ([ONE, TWO, Told(b"2x"), THREE], ["cut"]),
        # Whoever is told that lines come again is told nothing twice.
        ([ONE, TWO, REWIND, TWO, THREE], []),
        # Nor is anything lost that is said to be missing, where it is missing.
        ([ONE, LOSS, THREE], []),
        ([LOSS, ONE, THREE], ["lost"]),
        ([ONE, TWO, LOSS], ["lost"]),
        ([ONE, REWIND, THREE], ["lost"]),
    ],
)
def test_one_session(told: list[Told], kinds: list[str]) -> None:
    """What its reader was told, and the verdict."""
    assert _kinds(_ledger(), a=Session(told=told)) == kinds


def test_a_rejection_tells_of_one_line() -> None:
    """Of two that are missing, one is still lost."""
    session = Session(told=[ONE], rejected=[Rejected(1, b"2")])
    assert _kinds(_ledger(b"1", b"2"), a=session) == []
    assert judge(_ledger(b"1", b"2"), {"a": session}).said_missing == 1
    assert _kinds(_ledger(), a=session) == ["lost"]


def test_all_sessions_together_tell_a_line_once() -> None:
    """A second session with the same lines is one too many."""
    session = Session(told=[ONE, TWO, THREE])
    assert _kinds(_ledger(), a=session) == []
    assert _kinds(_ledger(), a=session, b=Session(told=[TWO])) == ["twice"]


def test_another_session_explains_no_loss() -> None:
    """A gap in the session of another file is no word about this one."""
    rejected = [Rejected(1, text) for text in (b"1", b"2", b"3")]
    other = Session(path="/logs/b.jsonl", told=[LOSS], rejected=rejected)
    assert _kinds(_ledger(), a=Session(told=[ONE, THREE]), b=other) == ["lost"]
    assert _kinds(_ledger(), a=Session(path="/l/a.jsonl", rejected=rejected)) == []


def test_files_may_have_lines_in_common() -> None:
    """Each file's line is told, and no more."""
    ledger = _ledger()
    ledger.wrote("b.jsonl", [b"1"])
    session = Session(told=[ONE, TWO, THREE])
    assert _kinds(ledger, a=session) == ["lost"]
    assert _kinds(ledger, a=session, b=Session(told=[ONE])) == []
    more = {name: Session(told=[ONE]) for name in "bc"}
    assert _kinds(ledger, a=session, **more) == ["twice"]


def test_what_was_overwritten_need_not_be_told() -> None:
    """It may be."""
    ledger = Ledger()
    ledger.wrote("a.jsonl", [b"1"], is_due=False)
    assert _kinds(ledger) == []
    assert _kinds(ledger, a=Session(told=[ONE])) == []


def test_documents_are_told_once_or_as_unreadable() -> None:
    """Each emergency file that was written."""
    ledger = Ledger()
    ledger.documents["e/a.json"] = [b"1"]
    ledger.documents["e/b.json"] = [b""]
    told = {"e/a.json": [b"1"], "e/b.json": [b"cannot be read"]}
    assert document_faults(ledger, told) == []
    told = {"e/a.json": [b"1", b"1"]}
    assert [one.kind for one in document_faults(ledger, told)] == ["twice", "lost"]
