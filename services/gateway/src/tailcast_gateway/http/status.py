"""The state of the whole over HTTP: who serves, what is watched, and what is wrong.

What is read in the broker for it is kept for a few seconds, for all who ask. While the
broker does not answer, the answer says so and has what the gateway knows itself.
"""

import asyncio
from heapq import nlargest
from operator import itemgetter

from fastapi import FastAPI, Response

from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.core.bodies import StatusBody
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.core.problems import Facts, Seen, find_problems
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.protocol.limits import MAX_MESSAGE_BYTES, SEVERAL_BYTES
from tailcast_gateway.replica import Replica
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.time_limit import time_limit
from tailcast_gateway.sessions.core.source_list import (
    BEFORE_ALL_SOURCES,
    Listed,
    tailer_fields,
)
from tailcast_gateway.sessions.stored import SESSIONS_AT_ONCE
from tailcast_gateway.views.grant import Grant
from tailcast_gateway.views.subscription import Subscription
from tailcast_service.build import read_build
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.indexers import Indexer
from tailcast_streams.sources import MAX_LISTED_PATHS, SourceState


# How long what was read is told again, and how long reading it may take.
KEPT_SECONDS = 5.0
READ_SECONDS = 1.5
# How many paths are looked at that are not followed, and how many tailers are told,
# and indexers.
MAX_PATHS = 1_000
MAX_TAILERS = 100
MAX_INDEXERS = 100

_STATUS = answers(StatusBody)
_MEANT = (SourceState.REFUSED, SourceState.WAITING)


def add_status(api: FastAPI, replica: Replica) -> None:
    """Serve `/api/status`."""
    status = _Status(replica)

    @api.get("/api/status", responses=_STATUS)
    async def show_status(allowed: Allowed) -> Response:
        """What is watched, the limits, and what is wrong, with what mends it."""
        return json_response(await status.body(allowed.grant))


class _Status:
    """Makes the answers of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        # What was read last, and when, seconds of the loop.
        self._seen: Seen | None = None
        self._seen_at = 0.0
        self._turn = FairSemaphore(1)

    async def body(self, grant: Grant) -> dict[str, object]:
        """The answer as it is now, to somebody with this grant."""
        replica = self._replica
        seen = await self._look()
        if seen is not None:
            seen = seen.within(grant)
        pulse = replica.feed.pulse(Subscription((), grant))
        indexers = replica.feed.indexers.present
        problems, has_more = find_problems(
            Facts(
                feed=pulse.feed,
                refusal=replica.feed.probe.refusal,
                connections=replica.edge.open,
                max_connections=replica.edge.max_connections,
                silent=replica.feed.silent_tailers if grant.is_all else (),
                sees_tailers=grant.is_all,
                indexers=None if indexers is None else len(indexers),
                index_lag_ms=pulse.index_lag_ms,
                seen=seen,
            )
        )
        has_tailers = seen is not None and grant.is_all
        overviews = () if seen is None else seen.overviews[:MAX_TAILERS]
        return {
            **read_build()._asdict(),
            "replica": replica.name,
            "feed": pulse.feed,
            "lagMs": pulse.lag_ms,
            "indexLagMs": pulse.index_lag_ms,
            "tailers": [*map(tailer_fields, overviews)] if has_tailers else None,
            "indexers": None
            if indexers is None
            else [*map(_indexer, indexers[:MAX_INDEXERS])],
            "limits": self._limits(),
            "problems": [problem.fields for problem in problems],
            "more": has_more,
        }

    def _limits(self) -> dict[str, int]:
        replica = self._replica
        return {
            "connections": replica.edge.max_connections,
            "subscriptions": replica.quotas.subscriptions,
            "messageBytes": SEVERAL_BYTES,
            "recordBytes": MAX_MESSAGE_BYTES,
            "listedPaths": MAX_LISTED_PATHS,
        }

    async def _look(self) -> Seen | None:
        """What is in the broker; None if it does not answer."""
        clock = asyncio.get_running_loop().time
        try:
            async with time_limit(READ_SECONDS), self._turn:
                if self._seen is None or clock() - self._seen_at >= KEPT_SECONDS:
                    self._seen = None
                    self._seen = await self._read()
                    self._seen_at = clock()
                return self._seen
        except (BrokerError, TimeoutError) as error:
            self._replica.instruments.broker_failed("request", error)
            return None

    async def _read(self) -> Seen:
        stored = self._replica.stored_of_all
        listed: list[Listed] = []
        overviews, meant = await stored.sources(
            _MEANT, after=BEFORE_ALL_SOURCES, limit=MAX_PATHS
        )
        _, others = await stored.sources(
            (SourceState.LEFT_OUT,), after=BEFORE_ALL_SOURCES, limit=MAX_PATHS
        )
        listed += [*meant, *others]
        active = await stored.first_active(SESSIONS_AT_ONCE)
        latest = nlargest(SESSIONS_AT_ONCE, active.items(), key=itemgetter(1))
        sessions: list[dict[str, object]] = []
        async for some, _ in stored.described(dict(latest)):
            sessions += some
        return Seen(overviews=overviews, listed=listed, sessions=sessions)


def _indexer(indexer: Indexer) -> dict[str, object]:
    """What one indexer says of itself."""
    return {
        "name": indexer.name,
        "version": indexer.version,
        "since": indexer.since_ms,
        "sessions": indexer.sessions,
        "behind": indexer.behind,
        "lagMs": indexer.lag_ms,
    }
