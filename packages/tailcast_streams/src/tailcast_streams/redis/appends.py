"""Appends to streams over Redis or Valkey: a part of `RedisBroker`.

It makes the arguments of the scripts. Decisions are made in the scripts, where they are
one step, or in the tailer.
"""

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache, partial
from hashlib import sha1
from typing import cast

from redis import exceptions as redis_errors
from redis.commands.core import AsyncScript
from redis.typing import EncodableT

from tailcast_streams.entries import MAX_DOCUMENTS, Document, Entry, Kind, NewEntry
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.notification import format_moved
from tailcast_streams.position import EntryID
from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.errors import translate, translated_errors
from tailcast_streams.session_state import Appended, Batch, StoredPosition, Trimmed


# How many entries one XTRIM may drop: it blocks the broker for some milliseconds.
# Without a limit the broker uses its own, and does not say when it stops there.
TRIMMED_ENTRIES = 10_000
# Digests of who appends that are kept: a tailer has one for each file.
WHOSE_DIGESTS = 1_024
# Fields of the state that most appends write. They go by their places, in this order,
# as a name is mostly longer than what it says; and what stands in the place of one that
# stays as it is.
USUAL_FIELDS = ("size", "updated_ms", "written_ms", "marker_proof", "last_digest")
_STAYS = "-"


