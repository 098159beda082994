"""The view of a run: its charts show what is in its file, and say what they cannot."""

import json
import math
import re
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Looker
from tests.browser.looking import Look
from tests.browser.running import Running, numbered, running


def records(start: int, stop: int) -> list[dict[str, float]]:
    """Records whose loss is their step."""
    return [{"step": step, "loss": step} for step in range(start, stop)]


def notes(one: Look, metric: str = "loss") -> str:
    """What is said beneath a chart."""
    return one.chart(metric).locator(".chart-notes").inner_text()


def says(page: Page, text: str | re.Pattern[str]) -> None:
    """Until it is said above the charts."""
    expect(page.locator(".run-note, .run-paused", has_text=text)).to_be_visible()


def test_each_record_is_drawn_once_through_a_restart(
    own_up: Running, look: Looker
) -> None:
    """History, what comes, and what came while the gateway was away."""
    own_up.write("run", *records(0, 6_000))
    one = look(own_up.url, "?session=run")
    one.shows("loss", points=6_000, last="5999")
    own_up.write("run", *records(6_000, 6_010))
    one.shows("loss", points=6_010, last="6009")
    own_up.signal("gateway", signal.SIGKILL)
    own_up.write("run", *records(6_010, 6_100))
    one.shows("loss", points=6_100, last="6099")
    own_up.write("run", *records(6_100, 6_105))
    one.shows("loss", points=6_105, last="6104")


def test_a_part_is_drawn_record_by_record(up: Running, look: Looker) -> None:
    """It is chosen with the mouse or stands in the address, and Esc leads back."""
    up.write("long", *records(0, 8_000))
    one = look(up.url, "?session=long&from=1000&to=1100")
    one.shows("loss", points=101)
    told = re.compile(r"a point stands for up to \d+ values")
    expect(one.chart("loss").locator(".chart-notes")).not_to_have_text(told)
    one.page.keyboard.press("Escape")
    one.shows("loss", points=8_000)
    # What is drawn of many records is a choice, which is said.
    expect(one.chart("loss").locator(".chart-notes")).to_have_text(told)
    assert "from=" not in one.page.url
    box = one.chart("loss").locator(".u-over").bounding_box()
    assert box is not None
    at = box["y"] + box["height"] / 2
    one.page.mouse.move(box["x"] + box["width"] * 0.5, at)
    one.page.mouse.down()
    one.page.mouse.move(box["x"] + box["width"] * 0.6, at, steps=3)
    one.page.mouse.up()
    part = re.compile(r"from=(\d+)&to=(\d+)")
    expect(one.page).to_have_url(part)
    chosen = part.search(one.page.url)
    assert chosen is not None
    start, stop = map(int, chosen.groups())
    assert start == pytest.approx(4_000, abs=60)
    assert stop == pytest.approx(4_800, abs=60)
    one.shows("loss", points=stop - start + 1)
    # The keys do what the mouse does.
    one.page.keyboard.press("+")
    expect(one.page).not_to_have_url(re.compile(f"from={start}&"))
    one.page.keyboard.press("Escape")
    one.shows("loss", points=8_000)


def test_a_part_is_drawn_to_its_edges(up: Running, look: Looker) -> None:
    """Its line comes from the record before it, and goes on to the one behind it."""
    up.write("rare", *({"step": step, "loss": step} for step in range(0, 100, 10)))
    one = look(up.url, "?session=rare&from=35&to=55")
    one.shows("loss", points=2)
    one.page.wait_for_function(f"() => ({_INKED})().every(Boolean)")


# Whether each column of a chart's pixels has something of a line, the outermost apart:
# nothing else there has a hue.
_INKED = """() => {
  const canvas = document.querySelector("[data-chart=loss] canvas");
  const over = document.querySelector("[data-chart=loss] .u-over");
  const [left, top, width, height] = [
    over.offsetLeft, over.offsetTop, over.clientWidth, over.clientHeight,
  ].map((size) => size * devicePixelRatio);
  // Of a copy: who reads what is drawn again and again is warned by the browser.
  const copy = new OffscreenCanvas(width, height);
  const ctx = copy.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(canvas, -left, -top);
  const { data } = ctx.getImageData(0, 0, width, height);
  const hasHue = (column) => (_, row) => {
    const [red, green, blue] = data.subarray(4 * (row * width + column));
    return Math.max(red, green, blue) - Math.min(red, green, blue) > 60;
  };
  return Array.from({ length: width - 2 }, (_, at) =>
    Array.from({ length: height }, hasHue(at + 1)).some(Boolean),
  );
}"""


