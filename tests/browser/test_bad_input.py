"""What producers write is shown as it is, whatever it looks like."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Looker
from tests.browser.running import Running, numbered


HTML = '<img src=x onerror="alert(1)">'
NAMES = (HTML, "emoji 🦆", "مرحبا", "a&b=c#d?e", "o" * 200)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_sessions_are_shown_as_they_are(
    up: Running, look: Looker, name: str
) -> None:
    """In the list and above the charts."""
    up.write(name, *numbered(0, 3))
    one = look(up.url, width=360)
    one.row(name).get_by_role("link").first.click()
    expect(one.page.get_by_role("heading", name=name)).to_be_visible()
    one.shows("loss", points=3)
    one.is_within_its_width()
    one.is_quiet()


def test_names_of_metrics_are_shown_as_they_are(up: Running, look: Looker) -> None:
    """As the titles of their charts."""
    up.write("odd", *numbered(0, 3, **{HTML: 1.5, "x/y:z": 2.5}))
    one = look(up.url, "?session=odd")
    one.shows(HTML, last="1.5", points=3)
    one.shows("x/y:z", last="2.5", points=3)
    one.is_accessible()
    one.is_quiet()


def test_an_address_that_makes_no_sense_says_what_is_ignored(
    up: Running, look: Looker
) -> None:
    """And shows the rest."""
    one = look(up.url, "?session=run_1&x=sideways&from=never&colour=red")
    one.shows("loss", points=100)
    for part in ("x=sideways", "from=never", "colour=red"):
        expect(one.page.get_by_text(part, exact=False).first).to_be_visible()
    one.is_quiet()


def test_a_session_that_is_not_there(up: Running, look: Looker) -> None:
    """Those with a similar name are offered, and it may still come."""
    one = look(up.url, "?session=run_11")
    expect(one.page.get_by_role("link", name="run_1")).to_be_visible()
    one.is_accessible()
    up.write("run_11", *numbered(0, 3))
    one.shows("loss", points=3)


def test_a_record_of_a_mebibyte(up: Running, look: Looker) -> None:
    """What is drawn of it is there; its text is nobody's concern."""
    text = json.dumps("<b>" * (2**20 // 3 - 100))
    up.write_lines(
        "large",
        '{"step":1,"loss":1.0}',
        f'{{"step":2,"text":{text},"loss":0.5}}',
        '{"step":3,"loss":0.25}',
    )
    one = look(up.url, "?session=large")
    one.shows("loss", points=3, last="0.25")
    up.write_lines("large", f'{{"step":4,"text":{text},"loss":0.125}}')
    one.shows("loss", points=4, last="0.125")
    one.is_quiet()


def test_ages_are_by_the_servers_clock(own_up: Running, look: Looker) -> None:
    """That of the machine on which one looks may be wrong by hours."""
    own_up.write("run", *numbered(0, 3))
    one = look(own_up.url, "?show=files")
    one.page.clock.install(time=datetime.now(UTC) - timedelta(hours=3))
    one.go()
    # (What began hours from now would be 0 s old; hours ago, as many hours.)
    expect(one.row("run").get_by_text(re.compile(r"^[1-9]\d* s$"))).to_be_visible()
    one.page.clock.install(time=datetime.now(UTC) + timedelta(hours=3))
    one.go()
    expect(one.row("run").get_by_text(re.compile(r"^\d+ (s|m)$"))).to_be_visible()


def test_records_of_any_shape(up: Running, look: Looker) -> None:
    """What is no number is left out, what is not finite is a mark."""
    up.write_lines(
        "shapes",
        '{"step":1,"loss":1.0}',
        '{"step":2,"loss":NaN}',
        '{"step":3,"loss":"much","text":"<b>"}',
        '{"step":4,"loss":null,"deep":{"er":[1,{"loss":2}]}}',
        "[1,2]",
        '{"step":5,"loss":0.25}',
    )
    one = look(up.url, "?session=shapes&metrics=loss")
    one.shows("loss", last="0.25")
    one.is_quiet()


RUNS = '<img src=x onerror="window.ran = true"><script>window.ran = true</script>'
VIEWS = (
    "", "?show=alerts", "?show=files", f"?session={quote(RUNS, safe='')}",
    f"?session={quote(RUNS, safe='')}&table=1",
    f"?session={quote(RUNS, safe='')}&compare=plain",
)  # fmt: skip  # one glance


def test_nothing_that_is_shown_is_run(own_up: Running, look: Looker) -> None:
    """Names, metrics, settings, tags, notes and alarms, wherever they stand."""
    said = {"config": {RUNS: RUNS, "lr": 0.1}, "group": RUNS}
    own_up.write_lines(RUNS, "# " + json.dumps(said))
    own_up.write(RUNS, *numbered(0, 3, **{RUNS: 0.5}), {"step": 3, "text": RUNS})
    alarm = {"reason": RUNS, "severity": RUNS, "metric": RUNS, "value": RUNS}
    own_up.write(RUNS, {"step": 4, "emergency": alarm})
    own_up.write("plain", *numbered(0, 3))
    edits = {"tags": [RUNS], "notes": RUNS}
    one = look(own_up.url)
    expect(one.page.get_by_role("alert")).to_contain_text(RUNS)
    address = f"{own_up.url}api/sessions?sessionId={quote(RUNS, safe='')}"
    assert httpx.patch(address, json=edits).status_code == 200
    for view in VIEWS:
        one.go(view)
        one.is_fed("live")
        expect(one.page.get_by_text("<img src=x", exact=False).first).to_be_visible()
        assert one.page.evaluate("window.ran") is None, view
        one.is_quiet()
    one.go(f"?session={quote(RUNS, safe='')}")
    expect(one.page.get_by_label("Notes")).to_have_value(RUNS)
    expect(one.page.get_by_label(f"Remove the tag {RUNS}")).to_be_visible()


def test_the_browser_runs_nothing_else(up: Running, look: Looker) -> None:
    """Not even if the page were to take a text for HTML, or for a program."""
    one = look(up.url, "?session=run_1")
    one.shows("loss", points=100)
    refused = one.page.evaluate(_TRIED, RUNS)
    assert refused == ["innerHTML", "script", "handler", "eval", "address"]
    assert one.page.evaluate("window.ran") is None
    assert one.complaints
    one.complaints.clear()


# What a page might do by mistake; returns what was refused.
_TRIED = """async (text) => {
  const ways = {
    innerHTML: () => { document.body.innerHTML = text; },
    script: () => {
      const made = document.createElement("script");
      made.text = "window.ran = true";
      document.body.append(made);
    },
    handler: () => {
      const made = document.createElement("img");
      made.setAttribute("onerror", "window.ran = true");
      made.src = "x";
      document.body.append(made);
    },
    eval: () => eval("window.ran = true"),
    address: () => {
      const made = document.createElement("a");
      made.href = "javascript:window.ran = true";
      document.body.append(made);
      made.click();
    },
  };
  const refused = [];
  for (const [name, way] of Object.entries(ways)) {
    window.ran = undefined;
    try { way(); } catch {}
    await new Promise((done) => setTimeout(done, 100));
    if (window.ran === undefined) refused.push(name);
  }
  return refused;
}"""
