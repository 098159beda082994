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
from tests.tailer.scenarios.test_rotation import rotate


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


async def test_a_rotated_log_is_one_run(tmp_path: Path) -> None:
    """Until another run begins under its name."""
    log_dir = tmp_path / "logs"
    path = session_path(log_dir, "run")
    lines = records(0, 600)
    path.write_bytes(b"".join(line + b"\n" for line in lines[:200]))
    with tailcast_up(tmp_path, "--log-dir", str(log_dir)):
        url = f"unix://{choose_socket_path(tmp_path / 'data')}"
        async with aclosing(RedisBroker(url)) as broker:
            for end in (400, 600):
                await wait_for_records(broker, "run", lines[: end - 200])
                rotate(path)
                append(path, b"".join(line + b"\n" for line in lines[end - 200 : end]))
            await wait_for_records(broker, "run", lines)
            await until_indexed(broker, "run")
            assert (await check(broker, "run")).fields["records"] == b"600"

            rotate(path)
            append(path, b"".join(line + b"\n" for line in lines[:20]))
            await wait_for_records(broker, "run", [*lines, *lines[:20]])
            await until_indexed(broker, "run")
            assert (await check(broker, "run")).fields["records"] == b"20"