def test_fingers_zoom_a_chart_and_pull_it_along(up: Running, look: Looker) -> None:
    """Two make it closer about what they touch; one moves what is a part of the run."""
    up.write("touched", *records(0, 1_001))
    one = look(up.url, "?session=touched", width=360)
    one.shows("loss", points=1_001)
    box = one.chart("loss").locator(".u-over").bounding_box()
    assert box is not None
    screen = one.context.new_cdp_session(one.page)

    def touch(kind: str, *parts: float) -> None:
        fingers = [
            {"x": box["x"] + box["width"] * part, "y": box["y"] + 40, "id": number}
            for number, part in enumerate(parts)
        ]
        event = {"type": kind, "touchPoints": fingers}
        screen.send("Input.dispatchTouchEvent", event)

    def shown() -> tuple[float, float]:
        start, stop = re.findall(r"=([\d.]+)", one.page.url)
        return float(start), float(stop)

    part = re.compile(r"from=[\d.]+&to=[\d.]+$")
    touch("touchStart", 0.4, 0.6)
    for apart in (0.4, 0.5, 0.6):
        touch("touchMove", 0.5 - apart / 2, 0.5 + apart / 2)
    touch("touchEnd")
    expect(one.page).to_have_url(part)
    start, stop = shown()
    assert start == pytest.approx(333, abs=8)
    assert stop == pytest.approx(667, abs=8)
    one.shows("loss", points=math.floor(stop) - math.ceil(start) + 1)
    before = one.page.url
    touch("touchStart", 0.6)
    for place in (0.5, 0.4, 0.3):
        touch("touchMove", place)
    touch("touchEnd")
    expect(one.page).not_to_have_url(before)
    later, end = shown()
    assert later == pytest.approx(start + 100, abs=8)
    assert end == pytest.approx(stop + 100, abs=8)


def test_what_is_not_in_the_file_any_more_is_not_drawn(
    up: Running, look: Looker
) -> None:
    """The file is cut off while one looks, and then begins anew."""
    up.write("anew", *records(0, 50))
    one = look(up.url, "?session=anew")
    one.shows("loss", points=50)
    file = up.logs / "telemetry" / "anew.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records(0, 5)))
    one.shows("loss", points=5, last="4")
    assert "began anew" in notes(one)
    up.write("anew", *records(5, 7))
    one.shows("loss", points=7, last="6")
    file.write_text("".join(json.dumps(record) + "\n" for record in records(90, 93)))
    one.shows("loss", points=3, last="92")
    up.write("anew", *records(93, 95))
    one.shows("loss", points=5, last="94")


def test_a_file_that_is_rotated_is_one_curve(up: Running, look: Looker) -> None:
    """It goes on in the next file, until another run begins under the name."""
    up.write("rotated", *records(0, 50))
    one = look(up.url, "?session=rotated")
    one.shows("loss", points=50)
    file = up.logs / "telemetry" / "rotated.jsonl"
    file.rename(file.with_name("rotated.jsonl.1"))
    up.write("rotated", *records(50, 60))
    one.shows("loss", points=60, last="59")
    up.write("rotated", *records(60, 62))
    one.shows("loss", points=62, last="61")
    file.with_name("rotated.jsonl.1").rename(file.with_name("rotated.jsonl.2"))
    file.rename(file.with_name("rotated.jsonl.1"))
    up.write("rotated", *records(0, 3))
    one.shows("loss", points=3, last="2")


def test_a_run_that_fell_back_is_drawn_as_two_lines(up: Running, look: Looker) -> None:
    """Both are there, with all of their records."""
    up.write("back", *records(0, 30), *records(10, 20))
    one = look(up.url, "?session=back")
    one.shows("loss", points=40, last="19")
    # And while one looks.
    up.write("back", *records(5, 25))
    one.shows("loss", points=60, last="24")


