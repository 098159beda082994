"""How much of a replay a named client is given before it has shown that it reads on."""

from tailcast_gateway.delivery.core.allowance import MAX_HALVINGS, MOST_BYTES, Allowance


def test_one_message_and_a_ping_at_first() -> None:
    """Then nothing before the answer."""
    allowance = Allowance()
    assert (allowance.left_bytes, allowance.has_given) == (32_000, False)
    assert not allowance.give(20_000)
    assert allowance.left_bytes == 12_000
    assert allowance.give(13_000)
    assert allowance.left_bytes == 1
    allowance.ask(7, 10.0)
    assert (allowance.is_waiting, allowance.has_given) == (True, True)
    assert not allowance.answered(6, 10.1)
    assert allowance.answered(7, 10.1)
    assert not allowance.answered(8, 10.1)
    assert not allowance.is_waiting


def test_more_to_who_answers_at_once_and_less_to_who_does_not() -> None:
    """Within bounds."""
    allowance = Allowance()

    def next_after(seconds: float) -> int:
        allowance.ask(1, 10.0)
        assert allowance.answered(1, 10.0 + seconds)
        return allowance.left_bytes

    assert [next_after(0.1) for _ in range(5)] == [
        64_000, 128_000, 256_000, MOST_BYTES, MOST_BYTES,
    ]  # fmt: skip  # one glance
    assert next_after(3.0) == MOST_BYTES
    assert next_after(6.0) == MOST_BYTES // 2
    assert [next_after(60.0) for _ in range(40)][-1] == 1


def test_its_own_word() -> None:
    """It need not answer then."""
    allowance = Allowance()
    assert not allowance.reads_on(0.0)
    assert allowance.left_bytes == 32_000
    allowance.give(40_000)
    allowance.ask(1, 0.0)
    assert allowance.reads_on(3.0)
    assert (allowance.is_waiting, allowance.left_bytes) == (False, 32_000)


def test_its_own_word_is_worth_as_much_as_an_answer() -> None:
    """Who acknowledges before it answers the ping is not held at what comes first."""
    allowance = Allowance(repeats=3)
    for number in range(1, 9):
        allowance.ask(number, 10.0 * number)
        assert allowance.reads_on(10.0 * number + 0.1)
        assert not allowance.answered(number, 10.0 * number + 0.2)
    assert allowance.left_bytes == MOST_BYTES
    allowance.ask(9, 100.0)
    assert allowance.reads_on(106.0)
    assert allowance.left_bytes == MOST_BYTES // 2


def test_starts_at_the_same_place() -> None:
    """Less each time, down to a record at a time, and more time to answer."""
    assert [Allowance(n).left_bytes for n in (1, 2, 3)] == [16_000, 8_000, 4_000]
    assert Allowance(99).repeats == MAX_HALVINGS
    assert [Allowance(n).patience(20.0, most=300.0) for n in (0, 1, 9)] == [20, 40, 300]
    assert Allowance(1).patience(20.0, most=10.0) == 20
