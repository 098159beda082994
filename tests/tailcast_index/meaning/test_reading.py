"""Records are read by the choice of their session."""

from tailcast_index.meaning import Choice, Chooser, Point, Reader, Rules


RULES = Rules(step_keys=("step", "epoch"), time_keys=("timestamp",))
NOW_MS = 1_795_900_000_000


def read(*records: dict[str, object]) -> tuple[Choice, list[Point]]:
    """The choice after these records, and each of them read by it."""
    chooser = Chooser(RULES)
    for record in records:
        chooser.look(record)
    chooser = Chooser.load(RULES, chooser.dump())
    reader = Reader(RULES, chooser.choice)
    return chooser.choice, [reader.read(one, now_ms=NOW_MS) for one in records]


def test_a_record_has_a_step_a_time_and_metrics() -> None:
    """What stands under the keys of the lists, and all other numbers."""
    choice, points = read({"step": 3, "timestamp": 1_795_875_380, "loss": 0.5, "n": 2})
    assert (choice.step_key, choice.time_key) == ("step", "timestamp")
    assert points == [Point(3, 1_795_875_380_000, None, [("loss", 0.5), ("n", 2)])]


def test_a_better_key_takes_the_place_of_another() -> None:
    """What counted as the step until then is a metric."""
    choice, points = read({"epoch": 1, "loss": 1.0}, {"epoch": 1, "step": 7})
    assert choice.step_key == "step"
    assert [point.step for point in points] == [None, 7]
    assert points[0].values == [("epoch", 1), ("loss", 1.0)]


def test_a_chooser_says_when_all_is_to_be_read_anew() -> None:
    """Each time that the choice became another one."""
    chooser = Chooser(RULES)
    assert chooser.look({"epoch": 1})
    assert not chooser.look({"epoch": 2})
    assert chooser.look({"epoch": 2, "step": 1})


def test_metrics_are_found_within_and_what_is_no_metric_is_not() -> None:
    """Numbers, and those that JSON cannot hold, at any depth."""
    _, points = read(
        {
            "metrics": {"step": 1, "val": {"acc": 0.5}},
            "config": {"step": 9},
            "done": True,
            "name": "a",
            "loss": "NaN",
            "timestamp": 9_783_071_990,
        }
    )
    assert points == [
        Point(
            1,
            None,
            None,
            [("metrics.val.acc", 0.5), ("config.step", 9), ("loss", "NaN")],
        )
    ]


def test_a_session_without_keys_has_neither_step_nor_time() -> None:
    """Nor has a record without the object that should have it."""
    choice, points = read({"a": {"b": 1}}, {"a": 1})
    assert (choice.step_key, choice.time_key) == (None, None)
    assert [point.step for point in points] == [None, None]
    assert Reader(RULES, Choice(step=("a", "b"))).read({"a": 1}, now_ms=0).step is None