def test_what_is_no_finite_number_is_marked(up: Running, look: Looker) -> None:
    """It is counted beneath the chart, and the last value is what it is."""
    up.write("odd", {"step": 0, "loss": 1.0}, {"step": 1, "loss": math.inf})
    one = look(up.url, "?session=odd")
    one.shows("loss", points=1, last="Infinity")
    up.write("odd", {"step": 2, "loss": math.nan})
    one.shows("loss", points=1, last="NaN")
    expect(one.chart("loss").locator(".chart-notes")).to_have_text(
        "1 \u00d7 Infinity · 1 \u00d7 NaN"
    )


def test_no_chart_moves_when_something_is_said_beneath_one(
    up: Running, look: Looker
) -> None:
    """There is room for it before."""
    up.write("calm", *numbered(0, 20, accuracy=0.5))
    one = look(up.url, "?session=calm")
    one.shows("loss", points=20)
    before = one.chart("loss").bounding_box()
    up.write("calm", {"step": 20, "telemetry": {"loss": math.nan}})
    expect(one.chart("loss").locator(".chart-notes")).to_have_text("1 \u00d7 NaN")
    assert one.chart("loss").bounding_box() == before


LONG_NAME = "a/name/that/says/all/of/what/is/measured/and/of/what/and/how/often"


def test_a_long_name_hides_no_figures(up: Running, look: Looker) -> None:
    """Tables fit into their charts, and charts beside one another begin together."""
    for name in ("one", "other"):
        up.write(name, *({"step": at, "loss": at, LONG_NAME: at} for at in range(3)))
    run = look(up.url, "?session=one&table=1")
    figures = run.chart(LONG_NAME).locator(".figures")
    expect(figures).to_contain_text("records")
    assert figures.evaluate("(it) => it.scrollWidth <= it.clientWidth")
    compared = look(up.url, "?session=one&compare=other")
    tops: list[float] = []
    for metric in ("loss", LONG_NAME):
        compared.shows(metric, points=6)
        box = compared.chart(metric).locator(".chart-plot").bounding_box()
        assert box is not None
        tops.append(box["y"])
    assert tops[0] == tops[1]


def test_what_is_said_of_a_place_leaves_the_name_as_it_is(
    up: Running, look: Looker
) -> None:
    """Where there is not room for both, the end of what is said is left out."""
    name = "validation_loss"
    up.write(
        "narrow", *({"step": at, name: 0.05123 + at % 7 / 99} for at in range(3_000))
    )
    one = look(up.url, "?session=narrow", width=360)
    one.shows(name)
    chart = one.chart(name)
    chart.locator(".chart-plot").hover()
    expect(chart.locator(".chart-value")).to_contain_text("step")
    assert chart.locator(".chart-name").evaluate(
        "(it) => it.scrollWidth <= it.clientWidth"
    )


def test_on_a_phone_how_far_a_run_is_stands_in_one_line(
    up: Running, look: Looker
) -> None:
    """Below its name, however long that is, so that nothing moves to another line."""
    heights: list[float] = []
    for name in ("far", "far_with_a_name_that_has_all_that_was_tried_in_it"):
        up.write(name, {"step": 12_400, "total_steps": 50_000, "loss": 1.0})
        one = look(up.url, f"?session={name}", width=360)
        one.shows("loss", points=1)
        head = one.page.locator(".run-head")
        status, bar = (
            head.locator(part).bounding_box()
            for part in (".status-running", "progress")
        )
        assert status is not None
        assert bar is not None
        assert status["y"] <= bar["y"] <= status["y"] + status["height"]
        box = head.bounding_box()
        assert box is not None
        heights.append(box["height"])
    assert heights[0] == heights[1]


def test_from_a_run_a_link_leads_back_to_the_list(up: Running, look: Looker) -> None:
    """Also on a phone, where it stands beside the name."""
    one = look(up.url, "?session=run_1", width=360)
    back = one.page.get_by_role("link", name="Back to the sessions")
    name = one.page.get_by_role("heading", name="run_1")
    link, title = back.bounding_box(), name.bounding_box()
    assert link is not None
    assert title is not None
    assert link["y"] < title["y"] + title["height"]
    assert link["y"] + link["height"] > title["y"]
    back.click()
    expect(one.page).to_have_url(up.url)
    expect(one.page.locator("[data-session]").first).to_be_visible()


def test_how_many_metrics_are_drawn_is_told_once(up: Running, look: Looker) -> None:
    """At the foot of the page."""
    one = look(up.url, "?session=run_1")
    one.shows("loss", points=100)
    expect(one.page.get_by_text("2 of 2 drawn")).to_have_count(1)


