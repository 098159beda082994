"""What was rotated away before any tailer looked is history, and no news."""

from contextlib import AsyncExitStack
from pathlib import Path

from tests.integration.gateway_rig import Gateway, Rig, watching
from tests.tailer.harness import (
    append,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


async def test_who_is_live_gets_only_what_is_written_from_now_on(
    rig: Rig, gateway: Gateway, tmp_path: Path
) -> None:
    """Though the session begins with its oldest file; who asks for all gets all."""
    path = session_path(tmp_path, "job")
    append(path.with_name("job.jsonl.2"), lines(*range(20)))
    append(path.with_name("job.jsonl.1"), lines(*range(20, 40)))
    append(path, lines(*range(40, 60)))
    async with (
        watching(gateway) as live,
        watching(gateway) as late,
        AsyncExitStack() as tailers,
    ):
        await live.subscribe()
        await tailers.enter_async_context(running(rig.connect(), tmp_path))
        await wait_for_records(rig.broker, "job", texts(*range(60)))
        append(path, lines(60))
        (news,) = await live.until_records(1)
        assert news["step"] == 60
        await late.subscribe(sessionId="job", **{"from": "start"})
        whole = await late.until_records(61)
        assert [record["step"] for record in whole] == [*range(61)]
