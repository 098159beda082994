"""`tailcast up` keeps what its sessions mean, whoever of it is killed."""

import os
import signal
from contextlib import aclosing
from pathlib import Path

from tailcast.embedded import choose_socket_path
from tailcast_streams.redis.broker import RedisBroker
from tests.e2e.command import tailcast_up
from tests.indexer.rig import check, records, until_indexed
from tests.tailer.harness import append, eventually, session_path, wait_for_records


async def test_what_runs_mean_is_kept(tmp_path: Path) -> None:
    """Of what was there, and of what comes after the indexer was killed."""
    log_dir = tmp_path / "logs"
    path = session_path(log_dir, "run")
    lines = records(0, 600)
    path.write_bytes(b"".join(line + b"\n" for line in lines[:300]))
    with tailcast_up(tmp_path, "--log-dir", str(log_dir)):
        url = f"unix://{choose_socket_path(tmp_path / 'data')}"
        async with aclosing(RedisBroker(url)) as broker:
            await wait_for_records(broker, "run", lines[:300])
            await until_indexed(broker, "run")
            stored = await check(broker, "run")
            assert stored.fields["records"] == b"300"

            (indexer,) = await broker.indexers.present()
            os.kill(int(indexer.name.split(":")[1]), signal.SIGKILL)
            append(path, b"".join(line + b"\n" for line in lines[300:]))
            await wait_for_records(broker, "run", lines)
            await until_indexed(broker, "run")
            await check(broker, "run")

            async def is_another_there() -> bool:
                present = await broker.indexers.present()
                return [one.name for one in present] != [indexer.name]

            await eventually(is_another_there)
