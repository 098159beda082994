"""What runs on a node: a broker, and the services in processes of their own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import redis

from benchmarks.processes import ONE_ADDRESS, cpu_seconds, free_port, stop, valkey
from tailcast_streams.keys import Keys


PREFIX = "live"
KEYS = Keys(PREFIX)
PATIENCE_SECONDS = 180.0


class Node(NamedTuple):
    """A broker, and a directory for files."""

    directory: Path
    # A directory that nobody watches.
    own: Path
    client: redis.Redis
    port: int
    broker_pid: int

    def files(self, count: int) -> list[Path]:
        """The names of so many files, each of which a session is made of."""
        return [
            self.directory / "telemetry" / f"run{number}.jsonl"
            for number in range(count)
        ]


class Used(NamedTuple):
    """What was used up to some time: by name, CPU seconds; and bytes to the broker."""

    seconds: Mapping[str, float]
    input_bytes: int


@contextmanager
def node() -> Generator[Node]:
    """A node of its own, nothing kept."""
    port = free_port()
    with TemporaryDirectory() as folder, valkey(port) as (_, pid), ExitStack() as stack:
        directory, own = Path(folder, "logs"), Path(folder, "own")
        (directory / "telemetry").mkdir(parents=True)
        own.mkdir()
        client = stack.enter_context(redis.Redis(port=port))
        yield Node(directory, own, client, port, pid)


@contextmanager
def service(
    name: str, on: Node, *, python: str = sys.executable, **settings: str
) -> Generator[int]:
    """A service with these settings, by their names in small letters; its process.

    `python` is that of another checkout, to compare with what that has.
    """
    environment = {
        **os.environ,
        "TAILCAST_REDIS_URL": f"redis://127.0.0.1:{on.port}",
        "TAILCAST_KEY_PREFIX": PREFIX,
        "TAILCAST_LOG_DIR": str(on.directory),
        "TAILCAST_LOG_LEVEL": "warning",
        **ONE_ADDRESS,
        **{f"TAILCAST_{name.upper()}": value for name, value in settings.items()},
    }
    process = subprocess.Popen(
        [python, "-m", "tailcast", name], env=environment, cwd=on.own
    )
    try:
        yield process.pid
    finally:
        stop(process)


@contextmanager
def listener(on: Node) -> Generator[None]:
    """Somebody who is told of each append, looks once a second, and does nothing."""
    has_ended = threading.Event()
    with on.client.pubsub() as pubsub:  # type: ignore[no-untyped-call]  # redis-py's
        pubsub.subscribe(KEYS.feed)

        def listen() -> None:
            while not has_ended.wait(1.0):
                while pubsub.get_message() is not None:
                    pass

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            has_ended.set()
            thread.join()


def wait_for_keys(on: Node, keys: Iterable[str]) -> None:
    """Until all of them are there; TimeoutError if that takes long."""
    end = time.monotonic() + PATIENCE_SECONDS
    for key in keys:
        while not on.client.exists(key):
            if time.monotonic() > end:
                raise TimeoutError(f"there is no {key}")
            time.sleep(0.05)


def used(on: Node, pids: Mapping[str, int]) -> Used:
    """What these processes and the broker have used until now."""
    everybody = {**pids, "broker": on.broker_pid}
    seconds = {name: cpu_seconds([pid]) for name, pid in everybody.items()}
    statistics: Mapping[str, int] = on.client.info("stats")
    return Used(seconds, statistics["total_net_input_bytes"])
