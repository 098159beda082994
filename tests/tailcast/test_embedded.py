"""The embedded Valkey keeps its data, its directory and its peace."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import redis

from tailcast.embedded import EmbeddedBroker, choose_socket_path, complaints
from tailcast.supervisor import Supervisor, already_ready
from tailcast.up import valkey_child
from tailcast_service.exceptions import ServiceError
from tests.patience import PATIENCE_SECONDS


@asynccontextmanager
async def running(broker: EmbeddedBroker) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Its Valkey, as the supervisor would start it, without being bound to us."""
    await broker.end_leftover()
    process = await asyncio.create_subprocess_exec(
        *broker.command(), pass_fds=(broker.valkey_lock,), start_new_session=True
    )
    try:
        await broker.wait_until_ready()
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def client(broker: EmbeddedBroker) -> redis.Redis:
    """A blocking client."""
    return redis.Redis.from_url(broker.url, socket_timeout=PATIENCE_SECONDS)


async def test_data_is_kept_in_the_directory(tmp_path: Path) -> None:
    """What was written is there after the next start; nothing listens on TCP."""
    for value in (None, b"1"):
        with EmbeddedBroker(tmp_path / "data") as broker:
            async with running(broker):
                assert client(broker).get("key") == value
                client(broker).set("key", 1)
                settings = client(broker).config_get(
                    "port", "appendonly", "maxmemory-policy"
                )
    assert settings == {
        "port": "0",
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
    }


async def test_it_is_set_as_the_broker_of_the_compose_stack(tmp_path: Path) -> None:
    """So that what is measured of one holds of the other."""
    names = (
        "appendonly",
        "appendfsync",
        "save",
        "maxmemory-policy",
        "stream-node-max-bytes",
    )
    text = (Path(__file__).parents[2] / "deploy" / "redis.conf").read_text()
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    compose = {name: value.strip('"') for name, value in pairs if name in names}
    with EmbeddedBroker(tmp_path / "data") as broker:
        async with running(broker):
            assert client(broker).config_get(*names) == compose
    assert len(compose) == len(names)


async def test_its_address_leads_there_whatever_the_name() -> None:
    """Each printable character, in names that are short enough for a socket."""
    characters = "".join(chr(number) for number in range(33, 127) if number != 47)
    for part in (characters[:31], characters[31:62], characters[62:], " ", "%41\n"):
        with (
            tempfile.TemporaryDirectory(dir="/tmp") as directory,  # a socket's is short
            EmbeddedBroker(Path(directory, part)) as broker,
        ):
            assert broker.socket_path.parent.name == part
            async with running(broker):
                assert client(broker).ping()


async def test_a_directory_has_one_user(tmp_path: Path) -> None:
    """A second `up` on it is told so at once, and harms nothing."""
    with (
        EmbeddedBroker(tmp_path),
        pytest.raises(ServiceError, match=r"another `tailcast up` .*--data-dir"),
        EmbeddedBroker(tmp_path),
    ):
        pass
    with EmbeddedBroker(tmp_path):
        pass


async def test_a_leftover_is_ended_with_its_data_saved(tmp_path: Path) -> None:
    """A Valkey whose parent was killed gives way, and nothing is lost."""
    async with AsyncExitStack() as stack:
        with EmbeddedBroker(tmp_path) as broker:
            left = await stack.enter_async_context(running(broker))
            client(broker).set("key", 1)
        assert left.returncode is None
        with EmbeddedBroker(tmp_path) as broker:
            async with running(broker) as process:
                assert left.returncode == 0
                assert process.returncode is None
                assert client(broker).get("key") == b"1"


async def test_a_leftover_that_just_died_is_no_obstacle(tmp_path: Path) -> None:
    """Its socket is still there, nobody answers: the next one starts all the same."""
    with EmbeddedBroker(tmp_path) as broker:
        async with running(broker) as process:
            client(broker).set("key", 1)
            client(broker).bgrewriteaof()
            process.send_signal(signal.SIGKILL)
            await process.wait()
    assert broker.socket_path.exists()
    with EmbeddedBroker(tmp_path) as broker:
        async with running(broker):
            assert client(broker).ping()


async def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    """A directory whose name is too long for a socket works, and is found again."""
    data_dir = tmp_path / ("long" * 30)
    with EmbeddedBroker(data_dir) as broker:
        assert len(str(broker.socket_path)) <= 100
        assert broker.socket_path == choose_socket_path(data_dir)
        async with running(broker):
            assert client(broker).ping()
    broker.socket_path.parent.rmdir()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The option is named."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ServiceError, match="--data-dir .*file/data"),
        EmbeddedBroker(tmp_path / "file" / "data"),
    ):
        pass


@pytest.mark.parametrize(
    ("magic", "said"),
    [
        (b"REDIS0012", "Can't handle RDB format version 12"),
        (b"REDIS0013", "Can't handle RDB format version 13"),
        (b"GARBAGE00", "Bad file format reading the append only file"),
    ],
)
async def test_data_of_another_server_is_told_to_be_that(
    tmp_path: Path, magic: bytes, said: str
) -> None:
    """What the server said stands in its log alone: it is told, and what to do."""
    with EmbeddedBroker(tmp_path) as broker:
        async with running(broker):
            client(broker).set("key", 1)
        [base] = (tmp_path / "valkey" / "appendonlydir").glob("*.base.rdb")
        written = magic + base.read_bytes()[len(magic) :]
        base.write_bytes(written)
        supervisor = Supervisor([valkey_child(broker)])

        with pytest.raises(ExceptionGroup) as raised:
            await supervisor.run(on_ready=already_ready)

        [error] = raised.value.exceptions
        assert isinstance(error, ServiceError)
        assert "valkey does not start (exit code 1); it says: " in str(error)
        assert said in str(error)
        assert "do not repair it" in str(error)
        assert str(broker.log_path) in str(error)
        assert "\n" not in str(error)
        assert base.read_bytes() == written


def test_complaints_are_those_of_the_latest_start() -> None:
    """Advice about the machine is none."""
    start = "1:M 28 Nov 2026 16:43:53.986 * oO0 Valkey is starting oO0\n"
    old = "1:M 28 Nov 2026 16:43:53.986 # Out of disk\n"
    advice = "1:M 28 Nov 2026 16:43:53.986 # WARNING Memory overcommit must be on!\n"
    new = "1:M 28 Nov 2026 16:43:54.018 # Can't handle this # or that\n"

    assert complaints(start + old + start + advice + new) == (
        "Can't handle this # or that"
    )
    assert complaints(start + advice) == ""
    assert complaints("") == ""


def test_without_a_log_its_place_is_told(tmp_path: Path) -> None:
    """It may not even have been started."""
    broker = EmbeddedBroker(tmp_path)
    assert broker.last_words() == f"{broker.log_path} says why"
