"""Pages of other origins, in a real browser: they read nothing and change nothing.

Whatever a page can do without being asked is tried: requests, streams, forms, and what
it may take in from anywhere, such as scripts, pictures and frames.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.looking import PATIENCE_MS, blank_page
from tests.browser.running import Running, numbered, running
from tests.browser.test_emergencies import emergency
from tests.browser.test_rebinding import UNASKED
from tests.patience import PATIENCE_SECONDS


TOKEN = "0123456789-abcdefghij-ABCDEFGHIJ"
# What is in a record, and nowhere else.
SECRET_WORD = "moonstone"  # a test's
# A name of the gateway, one beside it, which to cookies is the same site, and another.
OWN, SIBLING, EVIL = "runs.site.example", "evil.site.example", "evil.example"

# What a page tries of a Tailcast; each way ends with what it has got, or "failed".
ATTACK = """
async ({ url, emergency }) => {
    const read = async (path, more = {}) => {
        try {
            const asked = { credentials: "include", ...more };
            const answer = await fetch(url + path, asked);
            return `${answer.status} ${await answer.text()}`;
        } catch {
            return "failed";
        }
    };
    const opened = (made) => new Promise((done) => {
        made.onopen = () => done("opened");
        made.onerror = () => done("failed");
    });
    const taken = (name, fields) => new Promise((done) => {
        const made = Object.assign(document.createElement(name), fields);
        made.onload = () => done("loaded");
        made.onerror = () => done("failed");
        document.body.append(made);
    });
    // What says whether an address answers, though not what.
    const probed = (path) => Promise.all([
        taken("script", { src: url + path }),
        taken("img", { src: url + path }),
        taken("link", { rel: "stylesheet", href: url + path }),
        read(path, { mode: "no-cors" }),
    ]);
    // The answer to who wants to have all there is.
    const listened = (socket) => new Promise((done) => {
        socket.onopen = () => socket.send('{"type":"subscribe","from":"start"}');
        socket.onmessage = (message) => done(message.data);
        socket.onerror = () => done("failed");
    });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ who: "evil" });
    const tags = JSON.stringify({ tags: ["stolen"] });
    const ack = `api/emergencies/ack?id=${encodeURIComponent(emergency)}`;
    const socket = `${url.replace("http", "ws")}ws/telemetry`;
    const events = `${url}sse/telemetry?sessionId=run_1&from=start`;
    return {
        sessions: await read("api/sessions"),
        records: await read("api/records?sessionId=run_1"),
        socket: await listened(new WebSocket(socket)),
        events: await opened(new EventSource(events, { withCredentials: true })),
        there: await probed("api/sessions/run_1"),
        nowhere: await probed("api/sessions/nowhere"),
        tags: await read(
            "api/sessions?sessionId=run_1", { method: "PATCH", headers, body: tags }
        ),
        seen: await read(ack, { method: "POST", headers, body }),
        "seen, as text": await read(ack, { method: "POST", mode: "no-cors", body }),
        "taken back": await read(ack, { method: "DELETE" }),
        "signed out": await read("logout", { method: "POST" }),
    };
}
"""
# Shows an address in a frame, or what a form is answered that nobody has sent.
FRAME = """
({ url, isForm }) => {
    const frame = document.createElement("iframe");
    if (!isForm) frame.src = url;
    frame.name = `frame${document.querySelectorAll("iframe").length}`;
    document.body.append(frame);
    if (!isForm) return;
    const form = document.createElement("form");
    const field = document.createElement("input");
    // Sent as plain text, it is JSON.
    Object.assign(field, { name: '{"who":"', value: '"}' });
    Object.assign(form, {
        method: "post", enctype: "text/plain", target: frame.name, action: url,
    });
    form.append(field);
    document.body.append(form);
    form.submit();
}
"""
SHOWN = ("", "?session=run_1", "login", "docs", "api/sessions", "api/sessions/run_1")


class Target(NamedTuple):
    """A Tailcast that is attacked."""

    up: Running
    # As the browser calls it.
    url: str
    token: str = ""

    def asked(self, path: str) -> Any:
        """What it answers to whoever may ask."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.get(self.up.url + path, headers=headers).json()

    def emergencies(self) -> list[dict[str, Any]]:
        """Those that there are."""
        found: list[dict[str, Any]] = self.asked("api/emergencies")["data"]
        return found

    def said(self) -> tuple[Any, Any]:
        """What people have said of the run and of its emergency."""
        (one,) = self.emergencies()
        return self.asked("api/sessions/run_1").get("tags"), one.get("acknowledged")