def test_without_a_step_it_is_along_the_numbers_of_records(
    up: Running, look: Looker
) -> None:
    """And that is said."""
    up.write("stepless", {"loss": 1.0}, {"loss": 0.5})
    one = look(up.url, "?session=stepless")
    one.shows("loss", points=2, last="0.5")
    says(one.page, "no record has a step")
    up.write("stepless", {"loss": 0.25})
    one.shows("loss", points=3, last="0.25")


@pytest.mark.parametrize(
    ("name", "steps", "why"),
    [
        ("repeated", [7] * 12, "all records have the same step"),
        # What falls as often as it rises is taken for no step of a run.
        ("disordered", [step ^ 1 for step in range(40)], "no record has a step"),
    ],
)
def test_along_steps_that_make_no_line_it_is_not_drawn(
    up: Running, look: Looker, name: str, steps: list[int], why: str
) -> None:
    """Each record is there, along its number; why is said above the charts."""
    up.write(name, *({"step": step, "loss": 1 / (1 + step)} for step in steps))
    one = look(up.url, f"?session={name}&metrics=loss")
    one.shows("loss", points=len(steps))
    says(one.page, why)


def test_what_was_there_before_is_told_as_missing(tmp_path: Path, look: Looker) -> None:
    """Beneath each chart, in words that everybody can read."""
    Running(tmp_path, "").write("run", *records(0, 5))
    with running(tmp_path, TAILCAST_START_AT="end") as late:
        late.write("run", *records(5, 8))
        one = look(late.url, "?session=run")
        one.shows("loss", points=3)
        notes = one.chart("loss").locator(".chart-notes")
        expect(notes).to_have_text("1 \u00d7 missing: written before Tailcast began")
        one.is_accessible()


def test_when_it_will_be_done_is_told_while_it_runs(up: Running, look: Looker) -> None:
    """And not when it has stalled."""
    now = time.time()
    ages = {"in_time": 0.0, "too_late": 300.0}
    for name, age in ages.items():
        lines = (
            {
                "step": at,
                "timestamp": now - age - 50 + at,
                "total_steps": 900,
                "loss": 1,
            }
            for at in range(50)
        )
        up.write_old(name, now - age, *map(json.dumps, lines))
    runs = look(up.url, "?session=in_time")
    expect(runs.page.locator(".run-head")).to_contain_text("eta")
    stalled = look(up.url, "?session=too_late")
    expect(stalled.page.locator(".status-stalled")).to_be_visible()
    expect(stalled.page.locator(".run-head")).not_to_contain_text("eta")


def test_names_are_shown_as_they_are(up: Running, look: Looker) -> None:
    """Whatever is in them, of the session and of its metrics."""
    names = ["<script>alert(1)</script>", "a/b,c", "😀 loss", "אבג", "x" * 120]
    session = "odd <b>name</b>😀"
    up.write(session.replace("/", "_"), {"step": 1, **dict.fromkeys(names, 0.5)})
    one = look(up.url)
    one.row("odd <b>name<_b>😀").get_by_role("link").first.click()
    for name in names:
        one.shows(name, points=1, last="0.5")
    expect(one.page.locator("h1")).to_have_text("odd <b>name<_b>😀")
    one.is_within_its_width()
    one.is_quiet()


def test_ten_thousand_metrics(up: Running, look: Looker) -> None:
    """A few are drawn, all can be found, and a star keeps one at the top."""
    metrics = {f"layer{number // 100}/w{number}": 0.5 for number in range(10_000)}
    up.write("many", {"step": 1, **metrics}, {"step": 2, **metrics})
    one = look(up.url, "?session=many")
    listed = one.page.get_by_role("navigation", name="Metrics")
    expect(listed).to_contain_text("10\u202f000 in all")
    one.is_accessible()
    one.page.keyboard.press("/")
    one.page.keyboard.type("W9876")
    found = listed.get_by_role("button", name="layer98/w9876", exact=False)
    expect(found.last).to_be_visible()
    found.last.click()
    one.shows("layer98/w9876", points=2, last="0.5")
    listed.get_by_role("button", name="Star layer98/w9876").click()
    one.page.get_by_label("Filter metrics").fill("")
    expect(listed.locator("li").first).to_contain_text("★layer98/w9876")
    one.page.reload()
    expect(listed.locator("li").first).to_contain_text("★layer98/w9876")
    expect(one.chart("layer98/w9876")).to_be_attached()


