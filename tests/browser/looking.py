"""A page as somebody looks at it: where, how large, light or dark."""

import json
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    Route,
    expect,
)


ROOT = Path(__file__).parent.parent.parent
AXE: Final = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
# A wait that takes longer is a failure, not slowness.
PATIENCE_MS: Final = 45_000
# What a browser says by itself of requests that nobody answers.
_UNANSWERED = ("Failed to load resource", "WebSocket connection to")

expect.set_options(timeout=PATIENCE_MS)


def blank_page(context: BrowserContext, address: str) -> Page:
    """A page with nothing in it, which is at an address that nobody serves."""

    def serve(route: Route) -> None:
        route.fulfill(content_type="text/html", body="<!doctype html><body>")

    page = context.new_page()
    page.route(address, serve)
    page.goto(address)
    return page


class Look:
    """One page, which notes what the browser complains of and what it loads."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        # Errors in the console, refusals by the page's policy among them, and those
        # that nothing has caught.
        self.complaints: list[str] = []
        self.responses: list[Response] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._note)

    def go(self, query: str = "") -> None:
        """Open the page, or another view of it."""
        self.page.goto(f"{self.url}{query}")

    def is_fed(self, feed: str, *, within_ms: float = PATIENCE_MS) -> None:
        """Until the page says this of its feed: `live`, `stale` or `down`."""
        expect(self.page.locator(f'[data-feed="{feed}"]')).to_be_attached(
            timeout=within_ms
        )

    def row(self, session: str) -> Locator:
        """A session in the list."""
        return self.page.locator(f"[data-session={_quoted(session)}]")

    def chart(self, metric: str) -> Locator:
        """The chart of a metric."""
        return self.page.locator(f"[data-chart={_quoted(metric)}]")

    def shows(
        self,
        metric: str,
        *,
        last: str | None = None,
        points: int | None = None,
        within_ms: float = PATIENCE_MS,
    ) -> None:
        """Until a chart ends with this value, or has so many points."""
        chart = expect(self.chart(metric))
        if last is not None:
            chart.to_have_attribute("data-last", last, timeout=within_ms)
        if points is not None:
            chart.to_have_attribute("data-points", str(points), timeout=within_ms)

    def is_within_its_width(self) -> None:
        """Nothing is beyond the right edge, where one would have to scroll to."""
        overflow: dict[str, Any] = self.page.evaluate(_OVERFLOW)
        assert overflow["width"] <= overflow["room"], overflow

    def is_accessible(self) -> None:
        """Axe finds nothing, by any of its rules."""
        self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate(
            "async () => (await axe.run()).violations"
        )
        said = [
            f"{one['id']} at {node['target']}: {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]
        assert not said, "\n".join(said)

    def is_quiet(self, *, but_unanswered: bool = False) -> None:
        """The browser has complained of nothing (but of requests that failed)."""
        left = [
            one
            for one in self.complaints
            if not (but_unanswered and one.startswith(_UNANSWERED))
        ]
        assert not left, left

    # (Playwright takes no methods of built-in types.)
    def _note(self, response: Response) -> None:
        self.responses.append(response)

    def _hear(self, message: ConsoleMessage) -> None:
        # A session may be asked for before its first line is known.
        is_early = "/api/" in message.location["url"] and "404" in message.text
        if message.type in {"error", "warning"} and not is_early:
            self.complaints.append(message.text)


def _quoted(text: str) -> str:
    """A string of CSS."""
    return json.dumps(text, ensure_ascii=False)


_OVERFLOW = """() => {
  const room = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll("body *")].filter(
    (node) => node.getBoundingClientRect().right > room + 1,
  );
  return {
    room,
    width: document.documentElement.scrollWidth,
    who: wide.slice(0, 5).map((node) => node.outerHTML.slice(0, 120)),
  };
}"""
