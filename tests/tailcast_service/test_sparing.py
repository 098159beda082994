"""What is told of a thing that comes again and again."""

from tailcast_service.sparing import MAX_KINDS, TOLD_SECONDS, Sparing


class Clock:
    """Moves when told."""

    now = 5.0

    def __call__(self) -> float:
        """The time, seconds."""
        return self.now


def test_a_thing_is_told_at_once_and_then_summed_up() -> None:
    """Each apart from the others."""
    clock = Clock()
    sparing = Sparing(clock=clock)
    assert sparing.came("one") == 1
    assert [sparing.came("one") for _ in range(3)] == [0, 0, 0]
    assert sparing.came("other") == 1

    clock.now += TOLD_SECONDS

    assert sparing.came("one") == 4
    assert sparing.came("one") == 0


def test_things_without_number_take_no_memory_without_bound() -> None:
    """The one that came longest ago is told again."""
    sparing = Sparing(clock=Clock())
    for number in range(MAX_KINDS + 1):
        assert sparing.came(number) == 1
    assert sparing.came(0) == 1
    assert sparing.came(MAX_KINDS) == 0
