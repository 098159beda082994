"""Descriptions: what is said of a session besides its records.

Pure. Its tailer tells what stands beside the records: in the file's header, and in
documents beside the file. People edit tags and notes. Neither is an entry of the
stream: nothing that reads or proves entries depends on them. What the stored bytes say
is known to those who write and read them.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol


# What gateways say to each other when somebody has edited a session; its ID follows.
EDITED: Final = "!edited:"


class Description(NamedTuple):
    """What is stored of one session."""

    # What its tailer told, by name.
    told: Mapping[str, bytes] = {}
    # What people said, by name.
    edits: Mapping[str, bytes] = {}


class Descriptions(Protocol):
    """The descriptions in a broker; every call may raise `BrokerError`."""

    async def load(self, sessions: Sequence[str]) -> list[Description]:
        """Read descriptions, all at once; empty ones for sessions without."""
        ...

    async def tell(
        self, session: str, incarnation: str, told: Mapping[str, bytes]
    ) -> bool:
        """Store what a tailer tells, in place of all that it told before.

        False, with nothing stored, if the session has another incarnation or none.
        """
        ...

    async def edit(self, session: str, edits: Mapping[str, bytes]) -> bool:
        """Store what somebody says, and tell all gateways; b"" takes a name away.

        False, with nothing stored, if there is no such session.
        """
        ...
