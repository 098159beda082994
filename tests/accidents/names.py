"""Names, links and directories: which file is which session."""

import os
import time

from tests.accidents.followers import Way
from tests.accidents.stage import Stage, joined
from tests.accidents.table import EVERYWHERE, accident


ODD_NAMES = (
    "new\nline.jsonl", "tab\t.jsonl", "\x01.jsonl", "caf\u00e9.jsonl",
    "cafe\u0301.jsonl", "-lead.jsonl", "*.jsonl", "?.jsonl", "[1].jsonl",
    "%41.jsonl", "#.jsonl", "a&b=c.jsonl", "'\".jsonl", "back\\slash.jsonl",
    "\U0001f600.jsonl", "\u200fright.jsonl", " .jsonl", f"{'n' * 249}.jsonl",
    "/".join(["d" * 200] * 8) + "/deep.jsonl",
)  # fmt: skip  # as a table


@accident(ways=EVERYWHERE)
def same_first_4_KiB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """Three files begin with the same 4 KiB."""
    _with_one_head(stage, "x" * 5_000)


@accident(ways=EVERYWHERE)
def same_first_line(stage: Stage) -> None:
    """Three files begin with the same line."""
    _with_one_head(stage, "x")


def _with_one_head(stage: Stage, pad: str) -> None:
    head = stage.lines(1, pad=pad)
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        stage.ledger.wrote(name, head)
        stage.path(name).write_bytes(joined(head))
    for _ in range(3):
        for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
            stage.append(name, 5)
        time.sleep(0.1)


@accident()
def one_short_line_each(stage: Stage) -> None:
    """Three files of one short line."""
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        stage.append(name, 1)


@accident()
def short_lived_file(stage: Stage) -> None:
    """A file is written and deleted a second later."""
    stage.append("b.jsonl", 5)
    stage.wait_until_told()
    stage.append("a.jsonl", 5)
    stage.let_it_rest(1.0)
    stage.path("a.jsonl").unlink()
    stage.append("b.jsonl", 5)


@accident(is_long=True)
def two_thousand_files(stage: Stage) -> None:
    """Two thousand files come at once, and a line to an old one."""
    stage.append("old.jsonl", 10)
    stage.wait_until_told()
    for number in range(2_000):
        stage.append(f"{number % 20}/{number}.jsonl", 1)
    stage.append("old.jsonl", 1)


@accident()
def hard_link_appears(stage: Stage) -> None:
    """A second name of the same file."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    os.link(stage.path("a.jsonl"), stage.path("b.jsonl"))
    stage.append("a.jsonl", 5)


@accident(is_for_all=False)
def links_to_one_file(stage: Stage) -> None:
    """Links beside the file they point to: one comes before it is seen, one after."""
    stage.path("latest.jsonl").symlink_to("a.jsonl")
    stage.append("a.jsonl", 10)
    stage.wait_until_told()
    stage.path("best.jsonl").symlink_to(stage.path("a.jsonl"))
    stage.append("a.jsonl", 5)


@accident(is_for_all=False)
def link_as_a_lock(stage: Stage) -> None:
    """The journal's lock is a link to it, and lives for milliseconds (optuna)."""
    stage.append("a.jsonl", 1)
    lock = stage.path("a.jsonl.lock")
    for _ in range(20):
        lock.symlink_to(stage.path("a.jsonl"))
        stage.append("a.jsonl", 1)
        time.sleep(0.01)
        lock.unlink()


@accident(is_for_all=False)
def link_dangles_then_not(stage: Stage) -> None:
    """A link's file comes later."""
    target = stage.beside / "target.jsonl"
    stage.path("a.jsonl").symlink_to(target)
    time.sleep(0.3)
    texts = stage.lines(5)
    stage.write("a.jsonl", texts, into=target)


@accident()
def symlink_moved(stage: Stage) -> None:
    """A link goes to the next run's file."""
    texts = stage.lines(25)
    stage.write("first", texts, into=stage.beside / "first.jsonl")
    link = stage.path("a.jsonl")
    link.symlink_to(stage.beside / "first.jsonl")
    stage.wait_until_told()
    stage.write("second", stage.lines(8), into=stage.beside / "second.jsonl")
    new = stage.beside / "link"
    new.symlink_to(stage.beside / "second.jsonl")
    new.rename(link)


@accident()
def directory_renamed(stage: Stage) -> None:
    """A run's directory gets another name while the run goes on."""
    stage.append("run/a.jsonl", 10)
    stage.wait_until_told()
    (stage.directory / "run").rename(stage.directory / "final")
    texts = stage.lines(5)
    stage.note("run/a.jsonl", texts)
    with stage.path("final/a.jsonl").open("ab") as file:
        file.write(joined(texts))


@accident(is_for_all=False)
def directory_becomes_a_link(stage: Stage) -> None:
    """A run's directory moves to the archive, a link in its place; then a restart."""
    stage.append("run/a.jsonl", 1)
    stage.wait_until_told()
    run = stage.directory / "run"
    run.rename(stage.beside / "run")
    run.symlink_to(stage.beside / "run")
    stage.append("run/a.jsonl", 1)
    stage.wait_until_told()
    stage.stop()
    stage.start()
    stage.append("run/a.jsonl", 2)


@accident(is_for_all=False, starts_itself=True, ways=(Way.LOG_DIR,))
def watched_directory_is_missing(stage: Stage) -> None:
    """What is to be watched comes later."""
    stage.directory.rmdir()
    stage.start()
    time.sleep(0.6)
    stage.append("a.jsonl", 10)


