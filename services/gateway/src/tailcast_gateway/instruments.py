"""The gateway's metrics and log lines, all in one place.

Other modules call a method that says what happened; the method counts it and logs it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from time import monotonic
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from tailcast_gateway.limits import (
    CONNECTIONS,
    HANDSHAKE_TIME,
    HEADER_BYTES,
    MESSAGE_BYTES,
    NAMED_CLIENTS,
    SLOW_TIME,
    Limit,
)
from tailcast_gateway.meters import Meters
from tailcast_service.readers import Readers
from tailcast_service.sparing import Sparing
from tailcast_streams.client_cursors import MadeRoom
from tailcast_streams.exceptions import BrokerError, BrokerRefused


_Use = TypeVar("_Use", bound=Enum)

# The longest text of an error in a log line.
MAX_REASON_CHARACTERS = 500


# The limits that these answers are beyond, by status and by close code.
_OF_STATUS = {408: HANDSHAKE_TIME, 431: HEADER_BYTES}
_OF_CLOSE = {1009: MESSAGE_BYTES, 4008: SLOW_TIME}


class Instruments:
    """Counters of one replica, in a registry of their own."""

    def __init__(self, *, close_codes: Sequence[str] = ()) -> None:
        """`close_codes` are those that the gateway sends; they are counted from 0."""
        self._log = structlog.stdlib.get_logger("gateway")
        # Limits how often the same line is logged.
        self._sparing = Sparing(clock=monotonic)
        self.registry = CollectorRegistry()
        self._meters = Meters(self.registry, close_codes=close_codes)
        # The name of this replica.
        self._name = ""
        # Knows whether the metrics have been read, and waits for that.
        self.readers = Readers()
        # How often the broker came back. An outage is logged anew after each time.
        self._outage = 0
        # Whether it has been logged that the broker's clock may not be read.
        self._is_clock_refused = False
        # The connections that ended since they were last told, by close code.
        self._ended: Counter[str] = Counter()

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self.readers.note()
        return generate_latest(self.registry)

    # Connections.

    def count_tcp(self, counts: Mapping[_Use, int]) -> None:
        """Show these counts of TCP connections, as they are whenever one looks."""
        for use in counts:
            self._meters.tcp.open.labels(use.value).set_function(
                partial(counts.__getitem__, use)
            )

    def tcp_refused(self, reason: str, limit: int) -> None:
        """A TCP connection was closed, or only told to come again, at a bound.

        The reason is `connections`, or `descriptors` if the process runs out of these.
        """
        self._meters.tcp.refused.labels(reason).inc()
        if reason == "connections":
            self._meters.limited.labels(CONNECTIONS.name).inc()
        if times := self._sparing.came(("tcp", reason)):
            told = {
                "connections": "connection closed: far too many are open",
                "descriptors": "too few descriptors are left: raise the limit of open"
                " files (ulimit -n), or lower TAILCAST_MAX_CONNECTIONS",
            }[reason]
            self._log.warning(told, limit=limit, times=times)

    def request_refused(self, status: int) -> None:
        """A request was refused, or its connection ended, before it had come whole."""
        self._meters.tcp.unread.labels(str(status)).inc()
        if (limit := _OF_STATUS.get(status)) is not None:
            self._meters.limited.labels(limit.name).inc()

    def connection_opened(self) -> None:
        """A handshake succeeded."""
        self._meters.accepted.inc()
        self._meters.connections.inc()

    def connection_closed(
        self,
        code: int,
        reason: str,
        by: str,
        *,
        connection: str,
        counted_as: str,
        peer: str,
        seconds: float,
    ) -> None:
        """A connection has ended; `by` says whether client or gateway closed it."""
        self._meters.connections.dec()
        self._meters.closed.labels(counted_as, by).inc()
        if by == "gateway" and (limit := _OF_CLOSE.get(code)) is not None:
            self._meters.limited.labels(limit.name).inc()
        self._ended[counted_as] += 1
        self._log.debug(
            "connection closed",
            connection=connection,
            peer=peer,
            code=code,
            by=by,
            reason=reason,
            seconds=round(seconds, 1),
        )

    def tell_ends(self) -> None:
        """Log how many connections have ended since this was last called.

        One line for all, since thousands may end together.
        """
        if self._ended:
            codes, self._ended = self._ended, Counter()
            self._log.info("connections closed", times=codes.total(), codes=dict(codes))

    def origin_refused(self, origin: str) -> None:
        """A web page of an origin that is not allowed was refused."""
        told = "connection refused: TAILCAST_ALLOWED_ORIGINS does not name its origin"
        self._name_refused("origin", origin, told)

    def host_refused(self, host: str) -> None:
        """A request that called the gateway by a name not its own was refused."""
        told = "request refused: TAILCAST_ALLOWED_HOSTS does not name its host"
        self._name_refused("host", host, told)

    def _name_refused(self, kind: str, name: str, told: str) -> None:
        self._meters.refused.labels(kind).inc()
        # One limit for all of a kind, since a client can give a new name each time.
        if times := self._sparing.came(kind):
            self._log.warning(told, **{kind: name[:200]}, times=times)

    def token_refused(
        self, reason: str, digest: str, peer: str, *, connection: str
    ) -> None:
        """A token did not count; the digest tells it apart from others."""
        self._meters.refused.labels("token").inc()
        if times := self._sparing.came(("token", peer)):
            self._log.warning(
                "token refused",
                reason=reason,
                token=digest,
                connection=connection,
                peer=peer,
                times=times,
            )

    def emergency_acknowledged(self, id: str, who: str, *, connection: str) -> None:
        """Somebody has seen an emergency; nobody ("") if that was taken back."""
        self._meters.seen.labels("acknowledged" if who else "taken_back").inc()
        self._log.info(
            "emergency acknowledged", id=id, who=who or None, connection=connection
        )

    def overloaded(self, limit: int) -> None:
        """A connection was refused because `limit` connections are open."""
        self._meters.refused.labels("overloaded").inc()
        self._meters.limited.labels(CONNECTIONS.name).inc()
        if times := self._sparing.came("overloaded"):
            self._log.warning(
                "connection refused: TAILCAST_MAX_CONNECTIONS are open",
                limit=limit,
                times=times,
            )

    def busy(self, with_what: str) -> None:
        """A client was asked to come again later; `with_what` is the reason."""
        self._meters.refused.labels(with_what).inc()

    def limited(
        self, limit: Limit, *, subject: str = "", address: str, connection: str = ""
    ) -> None:
        """Somebody was beyond a limit, and was told so.

        It has no ID if it was turned away before anything was asked.
        """
        self._meters.limited.labels(limit.name).inc()
        # One line for all, since there may be many.
        if times := self._sparing.came(limit):
            self._log.warning(
                "beyond a limit",
                limit=limit.name,
                setting=f"TAILCAST_{limit.setting}" if limit.setting else None,
                subject=subject or None,
                address=address,
                connection=connection or None,
                times=times,
            )

    def memory_measured(self, *, is_scarce: bool) -> None:
        """Memory has become scarce, or is so no more."""
        if is_scarce:
            self._log.warning(
                "memory is scarce: new connections are refused, less is kept in memory"
            )
        else:
            self._log.info("memory is not scarce any more")

    def serving(self, name: str) -> None:
        """The replica starts; `name` stays the same over its restarts."""
        self._name = name
        self._meters.told_to_end.labels(name).set(0)

    def guarded(self, modes: Sequence[str]) -> None:
        """Clients say in these ways who they are; in none if everybody may read."""
        if "none" in modes:
            self._log.info("everybody who can connect may read everything")
        else:
            self._log.info("clients say who they are", by=", ".join(modes))

    def keys_read(self, count: int, reason: str) -> None:
        """The keys of the issuer were read; a reason says why they could not be."""
        if not reason:
            self._log.debug("the issuer's keys were read", keys=count)
            return
        self._meters.keyless.inc()
        if times := self._sparing.came("keys"):
            told = "the issuer's keys cannot be read: those read before go on for a day"
            self._log.warning(told, reason=reason, times=times)

    def certificate_read(self, error: OSError | None) -> None:
        """The certificate has changed; with an error the one before goes on."""
        if error is None:
            self._log.info("the certificate was read anew")
        elif times := self._sparing.came("certificate"):
            self._log.warning(
                "the certificate cannot be read", reason=str(error), times=times
            )

    def told_to_end(self) -> None:
        """The replica was asked to end, so its absence afterwards is no fault."""
        self._meters.told_to_end.labels(self._name).set(1)

    def draining(self, *, clients: int, seconds: float) -> None:
        """The replica has begun to send its clients away."""
        self._log.info("draining", clients=clients, seconds=seconds)

    def drained(self, *, clients: int, untold: int) -> None:
        """All clients are gone; `untold` of them did not take their final cursors."""
        self._log.info("drained", clients=clients, untold=untold)

    def command_received(self, kind: str) -> None:
        """A client sent a message of a known type."""
        self._meters.commands.labels(kind).inc()

    def error_sent(self, code: str) -> None:
        """A client was answered with an error."""
        self._meters.errors.labels(code).inc()

    def unavailable(self, to: str, error: Exception, *, connection: str) -> None:
        """A request was answered `unavailable`.

        It is logged here unless the broker refused: `broker_failed` logs that.
        """
        self._meters.unavailable.labels(to).inc()
        reason = str(error) or type(error).__name__
        if not isinstance(error, BrokerRefused) and (
            times := self._sparing.came(("unavailable", to))
        ):
            self._log.warning(
                "answered unavailable",
                to=to,
                reason=reason,
                connection=connection,
                times=times,
            )

    # Defects.

    def task_ended(self, error: Exception) -> None:
        """A task of the replica has ended too early, so the replica ends now."""
        self._meters.defects.labels("task").inc()
        self._log.error("defect: ending", reason=str(error))

    def defect(
        self, over: str, which: str, error: Exception, *, connection: str = ""
    ) -> None:
        """Work for one client, session or request failed by a mistake in the code."""
        self._meters.defects.labels(over).inc()
        reason = f"{type(error).__name__}: {error}"[:MAX_REASON_CHARACTERS]
        self._log.error(
            "defect",
            over=over,
            which=which,
            reason=reason,
            connection=connection or None,
        )
        self._log.debug("where the defect was", exc_info=error)

    def session_spoiled(self, session: str, error: Exception) -> None:
        """A session could not be read: another program wrote one of its keys."""
        self._meters.spoiled.inc()
        if times := self._sparing.came(("spoiled", session)):
            reason = str(error)[:MAX_REASON_CHARACTERS]
            self._log.warning(
                "session cannot be read", session=session, reason=reason, times=times
            )

    # Delivery.

    def frames_sent(self, clients: int, size_bytes: int) -> None:
        """The same `size_bytes` bytes were written to `clients` sockets."""
        self._meters.writes.inc(clients)
        self._meters.bytes.inc(clients * size_bytes)

    def entries_read(self, count: int) -> None:
        """Entries were added to a window."""
        self._meters.entries.inc(count)

    def entries_unreadable(self, session: str, count: int) -> None:
        """Entries of another program were no records: they became gaps."""
        self._meters.unreadable.inc(count)
        if times := self._sparing.came(("unreadable", session)):
            self._log.warning(
                "another program wrote entries that are no records",
                session=session,
                times=times,
            )

    def page_read(self) -> None:
        """A page was read for clients that are behind."""
        self._meters.pages.inc()

    def cpu_used(self, kind: str, used_ns: int) -> None:
        """Something was computed for a client."""
        self._meters.cpu.labels(kind).inc(used_ns / 1e9)

    def fell_behind(self) -> None:
        """The socket of a live client accepted no more bytes."""
        self._meters.behind.inc()

    def gap_told(self, session: str, *, connection: str) -> None:
        """A client was told that entries which it had not received are gone."""
        self._meters.gaps.inc()
        self._log.info("gap told", session=session, connection=connection)

    def rewind_told(self, session: str, *, connection: str) -> None:
        """A client was told that its cursor belongs to another file."""
        self._meters.rewinds.inc()
        self._log.info(
            "rewind told: a cursor of another file",
            session=session,
            connection=connection,
        )

    def export_broken(self, session: str, reason: str, *, connection: str) -> None:
        """An NDJSON response ended before it was complete."""
        self._meters.exports.inc()
        self._log.warning(
            "export cut short", session=session, reason=reason, connection=connection
        )

    def session_event_dropped(self) -> None:
        """An event of a session was not sent, because the client's socket was full."""
        self._meters.dropped.inc()

    # Clients that name themselves.

    def start_repeated(self, client_id: str, times: int, *, connection: str) -> None:
        """A named client starts where it started before: it has confirmed nothing."""
        self._meters.repeated.inc()
        self._log.warning(
            "a client begins again where it began, it has confirmed nothing since",
            client=client_id,
            connection=connection,
            times=times,
        )

    def taken_over(self) -> None:
        """A connection lost its named client to a newer connection."""
        self._meters.taken_over.inc()

    def progress_saved(self, *, clients: int, cursors: int) -> None:
        """The cursors of named clients were saved in the broker."""
        self._meters.saved.labels("done").inc(clients)
        self._meters.cursors.inc(cursors)

    def progress_refused(self) -> None:
        """A save was refused: its connection had lost the named client to another."""
        self._meters.saved.labels("refused").inc()

    def progress_failed(self, clients: int) -> None:
        """Saves did not reach the broker; they are tried again."""
        self._meters.saved.labels("failed").inc(clients)

    def progress_lost(self, clients: int) -> None:
        """Cursors were not saved, so these clients will get some records again."""
        self._meters.saved.labels("lost").inc(clients)
        self._log.warning("progress of clients was not saved", clients=clients)

    def room_made(self, made: MadeRoom) -> None:
        """Something was dropped of what is stored for named clients."""
        self._meters.room.labels("clients").inc(made.clients)
        self._meters.room.labels("sessions").inc(made.sessions)
        if times := self._sparing.came("room made"):
            self._log.warning(
                "positions of named clients were dropped: TAILCAST_MAX_NAMED_CLIENTS,"
                " TAILCAST_MAX_NAMED_CLIENT_BYTES and TAILCAST_MAX_NAMED_BYTES bound"
                " them",
                clients=made.clients,
                sessions=made.sessions,
                times=times,
            )

    def client_refused(self) -> None:
        """There was no room for a new named client."""
        self._meters.unnamed.inc()
        self._meters.limited.labels(NAMED_CLIENTS.name).inc()
        if times := self._sparing.came("client refused"):
            self._log.warning(
                "client refused: TAILCAST_MAX_NAMED_CLIENTS are stored and were there"
                " within the hour",
                times=times,
            )

    # The feed.

    def window_reset(self, session: str) -> None:
        """A window was emptied: the stream does not continue what the window holds."""
        self._meters.resets.inc()
        self._log.info("session read anew", session=session)

    def audit_found(self, count: int) -> None:
        """The audit found sessions with new entries of which no hint had come."""
        self._meters.found.inc(count)

    def clock_stepped(self, seconds: float) -> None:
        """The machine's clock was set forward or, if `seconds` is negative, back."""
        self._meters.steps.inc()
        self._log.warning("the clock was set", by_seconds=round(seconds, 1))

    def clock_refused(self, error: Exception) -> None:
        """The broker's clock may not be read; ages are measured by our own clock."""
        if not self._is_clock_refused:
            self._log.warning(
                "the broker's clock may not be read: the account needs +time",
                reason=str(error),
            )
        self._is_clock_refused = True

    def hint_dropped(self, reason: str) -> None:
        """A hint on the broker's channel was ignored.

        The reason is `foreign` for a hint of another installation, `unknown` for a
        session that does not exist, and `many` if the audit does the work instead.
        """
        self._meters.hints.labels(reason).inc()

    def broker_failed(self, what: str, error: Exception) -> None:
        """A call to the broker failed.

        It is logged if the broker refused it, since that goes on until somebody acts.
        """
        code = error.code if isinstance(error, BrokerError) else ""
        self._meters.failed.labels(type(error).__name__, code).inc()
        if isinstance(error, BrokerRefused) and (
            times := self._sparing.came(code or str(error))
        ):
            self._log.error("broker refused", what=what, reason=str(error), times=times)

    def feed_lost(self, error: Exception) -> None:
        """The feed lost its connection: the broker is away, or refuses to let it in."""
        self._meters.lost.inc()
        if not isinstance(error, BrokerRefused) and (
            times := self._sparing.came(("feed lost", self._outage))
        ):
            reason = str(error) or type(error).__name__
            self._log.warning(
                "broker cannot be reached, waiting", reason=reason, times=times
            )

    def feed_found(self) -> None:
        """The broker is back."""
        self._outage += 1
        self._log.info("listening to the broker")

    def freshness_measured(self, *, fresh: bool) -> None:
        """Whether appended entries arrive here was measured."""
        self._meters.feed.set(int(fresh))

    def session_contested(self, session: str, owners: Sequence[str]) -> None:
        """Several tailers see different files of a session."""
        self._log.warning("session is contested", session=session, owners=list(owners))

    def sessions_contested(self, count: int) -> None:
        """The number of contested sessions was counted."""
        self._meters.contested.set(count)

    def tailers_silent(self, count: int) -> None:
        """The tailers of running sessions that give no sign of life were counted."""
        self._meters.silent.set(count)

    def push_taken(self) -> None:
        """What was appended to a session came by itself."""
        self._meters.live.pushed.labels("taken").inc()

    def push_passed_over(self) -> None:
        """It came, and did not follow what is here: the stream is read."""
        self._meters.live.pushed.labels("read").inc()

    def wake_measured(self, seconds: float) -> None:
        """The time from a notification to the delivery of its entries was measured."""
        self._meters.live.wake.observe(seconds)

    def delivered(self, lag_seconds: float) -> None:
        """A line reached the sockets `lag_seconds` after it was written to its file."""
        # The lag can be negative, since another machine's clock may be ahead of ours.
        self._meters.live.lag.observe(max(0.0, lag_seconds))

    def watching(self, *, sessions: int, subscribers: int, window_bytes: int) -> None:
        """The watched sessions, their subscribers and windows were counted."""
        self._meters.sessions.set(sessions)
        self._meters.subscribers.set(subscribers)
        self._meters.windows.set(window_bytes)
