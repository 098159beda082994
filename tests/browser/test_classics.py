"""Programs and producers that were there before Tailcast's client, in a real browser.

The component of `examples/react-recharts`, with the hook that it has and with one as it
had before, both as Vite serves them to whoever develops them: React's StrictMode mounts
everything twice then. And the lines that the README has for a browser's console.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, WebSocket, expect

from tests.brokers import free_port
from tests.browser.conftest import Looker
from tests.browser.looking import ROOT, Look
from tests.browser.running import Running, running
from tests.clients.watching import NODE
from tests.docs.snippets import SESSION, snippet
from tests.patience import PATIENCE_SECONDS


EXAMPLE = ROOT / "examples" / "react-recharts"
HOOK = Path(__file__).with_name("useTelemetryStream.js")
# Whoever cannot change a client has it lose nothing by its address alone.
RESUMING = quote("?clientId=page&from=resume")


class Pages(NamedTuple):
    """A Tailcast, and where Vite serves pages that follow it."""

    up: Running
    url: str


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The example as it is at `/`, and with the hook of before at `/classic.html`."""
    directory = tmp_path_factory.mktemp("classics")
    app = directory / "app"
    modules = EXAMPLE / "node_modules"
    assert modules.exists(), "`make test-browser` installs what these tests need"
    shutil.copytree(EXAMPLE, app, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (app / "node_modules").mkdir()
    for package in modules.glob("[!.]*"):
        (app / "node_modules" / package.name).symlink_to(package)
    shutil.copy(HOOK, app / "src")
    for name, before, text, now in (
        ("index.html", "main.jsx", "classic.html", "classic.jsx"),
        (
            "src/main.jsx",
            "./TelemetryDashboard.jsx",
            "src/classic.jsx",
            "./Classic.jsx",
        ),
        (
            "src/TelemetryDashboard.jsx",
            "tailcast/react",
            "src/Classic.jsx",
            "./useTelemetryStream.js",
        ),
    ):
        source = (app / name).read_text()
        assert source.count(before) == 1
        (app / text).write_text(source.replace(before, now))
    with running(directory) as up, served(app, up) as url:
        yield Pages(up, url)


@contextlib.contextmanager
def served(app: Path, up: Running) -> Generator[str]:
    """As `npm run dev` serves it beside a Tailcast."""
    port = free_port()
    vite = app / "node_modules" / "vite" / "bin" / "vite.js"
    log = app / "vite.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [NODE, str(vite), "--port", str(port), "--strictPort"],
            cwd=app,
            env=os.environ | {"TAILCAST_URL": up.url.rstrip("/"), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while "Local:" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield f"http://localhost:{port}/"
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


class Heard:
    """What came to a page over its connections to Tailcast, loaded anew."""

    def __init__(self, one: Look) -> None:
        self._page = one.page
        self.sockets = 0
        self.subscribed = 0
        self.steps: list[int] = []
        one.page.on("websocket", self._hear)
        # (When it is there for the first time, Vite makes what it is made of.)
        one.page.reload()
        self.is_subscribed()

    def is_subscribed(self, times: int = 1) -> None:
        """Until the server has said so, so often: what is written now will come."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.subscribed < times:
            assert time.monotonic() < until, "it has not subscribed"
            self._page.wait_for_timeout(20)

    def _hear(self, socket: WebSocket) -> None:
        if "/ws/telemetry" in socket.url:
            self.sockets += 1
            socket.on("framereceived", lambda text: self._received(str(text)))

    def _received(self, text: str) -> None:
        message = json.loads(text)
        # (Whole-file emergencies are of no session, and subscribed to beside it.)
        self.subscribed += message["type"] == "subscribed" and "sessionId" in message
        if message["type"] == "telemetry":
            self.steps += [one["step"] for one in message["data"]]


def record(step: int, phi: float | None = 0.5) -> dict[str, object]:
    """As the original producers write them; what they cannot measure is null."""
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "step": step,
        "telemetry": {
            "phi": phi,
            "kappa_eff": 64.0,
            "regime": "geometric",
            "geodesic_distance": None,
            "emergency": False,
        },
    }


def raise_alarm(up: Running, step: int, reason: str) -> None:
    """As the original producers do: a file of its own, indented."""
    folder = up.logs / "emergency"
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC).isoformat()
    document = {
        "timestamp": now,
        "step": step,
        "emergency": {"reason": reason, "severity": "high", "metric": None},
    }
    (folder / f"emergency_{now}.json").write_text(json.dumps(document, indent=2))


def values(one: Look) -> Locator:
    """The latest φ, κ and regime."""
    return one.page.locator("dd")


def is_connected(one: Look, *, yes: bool = True) -> None:
    """Until the dot says so."""
    dot = one.page.locator("h2 span")
    expect(dot).to_have_css("color", "rgb(0, 128, 0)" if yes else "rgb(255, 0, 0)")


def test_strict_mode_opens_one_socket(pages: Pages, look: Looker) -> None:
    """And subscribes once on it, where the hook of before opens two."""
    one = look(pages.url, "?session=strict")
    is_connected(one)
    heard = Heard(one)
    pages.up.write("strict", *(record(step) for step in range(10)))
    expect(values(one)).to_have_text(["0.500", "64.00", "geometric"])
    pages.up.write("strict", record(10, 0.25))
    expect(values(one).first).to_have_text("0.250")
    assert (heard.sockets, heard.subscribed) == (1, 1)
    assert heard.steps == list(range(11))
    before = look(pages.url, "classic.html?session=strict")
    is_connected(before)
    assert Heard(before).sockets == 2


def test_the_component_survives_what_comes(pages: Pages, look: Looker) -> None:
    """NaN, a record without metrics, another emergency, a restart and a rewind."""
    up = pages.up
    one = look(pages.url, "?session=odd")
    is_connected(one)
    heard = Heard(one)
    up.write("odd", record(1))
    expect(values(one)).to_have_text(["0.500", "64.00", "geometric"])
    up.write("odd", record(2, float("nan")))
    expect(values(one).first).to_have_text("NaN")
    up.write("odd", {"step": 3, "loss": 0.4})
    up.write("odd", record(4, 0.75))
    expect(values(one).first).to_have_text("0.750")
    up.write("odd", record(5, None))
    expect(values(one).first).to_have_text("NaN")
    (up.logs / "emergency").mkdir(exist_ok=True)
    (up.logs / "emergency" / "gpu.json").write_text('{"reason":"overheated"}')
    expect(one.page.get_by_role("alert")).to_have_text("Emergency: overheated")
    up.signal("gateway", signal.SIGKILL)
    is_connected(one, yes=False)
    up.write("odd", record(6, 0.125))
    expect(values(one).first).to_have_text("0.125")
    is_connected(one)
    assert heard.steps == [1, 2, 3, 4, 5, 6]
    (up.logs / "telemetry" / "odd.jsonl").write_text("")
    up.write("odd", record(1, 0.0625), record(2, 0.625))
    expect(values(one).first).to_have_text("0.625")
    expect(one.page.locator("path.recharts-line-curve")).to_have_count(2)
    one.is_quiet(but_unanswered=True)


def test_the_hook_of_before_loses_nothing_over_a_restart(
    pages: Pages, look: Looker
) -> None:
    """Its address says who it is; the producer writes ten lines at once."""
    up = pages.up
    one = look(pages.url, f"classic.html?session=before&query={RESUMING}")
    is_connected(one)
    heard = Heard(one)
    up.write("before", *(record(step) for step in range(10)))
    expect(values(one)).to_have_text(["0.500", "64.00", "geometric"])
    raise_alarm(up, 9, "phi below its limit")
    expect(one.page.get_by_role("alert")).to_have_text("Emergency: phi below its limit")
    up.signal("gateway", signal.SIGKILL)
    is_connected(one, yes=False)
    up.write("before", *(record(step, 0.25) for step in range(10, 20)))
    expect(values(one).first).to_have_text("0.250")
    up.write("before", *(record(step, 0.125) for step in range(20, 30)))
    expect(values(one).first).to_have_text("0.125")
    # (What was not confirmed before the end comes again.)
    assert sorted(set(heard.steps)) == list(range(30))
    one.is_quiet(but_unanswered=True)


def test_the_readmes_lines_in_a_browsers_console(up: Running, look: Looker) -> None:
    """On a page that this machine serves, as they stand there but for the port."""
    up.write(SESSION, {"step": 1, "telemetry": {"phi": 0.5}})
    one = look(up.url)
    one.is_fed("live")
    port = int(up.url.rstrip("/").rpartition(":")[2])
    lines = snippet("js", port).replace("127.0.0.1", "localhost")
    with one.page.expect_console_message(
        lambda said: said.args[0].json_value()["type"] == "telemetry"
    ) as found:
        one.page.evaluate(f"() => {{ {lines} }}")
    message = found.value.args[0].json_value()
    assert [one["step"] for one in message["data"]] == [1]
