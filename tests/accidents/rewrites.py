"""Files that begin anew under their names: cut back, written again, replaced."""

import os
import shutil
import time

from tests.accidents.stage import Stage, joined
from tests.accidents.table import EVERYWHERE, accident


@accident(ways=EVERYWHERE)
def truncated_then_fewer(stage: Stage) -> None:
    """Cut to nothing, and fewer lines come than there were."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    os.truncate(stage.path("a.jsonl"), 0)
    stage.append("a.jsonl", 10)


@accident(ways=EVERYWHERE)
def truncated_then_more_at_once(stage: Stage) -> None:
    """Cut to nothing, and at once longer than before."""
    stage.append("a.jsonl", 20)
    stage.wait_until_told()
    stage.write("a.jsonl", stage.lines(30), into=stage.path("a.jsonl"))


@accident(ways=EVERYWHERE)
def truncated_then_more_while_down(stage: Stage) -> None:
    """As above, while nobody follows."""
    stage.append("a.jsonl", 20)
    stage.wait_until_told()
    stage.stop()
    stage.write("a.jsonl", stage.lines(30), into=stage.path("a.jsonl"))
    stage.start()


@accident(ways=EVERYWHERE)
def resume_truncates_to_checkpoint(stage: Stage) -> None:
    """A run that is resumed cuts its file back, and goes on from there at once."""
    _cut_back(stage)
    stage.append("a.jsonl", 18)


@accident(ways=EVERYWHERE)
def resume_goes_on_slowly(stage: Stage) -> None:
    """As above, with a line each second."""
    _cut_back(stage)
    for _ in range(6):
        stage.append("a.jsonl", 1)
        time.sleep(1.0)


def _cut_back(stage: Stage) -> None:
    texts = stage.append("a.jsonl", 30)
    stage.wait_until_told()
    os.truncate(stage.path("a.jsonl"), len(joined(texts[:18])))


@accident()
def crash_loop(stage: Stage) -> None:
    """A job crashes again and again; each run writes its file anew."""
    for _ in range(5):
        stage.write("a.jsonl", stage.lines(5), into=stage.path("a.jsonl"))
        stage.wait_until_told()
    # The good run at last.
    stage.write("a.jsonl", stage.lines(5), into=stage.path("a.jsonl"))
    for _ in range(10):
        stage.append("a.jsonl", 1)
        time.sleep(0.1)


@accident(is_long=True)
def crash_loop_each_4_s(stage: Stage) -> None:
    """As above, at the pace of a scheduler."""
    for _ in range(5):
        stage.write("a.jsonl", stage.lines(5), into=stage.path("a.jsonl"))
        time.sleep(4.0)
    for _ in range(10):
        stage.append("a.jsonl", 1)
        time.sleep(1.0)


@accident(ways=EVERYWHERE)
def atomic_save_with_two_more(stage: Stage) -> None:
    """The whole file is written anew beside it and renamed over it, three times."""
    texts = stage.append("a.jsonl", 30)
    for _ in range(3):
        stage.wait_until_told()
        texts += stage.lines(2)
        stage.note("a.jsonl", texts)
        beside = stage.path("a.jsonl.tmp")
        beside.write_bytes(joined(texts))
        beside.replace(stage.path("a.jsonl"))


@accident(ways=EVERYWHERE)
def saved_in_place_with_two_more(stage: Stage) -> None:
    """The whole file is written anew in place, three times."""
    texts = stage.append("a.jsonl", 30)
    for _ in range(3):
        stage.wait_until_told()
        texts += stage.lines(2)
        stage.write("a.jsonl", texts, into=stage.path("a.jsonl"))


@accident(ways=EVERYWHERE)
def deleted_and_new_with_its_inode(stage: Stage) -> None:
    """Deleted, and at once there is another one, of the same number if that is free."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    stage.path("a.jsonl").unlink()
    stage.append("a.jsonl", 30)


