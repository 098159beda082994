"""How much each may ask of a gateway: its limits, and the values that settings give.

Pure. Each limit has a name, under which `tailcast_gateway_limited_total` counts what
was beyond it. The operations manual lists all of them as they are here.
"""

from typing import Final, NamedTuple


class Limit(NamedTuple):
    """One limit."""

    # The label under which it is counted.
    name: str
    # The setting that says how much is allowed, without its prefix; "" if none does.
    setting: str
    # What whoever is beyond it is answered, for people.
    answer: str
    # What it protects, likewise.
    purpose: str


CONNECTIONS: Final = Limit(
    "connections",
    "MAX_CONNECTIONS",
    "503, or the end",
    "the gateway keeps descriptors and memory for those who are connected",
)
CONNECTIONS_PER_ADDRESS: Final = Limit(
    "connections_per_address",
    "MAX_CONNECTIONS_PER_ADDRESS",
    "429 with `Retry-After`, or the end",
    "one machine takes no more than its part of all connections",
)
CONNECTIONS_PER_SUBJECT: Final = Limit(
    "connections_per_subject",
    "MAX_CONNECTIONS_PER_SUBJECT",
    "429 with `Retry-After`, or close 4029",
    "one token takes no more than its part, from however many machines",
)
CONNECTIONS_OF_TOKEN: Final = Limit(
    "connections_of_token",
    "",
    "429 with `Retry-After`, or close 4029",
    "whoever makes a token says how many of its subject may use it at a time",
)
CONNECTION_RATE: Final = Limit(
    "connection_rate",
    "CONNECTION_RATE",
    "429 with `Retry-After`",
    "who comes again and again takes no time from those who stay",
)
MEMORY: Final = Limit(
    "memory",
    "MEMORY_WATERMARK",
    "503 with `Retry-After`",
    "a container beyond its memory is ended, with all its clients",
)
HANDSHAKE_TIME: Final = Limit(
    "handshake_time",
    "HANDSHAKE_TIMEOUT",
    "408, or the end",
    "requests that never come whole do not pile up",
)
HEADER_BYTES: Final = Limit(
    "header_bytes",
    "MAX_HEADER_BYTES",
    "431",
    "headers without an end do not fill memory",
)
MESSAGE_BYTES: Final = Limit(
    "message_bytes",
    "MAX_MESSAGE_BYTES",
    "close 1009",
    "a message does not fill memory, however small it is compressed",
)
AUTH_TIME: Final = Limit(
    "auth_time",
    "AUTH_TIMEOUT",
    "close 4401",
    "who does not say who it is keeps no place",
)
SLOW_TIME: Final = Limit(
    "slow_time",
    "SLOW_TIMEOUT",
    "close 4008",
    "a client that has stopped reading keeps no full buffer",
)
NAMED_CLIENTS: Final = Limit(
    "named_clients",
    "MAX_NAMED_CLIENTS",
    "`too_many_clients`",
    "what the broker keeps of clients takes no room from records",
)
SUBSCRIPTIONS: Final = Limit(
    "subscriptions",
    "MAX_SUBSCRIPTIONS",
    "`too_many_subscriptions`",
    "a session that begins is soon matched with all that clients want",
)
PATTERN_CHARACTERS: Final = Limit(
    "pattern_characters",
    "MAX_PATTERN_CHARACTERS",
    "`too_many_subscriptions`",
    "patterns are compiled in a bounded time",
)
WILDCARDS: Final = Limit(
    "wildcards",
    "MAX_WILDCARDS",
    "`too_many_subscriptions`",
    "patterns are matched in a bounded time",
)
WATCHED_SESSIONS: Final = Limit(
    "watched_sessions",
    "MAX_WATCHED_SESSIONS",
    "`too_many_subscriptions` with `retryAfterMs`",
    "sessions that somebody watches take memory, and reads of the broker",
)
UNBORN_SESSIONS: Final = Limit(
    "unborn_sessions",
    "MAX_UNBORN_SESSIONS",
    "`too_many_subscriptions` with `retryAfterMs`",
    "names that somebody made up do not take that",
)
COMMANDS: Final = Limit(
    "commands",
    "COMMAND_RATE",
    "`rate_limited` with `retryAfterMs`, then close 4029",
    "questions to the broker are shared among all clients",
)
INVALID_MESSAGES: Final = Limit(
    "invalid_messages",
    "MAX_INVALID_MESSAGES",
    "close 4400, after a warning",
    "who is broken, or tries what there is, is sent away",
)
CONTROL_FRAMES: Final = Limit(
    "control_frames",
    "MAX_CONTROL_FRAMES",
    "they are read slowly, then close 4029",
    "each ping is answered, so a flood of them is a flood of answers",
)
EXPORTS: Final = Limit(
    "exports",
    "MAX_EXPORTS",
    "429",
    "each answer of lines has a page in memory, and reads the broker",
)
SUBJECT_EXPORTS: Final = Limit(
    "subject_exports",
    "MAX_EXPORTS_PER_SUBJECT",
    "429",
    "one subject does not take all of these",
)
FILTER: Final = Limit(
    "filter",
    "",
    "`invalid_filter`",
    "a filter is worked out for each record",
)
FORMS: Final = Limit(
    "forms",
    "",
    "`too_many_subscriptions`",
    "records are encoded once for each form in which somebody wants them",
)
MESSAGE_SIZES: Final = Limit(
    "message_sizes",
    "",
    "503, or `too_many_subscriptions`",
    "so they are for each length of messages that somebody asks for",
)

ALL_LIMITS: Final = (
    CONNECTIONS,
    CONNECTIONS_PER_ADDRESS,
    CONNECTIONS_PER_SUBJECT,
    CONNECTIONS_OF_TOKEN,
    CONNECTION_RATE,
    MEMORY,
    HANDSHAKE_TIME,
    HEADER_BYTES,
    AUTH_TIME,
    MESSAGE_BYTES,
    COMMANDS,
    INVALID_MESSAGES,
    CONTROL_FRAMES,
    SUBSCRIPTIONS,
    PATTERN_CHARACTERS,
    WILDCARDS,
    WATCHED_SESSIONS,
    UNBORN_SESSIONS,
    FILTER,
    FORMS,
    MESSAGE_SIZES,
    EXPORTS,
    SUBJECT_EXPORTS,
    NAMED_CLIENTS,
    SLOW_TIME,
)


class Quotas(NamedTuple):
    """How much clients may ask for."""

    # Connections of one address and of one subject.
    connections_per_address: int = 1_000
    connections_per_subject: int = 200
    # New connections of one address in a second, and at once.
    connection_rate: float = 50.0
    connection_burst: int = 500
    # Sessions and patterns of one connection, ...
    subscriptions: int = 1_000
    # ... the characters of its patterns together, and the wildcards in them.
    pattern_characters: int = 16 * 1024
    wildcards: int = 2_000
    # Sessions that all connections of a replica watch, ...
    watched_sessions: int = 100_000
    # ... and those of them that do not exist yet.
    unborn_sessions: int = 10_000
    # What the commands of one connection may cost in a second, and at once.
    command_rate: float = 50.0
    command_burst: int = 500
    # Messages of one connection that are none, in ten seconds.
    invalid_messages: int = 20
    # Pings and unasked pongs of one connection in a second.
    control_frames: int = 100
    # Replays that hold a page at the same time.
    replays: int = 64
    # Answers of lines at the same time: of all, and of one subject.
    exports: int = 100
    exports_per_subject: int = 5


DEFAULT_QUOTAS: Final = Quotas()
