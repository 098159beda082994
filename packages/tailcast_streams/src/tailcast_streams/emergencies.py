"""Emergencies that are kept: what remains of a record when its stream was trimmed.

Pure. An indexer keeps the emergencies of sessions here, by the way, before it writes
that it has read them; so none is missing up to where an index goes. Whatever is kept
twice is kept once. Those that came as whole files have a stream of their own. People
acknowledge both, by their IDs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, cast

import msgspec

from tailcast_streams.cuts import Cut
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.position import Cursor


# How many are kept, the latest by time of all and the last ones of each session.
MAX_KEPT: Final = 10_000
MAX_KEPT_OF_SESSION: Final = 1_000
# A longer record is not kept: it is in the stream as long as that has it.
MAX_RECORD_BYTES: Final = 8 * 1_024
# The longest name of a severity, characters.
MAX_SEVERITY: Final = 64
# How many acknowledgements there are at most; each is of an emergency that is known.
MAX_ACKNOWLEDGED: Final = 2 * MAX_KEPT

# Which lines are gone, in the order of their generations.
Cuts = Sequence[Cut]


class FoundEmergency(NamedTuple):
    """An emergency among the records of a session."""

    cursor: Cursor
    # Of the record, or how far the run was; None if it has no steps.
    step: float | None
    # Of the record, Unix milliseconds; None if it has none.
    time_ms: int | None
    # When it was read, if it was not before.
    found_ms: int
    record: bytes


class KeptEmergency(NamedTuple):
    """An emergency as it is kept, without its record."""

    session: str
    cursor: Cursor
    # The incarnation of the stream in which it was found.
    incarnation: str
    step: float | None
    # Of the record, or when it was first read, Unix milliseconds.
    time_ms: int
    # "" if the record does not say it.
    severity: str


class Life(NamedTuple):
    """What is known of a session's stream, to tell which emergencies are its own."""

    incarnation: str
    cuts: Cuts

    def has(self, kept: KeptEmergency) -> bool:
        """Whether the file has the line of an emergency still."""
        return kept.incarnation == self.incarnation and all(
            cut.has(kept.cursor.id) for cut in self.cuts
        )


class Acknowledgement(NamedTuple):
    """Somebody has seen an emergency."""

    who: str
    note: str
    # When, by the broker's clock, Unix milliseconds.
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyWrite:
    """What an indexer has found in a session."""

    session: str
    incarnation: str
    # Whether the session is read from its beginning: then those of another incarnation
    # go. Else nothing is kept if another incarnation is known.
    begins: bool = False
    cuts: Cuts = ()
    # The last `MAX_KEPT_OF_SESSION` at most, in their order.
    found: Sequence[FoundEmergency] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHistory:
    """All that is kept."""

    # What `versions` said of it.
    versions: tuple[str, str] = ("", "")
    kept: Sequence[KeptEmergency] = ()
    lives: Mapping[str, Life] = field(default_factory=dict[str, Life])
    # By the ID of the emergency.
    acknowledged: Mapping[str, Acknowledgement] = field(
        default_factory=dict[str, Acknowledgement]
    )


class Emergencies(Protocol):
    """The emergencies in a broker; every call may raise `BrokerError`."""

    async def keep(self, writes: Sequence[EmergencyWrite]) -> int:
        """Keep what was found, each in one step; it may be repeated.

        A time that the record does not have stays what it was at first. What is beyond
        a bound goes, the first of a session, the oldest of all; returns how many went.
        Raises `BrokerFull`.
        """
        ...

    async def forget(self, session: str) -> None:
        """Drop the emergencies of a session that is gone."""
        ...

    async def are_spoiled(self) -> bool:
        """Whether another program wrote one of the keys of what is kept."""
        ...

    async def discard(self) -> None:
        """Drop all that is kept, but not what was acknowledged."""
        ...

    async def versions(self) -> tuple[str, str]:
        """Read what changes whenever anything is kept, or acknowledged."""
        ...

    async def load(self) -> KeptHistory:
        """Read all that is kept, without the records."""
        ...

    async def records(self, kept: Sequence[KeptEmergency]) -> list[bytes | None]:
        """Read records, None for those that are not kept."""
        ...

    async def acknowledge(self, id: str, who: str, note: str) -> Acknowledgement:
        """Note who has seen an emergency; returns who was the first."""
        ...

    async def take_back(self, ids: Sequence[str]) -> None:
        """Forget that emergencies were acknowledged."""
        ...


def severity_of(record: bytes) -> str:
    """How severe a record says that its emergency is; "" if it does not."""
    try:
        fields = _decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    severity = fields.severity
    if isinstance(fields.emergency, dict):
        named = cast(dict[str, object], fields.emergency).get("severity")
        severity = severity if named is None else named
    return severity[:MAX_SEVERITY] if isinstance(severity, str) else ""


def member_of(session: str, cursor: Cursor) -> str:
    """The name under which one is kept, in the order of its session's entries.

    `session` is as it is in keys: without control characters.
    """
    (generation, offset), digest = cursor
    return f"{session}\t{generation:010}-{offset:016}-{digest:08x}"


def kept_text(session: str, found: FoundEmergency, incarnation: str) -> bytes:
    """What is stored of one behind its time: the rest of a JSON object."""
    text = msgspec.json.encode(
        _Kept(
            session=session,
            cursor=str(found.cursor),
            step=found.step,
            severity=severity_of(found.record),
            life=incarnation,
        )
    )
    return text[1:]


def kept_of(text: bytes) -> KeptEmergency | None:
    """The same, read with its time; None if somebody wrote it by hand."""
    try:
        kept = _decode_kept(text)
        cursor = Cursor.parse(kept.cursor)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    except InvalidPosition:
        return None
    return KeptEmergency(
        kept.session, cursor, kept.life, kept.step, kept.time, kept.severity
    )


def life_text(incarnation: str, cuts: Cuts) -> str:
    """A life as it is stored: `INCARNATION GENERATION:BYTES[:SINCE] …`."""
    texts = [
        f"{cut.generation}:{cut.kept}" + (f":{cut.since}" if cut.since else "")
        for cut in cuts
    ]
    return " ".join([incarnation, *texts])


def life_of(text: str) -> Life:
    """The same, read; what somebody wrote by hand cuts nothing."""
    incarnation, *cuts = text.split(" ")
    found = [cut.split(":") for cut in cuts]
    return Life(
        incarnation,
        tuple(
            Cut(*map(int, parts))
            for parts in found
            if len(parts) in _PARTS and all(part.isdecimal() for part in parts)
        ),
    )


def acknowledgement_text(one: Acknowledgement) -> bytes:
    """As it is stored: a JSON array."""
    return msgspec.json.encode(one)


def acknowledgement_of(text: bytes) -> Acknowledgement | None:
    """The same, read; None if somebody wrote it by hand."""
    try:
        return _decode_acknowledgement(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


_PARTS: Final = (2, 3)


class _Said(msgspec.Struct):
    """Where a record may say how severe it is."""

    emergency: object = None
    severity: object = None


class _Kept(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What is stored of an emergency; the broker puts the time in front."""

    time: int = 0
    session: str
    cursor: str
    step: float | int | None = None
    severity: str = ""
    life: str


_decode: Final = msgspec.json.Decoder(_Said).decode
_decode_kept: Final = msgspec.json.Decoder(_Kept).decode
_decode_acknowledgement: Final = msgspec.json.Decoder(Acknowledgement).decode