@accident(ways=EVERYWHERE)
def deleted_and_new_while_down(stage: Stage) -> None:
    """As above, while nobody follows."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    stage.stop()
    stage.path("a.jsonl").unlink()
    stage.append("a.jsonl", 30)
    stage.start()


@accident(ways=EVERYWHERE)
def deleted_then_the_same_and_more(stage: Stage) -> None:
    """Deleted; soon the same lines are there again, and more."""
    _deleted_for(stage, seconds=1.5)


@accident(is_long=True, is_for_all=False)
def deleted_for_25_seconds(stage: Stage) -> None:
    """As above, after a while."""
    _deleted_for(stage, seconds=25.0)


def _deleted_for(stage: Stage, *, seconds: float) -> None:
    texts = stage.append("a.jsonl", 10)
    stage.wait_until_told()
    stage.path("a.jsonl").unlink()
    time.sleep(seconds)
    stage.write("a.jsonl", texts + stage.lines(5), into=stage.path("a.jsonl"))


@accident(ways=EVERYWHERE)
def moved_away_and_back(stage: Stage) -> None:
    """The file is elsewhere for three seconds."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    path = stage.path("a.jsonl")
    path.rename(stage.beside / "a.jsonl")
    time.sleep(3.0)
    (stage.beside / "a.jsonl").rename(path)
    stage.append("a.jsonl", 3)


@accident(is_for_all=False)
def same_size_and_head_other_tail(stage: Stage) -> None:
    """Renamed in: as long, beginning alike, ending differently."""
    texts = stage.append("a.jsonl", 40, pad="x" * 200)
    stage.wait_until_told()
    _renamed_in(stage, texts[:39] + stage.lines(1, pad="y" * 200))


@accident(is_for_all=False)
def same_size_and_mtime(stage: Stage) -> None:
    """Written anew in place: as long, and the time put back."""
    texts = stage.append("a.jsonl", 20)
    stage.wait_until_told()
    path = stage.path("a.jsonl")
    before = path.stat()
    stage.write("a.jsonl", texts[:15] + stage.lines(5), into=path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@accident(ways=EVERYWHERE, is_for_all=False)
def middle_differs_renamed_in(stage: Stage) -> None:
    """Another file of 130 kB, whose first and last 4 KiB are those of the old one."""
    texts = stage.append("a.jsonl", 130, pad="x" * 1_000)
    stage.wait_until_told()
    middle = [one.replace(b"xxx", b"yyy") for one in texts[60:66]]
    stage.ledger.wrote_over(texts[60:66], middle)
    _renamed_in(stage, [*texts[:60], *middle, *texts[66:]])


@accident(is_for_all=False)
def middle_differs_in_place(stage: Stage) -> None:
    """Six lines of 130 are written over, where nobody looks again."""
    texts = stage.append("a.jsonl", 130, pad="x" * 1_000)
    stage.wait_until_told()
    middle = [one.replace(b"xxx", b"yyy") for one in texts[60:66]]
    stage.ledger.wrote_over(texts[60:66], middle)
    with stage.path("a.jsonl").open("r+b") as file:
        file.seek(len(joined(texts[:60])))
        file.write(joined(middle))


def _renamed_in(stage: Stage, texts: list[bytes]) -> None:
    stage.note("a.jsonl", texts)
    beside = stage.beside / "new"
    beside.write_bytes(joined(texts))
    # SFTP tells whole seconds: within one, a file of the same size looks as it did.
    later = stage.path("a.jsonl").stat().st_mtime + 1
    os.utime(beside, (later, later))
    beside.replace(stage.path("a.jsonl"))


@accident(is_for_all=False)
def file_directory_file(stage: Stage) -> None:
    """A directory has the file's name for a while."""
    stage.append("a.jsonl", 10)
    stage.wait_until_told()
    path = stage.path("a.jsonl")
    path.unlink()
    path.mkdir()
    time.sleep(1.0)
    path.rmdir()
    stage.append("a.jsonl", 10)


@accident(ways=EVERYWHERE)
def directory_made_anew(stage: Stage) -> None:
    """The directory goes with its file, and both come again."""
    stage.append("run/a.jsonl", 10)
    stage.wait_until_told()
    shutil.rmtree(stage.directory / "run")
    time.sleep(0.5)
    stage.append("run/a.jsonl", 10)


@accident(ways=EVERYWHERE)
def watched_directory_made_anew(stage: Stage) -> None:
    """What is watched is deleted and made anew."""
    stage.append("a.jsonl", 10)
    stage.wait_until_told()
    shutil.rmtree(stage.directory)
    time.sleep(0.3)
    stage.append("a.jsonl", 10)
