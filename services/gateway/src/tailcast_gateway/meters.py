"""The counters and gauges of one gateway, by their names; `instruments` moves them."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from tailcast_gateway.limits import ALL_LIMITS
from tailcast_service.build_metric import tell_build
from tailcast_service.meters import MeterMaker


# What the names of all of them begin with.
METERS = "tailcast_gateway"


class Meters:
    """All metrics of one gateway."""

    def __init__(
        self, registry: CollectorRegistry, *, close_codes: Sequence[str]
    ) -> None:
        """`close_codes` are those that the gateway sends; they are counted from 0."""
        make = MeterMaker(METERS, registry)
        counter, gauge = make.counter, make.gauge
        tell_build(registry)
        self.told_to_end = gauge(
            "told_to_end",
            "1 since the replica was asked to end (SIGTERM); `replica` "
            "is its host and port, the same after a restart",
            "replica",
        )
        self.connections = gauge("connections", "Open connections")
        self.subscribers = gauge("subscribers", "Connections with a subscription")
        self.sessions = gauge("watched_sessions", "Sessions that the replica reads")
        self.windows = gauge("window_bytes", "Bytes of the entries in all windows")
        self.contested = gauge(
            "contested_sessions",
            "Sessions of which several tailers see different files",
        )
        self.silent = gauge(
            "silent_tailers",
            "Tailers of running sessions that give no sign of life; a "
            "session counts if it had a record within ten minutes "
            "before its tailer fell silent",
        )
        self.feed = gauge(
            "feed_fresh", "1 while its canary comes back through the broker within 30 s"
        )
        self.tcp = _TcpMeters(make)
        self.accepted = counter("connections_accepted", "Handshakes that succeeded")
        self.refused = _from_zero(
            counter(
                "connections_refused",
                "Refused handshakes, by `reason`: `host` (all requests are "
                "counted that name another), `origin`, `token` (one that does "
                "not count), `overloaded`, `memory`, `draining`, too many "
                "`wires` (values of `maxMessage`); event streams that were "
                "asked to come again count too",
                "reason",
            ),
            "host",
            "origin",
            "token",
            "overloaded",
            "memory",
            "draining",
        )
        self.limited = _from_zero(
            counter(
                "limited",
                "What was beyond a limit, by `limit`. The log has `beyond a "
                "limit` with the setting, the subject, the address and the "
                "connection, once a minute for each limit",
                "limit",
            ),
            *(limit.name for limit in ALL_LIMITS),
        )
        self.closed = counter(
            "connections_closed",
            "Connections that ended, by close `code` (`other` for a "
            "number that is not one of ours) and by the side that "
            "closed: `gateway`, `client`, or `nobody` if there was no "
            "close frame",
            "code",
            "by",
        )
        self.writes = counter("writes", "Times that frames were written to a socket")
        self.bytes = counter("sent_bytes", "Bytes of frames that were written")
        self.seen = counter(
            "acknowledgements",
            "Emergencies that were acknowledged here, by `what`: "
            "`acknowledged`, or `taken_back`",
            "what",
        )
        self.entries = counter("entries_read", "Entries added to windows")
        self.pages = counter(
            "pages", "Pages read from the broker for clients that were behind"
        )
        self.behind = counter(
            "fell_behind",
            "Times that the socket of a live client accepted no more, "
            "or that filtering for it took too long for one step",
        )
        self.cpu = _from_zero(
            counter(
                "cpu_seconds",
                "CPU time of what is computed for single clients, by "
                "`kind`: `replay`, `command` (messages), `request` (HTTP), "
                "`export` (answers of lines). They share it evenly, and "
                "live records come before it",
                "kind",
            ),
            "replay",
            "command",
            "request",
            "export",
        )
        self.gaps = counter(
            "gaps", "Gaps that were sent: records that a client cannot get any more"
        )
        self.rewinds = counter(
            "rewinds", "Rewinds that were sent because a cursor belongs to another file"
        )
        self.resets = counter(
            "window_resets",
            "Windows that were emptied because the stream was another one",
        )
        self.found = counter(
            "audit_findings",
            "Sessions with new entries of which no notification came; "
            "some after each outage, else none",
        )
        self.steps = counter(
            "clock_steps",
            "Times that the machine's clock was set, by three seconds or more",
        )
        self.hints = counter(
            "hints_dropped",
            "Notifications that were ignored, by `reason`: `foreign` "
            "(of another installation on the same server), `unknown` "
            "(names a session that does not exist), `many` (the audit "
            "does the work)",
            "reason",
        )
        self.commands = counter("commands", "Messages from clients, by `type`", "type")
        self.errors = counter("errors", "Error answers, by `code`", "code")
        self.unavailable = counter(
            "unavailable",
            "Requests that were answered with `unavailable`, since the "
            "broker is needed for them, or that have waited 30 s for their turns; "
            "`to` is what was asked "
            "(`subscribe`, `ack`, `history`, `sessions`, `snapshot`, "
            "and `request` over HTTP). The log has `answered "
            "unavailable` with the reason, once a minute for each",
            "to",
        )
        self.exports = counter(
            "exports_broken",
            "NDJSON responses that were cut short: their readers must ask again",
        )
        self.dropped = counter(
            "session_events_dropped",
            "`session` messages that were not sent, since the client did not read",
        )
        self.taken_over = counter(
            "taken_over", "Connections closed because another one took their client ID"
        )
        self.repeated = counter(
            "starts_repeated",
            "Named clients that began where they had begun before: "
            "nothing was confirmed in between, and they may get records "
            "again",
        )
        self.saved = counter(
            "progress_saves",
            "Saves of named clients, by `outcome`: `done`, `refused` "
            "(taken over), `failed` (tried again), `lost` (its records "
            "are sent again)",
            "outcome",
        )
        self.cursors = counter(
            "progress_cursors", "Cursors in the saves of named clients that were done"
        )
        self.room = _from_zero(
            counter(
                "named_dropped",
                "What was dropped of named clients for want of room, by "
                "`what`: `clients` (the whole of one that was not used for "
                "longest), `sessions` (of one that has too many). They "
                "begin as those that are not kept: raise "
                "`TAILCAST_MAX_NAMED_CLIENTS`, `TAILCAST_MAX_NAMED_BYTES` "
                "or `TAILCAST_MAX_NAMED_CLIENT_BYTES`",
                "what",
            ),
            "clients",
            "sessions",
        )
        self.unnamed = counter(
            "named_refused", "Named clients that were answered `too_many_clients`"
        )
        self.defects = _from_zero(
            counter(
                "defects",
                "Failures by mistakes in the code; `over` is one `client` "
                "(which was closed with 1011), one `session` (which was "
                "reset, or a record of it was sent as a `gap`), one "
                "`request`, or a `task` (the gateway has ended). Report "
                "them, with the log",
                "over",
            ),
            "task",
            "client",
            "session",
            "request",
        )
        self.keyless = counter(
            "issuer_errors",
            "Times that the keys of the issuer of JWTs could not be read; those "
            "that were read before go on for a day",
        )
        self.spoiled = counter(
            "spoiled",
            "Reads of a session that failed since another program wrote "
            "over its keys: what to do",
        )
        self.unreadable = counter(
            "unreadable_entries",
            "Entries of streams that are no records, each of which became a `gap`",
        )
        self.failed = counter(
            "broker_errors",
            "Failed calls, by `error` and the broker's own `code`; "
            "`BrokerRefused` and `BrokerUnwilling` need somebody to act",
            "error",
            "code",
        )
        self.lost = counter("feed_lost", "Times the connection to the broker was lost")
        self.live = _LiveMeters(make)
        for code in close_codes:
            self.closed.labels(code, "gateway")


class _LiveMeters:
    """What is told of records as they come."""

    def __init__(self, make: MeterMaker) -> None:
        self.wake = make.histogram(
            "wake_seconds",
            "From a notification to the entries at the sockets",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
        )
        self.lag = make.histogram(
            "lag_seconds",
            "From the line's write to its frame, by the two machines' clocks",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
        )
        self.pushed = _from_zero(
            make.counter(
                "pushes",
                "Appends of watched sessions that came by themselves, by `outcome`: "
                "`taken`, or `read` (they did not follow, and the stream was read)",
                "outcome",
            ),
            "taken",
            "read",
        )


class _TcpMeters:
    """What is told of TCP connections."""

    def __init__(self, make: MeterMaker) -> None:
        self.open = make.gauge(
            "tcp_connections",
            "Open TCP connections, by `use`: `opening` (has asked for "
            "nothing yet), `http`, `websocket`, `events`, `export`",
            "use",
        )
        self.refused = _from_zero(
            make.counter(
                "tcp_refused",
                "TCP connections beyond a bound, by `reason`: far too many "
                "`connections`, which are closed at once, or too few "
                "`descriptors` are left (`ulimit -n`)",
                "reason",
            ),
            "connections",
            "descriptors",
        )
        self.unread = make.counter(
            "requests_unread",
            "Requests that were refused before they had come whole, by "
            "`status`: 400 (no request, or one that could be read in "
            "two ways), 408, 431",
            "status",
        )


def _from_zero(counter: Counter, *labels: str) -> Counter:
    """A counter whose labels exist before their first count.

    Prometheus sees no increase in one that appears with 1.
    """
    for label in labels:
        counter.labels(label)
    return counter
