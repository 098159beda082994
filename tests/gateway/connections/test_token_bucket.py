"""What may be done in a time."""

from hypothesis import given, strategies as st

from tailcast_gateway.connections.core.token_bucket import TokenBucket, TokenRate


RATE = TokenRate(10.0, 5)


def test_so_much_at_once() -> None:
    """And no more, until it has filled again."""
    bucket = TokenBucket(RATE, 100.0)
    assert [bucket.take(1, 100.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(1, 100.0) == 0.1
    assert bucket.take(2, 100.0) == 0.2
    assert bucket.take(2, 100.25) == 0.0
    assert bucket.left(1_000.0) == 5


def test_what_never_fits_whole() -> None:
    """It is let through when there is all that fits."""
    bucket = TokenBucket(RATE, 0.0)
    assert bucket.take(1, 0.0) == 0.0
    assert bucket.take(1_000, 0.0) == 0.1
    assert bucket.take(1_000, 0.1) == 0.0
    assert bucket.left(0.1) == 0.0


def test_what_is_done_anyway() -> None:
    """It is missing afterwards."""
    bucket = TokenBucket(RATE, 0.0)
    assert bucket.spend(5, 0.0) == 0.0
    assert bucket.spend(1, 0.0) == 0.1
    assert bucket.spend(1, 0.0) == 0.2
    assert bucket.left(0.0) == -2


@given(
    steps=st.lists(
        st.tuples(st.floats(0.0, 5.0), st.floats(0.1, 10.0)), min_size=1, max_size=50
    )
)
def test_no_more_than_the_rate(steps: list[tuple[float, float]]) -> None:
    """Over any time, whoever asks whenever."""
    bucket = TokenBucket(RATE, 0.0)
    now = taken = 0.0
    for pause, cost in steps:
        now += pause
        if not bucket.take(cost, now):
            taken += min(cost, RATE.at_once)
    assert taken <= RATE.at_once + RATE.per_second * now + 1e-6
