"""When what is due."""

import math

from tailcast_tailer.core.schedule import Schedule


def test_what_is_due_longest_comes_first_and_once() -> None:
    """Nothing before its time; those of one time in the order in which they came."""
    schedule = Schedule[str]()
    assert schedule.take(math.inf) is None
    for name, at in (("c", 2.0), ("a", 1.0), ("b", 1.0), ("d", 3.0)):
        schedule.put(name, at)
    assert [schedule.take(2.0) for _ in range(4)] == ["a", "b", "c", None]
    assert schedule.next_at == 3.0
    assert schedule.take(3.0) == "d"
    assert schedule.next_at == math.inf


def test_the_time_that_was_set_last_counts() -> None:
    """An earlier one, a later one, the same one; or none any more."""
    schedule = Schedule[str]()
    for name, *times in (("early", 5, 1), ("late", 1, 5), ("same", 2, 2), ("none", 2)):
        for at in times:
            schedule.put(name, at)
    schedule.drop("none")
    schedule.drop("never there")
    assert [schedule.take(4) for _ in range(3)] == ["early", "same", None]
    assert schedule.take(9) == "late"
    assert schedule.take(9) is None


def test_what_is_moved_on_again_and_again_leaves_little_behind() -> None:
    """A file that grows is put off at each of its lines."""
    schedule = Schedule[str]()
    for at in [1.0] * 1_000 + [2.0] * 1_000:
        schedule.put("growing", at)
    assert sum(map(len, schedule._things.values())) == 2
    assert schedule.take(1.0) is None
    assert [schedule.take(2.0), schedule.take(2.0)] == ["growing", None]


def test_a_hurry_only_brings_forward() -> None:
    """What is due sooner stays so; what was not due is."""
    schedule = Schedule[str]()
    schedule.put("sooner", 1)
    schedule.put("later", 5)
    for name in ("sooner", "later", "new"):
        schedule.hurry(name, 3)
    assert [schedule.take(3) for _ in range(4)] == ["sooner", "later", "new", None]
