"""What all tests share: real brokers, the event loop's backend, hypothesis' profile."""

import gc
from collections.abc import Callable, Generator, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.brokers import BrokerServer, make_broker
from tests.dispositions import catch_ignored_signals
from tests.loopback import reach_directly
from tests.patience import (
    be_patient_with_brokers,
    let_clients_be_patient,
    read_on_while_closing,
)
from tests.promptness import (
    end_servers_promptly,
    look_for_loops_once,
    read_certificates_once,
    read_endpoints_once,
    read_versions_once,
)
from tests.time_outs import bound_shrinking, end_at_time_out


BrokerFactory = Callable[..., BrokerServer]
# Directories whose tests need what not every machine has, and markers of these names.
NEEDY = ("browser", "clients", "compose", "languages")

# Thousands of tests are found, and each of them stays: nothing of that is garbage.
gc.disable()

reach_directly()
catch_ignored_signals()
be_patient_with_brokers()
let_clients_be_patient()
read_on_while_closing()
end_servers_promptly()
look_for_loops_once()
read_certificates_once()
read_endpoints_once()
read_versions_once()
bound_shrinking()

# A traceback with all local variables takes a second, in which everything else waits.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test` leaves to others.

    Where the broker is not what is tested, its second kind is for the long form.
    """
    for item in items:
        if (directory := item.path.parent.name) in NEEDY:
            item.add_marker(directory)
        if item.get_closest_marker("one_broker") is None:
            continue
        # Only what is parametrized has one.
        call = getattr(item, "callspec", None)
        kinds: dict[str, object] = {} if call is None else call.params
        if "redis" in {kinds.get("broker"), kinds.get("own_broker")}:
            item.add_marker("long")


def pytest_collection_finish() -> None:
    """From now on garbage is looked for, in what the tests make."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer() -> Generator[None, object, object]:
    """A test whose time is over ends, whatever takes its failures for its own."""
    answer = yield
    end_at_time_out()
    return answer


# A slow machine is no failure. The examples are the same each time, so that a run says
# something of what was changed; `--hypothesis-profile search` looks for others.
settings.register_profile(
    "same",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop that the services run on."""
    return "asyncio"


@pytest.fixture(scope="session")
def brokers() -> Iterator[BrokerFactory]:
    """`brokers("valkey")` starts a broker that lives until the session ends.

    Kinds are `valkey`, on a socket or with `tcp=True` on a local port, and `redis`.
    """
    yield from _factory()


@pytest.fixture
def own_brokers() -> Iterator[BrokerFactory]:
    """As `brokers`, for a test that kills or wipes them: gone when it ends."""
    yield from _factory()


@pytest.fixture(scope="session", params=["valkey", "redis"])
def broker(request: pytest.FixtureRequest, brokers: BrokerFactory) -> BrokerServer:
    """A running broker of each kind; shared, so take keys of your own."""
    kind: str = request.param
    return brokers(kind)


@pytest.fixture(params=["valkey", "redis"])
def own_broker(
    request: pytest.FixtureRequest, own_brokers: BrokerFactory
) -> BrokerServer:
    """A running broker of each kind that the test may kill, pause and wipe."""
    kind: str = request.param
    return own_brokers(kind)


def _factory() -> Iterator[BrokerFactory]:
    started: list[BrokerServer] = []

    def start(kind: str, *, tcp: bool = False) -> BrokerServer:
        server = make_broker(kind, tcp=tcp)
        started.append(server)
        server.start()
        return server

    yield start
    for server in reversed(started):
        server.remove()
