"""The page in a real browser, where proxies are between: it finds its way, or says why.

Without a Chromium on PATH these are skipped.
"""

import asyncio
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tailcast_streams.sources import Overview, Source, SourceState
from tests.conftest import BrokerFactory
from tests.integration.gateway_rig import Rig, numbered
from tests.integration.proxies import Rewrite, breaking, rewriting, stripped
from tests.patience import PATIENCE_SECONDS


PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    "",
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--no-proxy-server", "--remote-debugging-port=0",
)  # fmt: skip  # at one glance
PREFIX = "/rnode/n1/5000"

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH")


class Page:
    """A page that a browser shows."""

    def __init__(self, browser: ClientConnection) -> None:
        self._browser = browser
        self._ids = itertools.count(1)
        self._session = ""

    async def open(self, url: str) -> None:
        """Go there, knowing nothing of other pages; with the connection it is over."""
        alone = await self._send("Target.createBrowserContext", disposeOnDetach=True)
        made = await self._send("Target.createTarget", url="about:blank", **alone)
        target = made["targetId"]
        found = await self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        await self._send("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What an expression is in it now."""
        found = await self._send("Runtime.evaluate", expression=expression)
        return found["result"].get("value")

    async def until(self, words: str, *, of: str = "#link") -> str:
        """Until it says this of its connection, or elsewhere; all that it says."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                script = f"document.querySelector({json.dumps(of)})?.textContent"
                said = await self.value(script) or ""
                if words in said:
                    return str(said)
                await asyncio.sleep(0.05)

    async def _send(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._browser.send(json.dumps(message))
        async for text in self._browser:
            answer = json.loads(text)
            if answer.get("id") == number:
                # (What was asked of a page that is left meanwhile has no result.)
                return dict(answer.get("result", {"result": {}}))
        pytest.fail("the browser has ended")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a browser takes commands: one for all tests, as its start is what costs."""
    directory = tmp_path_factory.mktemp("browser")
    process = subprocess.Popen(
        [PROGRAM, *FLAGS, f"--user-data-dir={directory}", "about:blank"],
        # It has a socket there, and ends where the path is too long for one.
        env=os.environ | {"TMPDIR": "/tmp"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        file = directory / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE_SECONDS
        while not (file.exists() and file.read_text().count("\n")):
            assert time.monotonic() < end, "the browser does not start"
            time.sleep(0.05)
        port, path = file.read_text().splitlines()
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.terminate()
        process.wait()


Show = Callable[[str], AbstractAsyncContextManager[Page]]


@pytest.fixture
def showing(browser: str) -> Show:
    """Shows a page at an address, as long as the context lasts."""

    @asynccontextmanager
    async def show(url: str) -> AsyncGenerator[Page]:
        async with connect(browser, proxy=None, max_size=None) as connection:
            page = Page(connection)
            await page.open(url)
            yield page

    return show


@pytest.fixture
async def rig(own_brokers: BrokerFactory) -> AsyncGenerator[Rig]:
    """One broker will do: the page never sees it."""
    made = Rig(own_brokers("valkey").url)
    async with made.stack:
        await made.writer("run_1").append(*numbered(0, 1))
        yield made


@pytest.mark.parametrize("end", ["/", "", "?a=b#c"], ids=["slash", "none", "query"])
async def test_below_a_prefix_that_a_proxy_strips(
    rig: Rig, showing: Show, end: str
) -> None:
    """It works there, and goes to the address with the slash if that is missing."""
    async with (
        rig.serving() as gateway,
        rewriting(gateway.port, stripped(PREFIX)) as port,
        showing(f"http://localhost:{port}{PREFIX}{end}") as page,
    ):
        await page.until("live")
        assert await page.value("location.pathname") == f"{PREFIX}/"
        rest = await page.value("location.search + location.hash")
        assert rest == end.removeprefix("/")


async def test_it_shows_emergencies_of_before(rig: Rig, showing: Show) -> None:
    """With their step, and who has seen them, now or later."""
    await rig.writer("run_1").append({"step": 7, "emergency": {"reason": "<b>"}})
    await rig.writer("run_1").append(*numbered(8, 9))
    async with (
        rig.serving() as gateway,
        showing(gateway.url.replace("127.0.0.1", "localhost")) as page,
    ):
        said = await page.until("step 7", of="#emergencies")
        assert said.startswith("run_1: <b> · step 7 · ")
        history = gateway.replica._emergencies
        (one,) = (await history.listing()).emergencies
        await history.acknowledge(one.id, "ada", "ok")
        await page.until("seen by ada: ok", of="#emergencies")


async def test_it_says_what_became_of_the_files(rig: Rig, showing: Show) -> None:
    """How many are followed, and behind that why others are not."""
    followed = Source("/logs/run_1.jsonl", SourceState.FOLLOWED, "run_1")
    refused = Source("/logs/<b>.jsonl", SourceState.REFUSED, "", "so", "rename it")
    overview = Overview("one", {SourceState.FOLLOWED: 1, SourceState.REFUSED: 1}, 2)
    known = {source.path: source for source in (followed, refused)}
    await rig.broker.sources.publish(overview, known)
    async with (
        rig.serving() as gateway,
        showing(gateway.url.replace("127.0.0.1", "localhost")) as page,
    ):
        said = await page.until("followed", of="#files summary")
        assert said == "Files: 1 followed, 0 waiting, 1 refused, 0 left out"
        await page.value('document.getElementById("files").open = true')
        said = await page.until("refused", of="#files ul")
        assert said == "/logs/<b>.jsonl refused → so → rename it"


async def test_it_says_what_is_missing_where_nothing_is_followed(
    rig: Rig, showing: Show
) -> None:
    """And what mends it."""
    async with (
        rig.serving() as gateway,
        showing(gateway.url.replace("127.0.0.1", "localhost")) as page,
    ):
        said = await page.until("tailer", of="#files p")
        assert "no tailer has said" in said
        assert "start `tailcast tailer`" in said


@pytest.mark.parametrize("what", ["nothing", "no socket"])
async def test_it_says_what_fails(rig: Rig, showing: Show, what: str) -> None:
    """An address where nothing is, and one that lets no WebSocket through."""

    def page_alone(target: str) -> str | None:
        return "/" if target == "/x/" else None

    def without_sockets(target: str) -> str | None:
        return None if target.startswith("/ws") else target

    rewrite: Rewrite = page_alone if what == "nothing" else without_sockets
    path = "/x/" if what == "nothing" else "/"
    async with (
        rig.serving() as gateway,
        rewriting(gateway.port, rewrite) as port,
        showing(f"http://localhost:{port}{path}") as page,
    ):
        said = await page.until("trying again")
    expected = {
        "nothing": f"http://localhost:{port}/x/api/sessions is answered 404",
        "no socket": "this address answers, but lets no WebSocket through",
    }
    assert said.startswith(expected[what])


async def test_it_backs_off_until_a_message_comes(rig: Rig, showing: Show) -> None:
    """An open connection proves nothing: some proxies open it, and nobody is there."""
    tried_at: list[float] = []

    def is_broken(target: str) -> bool:
        if not target.startswith("/ws"):
            return False
        tried_at.append(time.monotonic())
        return len(tried_at) <= 4

    async with (
        rig.serving() as gateway,
        breaking(is_broken, gateway.port) as port,
        showing(f"http://localhost:{port}/") as page,
    ):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(tried_at) < 5:
                await asyncio.sleep(0.05)
        await page.until("live")
    pauses = [later - at for at, later in itertools.pairwise(tried_at)]
    # At least, whatever chance and the machine add.
    for pause, least in zip(pauses, (0.25, 0.5, 1, 2), strict=True):
        assert pause >= least


@pytest.mark.parametrize(
    ("close", "words"), [(4409, "closed: taken over"), (1001, "trying again")]
)
async def test_it_stays_away_only_if_it_is_told_to(
    rig: Rig, showing: Show, close: int, words: str
) -> None:
    """By one of the codes that nobody else sends, or the message before it."""
    async with (
        rig.serving() as gateway,
        showing(gateway.url.replace("127.0.0.1", "localhost")) as page,
    ):
        await page.until("live")
        for connection in gateway.replica.connections:
            connection._socket.close(close, "taken over")
        await page.until(words)