def test_it_waits_for_a_first_record(up: Running, look: Looker) -> None:
    """A link may be older than the run."""
    one = look(up.url, "?session=later&metrics=loss")
    expect(one.page.get_by_text("waiting for its first line")).to_be_visible()
    up.write("later", *records(0, 3))
    one.shows("loss", points=3, last="2")


def test_a_new_metric_is_listed_and_drawn(up: Running, look: Looker) -> None:
    """While one looks, as long as there are few."""
    up.write("growing", *records(0, 3))
    one = look(up.url, "?session=growing")
    one.shows("loss", points=3)
    up.write("growing", {"step": 3, "loss": 3, "accuracy": 0.75})
    one.shows("accuracy", points=1, last="0.75")
    one.shows("loss", points=4)


def test_a_metric_that_came_while_the_gateway_was_away(
    own_up: Running, look: Looker
) -> None:
    """It is listed and drawn, though nobody was there to be told."""
    own_up.write("away", *records(0, 3))
    one = look(own_up.url, "?session=away")
    one.shows("loss", points=3)
    own_up.signal("gateway", signal.SIGKILL)
    own_up.write("away", {"step": 3, "loss": 3, "accuracy": 0.75})
    one.shows("accuracy", points=1, last="0.75")


@pytest.mark.parametrize("width", [360, 1600])
def test_paused_it_stands_still_and_then_follows(
    own_up: Running, look: Looker, width: int
) -> None:
    """What comes meanwhile is counted, and there at once."""
    own_up.write("still", *numbered(0, 20))
    one = look(own_up.url, "?session=still", width=width)
    one.shows("loss", points=20)
    place = one.chart("loss").bounding_box()
    one.page.keyboard.press(" ")
    says(one.page, "paused at step 19 · 0 new")
    # No chart moves.
    assert one.chart("loss").bounding_box() == place
    own_up.write("still", *numbered(20, 27))
    says(one.page, "paused at step 19 · 7 new")
    one.shows("loss", points=20)
    # Who opens the address elsewhere sees the same.
    other = look(one.page.url)
    says(other.page, "paused at step 19 · 7 new")
    other.shows("loss", points=20)
    one.page.keyboard.press("f")
    one.shows("loss", points=27)


def test_a_run_is_played_again(up: Running, look: Looker) -> None:
    """From a place that a link names, to the end, where what comes is shown again."""
    up.write("again", *records(0, 100))
    one = look(up.url, "?session=again&at=49")
    one.shows("loss", points=50, last="49")
    one.page.get_by_label("Speed").select_option("1000000")
    one.page.keyboard.press("r")
    one.shows("loss", points=100, last="99")
    assert "at=" not in one.page.url


def test_keys_are_those_of_what_is_shown(up: Running, look: Looker) -> None:
    """However fast one follows the other: none is lost, and none is another view's."""
    one = look(up.url, "?session=run_1")
    one.shows("loss", points=100)
    for is_log in [True, False] * 10:
        for key in ("?", "Escape", "l"):
            one.page.keyboard.press(key)
        query = "&log=1" if is_log else ""
        expect(one.page).to_have_url(f"{up.url}?session=run_1{query}")
    one.is_quiet()


def test_an_address_is_a_view(up: Running, look: Looker) -> None:
    """Axis, window, smoothing and the logarithm stand in it, and come back with it."""
    up.write("linked", *records(1, 101))
    one = look(up.url, "?session=linked")
    one.shows("loss", points=100)
    for key in ("3", "l", "]"):
        one.page.keyboard.press(key)
    expect(one.page).to_have_url(re.compile(r"x=record.*log=1.*smooth=0\.6"))
    for key in ("+", "ArrowRight"):
        one.page.keyboard.press(key)
    expect(one.page).to_have_url(re.compile(r"from=.*to="))
    shown = one.chart("loss").get_attribute("data-points")
    other = look(one.page.url)
    other.shows("loss", points=int(shown or 0))
    expect(other.page.get_by_label("Axis")).to_have_value("record")
    expect(other.page.get_by_role("button", name="log")).to_have_attribute(
        "aria-pressed", "true"
    )