def filled(target: Target) -> Target:
    """With a run in it that has an emergency."""
    target.up.write("run_1", *numbered(0, 10))
    target.up.write_lines("run_1", emergency(10, SECRET_WORD))
    until = time.monotonic() + PATIENCE_SECONDS
    while not target.emergencies():
        assert time.monotonic() < until
    return target


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One to which all these names are this machine."""
    rules = "--host-resolver-rules=MAP *.example 127.0.0.1"
    made = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, rules, UNASKED, "--no-proxy-server"]
    )
    yield made
    made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's, with what is kept of them."""
    made = browser.new_context()
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A Tailcast that whoever reaches it may read."""
    with running(tmp_path_factory.mktemp("open")) as up:
        yield filled(Target(up, up.url))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A Tailcast that wants a token, in a network that is not encrypted."""
    settings = {
        "TAILCAST_AUTH": "token",
        "TAILCAST_AUTH_TOKEN": TOKEN,
        "TAILCAST_ALLOWED_HOSTS": OWN,
    }
    with running(tmp_path_factory.mktemp("guarded"), **settings) as up:
        url = f"http://{OWN}:{urlsplit(up.url).port}/"
        yield filled(Target(up, url, TOKEN))


def sign_in(context: BrowserContext, url: str) -> None:
    """As a person does, whose cookie is kept then."""
    page = context.new_page()
    page.goto(f"{url}login#token={TOKEN}")
    page.locator("[data-session=run_1]").wait_for()
    page.close()


def page_at(context: BrowserContext, origin: str) -> Page:
    """A page of an origin, which is whatever its owner likes."""
    return blank_page(context, f"{origin}/attack")


def attacked(page: Page, target: Target) -> dict[str, Any]:
    """What a page gets by the attack."""
    (one,) = target.emergencies()
    found: dict[str, Any] = page.evaluate(
        ATTACK, {"url": target.url, "emergency": one["id"]}
    )
    return found


def framed(page: Page, url: str, *, is_form: bool = False) -> int:
    """Have an address, or a form's answer, in a frame; returns the answer's status."""
    with (
        page.expect_event("framenavigated", lambda frame: "blank" not in frame.url),
        page.expect_response(url) as answer,
    ):
        page.evaluate(FRAME, {"url": url, "isForm": is_form})
    return answer.value.status


def check(context: BrowserContext, origin: str, target: Target) -> None:
    """A page of this origin reads nothing, and changes nothing."""
    before = target.said()
    page = page_at(context, origin)
    found = attacked(page, target)
    assert found.pop("there") == found.pop("nowhere") == ["failed"] * 4
    assert found == dict.fromkeys(found, "failed")
    (one,) = target.emergencies()
    for path in SHOWN:
        framed(page, target.url + path)
    for path in (f"api/emergencies/ack?id={one['id']}", "logout", "login"):
        assert framed(page, target.url + path, is_form=True) == 403
    shown = [frame.content() for frame in page.frames[1:]]
    assert len(shown) == len(SHOWN) + 3
    for text in shown:
        assert text
        assert "Tailcast" not in text
        assert "run_1" not in text
    assert SECRET_WORD not in str((found, shown))
    assert target.said() == before


def test_another_site_reads_nothing(context: BrowserContext, open_one: Target) -> None:
    """Of a Tailcast on this machine, which asks nobody who they are."""
    check(context, f"http://{EVIL}", open_one)


@pytest.mark.parametrize("host", [EVIL, SIBLING, f"{OWN}:9"])
def test_a_cookie_serves_no_other_page(
    context: BrowserContext, guarded: Target, host: str
) -> None:
    """Of another site, beside it, or at another port; whoever signed in stays so."""
    sign_in(context, guarded.url)
    check(context, f"http://{host}", guarded)
    page = context.new_page()
    page.goto(guarded.url)
    page.locator("[data-session=run_1]").wait_for()


def test_a_cookie_of_this_machine_serves_no_other_port(
    context: BrowserContext, guarded: Target
) -> None:
    """Though pages of other ports may connect with a token of their own."""
    here = guarded._replace(url=guarded.up.url)
    sign_in(context, here.url)
    before = here.said()
    page = page_at(context, "http://localhost:9")
    found = attacked(page, here)
    assert SECRET_WORD not in str(found)
    assert found.pop("there") == found.pop("nowhere") == ["failed"] * 4
    assert "not_authenticated" in found.pop("socket")
    assert found == dict.fromkeys(found, "failed")
    assert here.said() == before


def test_its_own_page_does_all_that(context: BrowserContext, tmp_path: Path) -> None:
    """Which shows that the attack would work."""
    with running(tmp_path) as up:
        target = filled(Target(up, up.url))
        page = page_at(context, up.url.rstrip("/"))
        found = attacked(page, target)
        assert SECRET_WORD in found["records"]
        assert "subscribed" in found["socket"]
        assert found["events"] == "opened"
        for way in ("sessions", "tags", "seen", "taken back"):
            assert found[way].startswith("200 "), found
        assert target.said()[0] == ["stolen"]
