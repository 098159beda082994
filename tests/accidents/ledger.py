"""What was written, what was told, and the one rule that compares the two.

Pure. The records of all sessions together are exactly the lines that were written, once
each, in order within their file; or the reader of that session was told: by a `rewind`
that lines come again, by a `gap`, a rewind that is not complete or a rejection that
some do not come.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Told(NamedTuple):
    """One thing that a session's reader was told, in the order of its stream."""

    # A record; b"" for all else.
    text: bytes = b""
    # The file began anew: what follows may have been told before.
    is_rewind: bool = False
    # Something is said to be missing.
    is_loss: bool = False


class Rejected(NamedTuple):
    """A line that was rejected, and told as such."""

    # Without its newline, and how it begins.
    length: int
    head: bytes


@dataclass(slots=True)
class Session:
    """All that the reader of one session was told."""

    # The file that it is said to be of.
    path: str = ""
    told: list[Told] = field(default_factory=list[Told])
    rejected: list[Rejected] = field(default_factory=list[Rejected])


class Line(NamedTuple):
    """A line that was written."""

    # The file, by the name that it had first, and the line's number in it.
    source: str
    number: int
    # Whether it stayed long enough that it must be told.
    is_due: bool


class Ledger:
    """All that was written."""

    def __init__(self) -> None:
        # By text: more than one where files have lines in common.
        self.lines: defaultdict[bytes, list[Line]] = defaultdict(list)
        self._numbers: Counter[str] = Counter()
        # Files that are one emergency each, by name: their texts, oldest first. b"":
        # one that cannot be read, of which this must be told.
        self.documents: defaultdict[str, list[bytes]] = defaultdict(list)

    def wrote(
        self, source: str, texts: Iterable[bytes], *, is_due: bool = True
    ) -> None:
        """Note lines, without their newlines; not `is_due`: those that may be told."""
        for text in texts:
            self._numbers[source] += 1
            self.lines[text].append(Line(source, self._numbers[source], is_due))

    def wrote_over(self, before: Iterable[bytes], texts: Iterable[bytes]) -> None:
        """Note lines that stand in the places of others of their file."""
        for old, text in zip(before, texts, strict=True):
            self.lines[text].append(self.lines[old][0])


class Fault(NamedTuple):
    """What is wrong, and whether waiting can mend it."""

    kind: str
    what: str

    @property
    def is_final(self) -> bool:
        """Whether nothing that is still to come can make it good."""
        return self.kind != "lost"

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


class Verdict(NamedTuple):
    """What became of what was written."""

    # Empty: the accident was survived.
    faults: list[Fault]
    # Lines that did not come, as their readers were told.
    said_missing: int


def faults(ledger: Ledger, sessions: Mapping[str, Session]) -> list[Fault]:
    """What is wrong; empty: the accident was survived."""
    return judge(ledger, sessions).faults


def judge(ledger: Ledger, sessions: Mapping[str, Session]) -> Verdict:
    """The verdict."""
    tellings: Counter[bytes] = Counter()
    found: list[Fault] = []
    for name, session in sessions.items():
        found += _faults_in(ledger, name, session, tellings)
    # Also those that are in several sessions.
    twice = [
        text for text, count in tellings.items() if count > len(ledger.lines[text])
    ]
    where = _where(sessions, set(twice))
    found += [Fault("twice", f"{_shown(text)} in {where[text]}") for text in twice]
    lost, said_missing = _lost(ledger, sessions, tellings)
    return Verdict(found + lost, said_missing)


def _faults_in(
    ledger: Ledger, name: str, session: Session, tellings: Counter[bytes]
) -> list[Fault]:
    """What is wrong within one session; counts what it tells, rewinds apart."""
    found: list[Fault] = []
    ever: set[bytes] = set()
    since_rewind: set[bytes] = set()
    latest: dict[str, int] = {}
    for one in session.told:
        if one.is_rewind:
            since_rewind.clear()
            latest.clear()
        if not one.text:
            continue
        if one.text not in ledger.lines:
            found.append(Fault("cut", f"{_shown(one.text)} in {name}"))
            continue
        if one.text in since_rewind or one.text not in ever:
            tellings[one.text] += 1
        ever.add(one.text)
        since_rewind.add(one.text)
        lines = ledger.lines[one.text]
        if len(lines) == 1:
            source, number, _ = lines[0]
            if number < latest.get(source, 0):
                found.append(Fault("order", f"{_shown(one.text)} in {name}"))
            latest[source] = number
    return found