class RedisAppends(RedisCalls):
    """Appends to streams, trims and deletes them."""

    async def append(self, batch: Batch) -> Appended:
        with translated_errors():
            keys, arguments = await self._append_call(batch)
            answer = await self._together(
                [self._append_command(keys, arguments)],
                partial(self._append, keys, arguments),
            )
        return Appended(cast(bytes, answer).decode())

    async def append_all(
        self, batches: Sequence[Batch]
    ) -> Sequence[Appended | BrokerError]:
        commands = [
            self._append_command(*await self._append_call(batch)) for batch in batches
        ]
        with translated_errors():
            replies = await self._line.exchange(commands)
        return [
            Appended(reply.decode())
            if isinstance(reply, bytes)
            else await self._not_done(batch, reply)
            for batch, reply in zip(batches, replies, strict=True)
        ]

    async def _not_done(self, batch: Batch, error: Exception) -> Appended | BrokerError:
        """What becomes of a batch whose command was refused."""
        if isinstance(error, redis_errors.NoScriptError):
            try:
                # It was carried out for none; that loads it.
                return await self.append(batch)
            except BrokerError as refused:
                return refused
        return translate(error)

    async def _append_call(self, batch: Batch) -> tuple[list[str], list[EncodableT]]:
        """The script's keys and arguments for one batch."""
        keys = [self._keys.stream(batch.session), self._keys.state(batch.session)]
        if batch.rejections:
            keys.append(self._keys.rejected(batch.session))
        if batch.incarnation != batch.expected.incarnation:
            keys.append(self._keys.edits(batch.session))
        said = await self._said(format_moved(batch.session, batch.written_ms))
        return keys, self._append_arguments(batch, said)

    def _append_command(
        self, keys: Sequence[str], arguments: Sequence[EncodableT]
    ) -> Sequence[EncodableT]:
        return ("EVALSHA", self._append.sha, len(keys), *keys, *arguments)

    def _append_arguments(self, batch: Batch, said: Sequence[str]) -> list[EncodableT]:
        expected = _position_text(batch.expected)
        if batch.expected_whose is not None:
            expected += f" {_whose_digest(*batch.expected_whose)}"
        is_same = batch.incarnation == batch.expected.incarnation
        usual, others = dict.fromkeys(USUAL_FIELDS, _STAYS), dict(batch.fields)
        for name in usual.keys() & others.keys():
            text = str(others[name])
            if text.split() == [text] != [_STAYS]:
                usual[name] = text
                del others[name]
        # One text, as each argument by itself takes some six bytes more.
        after = (
            _STAYS if is_same else batch.incarnation,
            batch.generation,
            batch.offset,
            len(batch.entries),
            len(batch.rejections),
            len(others),
            *usual.values(),
        )
        arguments: list[EncodableT] = [
            *said,
            expected,
            " ".join(map(str, after)),
        ]
        for entry in batch.entries:
            if entry.kind is Kind.RECORD:
                arguments += (entry.offset, entry.record)
            else:
                arguments += (f"{entry.kind.value}{entry.offset}", _body(entry))
        for rejection in batch.rejections:
            arguments += rejection
        for name, value in others.items():
            arguments += (name, value)
        return arguments

    async def discard(
        self, session: str, seen: StoredPosition, *, keeps_edits: bool = False
    ) -> bool:
        keys = self._keys.of_session(session)
        if not keeps_edits:
            keys.append(self._keys.edits(session))
        arguments = [
            *await self._said(format_moved(session, 0)),
            _position_text(seen),
            str(seen.stream_last_id),
        ]
        with translated_errors():
            return bool(await self._discard(keys, arguments))

    async def take_out(
        self,
        session: str,
        seen: StoredPosition,
        *,
        at_ms: int,
        told_seconds: int,
        edits_seconds: int,
    ) -> bool:
        keys = [self._keys.edits(session), *self._keys.of_session(session)]
        position, last_id = _position_text(seen), str(seen.stream_last_id)
        with translated_errors():
            is_done = await self._take_out(
                keys, [position, last_id, at_ms, told_seconds, edits_seconds]
            )
            if is_done:
                await self._redis.zrem(self._keys.sessions, session)
        if is_done:
            last = seen.last_id
            await self.trim(session, EntryID(last.generation, last.offset + 1))
        return bool(is_done)

    async def trim(self, session: str, before: EntryID) -> Trimmed:
        went = 0
        while True:
            some, oldest = await self._trim_some(session, before)
            went += some
            if not some or oldest is None or oldest.id >= before:
                return Trimmed(went, oldest)

    async def _trim_some(
        self, session: str, before: EntryID
    ) -> tuple[int, Entry | None]:
        """Drop some entries below an ID; returns how many, and the oldest left."""
        stream = self._keys.stream(session)
        went, oldest = await self._ask(
            [
                ("XTRIM", stream, "MINID", "~", str(before), "LIMIT", TRIMMED_ENTRIES),
                ("XRANGE", stream, "-", "+", "COUNT", "1"),
            ]
        )
        return went, oldest[0] if oldest else None

    async def add_document(self, document: Document) -> bool:
        with translated_errors():
            return bool(
                await self._add_document(
                    [self._keys.stream(EMERGENCIES), self._keys.emergencies_seen],
                    [
                        *await self._said(
                            format_moved(EMERGENCIES, document.written_ms)
                        ),
                        f"{document.path}/{document.sha256}",
                        document.record,
                        document.session,
                        document.path,
                        int(document.is_news),
                        MAX_DOCUMENTS,
                        document.written_ms,
                    ],
                )
            )

    @cached_property
    def _append(self) -> AsyncScript:
        return self._script("last_id", "refusal", "stored_position", "append")

    @cached_property
    def _discard(self) -> AsyncScript:
        return self._script("last_id", "refusal", "stored_position", "discard")

    @cached_property
    def _take_out(self) -> AsyncScript:
        return self._script("last_id", "refusal", "stored_position", "take_out")

    @cached_property
    def _add_document(self) -> AsyncScript:
        return self._script("last_id", "refusal", "add_document")


def _position_text(position: StoredPosition) -> str:
    """As `stored_position.lua` makes it of what is stored."""
    incarnation, generation, offset, last_id, last_rejected_id, _ = position
    return f"{incarnation} {generation} {offset} {last_id} {last_rejected_id}"


@lru_cache(maxsize=WHOSE_DIGESTS)
def _whose_digest(owner: str, path: str) -> str:
    """As `append.lua` makes it: enough to tell what is stored from something else."""
    return sha1(f"{owner}\0{path}".encode(), usedforsecurity=False).hexdigest()[:8]


def _body(entry: NewEntry) -> bytes:
    if entry.kind is Kind.EMERGENCY:
        return entry.record
    fields = [text for pair in (entry.details or {}).items() for text in pair]
    return json.dumps(fields).encode()
