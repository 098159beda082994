"""The names of what lies in the broker. Pure; the only place that spells a key."""

import re


# What clients call the stream of whole-file emergencies. No file can have this name:
# the tailer refuses session IDs that begin with "!".
EMERGENCIES = "!emergencies"

# Braces would move the key to another slot, "%" would make two names one key, control
# characters would spoil an operator's terminal.
_UNSAFE = re.compile(r"[{}%\x00-\x1f\x7f]")


def check_key_prefix(prefix: str) -> str:
    """The prefix, if its keys cannot be those of another one.

    What clients and tailers call themselves is the end of a key, whatever it is: below
    `telemetry:client` a key of ours might be a client's of the prefix `telemetry`.
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
        # The first part of every key, `telemetry` unless set.
        self.prefix = prefix
        # Sorted set: session by its last activity, Unix milliseconds.
        self.sessions = f"{prefix}:sessions"
        # Channel: names what moved; only speed depends on it.
        self.feed = f"{prefix}:feed"
        # Hash: the count of sessions that began.
        self.births = f"{prefix}:births"
        # String: the ID of this installation, made once.
        self.installation = f"{prefix}:installation"
        # Set: tailers that have looked at all files that there were.
        self.begun = f"{prefix}:begun"
        # Hashes: sessions that a tailer claims of another one, and what was answered.
        self.claims = f"{prefix}:{{claims}}"
        self.claims_seen = f"{prefix}:{{claims}}:seen"
        # Sorted set: tailers by when they last said what they know of paths.
        self.sources = f"{prefix}:sources"
        # Set: path and content of every emergency document that was taken in.
        self.emergencies_seen = f"{prefix}:{{emergencies}}:seen"

    def stream(self, session: str) -> str:
        """The stream of a session, or of the emergency documents."""
        if session == EMERGENCIES:
            return f"{self.prefix}:{{emergencies}}"
        return f"{self._tagged(session)}:stream"

    def state(self, session: str) -> str:
        """The hash that says how far the file was read, in the stream's slot."""
        return f"{self._tagged(session)}:state"

    def rejected(self, session: str) -> str:
        """The stream of lines that were no records, in the stream's slot."""
        return f"{self._tagged(session)}:rejected"

    def presence(self, owner: str) -> str:
        """A key that exists while that tailer lives."""
        return f"{self.prefix}:presence:{_encoded(owner)}"

    def sources_of(self, owner: str) -> str:
        """The hash of what a tailer knows of the paths below what it watches."""
        return f"{self.sources}:{_encoded(owner)}"

    def client(self, client: str) -> str:
        """The hash of a client that names itself: where it is in each session."""
        return f"{self.prefix}:client:{_encoded(client)}"

    def _tagged(self, session: str) -> str:
        return f"{self.prefix}:{{{_encoded(session)}}}"


def _encoded(name: str) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", name)