def _lost(
    ledger: Ledger, sessions: Mapping[str, Session], tellings: Counter[bytes]
) -> tuple[list[Fault], int]:
    lost: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for text, lines in ledger.lines.items():
        due = [line for line in lines if line.is_due]
        if len(due) > tellings[text]:
            lost[due[0].source].append((due[0].number, text))
    found: list[Fault] = []
    said_missing = 0
    readers = _readers(ledger, sessions if lost else {})
    for source, missing in lost.items():
        of_name = [one for one in sessions.values() if _is_of(one, source)]
        named_or_known = [*of_name, *readers.get(source, [])]
        untold = _untold(ledger, named_or_known, source, missing)
        said_missing += len(missing) - len(untold)
        if untold:
            what = f"{len(untold)} of {source}, first {_shown(untold[0])}"
            found.append(Fault("lost", what))
    return found, said_missing


def _untold(
    ledger: Ledger,
    readers: Iterable[Session],
    source: str,
    missing: list[tuple[int, bytes]],
) -> list[bytes]:
    """Those of the missing lines of which no reader of that file knows."""
    for session in readers:
        spans = _spans_of_losses(ledger, session, source)
        missing = [
            (number, text)
            for number, text in missing
            if not any(number in span for span in spans)
            and not _is_rejected(session, text)
        ]
    return [text for _, text in missing]


def _spans_of_losses(ledger: Ledger, session: Session, source: str) -> list[range]:
    """Between which lines it was said that some are missing."""
    spans: list[range] = []
    latest, lost_after = 0, None
    for one in session.told:
        if one.is_loss and lost_after is None:
            lost_after = latest
        for line in ledger.lines.get(one.text, ()):
            if line.source == source and line.number > latest:
                if lost_after is not None:
                    spans.append(range(lost_after + 1, line.number))
                latest, lost_after = line.number, None
    return spans


def _is_rejected(session: Session, text: bytes) -> bool:
    return any(
        one.length == len(text) and text.startswith(one.head)
        for one in session.rejected
    )


def _is_of(session: Session, source: str) -> bool:
    return session.path.endswith(f"/{source}")


def _readers(
    ledger: Ledger, sessions: Mapping[str, Session]
) -> Mapping[str, list[Session]]:
    """By file, the sessions that have lines of it."""
    readers: defaultdict[str, list[Session]] = defaultdict(list)
    for session in sessions.values():
        sources = {
            line.source
            for one in session.told
            for line in ledger.lines.get(one.text, ())
        }
        for source in sources:
            readers[source].append(session)
    return readers


def _where(
    sessions: Mapping[str, Session], texts: set[bytes]
) -> Mapping[bytes, list[str]]:
    """Which sessions tell these texts."""
    where: defaultdict[bytes, list[str]] = defaultdict(list)
    if texts:
        for name, session in sessions.items():
            for text in texts.intersection(one.text for one in session.told):
                where[text].append(name)
    return where


def document_faults(ledger: Ledger, told: Mapping[str, list[bytes]]) -> list[Fault]:
    """The verdict on emergency files: each once, and what cannot be read said."""
    found: list[Fault] = []
    for name, texts in ledger.documents.items():
        came = told.get(name, [])
        readable = [text for text in texts if text]
        unread = [text for text in came if text not in readable]
        if any(text not in came for text in readable):
            found.append(Fault("lost", f"document {name!r}"))
        if b"" in texts and not unread:
            found.append(Fault("lost", f"that {name!r} cannot be read"))
        if len(came) != len(set(came)):
            found.append(Fault("twice", f"document {name!r}"))
    return found


def _shown(text: bytes) -> str:
    shown = text.decode(errors="backslashreplace")
    return shown if len(shown) <= 60 else f"{shown[:60]}… ({len(text)} bytes)"
