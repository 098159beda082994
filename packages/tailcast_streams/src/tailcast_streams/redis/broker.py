"""The broker over Redis ≥ 7.0 or Valkey ≥ 7.2, and nothing that decides anything.

Home of the scripts' argument lists and of what Redis' replies look like. Decisions are
in `append.lua`, where they are one step, or in the services.
"""

import json
import secrets
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any, cast

from redis import exceptions as redis_errors
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript

from tailcast_streams.births import Birth
from tailcast_streams.entries import Document, Entry, Kind, NewEntry, Rejection
from tailcast_streams.keys import EMERGENCIES, Keys
from tailcast_streams.notification import format_moved, heard
from tailcast_streams.position import EntryID
from tailcast_streams.redis.claims import RedisClaims
from tailcast_streams.redis.client_cursors import RedisClientCursors
from tailcast_streams.redis.connection import (
    OwnLine,
    connect,
    pushed,
    script,
)
from tailcast_streams.redis.core.replies import (
    HEAD_FIELDS,
    birth_of,
    end_of,
    entries_of,
    head_state_of,
    position_of,
    rejection_of,
    state_of,
    whole_state_of,
)
from tailcast_streams.redis.errors import translate, translated_errors
from tailcast_streams.redis.installation import RedisInstallation
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    Head,
    SessionState,
    Snapshot,
    StoredEnd,
    StoredPosition,
    Trimmed,
    snapshot_of,
)


# Whole-file emergencies that are kept.
MAX_DOCUMENTS = 10_000
# Commands in one pipeline, so that no request or reply grows with what there is.
PIPELINE_COMMANDS = 1_000
# Whole states in one pipeline: each may have a record and statistics of 100 kB.
WHOLE_STATES = 100
# Entries that one XTRIM may drop: it holds up everybody for some milliseconds. Without
# a number the broker has one of its own, and says nothing when it stops there.
TRIMMED_ENTRIES = 10_000
# After all times: what a score and JSON hold to the millisecond.
_LAST_MS = 2**53