@accident(is_for_all=False, starts_itself=True)
def watched_directory_is_switched(stage: Stage) -> None:
    """What is watched is a link, which goes to another directory."""
    stage.directory.rmdir()
    for name in ("one", "two"):
        (stage.beside / name).mkdir()
    stage.directory.symlink_to(stage.beside / "one")
    stage.start()
    stage.append("a.jsonl", 10)
    stage.wait_until_told()
    new = stage.beside / "link"
    new.symlink_to(stage.beside / "two")
    new.rename(stage.directory)
    stage.append("a.jsonl", 10)


@accident(is_for_all=False)
def directory_named_as_a_file(stage: Stage) -> None:
    """A directory has a name that files have."""
    stage.append("x.jsonl/a.jsonl", 5)


@accident(is_for_all=False)
def odd_names(stage: Stage) -> None:
    """Whatever a name may have: line ends, wildcards, quotes, marks; long ones."""
    for name in ODD_NAMES:
        if len(str(stage.directory / name)) < os.pathconf("/", "PC_PATH_MAX"):
            stage.append(name, 2)


@accident(is_for_all=False)
def name_that_is_no_text(stage: Stage) -> None:
    """A name that is not UTF-8, and another file beside it."""
    stage.append(os.fsdecode(b"caf\xe9.jsonl"), 3)
    stage.append("b.jsonl", 3)
    stage.wait_until_told()
    stage.append(os.fsdecode(b"caf\xe9.jsonl"), 3)
    stage.append("b.jsonl", 3)


@accident(is_for_all=False)
def name_with_a_mark(stage: Stage) -> None:
    """A name with the mark at its front that channels have."""
    stage.append("!x.jsonl", 3)


@accident(is_for_all=False, starts_itself=True)
def one_stem_two_extensions(stage: Stage) -> None:
    """`a.log`, then `a.jsonl`, then a restart."""
    stage.start()
    stage.append("a.jsonl", 2)
    stage.wait_until_told()
    # The other way of watching leaves it out.
    name = "a.log" if stage.way is Way.UP else "a.log.jsonl"
    stage.append(name, 2)
    stage.wait_until_told()
    stage.stop()
    stage.start()
    stage.append(name, 1)
    stage.append("a.jsonl", 1)


@accident(is_for_all=False, starts_itself=True)
def two_directories_one_name(stage: Stage) -> None:
    """Two directories have a file of one name; the second one comes first."""
    one, other = _two_runs(stage)
    stage.start(one, other)
    _append(stage, other, 2)
    stage.wait_until_told()
    _append(stage, one, 1)
    stage.wait_until_told()
    stage.stop()
    stage.start(one, other)
    _append(stage, other, 1)
    _append(stage, one, 1)
    stage.wait_until_told()
    # The last line is written below the first of them.
    (stage.directory).rmdir()
    stage.directory.symlink_to(stage.base / one)


@accident(is_for_all=False, starts_itself=True)
def one_directory_of_two(stage: Stage) -> None:
    """Two directories are watched, then the second one alone."""
    one, other = _two_runs(stage)
    stage.start(one, other)
    _append(stage, one, 3)
    _append(stage, other, 3)
    stage.wait_until_told()
    stage.stop()
    stage.start(other)
    _append(stage, other, 2)
    stage.wait_until_told()
    (stage.directory).rmdir()
    stage.directory.symlink_to(stage.base / other)


def _two_runs(stage: Stage) -> tuple[str, str]:
    for name in ("exp1", "exp2"):
        (stage.base / name).mkdir()
    return "exp1", "exp2"


def _append(stage: Stage, directory: str, count: int) -> None:
    texts = stage.lines(count)
    name = f"{directory}/metrics.jsonl"
    stage.note(name, texts)
    with (stage.base / name).open("ab") as file:
        file.write(joined(texts))


@accident(is_for_all=False, needs_permissions=True)
def unreadable_then_readable(stage: Stage) -> None:
    """A file is made by another user, and readable a second later."""
    stage.append("first.jsonl", 1)
    stage.wait_until_told()
    for name in ("a.jsonl", "b.log" if stage.way is Way.UP else "b.log.jsonl"):
        path = stage.path(name)
        path.touch(mode=0o000)
        path.chmod(0o000)
        texts = stage.lines(3)
        stage.note(name, texts)
        # Who writes has it open already.
        path.chmod(0o200)
        with path.open("ab") as file:
            path.chmod(0o000)
            file.write(joined(texts))
    time.sleep(1.5)
    for path in stage.directory.iterdir():
        path.chmod(0o644)


@accident(is_for_all=False, needs_permissions=True)
def directory_without_permission(stage: Stage) -> None:
    """A directory cannot be listed at first."""
    stage.append("first.jsonl", 1)
    stage.wait_until_told()
    stage.append("run/a.jsonl", 3)
    run = stage.directory / "run"
    run.chmod(0o000)
    time.sleep(1.0)
    run.chmod(0o755)


@accident(is_for_all=False, starts_itself=True)
def times_of_other_centuries(stage: Stage) -> None:
    """Modification times of 1970, before it, and of 2096."""
    for name, seconds in (("a.jsonl", 0), ("b.jsonl", -86_400), ("c.jsonl", 4e9)):
        stage.append(name, 3)
        os.utime(stage.path(name), (seconds, seconds))
    stage.start()
    # What is old is left out until it changes; then it comes whole.
    time.sleep(0.5)
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        stage.append(name, 1)


@accident(is_for_all=False)
def pipe_with_the_name_of_a_file(stage: Stage) -> None:
    """A pipe that nobody writes to has a name that files have."""
    os.mkfifo(stage.path("a.jsonl"))
    stage.append("b.jsonl", 5)
    stage.wait_until_told()
    stage.path("b.jsonl").unlink()
    os.mkfifo(stage.path("b.jsonl"))
    stage.append("c.jsonl", 5)
