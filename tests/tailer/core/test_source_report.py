"""Which paths are listed, and what is said of all."""

import pytest

from tailcast_streams.sources import Overview, Root, Source, SourceState
from tailcast_tailer.core import source_report
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.source_report import (
    NOT_LOOKED,
    SourceReport,
    WatchedPath,
    watched_paths,
)


FOLLOWED, WAITING = SourceState.FOLLOWED, SourceState.WAITING
LOGS = WatchedPath("/logs", ("**/*.jsonl",))


def followed(path: str) -> Source:
    """A path that is followed."""
    return Source(path, FOLLOWED, path.rpartition("/")[2])


def waiting(path: str) -> Source:
    """A path that waits."""
    return Source(path, WAITING, reason="Permission denied")


def overview(report: SourceReport, *, looked_ms: int = 1, unseen: str = "") -> Overview:
    """What is said of all."""
    places = {"/logs": unseen} if unseen else {}
    return report.overview("o", {}, looked_ms=looked_ms, unseen=places)


def reason(report: SourceReport, *, looked_ms: int = 1, unseen: str = "") -> str:
    """Why nothing is followed; with what mends it."""
    (root,) = overview(report, looked_ms=looked_ms, unseen=unseen).roots
    assert bool(root.mend) == bool(root.reason) or root.reason == NOT_LOOKED
    return root.reason


def test_what_is_watched() -> None:
    """Directories that patterns name, with what is meant below them; or paths."""
    patterns = ["telemetry/**/*.jsonl", "./telemetry/*.log", "*.ndjson"]

    def watched(*paths: str, log_dir: str = "/logs") -> list[WatchedPath]:
        return watched_paths(
            log_dir=log_dir,
            telemetry_patterns=patterns,
            emergency_patterns=["telemetry/*.json"],
            paths=paths,
        )

    assert watched() == [
        WatchedPath("/logs/telemetry", ("**/*.jsonl", "*.log")),
        WatchedPath("/logs", ("*.ndjson",)),
        WatchedPath("/logs/telemetry", ("*.json",), may_be_empty=True),
    ]
    assert watched(log_dir="/")[1].path == "/"
    assert watched("/a", "/b", "/a") == [WatchedPath("/a"), WatchedPath("/b")]


def test_the_list_is_that_of_the_register() -> None:
    """Whatever changes in it; the numbers follow."""
    register, report = Register(), SourceReport([LOGS])
    listed: dict[str, Source] = {}

    def take() -> None:
        for path, source in report.take(register.take_changed()).items():
            if source is None:
                del listed[path]
            else:
                listed[path] = source

    for path in ("/logs/a", "/logs/b", "/elsewhere"):
        register.note(followed(path))
    register.note(waiting("/logs/c"))
    take()
    assert listed == register.sources
    assert overview(report).roots == (Root("/logs", LOGS.patterns, 3),)
    register.forget("/logs/a")
    register.note(waiting("/logs/b"))
    take()
    register.note(waiting("/logs/new"))
    register.forget("/logs/new")
    take()
    assert listed == register.sources
    told = overview(report)
    assert told.listed == 3
    assert told.roots[0].files == 2
    assert told.roots[0].reason == "files there: 2; none of them is followed"


def test_followed_files_leave_places_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list is full at its bound; whoever goes makes room."""
    monkeypatch.setattr(source_report, "MAX_LISTED_PATHS", 10)
    monkeypatch.setattr(source_report, "PLACES_FOR_OTHERS", 3)
    report, known = SourceReport([LOGS]), dict[str, Source]()

    def take(*sources: Source) -> list[str]:
        changed = {source.path: source for source in sources}
        known.update(changed)
        return [path for path, one in report.take(changed).items() if one is not None]

    names = [f"/logs/{number:02}" for number in range(30)]
    assert take(*map(followed, names[:12])) == names[:7]
    assert take(*map(waiting, names[20:25])) == names[20:23]
    assert overview(report).listed == 10
    assert overview(report).roots[0].files == 17
    # One that is listed and becomes followed has no place any more.
    known[names[20]] = followed(names[20])
    assert report.take({names[20]: known[names[20]]}) == {names[20]: None}
    assert report.take({names[0]: None, names[11]: None}) == {names[0]: None}
    assert set(report.fill(known)) == {names[7], names[23]}
    assert report.fill(known) == {}


def test_nothing_to_fill_where_all_are_listed() -> None:
    """As it usually is."""
    register, report = Register(), SourceReport([LOGS])
    register.note(followed("/logs/a"))
    report.take(register.take_changed())
    assert report.fill(register.sources) == {}


def test_an_empty_place_says_why() -> None:
    """And what mends it, as far as somebody can."""
    report = SourceReport([LOGS])
    assert reason(report) == "no file there is called **/*.jsonl"
    assert reason(report, looked_ms=0) == NOT_LOOKED
    assert reason(report, unseen="Permission denied") == "Permission denied"
    report.take({"/logs/a": followed("/logs/a")})
    assert reason(report, unseen="Stale file handle") == ""
    assert reason(SourceReport([WatchedPath("/logs")])) == "no file is there"
    emergencies = SourceReport([LOGS._replace(may_be_empty=True)])
    assert reason(emergencies) == ""
    assert reason(emergencies, unseen="No such file or directory") == ""
    emergencies.take({"/logs/a": waiting("/logs/a")})
    assert reason(emergencies) == "files there: 1; none of them is followed"


def test_the_root_directory_has_all_below_it() -> None:
    """Its path ends with a slash, as no other one does."""
    report = SourceReport([WatchedPath("/")])
    report.take({"/a": followed("/a")})
    assert overview(report).roots[0].files == 1
