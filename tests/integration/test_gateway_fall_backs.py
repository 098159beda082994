"""Where a run was taken up at a checkpoint, as those who watch it are told."""

from tests.integration.gateway_rig import Gateway, Rig, watching
from tests.integration.test_gateway_steps import index


RUN = [{"step": step, "loss": 1.0} for step in (*range(21), *range(11, 31))]


async def test_a_replay_and_the_flow_say_where_the_run_fell_back(
    rig: Rig, gateway: Gateway
) -> None:
    """The one in its place, the other once the index has it; no record is touched."""
    writer = rig.writer("a")
    await writer.append(*RUN[:20])
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": "start"}, newMetrics=True)
        await watcher.until("caught_up")
        await writer.append(*RUN[20:])
        assert (await watcher.until_records(len(RUN)))[: len(RUN)] == RUN
        await index(writer)
        live = await watcher.until("rewind")
        assert live["cursor"] == watcher.cursors["a"]
        assert (await watcher.until("metric"))["names"] == []
        await writer.append({"step": 31, "acc": 0.5})
        await index(writer)
        assert (await watcher.until("metric"))["names"] == ["acc"]
    assert (live["reason"], live["step"], live["before"]) == ("resumed", 11, 20)
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        told = await watcher.until("rewind")
        assert len(watcher.records) == 21
        assert told["at"].split("-")[:2] == live["at"].split("-")[:2]
        assert told["generation"] == "1"
        assert (await watcher.until_records(len(RUN)))[: len(RUN)] == RUN
