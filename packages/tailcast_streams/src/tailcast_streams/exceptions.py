"""The errors of this package.

    TailcastError
    ├── InvalidPosition      a text that is no entry ID or cursor  (whoever sent it)
    ├── TooManyClients       no room for a new one that names itself
    └── BrokerError          the broker did not do what was asked   (the broker)
        ├── BrokerUnavailable    not now: wait and ask again
        ├── BrokerFull           no memory for a write: trim, then ask again
        └── BrokerRefused        never like this: wrong password, too old
            ├── BrokerUnwilling  nor for anybody, but that may pass: a full disk
            └── KeySpoiled       another program wrote this key: others are served

After `BrokerUnavailable` it is unknown whether an append took place; the next append
finds out by comparing. Adapters translate the errors of their drivers into these.
"""


class TailcastError(Exception):
    """Any error that is raised here on purpose; its text is one line for people."""


class InvalidPosition(TailcastError):
    """A text is not an entry ID (`2-1024`) or a cursor (`2-1024-0a1b2c3d`)."""


class TooManyClients(TailcastError):
    """There is no room for a client that is new: no other may be dropped for it."""


class BrokerError(TailcastError):
    """The broker did not do what was asked."""

    # Whether it stays so until somebody changes something.
    is_refusal = False

    def __init__(self, text: str = "", *, code: str = "") -> None:
        """`text` is the broker's text and what to do; `code` is its error code."""
        super().__init__(text)
        # `NOPERM`, `MOVED` …; "" if the broker gave none.
        self.code = code


class BrokerUnavailable(BrokerError):
    """The broker cannot answer now: away, loading, failing over, timed out."""


class BrokerFull(BrokerError):
    """The broker has no memory left for a write (`OOM`); nothing was written."""


class BrokerRefused(BrokerError):
    """The broker will not do this until somebody changes something."""

    is_refusal = True


class BrokerUnwilling(BrokerRefused):
    """The broker refuses this to everybody, for a reason that may pass by itself."""


class KeySpoiled(BrokerRefused):
    """Another program wrote a key, or what it says cannot be read.

    Whoever owns the key makes it anew; nothing else is affected.
    """
