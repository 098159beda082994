"""Names that a path cannot bear: everything of a session is had by a query too."""

from typing import Any

import httpx
import pytest

from tests.conftest import BrokerFactory
from tests.integration.gateway_rig import Gateway, Rig, serving
from tests.integration.proxies import decoded, rewriting


NAMES = (
    "what?", "a#b", "50%", "a%2Fb", "a%253Fb", "run:2", "runs/2026-11-28T13:05:44",
    "with blanks", "a&b=c", "a+b", "Läufe/模型", "records", "a/records", "..", "a;b",
)  # fmt: skip  # at one glance


async def all_of(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """What each resource says of a session."""
    found: dict[str, Any] = {}
    for resource in ("snapshot", "records", "rejected"):
        url = f"/api/{resource}"
        answer = await client.get(url, params={"sessionId": name})
        assert answer.status_code == 200, (name, answer.text)
        found[resource] = answer.json()
        assert found[resource]["sessionId"] == name
    url = "/sse/telemetry"
    query = {"sessionId": name, "from": "start"}
    async with client.stream("GET", url, params=query) as events:
        async for line in events.aiter_lines():
            if line.startswith('data: {"type":"telemetry"'):
                return found
    pytest.fail("the stream ended")


@pytest.mark.parametrize("is_decoded", [False, True], ids=["direct", "decoded"])
async def test_a_name_need_not_stand_in_a_path(
    own_brokers: BrokerFactory, is_decoded: bool
) -> None:
    """Whatever is in it, and also behind a proxy that decodes paths."""
    rig = Rig(own_brokers("valkey").url)
    async with rig.stack, serving(rig.connect()) as gateway:
        for at, name in enumerate(NAMES):
            await rig.writer(name).append({"step": at})
        async with rewriting(gateway.port, decoded) as port:
            at = port if is_decoded else gateway.port
            base = f"http://127.0.0.1:{at}"
            async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
                for step, name in enumerate(NAMES):
                    found = await all_of(client, name)
                    assert found["snapshot"]["data"] == {"step": step}
                    assert found["records"]["data"] == [{"step": step}]
                    assert found["rejected"]["data"] == []


async def test_a_query_names_one_session(gateway: Gateway) -> None:
    """None, two and an empty one are said to be wrong, and one unknown to be that."""
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        for resource in ("snapshot", "records", "rejected"):
            for query in ("", "?sessionId=", "?sessionId=a&sessionId=b"):
                answer = await client.get(f"/api/{resource}{query}")
                assert answer.status_code == 400, (resource, query)
                assert "name one session" in answer.json()["message"]
            for name in ("none", "!emergencies"):
                answer = await client.get(f"/api/{resource}?sessionId={name}")
                told = (answer.status_code, answer.json()["code"])
                assert told == (404, "not_found")
