"""Which session is read when."""

from tailcast_indexer.core.queue import Queue


def test_what_moves_is_read_at_the_next_tick() -> None:
    """All together, and each once."""
    queue = Queue()
    for name in ("a", "b", "a"):
        queue.moved(name, 0.0)
    assert queue.take(9) == []
    assert queue.has_moved
    queue.tick(1.0)
    assert not queue.has_moved
    assert queue.take(9) == ["a", "b"]
    assert queue.take(9) == []
    assert queue.is_idle


def test_what_has_more_goes_behind_what_is_ready() -> None:
    """So none waits for a session of a million records."""
    queue = Queue()
    for name in ("a", "b"):
        queue.moved(name, 0.0)
    queue.tick(0.0)
    assert queue.take(1) == ["a"]
    queue.again(["a"])
    queue.moved("a", 0.0)
    queue.moved("c", 0.0)
    queue.tick(1.0)
    assert queue.take(9) == ["c", "b", "a"]


def test_what_moved_and_has_more_is_read_once() -> None:
    """Between the ticks."""
    queue = Queue()
    queue.moved("a", 0.0)
    queue.again(["a"])
    assert queue.take(9) == ["a"]
    queue.tick(1.0)
    assert queue.take(9) == []


def test_what_is_put_aside_is_left_alone_until_its_time() -> None:
    """Whatever it does meanwhile."""
    queue = Queue()
    queue.moved("a", 0.0)
    queue.put_aside("a", until=60.0)
    queue.moved("a", 1.0)
    queue.again(["a"])
    queue.tick(59.0)
    assert (queue.take(9), queue.aside, queue.is_idle) == ([], 1, False)
    queue.tick(60.0)
    assert (queue.take(9), queue.aside) == (["a"], 0)


def test_what_had_little_is_left_out_of_the_next_tick() -> None:
    """And is read at the one after that, whether or not it moved in between."""
    queue = Queue()
    for name in ("little", "much"):
        queue.moved(name, 0.0)
    queue.tick(1.0)
    queue.take(9)
    queue.done("little", was_little=True)
    queue.done("much")
    for name in ("little", "much"):
        queue.moved(name, 1.5)
    queue.tick(2.0)
    assert (queue.take(9), queue.has_moved) == (["much"], True)
    queue.done("much")
    assert queue.lag_seconds(3.0) == 1.5
    queue.tick(3.0)
    assert queue.take(9) == ["little"]


def test_what_rested_is_read_at_the_first_tick_after_it_moved() -> None:
    """Those ticks come that it is left out of, though nothing moves."""
    queue = Queue()
    queue.moved("a", 0.0)
    queue.tick(1.0)
    queue.take(9)
    queue.done("a", was_little=True)
    assert not queue.is_idle
    queue.tick(2.0)
    assert queue.is_idle
    queue.moved("a", 60.0)
    queue.tick(60.5)
    assert queue.take(9) == ["a"]


def test_what_is_forgotten_is_left_out_of_nothing() -> None:
    """If it comes back it is new."""
    queue = Queue()
    queue.moved("a", 0.0)
    queue.tick(1.0)
    queue.take(9)
    queue.done("a", was_little=True)
    queue.forget("a")
    queue.moved("a", 1.5)
    queue.tick(2.0)
    assert queue.take(9) == ["a"]


def test_the_lag_is_that_of_the_one_that_waits_longest() -> None:
    """Until it is done; then from when it moved meanwhile, if it did."""
    queue = Queue()
    assert queue.lag_seconds(5.0) == 0.0
    queue.moved("a", 1.0)
    queue.moved("b", 3.0)
    queue.moved("a", 4.0)
    queue.tick(4.0)
    assert (queue.behind, queue.lag_seconds(5.0)) == (2, 4.0)
    queue.take(9)
    queue.moved("b", 5.0)
    queue.done("a")
    queue.done("b")
    assert (queue.behind, queue.lag_seconds(6.0)) == (1, 1.0)
    queue.again(["a"])
    queue.done("a")
    queue.forget("b")
    assert queue.lag_seconds(6.0) == 0.0


def test_a_session_that_moves_all_the_time_is_not_behind_for_ever() -> None:
    """Whatever was read in time counts, also if there is something new each time."""
    queue = Queue()
    for second in range(100):
        queue.moved("a", second)
        queue.tick(second)
        assert queue.take(9) == ["a"]
        queue.moved("a", second + 0.5)
        queue.done("a")
        assert queue.lag_seconds(second + 1) == 0.5


def test_the_time_of_a_file_is_told_once() -> None:
    """The newest that was said."""
    queue = Queue()
    queue.moved("a", 0.0, written_ms=7)
    queue.moved("a", 0.0, written_ms=8)
    queue.moved("a", 0.0)
    assert [queue.take_written_ms("a") for _ in range(2)] == [8, 0]
