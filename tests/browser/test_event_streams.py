"""Several sessions on one event stream, read by a browser's own EventSource."""

import signal
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from tests.browser.looking import PATIENCE_MS, blank_page
from tests.browser.running import Running, numbered


# More than the connections that a browser has to a host.
NAMES = tuple(f"run_{number}" for number in range(8))
READ = """
(names) => {
    window.had = Object.fromEntries(names.map((name) => [name, []]));
    window.told = [];
    const query = names.map((name) => `sessionId=${encodeURIComponent(name)}`);
    const stream = new EventSource(`/sse/telemetry?${query.join("&")}&from=start`);
    for (const kind of ["gap", "rewind", "positions"])
        stream.addEventListener(kind, () => window.told.push(kind));
    stream.addEventListener("telemetry", (event) => {
        const { sessionId, data } = JSON.parse(event.data);
        window.had[sessionId].push(...data.map((record) => record.step));
    });
}
"""
HAS_ALL = """
([names, last]) => names.every((name) => window.had[name].at(-1) === last)
"""


def test_a_browser_goes_on_in_all_sessions_of_a_stream(
    chromium: Browser, own_up: Running
) -> None:
    """Each record once, when its gateway was killed; and it may ask for more beside."""
    for name in NAMES:
        own_up.write(name, *numbered(0, 10))
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = blank_page(context, f"http://{urlsplit(own_up.url).netloc}/blank")
        page.evaluate(READ, NAMES)
        page.wait_for_function(HAS_ALL, arg=[NAMES, 9])
        page.wait_for_function("() => window.told.includes('positions')")
        asked = "async () => (await fetch('/api/sessions')).status"
        assert page.evaluate(asked) == 200
        for step in (10, 11):
            own_up.signal("gateway", signal.SIGKILL)
            for name in NAMES:
                own_up.write(name, *numbered(step, step + 1))
            page.wait_for_function(HAS_ALL, arg=[NAMES, step])
        had: dict[str, list[int]] = page.evaluate("() => window.had")
        assert had == {name: list(range(12)) for name in NAMES}
        assert set(page.evaluate("() => window.told")) == {"positions"}
    finally:
        context.close()
