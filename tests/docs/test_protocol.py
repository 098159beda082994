"""docs/protocol.md says what is so: its examples are run, its tables are compared."""

import asyncio
import json
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tailcast_gateway.delivery import session_events
from tailcast_gateway.protocol.client_messages import SUPPORTED
from tailcast_gateway.protocol.server_messages import SERVER_MESSAGES
from tailcast_gateway.sessions import audit, feed
from tailcast_streams.claims import Claim
from tailcast_streams.entries import Document
from tests.conftest import BrokerFactory
from tests.docs.examples import Section, Step, matches, sections
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    be_patient,
    watching,
)
from tests.integration.test_gateway_steps import index
from tests.integration.tokens import by_tokens, token


PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
SECTIONS = list(sections(PAGE))

# What every conversation finds.
RECORDS: list[dict[str, Any]] = [
    {
        "timestamp": f"2025-12-18T01:30:0{step}.000Z",
        "step": step,
        "telemetry": {"phi": phi, "kappa_eff": 64.2},
    }
    for step, phi in ((1, 0.72), (2, 0.74), (3, 0.43))
]


def tags(kinds: tuple[type, ...]) -> set[str]:
    """The types that models are of."""
    return {str(kind.__struct_config__.tag) for kind in kinds}  # type: ignore[attr-defined]  # structs have it


class Conversation:
    """One client's, with what happens meanwhile."""

    def __init__(self, rig: Rig, gateway: Gateway, watcher: Watcher) -> None:
        self.rig = rig
        self.gateway = gateway
        self.watcher = watcher
        self.events: dict[str, Callable[..., Awaitable[None]]] = {
            r"(\S+) gets a record of ([\d,]+) bytes": self.write_long,
            r"(\S+) gets (.*)": self.write,
            r"the indexer has read (\S+)": self.index,
            r"(\S+) begins anew with (.*)": self.rewrite,
            r"(\S+) keeps no entry before (\S+)": self.trim,
            r"(\S+) appears with (.*)": self.add_document,
            r"(\S+) acknowledges the latest emergency: (.*)": self.acknowledge,
            r"nobody has seen the latest emergency after all": self.take_back,
            r"(\S+) and (\S+) see different files of (\S+)": self.dispute,
            r"only one file of (\S+) is left": self.settle,
            r"another connection calls itself (\S+)": self.take_over,
            r"the server shuts down": self.shut_down,
            r"the connection is closed with (\d+)": self.is_closed,
        }

    async def run(self, step: Step) -> None:
        """One line of an example."""
        if step.mark == ">":
            await self.watcher.connection.send(_with_tokens(step.text))
        elif step.mark == "<":
            if step.kind == "session":
                # By itself it is told once a second, before the records or after.
                await self.gateway.replica.session_events.tick()
            told = await self.watcher.next()
            assert matches(step.message, told), f"{step.text}\n{json.dumps(told)}"
        else:
            await self._happen(step.text)

    async def _happen(self, text: str) -> None:
        for pattern, event in self.events.items():
            if (match := re.fullmatch(pattern, text)) is not None:
                await event(*match.groups())
                return
        pytest.fail(f"nobody knows how this happens: {text}")

    async def write(self, session: str, text: str) -> None:
        read = json.loads(text)
        records = read if text.startswith("[") else [read]
        await self.rig.writer(session).append(*records)

    async def index(self, session: str) -> None:
        await index(self.rig.writer(session))

    async def write_long(self, session: str, size: str) -> None:
        around = len(json.dumps({"filler": ""}, separators=(",", ":")))
        filler = "x" * (int(size.replace(",", "")) - around)
        await self.rig.writer(session).append({"filler": filler})

    async def rewrite(self, session: str, text: str) -> None:
        await self.rig.writer(session).rewrite(json.loads(text))

    async def trim(self, session: str, cursor: str) -> None:
        id = cursor.rpartition("-")[0]
        key = f"{self.rig.prefix}:{{{session}}}:stream"
        await self.rig.broker._redis.xtrim(key, minid=id, approximate=False)

    async def add_document(self, path: str, text: str) -> None:
        session = json.loads(text).get("session", "")
        document = Document(path, "5e1f", text.encode(), session, is_news=True)
        await self.rig.broker.add_document(document)

    async def acknowledge(self, who: str, note: str) -> None:
        history = self.gateway.replica._emergencies
        newest = (await history.listing()).emergencies[-1]
        await history.acknowledge(newest.id, who, note)

    async def take_back(self) -> None:
        history = self.gateway.replica._emergencies
        await history.take_back((await history.listing()).emergencies[-1].id)

    async def dispute(self, owner: str, claimant: str, session: str) -> None:
        for tailer in (owner, claimant):
            await self.rig.broker.hold_presence(tailer, seconds=600)
        claim = Claim(session, claimant, owner, "token")
        await self.rig.broker.claims.ask(claim)
        await self.rig.broker.claims.answer(claim)

    async def settle(self, session: str) -> None:
        for claim in await self.rig.broker.claims.read():
            await self.rig.broker.claims.withdraw(session, claim.claimant)

    async def take_over(self, name: str) -> None:
        async with watching(self.gateway) as other:
            await other.subscribe(sessionId="session_001", clientId=name)

    async def shut_down(self) -> None:
        self.gateway.server.handle_exit(signal.SIGTERM, None)

    async def is_closed(self, code: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(ConnectionClosed) as closed:
                await self.watcher.connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == int(code)


def _with_tokens(text: str) -> str:
    """A message with a real token in the place where the page says what it is of."""

    def made(match: re.Match[str]) -> str:
        seconds = {"59 seconds": 59.0, "one hour": 3_600.0}[match[1]]
        return f'"{token(match[2], seconds=seconds)}"'

    return re.sub(r'"\(([^,"]*), for ([^)"]*)\)"', made, text)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
async def test_examples(
    section: Section, own_brokers: BrokerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each section is a conversation as it really goes."""
    # The second one makes the gateway ready where the first was not heard.
    monkeypatch.setattr(feed, "CANARY_SECONDS", 0.1)
    monkeypatch.setattr(session_events, "TICK_SECONDS", 3_600.0)
    be_patient(monkeypatch)
    # What nobody announces is found by looking.
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 0.2)
    rig = Rig(own_brokers("valkey").url)
    async with rig.stack:
        await rig.writer("session_001").append(*RECORDS)
        guarding = by_tokens if section.title == "Who may read" else None
        async with (
            rig.serving(authenticating=guarding) as gateway,
            watching(gateway) as watcher,
        ):
            await gateway.until_ready()
            conversation = Conversation(rig, gateway, watcher)
            for step in section.steps:
                await conversation.run(step)


def test_every_message_has_an_example() -> None:
    """Of each type that is sent in either direction."""
    steps = [step for section in SECTIONS for step in section.steps]
    sent = {
        step.kind for step in steps if step.text.startswith("{") and step.mark == ">"
    }
    told = {step.kind for step in steps if step.mark == "<"}
    assert tags(SUPPORTED) == sent
    assert tags(SERVER_MESSAGES) == told