class RedisBroker:
    """Both ports, `SessionWriter` and `SessionReader`, over one Redis or Valkey."""

    def __init__(self, url: str, *, key_prefix: str = "telemetry") -> None:
        """Connects at the first command.

        Raises:
            BrokerRefused: the URL is none that this version understands.
        """
        self._keys = Keys(key_prefix)
        # Runs the commands, over a bounded pool.
        self._redis = connect(url)
        # Each of its connections listens as long as somebody iterates.
        self._listener = connect(url, waits_for_messages=True)
        # What moved is read over it, by the feed alone.
        self._line = OwnLine(self._listener)
        self._installation = RedisInstallation(self._redis, self._keys)
        # redis-py's own would make a dictionary of every entry.
        for command in ("XRANGE", "XREVRANGE"):
            self._redis.response_callbacks[command] = cast(Any, _entries_reply)
        self._append = self._script("last_id", "refusal", "append")
        self._position = self._script("last_id", "position")
        self._discard = self._script("last_id", "refusal", "discard")
        self._add_document = self._script("last_id", "refusal", "add_document")
        self._births = self._script("births")
        # What tailers say to each other.
        self.claims = RedisClaims(self._redis, self._keys)
        # What is kept of clients that name themselves.
        self.clients = RedisClientCursors(self._redis, self._keys, self._said)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._line.aclose()
        await self._redis.aclose()
        await self._listener.aclose()

    async def settle_installation(self) -> None:
        await self._installation.settle()

    # What the tailer asks.

    async def load(self, session: str) -> SessionState | None:
        return (await self.states([session]))[0]

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        found: list[SessionState | None] = []
        for start in range(0, len(sessions), WHOLE_STATES):
            async with self._pipeline() as pipeline:
                for session in sessions[start : start + WHOLE_STATES]:
                    self._ask_position(pipeline, session)
                    pipeline.hgetall(self._keys.state(session))
                replies = await self._execute(pipeline)
            for position, fields in zip(replies[::2], replies[1::2], strict=True):
                stored = position_of(position)
                is_known = stored != NOTHING_STORED
                found.append(state_of(fields, stored) if is_known else None)
        return found

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        return [position_of(reply) async for reply in self._positions(sessions)]

    async def _positions(self, sessions: Sequence[str]) -> AsyncIterator[list[bytes]]:
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            async with self._pipeline() as pipeline:
                for session in sessions[start : start + PIPELINE_COMMANDS]:
                    self._ask_position(pipeline, session)
                replies = await self._execute(pipeline)
            for reply in replies:
                yield reply

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        await self.touch({session: activity_ms})
        with translated_errors():
            answer = await self._births([self._keys.births], [secrets.token_hex(4)])
        return birth_of(cast(list[bytes], answer))

    async def append(self, batch: Batch) -> Appended:
        keys = [self._keys.stream(batch.session), self._keys.state(batch.session)]
        if batch.rejections:
            keys.append(self._keys.rejected(batch.session))
        with translated_errors():
            said = await self._said(format_moved(batch.session, batch.written_ms))
            answer = await self._append(keys, self._append_arguments(batch, said))
        return Appended(cast(bytes, answer).decode())

    def _append_arguments(
        self, batch: Batch, said: Sequence[str]
    ) -> list[str | bytes | int | float]:
        expected = batch.expected
        arguments: list[str | bytes | int | float] = [
            *said,
            *_position_arguments(expected),
            batch.incarnation,
            batch.generation,
            batch.offset,
            len(batch.entries),
            len(batch.rejections),
            len(batch.fields),
        ]
        for entry in batch.entries:
            if entry.kind is Kind.RECORD:
                arguments += (entry.offset, entry.record)
            else:
                arguments += (f"{entry.kind.value}{entry.offset}", _body(entry))
        for rejection in batch.rejections:
            arguments += rejection
        for name, value in batch.fields.items():
            arguments += (name, value)
        return arguments

    async def discard(self, session: str, seen: StoredPosition) -> bool:
        keys = [
            self._keys.stream(session),
            self._keys.state(session),
            self._keys.rejected(session),
        ]
        arguments = [
            *await self._said(format_moved(session, 0)),
            *_position_arguments(seen),
            str(seen.stream_last_id),
        ]
        with translated_errors():
            return bool(await self._discard(keys, arguments))

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
        """Drop some entries below an ID; how many went, and the oldest that stays."""
        stream = self._keys.stream(session)
        async with self._pipeline() as pipeline:
            pipeline.xtrim(
                stream, minid=str(before), approximate=True, limit=TRIMMED_ENTRIES
            )
            pipeline.xrange(stream, count=1)
            went, oldest = await self._execute(pipeline)
        return went, oldest[0] if oldest else None

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        if not activity_ms:
            return
        with translated_errors():
            await self._redis.zadd(self._keys.sessions, dict(activity_ms), gt=True)

    async def snapshot(self, session: str) -> Snapshot | None:
        return (await self.snapshots([session]))[0]

    async def snapshots(self, sessions: Sequence[str]) -> list[Snapshot | None]:
        found: list[Snapshot | None] = []
        for start in range(0, len(sessions), WHOLE_STATES):
            async with self._pipeline() as pipeline:
                for session in sessions[start : start + WHOLE_STATES]:
                    pipeline.hgetall(self._keys.state(session))
                replies = await self._execute(pipeline)
            found += [
                snapshot_of(whole_state_of(fields)) if fields else None
                for fields in replies
            ]
        return found

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        # Somebody may have written "inf" by hand, which is no time.
        highest = _LAST_MS if active_until_ms is None else active_until_ms
        with translated_errors():
            found = cast(
                list[tuple[bytes, float]],
                await self._redis.zrangebyscore(
                    self._keys.sessions, active_since_ms, highest, withscores=True
                ),
            )
        return {name.decode(errors="replace"): int(score) for name, score in found}

    async def unlist(self, session: str) -> None:
        with translated_errors():
            await self._redis.zrem(self._keys.sessions, session)

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
                    ],
                )
            )

    async def hold_presence(self, owner: str, *, seconds: float) -> None:
        with translated_errors():
            await self._redis.set(
                self._keys.presence(owner), "1", px=int(seconds * 1_000)
            )

    async def has_begun(self, tailer: str) -> bool:
        with translated_errors():
            return bool(await self._redis.sismember(self._keys.begun, tailer))

    async def note_begun(self, tailer: str) -> None:
        with translated_errors():
            await self._redis.sadd(self._keys.begun, tailer)

    async def is_present(self, owner: str) -> bool:
        with translated_errors():
            return bool(await self._redis.exists(self._keys.presence(owner)))

    # What the gateway asks.

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        with translated_errors():
            return cast(
                list[Entry],
                await self._redis.xrange(
                    self._keys.stream(session), min=f"({after}", count=limit
                ),
            )

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        commands = [
            ("XRANGE", self._keys.stream(session), f"({position}", "+", "COUNT", limit)
            for session, position in after.items()
        ]
        with translated_errors():
            replies = await self._line.exchange(commands)
        return {
            session: entries_of(reply)
            for session, reply in zip(after, replies, strict=True)
            if reply
        }

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        highest = "+" if before is None else f"({before}"
        with translated_errors():
            return cast(
                list[Entry],
                await self._redis.xrevrange(
                    self._keys.stream(session), max=highest, count=limit
                ),
            )

    async def find(self, session: str, id: EntryID) -> Entry | None:
        with translated_errors():
            found = cast(
                list[Entry],
                await self._redis.xrange(
                    self._keys.stream(session), min=str(id), max=str(id)
                ),
            )
        return found[0] if found else None

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        with translated_errors():
            found = cast(
                list[Entry],
                await self._redis.xrange(
                    self._keys.rejected(session), min=f"({after}", count=limit
                ),
            )
        return [rejection_of(entry) for entry in found]

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        return [end_of(reply) async for reply in self._positions(sessions)]

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        heads: list[Head] = []
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            heads += await self._heads(sessions[start : start + PIPELINE_COMMANDS])
        return heads

    async def _heads(self, sessions: Sequence[str]) -> list[Head]:
        async with self._pipeline() as pipeline:
            for session in sessions:
                stream = self._keys.stream(session)
                self._ask_position(pipeline, session)
                pipeline.hmget(self._keys.state(session), HEAD_FIELDS)
                pipeline.xrange(stream, count=1)
                pipeline.xrevrange(stream, count=1)
            replies = await self._execute(pipeline)
        heads: list[Head] = []
        for at in range(0, len(replies), 4):
            position, values, oldest, newest = replies[at : at + 4]
            state = head_state_of(values, position_of(position))
            heads.append(
                Head(
                    state, oldest[0] if oldest else None, newest[0] if newest else None
                )
            )
        return heads

    async def now_ms(self) -> int:
        with translated_errors():
            seconds, microseconds = await self._redis.time()
        return int(seconds) * 1_000 + int(microseconds) // 1_000

    async def births(self) -> Birth:
        with translated_errors():
            found = await self._redis.hmget(self._keys.births, ["counter", "number"])
        return birth_of(cast(list[bytes | None], found))

    async def present(self, owners: Sequence[str]) -> set[str]:
        async with self._pipeline() as pipeline:
            for owner in owners:
                pipeline.exists(self._keys.presence(owner))
            found = await self._execute(pipeline)
        return {
            owner for owner, is_there in zip(owners, found, strict=True) if is_there
        }

    @asynccontextmanager
    async def notifications(
        self, *, on_foreign: Callable[[], None] | None = None
    ) -> AsyncGenerator[AsyncIterator[str]]:
        await self._installation.settle()
        async with self._listener.pubsub(ignore_subscribe_messages=True) as pubsub:
            with translated_errors():
                await pubsub.subscribe(self._keys.feed)
                # The answer to SUBSCRIBE: from here on nothing is missed unnoticed.
                await pubsub.get_message(timeout=None)
            yield self._payloads(pubsub, on_foreign)

    async def _payloads(
        self, pubsub: Any, on_foreign: Callable[[], None] | None
    ) -> AsyncIterator[str]:
        with translated_errors():
            async for data in pushed(pubsub):
                ours = heard(data, self._installation.heard_tag)
                if ours is not None:
                    yield ours.decode(errors="replace")
                elif on_foreign is not None:
                    on_foreign()

    async def notify(self, payload: str) -> None:
        with translated_errors():
            await self._redis.publish(*await self._said(payload))

    async def _said(self, text: str) -> tuple[str, str]:
        """The channel, and what is said there."""
        return self._keys.feed, await self._installation.known_tag() + text

    # How commands are sent.

    def _script(self, *parts: str) -> AsyncScript:
        return self._redis.register_script(script(*parts))

    def _pipeline(self) -> Pipeline:
        return self._redis.pipeline(transaction=False)

    def _ask_position(self, pipeline: Pipeline, session: str) -> None:
        pipeline.evalsha(
            self._position.sha,
            2,
            self._keys.stream(session),
            self._keys.state(session),
        )

    async def _execute(self, pipeline: Pipeline) -> list[Any]:
        """Run a pipeline; once more if the broker had forgotten a script."""
        with translated_errors():
            commands = list(pipeline.command_stack)
            replies = await pipeline.execute(raise_on_error=False)
            if any(isinstance(reply, redis_errors.NoScriptError) for reply in replies):
                await self._redis.script_load(self._position.script)
                pipeline.command_stack = commands
                replies = await pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, Exception):
                raise translate(reply) from reply
        return replies


def _entries_reply(response: Any, **_options: Any) -> list[Entry]:
    return entries_of(response)


def _position_arguments(position: StoredPosition) -> tuple[str | int, ...]:
    return (
        position.incarnation,
        position.generation,
        position.offset,
        str(position.last_id),
        str(position.last_rejected_id),
    )


def _body(entry: NewEntry) -> bytes:
    if entry.kind is Kind.EMERGENCY:
        return entry.record
    fields = [text for pair in (entry.details or {}).items() for text in pair]
    return json.dumps(fields).encode()
