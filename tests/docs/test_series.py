"""The curve that docs/protocol.md shows, as a gateway draws it."""

import json

import httpx

from tests.brokers import BrokerServer
from tests.docs.examples import Step, matches
from tests.docs.pages import code_blocks, read_page, section
from tests.docs.test_protocol import RECORDS
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig


PAGE = section(read_page("docs/protocol.md"), "Curves")


async def test_the_curve_is_as_shown(broker: BrokerServer) -> None:
    """Of the records that all examples have."""
    block, _ = code_blocks(PAGE, "")
    request, _, shown = block.text.partition("\n")
    rig = Rig(broker.url)
    async with rig.stack, rig.serving() as gateway:
        await rig.writer("session_001").append(*RECORDS)
        url = gateway.url + request.removeprefix("GET ")
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            answer = (await client.get(url)).json()
    assert matches(Step("<", shown).message, answer), answer


async def test_the_curves_of_several_are_as_shown(broker: BrokerServer) -> None:
    """A line each."""
    _, block = code_blocks(PAGE, "")
    request, *shown = block.text.splitlines()
    path, _, body = request.removeprefix("POST ").partition(" ")
    rig = Rig(broker.url)
    async with rig.stack, rig.serving() as gateway:
        await rig.writer("session_001").append(*RECORDS)
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            answer = await client.post(gateway.url + path, content=body)
    lines = answer.text.splitlines()
    assert len(lines) == len(shown)
    for line, expected in zip(lines, shown, strict=True):
        assert matches(Step("<", expected).message, json.loads(line)), line
