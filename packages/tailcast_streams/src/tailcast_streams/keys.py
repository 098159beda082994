"""The keys in the broker. Pure; no other module spells a key."""

import re
from urllib.parse import unquote

from tailcast_streams.indexes import LEVELS


# The name of the stream of whole-file emergencies. No file can have this name: the
# tailer refuses session IDs that begin with "!".
EMERGENCIES = "!emergencies"

# Characters that are escaped: braces would move the key to another slot, "%" would give
# two names the same key, and control characters would spoil an operator's terminal.
_UNSAFE = re.compile(r"[{}%\x00-\x1f\x7f]")
# Characters that have a meaning in patterns of keys.
_MATCHED = re.compile(r"[*?\[\]\\^-]")


def check_key_prefix(prefix: str) -> str:
    """The prefix, if its keys cannot be the keys of another prefix.

    Names of clients and tailers are the ends of keys, and may be anything. So with the
    prefix `telemetry:client` a key could be that of a client of the prefix `telemetry`.
    """
    for name in ("client", "presence", "sources"):
        if name in prefix.split(":")[1:]:
            before = prefix[: prefix.index(f":{name}")]
            raise ValueError(
                f"below {before}:{name} are keys of an installation that is called"
                f" {before}; leave out :{name}"
            )
    return prefix


class Keys:
    """The keys under one prefix; all keys of one session lie in one hash slot."""

    def __init__(self, prefix: str) -> None:
        # The first part of every key, by default `telemetry`.
        self.prefix = prefix
        # Sorted set: sessions by their last activity, Unix milliseconds.
        self.sessions = f"{prefix}:sessions"
        # Channel: names sessions that have new entries; only speed depends on it.
        self.feed = f"{prefix}:feed"
        # Hash: the count of sessions that were created.
        self.births = f"{prefix}:births"
        # String: the ID of this installation, made once.
        self.installation = f"{prefix}:installation"
        # Set: tailers that have seen all existing files.
        self.begun = f"{prefix}:begun"
        # Hashes: sessions that a tailer claims from another one, and the answers.
        self.claims = f"{prefix}:{{claims}}"
        self.claims_seen = f"{prefix}:{{claims}}:seen"
        # Sorted set: tailers by when they last published their paths.
        self.sources = f"{prefix}:sources"
        # Hash: the indexers that are there, and how they are.
        self.indexers = f"{prefix}:indexers"
        # Set: path and content of every emergency document that was stored.
        self.emergencies_seen = f"{prefix}:{{emergencies}}:seen"
        # Sorted sets: the emergencies of sessions that are kept, by time, Unix
        # milliseconds, and in the order of the entries of each session.
        self.emergency_times = f"{prefix}:{{emergencies}}:times"
        self.emergency_order = f"{prefix}:{{emergencies}}:order"
        # Hashes: what is known of each of them, and its record.
        self.emergencies_known = f"{prefix}:{{emergencies}}:known"
        self.emergency_records = f"{prefix}:{{emergencies}}:records"
        # Hash: by session, which of its lines are gone.
        self.emergency_lives = f"{prefix}:{{emergencies}}:lives"
        # Hash: who has acknowledged which emergency.
        self.emergencies_acknowledged = f"{prefix}:{{emergencies}}:acknowledged"

    def stream(self, session: str) -> str:
        """The stream of a session, or of the emergency documents."""
        if session == EMERGENCIES:
            return f"{self.prefix}:{{emergencies}}"
        return f"{self._tagged(session)}:stream"

    def state(self, session: str) -> str:
        """The hash of a session's state, in the stream's slot."""
        return f"{self._tagged(session)}:state"

    def pushes(self, session: str) -> str:
        """The channel on which a session's appends go to those who watch it.

        It is in the stream's slot; `append.lua` makes the same of the stream's key.
        """
        return f"{self._tagged(session)}:pushes"

    @property
    def state_pattern(self) -> str:
        """What SCAN finds the states of all sessions by."""
        prefix = _MATCHED.sub(r"\\\g<0>", self.prefix)
        return f"{prefix}:{{*}}:state"

    def session_of(self, state: str) -> str:
        """The session whose state a key is; "" for another key."""
        begin, end = f"{self.prefix}:{{", "}:state"
        if not (state.startswith(begin) and state.endswith(end)):
            return ""
        return unquote(state[len(begin) : -len(end)])

    def rejected(self, session: str) -> str:
        """The stream of rejected lines, in the stream's slot."""
        return f"{self._tagged(session)}:rejected"

    def about(self, session: str) -> str:
        """The hash of what a session's tailer says of it, in the stream's slot."""
        return f"{self._tagged(session)}:about"

    def edits(self, session: str) -> str:
        """The hash of what people say of a session, in the stream's slot."""
        return f"{self._tagged(session)}:edits"

    def index(self, session: str) -> str:
        """The hash that says what a session's records mean, in the stream's slot."""
        return f"{self._tagged(session)}:index"

    def metrics(self, session: str) -> str:
        """The hash of what is known of each metric, in the stream's slot."""
        return f"{self._tagged(session)}:metrics"

    def places(self, session: str) -> str:
        """The sorted set of places by the highest step so far, in the stream's slot."""
        return f"{self._tagged(session)}:places"

    def places_by_time(self, session: str) -> str:
        """The same by the latest time so far, Unix milliseconds."""
        return f"{self.places(session)}:time"

    def rollup(self, session: str, level: int) -> str:
        """The hash of the roll-ups of one level, in the stream's slot."""
        return f"{self._tagged(session)}:rollup:{level}"

    def of_index(self, session: str) -> list[str]:
        """All keys of an index, the roll-ups last, in the order of `LEVELS`."""
        return [
            self.index(session),
            self.metrics(session),
            self.places(session),
            self.places_by_time(session),
            *(self.rollup(session, level) for level in LEVELS),
        ]

    def of_session(self, session: str) -> list[str]:
        """All keys of a session but what people said of it, stream and state first."""
        return [
            self.stream(session),
            self.state(session),
            self.rejected(session),
            *self.of_index(session),
            self.about(session),
        ]

    def of_emergencies(self) -> list[str]:
        """The keys of kept emergencies that indexers write, all in one slot."""
        return [
            self.emergency_times,
            self.emergency_order,
            self.emergencies_known,
            self.emergency_records,
            self.emergency_lives,
        ]

    def escaped(self, name: str) -> str:
        """A name as it stands in keys: without braces and control characters."""
        return _encoded(name)

    def presence(self, owner: str) -> str:
        """A key that exists while a tailer is present."""
        return f"{self.prefix}:presence:{_encoded(owner)}"

    def awake(self, owner: str) -> str:
        """A key that exists while a present tailer gives its sign in time."""
        return f"{self.prefix}:presence:{{awake}}:{_encoded(owner)}"

    def sources_of(self, owner: str) -> str:
        """The hash of the paths that a tailer watches."""
        return f"{self.sources}:{_encoded(owner)}"

    def client(self, client: str) -> str:
        """The hash of a named client: its cursor in each session."""
        return f"{self.prefix}:client:{_encoded(client)}"

    def of_clients(self) -> list[str]:
        """What is stored of all named clients; no client has such a key itself.

        Sorted sets: those that have proved themselves, and the others, by last use,
        Unix microseconds. Hash: the bytes of each, and of all under "".
        """
        everyone = f"{self.prefix}:client:{{all}}"
        return [f"{everyone}:proven", f"{everyone}:unproven", f"{everyone}:bytes"]

    def _tagged(self, session: str) -> str:
        return f"{self.prefix}:{{{_encoded(session)}}}"


def _encoded(name: str) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", name)
