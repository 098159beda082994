"""What is new in what the index of a session says."""

from tailcast_gateway.delivery.core.news import NewMetrics, SessionNews
from tailcast_index.fold import News, Rewind
from tailcast_streams.position import BEFORE_ALL, EntryID


def fall(offset: int) -> Rewind:
    """The run fell back at this place."""
    return Rewind(EntryID(1, offset), 5, 9)


def says(*falls: int, to: int = 90, metrics: int = 0, names: str = "") -> News:
    """An index that says this."""
    return News("i", EntryID(1, to), tuple(map(fall, falls)), metrics, tuple(names))


END = EntryID(1, 90)


def test_what_was_before_somebody_watched_is_no_news() -> None:
    """It is told in its place, to those whose replay passes that."""
    news = SessionNews(EntryID(1, 40), is_new=False)
    assert news.rewinds is None
    assert news.note(says(50, 30), END) == [fall(50)]
    assert news.note(says(50, 30, 70), END) == [fall(70)]
    assert news.note(says(50, 30, 70), END) == []
    assert news.within(EntryID(1, 30), EntryID(1, 70)) == [fall(50), fall(70)]
    assert news.indexed_to == END


def test_what_nobody_watched_is_passed_over() -> None:
    """And read again for the next one."""
    news = SessionNews(BEFORE_ALL, is_new=True)
    news.note(says(10), END)
    news.pass_over(EntryID(1, 60))
    assert (news.rewinds, news.within(BEFORE_ALL, END)) == (None, [])
    assert news.note(says(10, 50, 70), END) == [fall(70)]


def test_what_has_not_been_delivered_is_news_later() -> None:
    """The index may be further than this gateway."""
    news = SessionNews(BEFORE_ALL, is_new=True)
    assert news.note(says(50), EntryID(1, 49)) == []
    assert news.note(says(50), EntryID(1, 50)) == [fall(50)]


def test_a_session_without_an_index() -> None:
    """Nothing is known of it; what was known before stays."""
    news = SessionNews(BEFORE_ALL, is_new=True)
    assert (news.note(None, END), news.rewinds) == ([], ())
    news.note(says(50), END)
    news.note(None, END)
    assert news.rewinds == [fall(50)]


def test_metrics_that_come() -> None:
    """The latest by name, and others by number; never those that there were."""
    news = SessionNews(BEFORE_ALL, is_new=True)
    assert news.new_metrics(says()) is None
    assert news.new_metrics(says(metrics=2, names="ab")) == NewMetrics(("a", "b"), 0, 2)
    assert news.new_metrics(says(metrics=1, names="a")) is None
    assert news.new_metrics(says(metrics=6, names="ef")) == NewMetrics(("e", "f"), 2, 6)


def test_how_many_metrics_there_are() -> None:
    """It is told once of a session that is older, and again for a newcomer."""
    news = SessionNews(END, is_new=False)
    assert news.new_metrics(says(metrics=2, names="ab")) == NewMetrics((), 0, 2)
    assert news.new_metrics(says(metrics=2, names="ab")) is None
    news.count_again()
    assert news.new_metrics(says(metrics=2, names="ab")) == NewMetrics((), 0, 2)
    news.count_again()
    assert news.new_metrics(says(metrics=3, names="abc")) == NewMetrics(("c",), 0, 3)
    assert news.new_metrics(says(metrics=3, names="abc")) is None
