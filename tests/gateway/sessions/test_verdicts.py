import pytest

from tailcast_gateway.sessions.core.verdicts import (
    Answers,
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
    current_twin,
    is_same_life,
    is_within,
    judge,
    jump_target,
    news_begins_after,
)
from tailcast_streams.entries import Entry
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tailcast_streams.session_state import Head
from tests.gateway.entries import chain, cursor, entry, head, id_of, marker


WHOLE = [marker(), *chain(10, 20, 30)]
CUT = chain(20, 30, previous="1-10")


def said(
    at: str,
    what: Head,
    *,
    record: bytes | None = None,
    at_id: Entry | None = None,
    in_current: Entry | None = None,
    has_waited: bool = False,
    has_states: bool = True,
) -> Verdict:
    """The verdict on a cursor."""
    answers = Answers(what, at_id, in_current, has_states=has_states)
    return judge(cursor(at, record), answers, has_waited=has_waited)


def test_found() -> None:
    """The entry is there and is the same."""
    verdict = said("1-10", head(WHOLE), at_id=WHOLE[1])
    assert verdict == Resume(cursor("1-10"), is_proved=True)


def test_generations_counted_anew() -> None:
    """The entry at that offset of the current generation is the same: on after it."""
    verdict = said("3-10", head(WHOLE), in_current=WHOLE[1])
    assert verdict == Resume(cursor("1-10"), is_proved=True)
    assert current_twin(cursor("3-10"), head(WHOLE)) == id_of("1-10")
    assert current_twin(cursor("1-10"), head(WHOLE)) is None
    assert current_twin(cursor("3-10"), head(has_state=False)) is None


def test_a_place_that_never_proved_anything() -> None:
    """From a gap: it goes on there, and is not called recovered."""
    answers = Answers(head(WHOLE), WHOLE[1], None)
    verdict = judge(Cursor(id_of("1-10"), 0), answers)
    assert verdict == Resume(cursor("1-10"), is_proved=False)


def test_another_record_there() -> None:
    """The digest differs and nothing was trimmed: another file."""
    verdict = said("1-10", head(WHOLE), record=b"x", at_id=WHOLE[1])
    assert verdict == Replaced(BEGINNING_CURSOR)


def test_replaced_begins_where_the_generation_does() -> None:
    """What a rewrite kept is not told again."""
    what = head([marker("2-5"), *chain(20, generation=2)], start=5)
    verdict = said("1-10", what, record=b"x", at_id=WHOLE[1])
    assert verdict == Replaced(Cursor(id_of("2-5"), 0))


def test_trimmed() -> None:
    """Below the oldest: a gap up to what lies before the oldest."""
    assert said("1-5", head(CUT)) == Trimmed(Cursor(id_of("1-10"), 0))


def test_trimmed_up_to_the_cursor_itself() -> None:
    """Nothing is missing, but nothing proves it any more."""
    to = Cursor(id_of("1-10"), 0)
    assert said("1-10", head(CUT)) == Trimmed(to, is_cursor_known=False)
    assert judge(to, Answers(head(CUT), None, None)) == Resume(to, is_proved=False)


def test_between_an_entry_and_its_predecessor() -> None:
    """No entry ever was there: it is another file's, whatever was trimmed."""
    what = head([marker("2-0", "1-10"), *chain(5, generation=2)])
    assert said("1-90", what) == Replaced(Cursor(id_of("2-0"), 0))
    answers = Answers(what, None, None, what.newest)
    assert judge(cursor("1-90"), answers) == Replaced(Cursor(id_of("2-0"), 0))


def test_trimmed_to_nothing() -> None:
    """The state still proves the last entry; before it lies a gap."""
    last = cursor("1-30")
    what = head(last="1-30", last_digest=last.digest)
    assert said("1-30", what) == Resume(last, is_proved=True)
    assert said("1-10", what) == Trimmed(last)


def test_ahead_of_the_tailer() -> None:
    """Waited for, for ever if the file is long enough, else for a time."""
    assert said("1-90", head(WHOLE, size=90)) == Wait(is_file_long_enough=True)
    short = head(WHOLE, size=50)
    assert said("1-90", short) == Wait(is_file_long_enough=False)
    assert said("1-90", short, has_waited=True) == Replaced(BEGINNING_CURSOR)
    long = head(WHOLE, size=90)
    assert said("1-90", long, has_waited=True) == Wait(is_file_long_enough=True)


def test_an_earlier_generation_is_never_ahead() -> None:
    """However far its offset."""
    what = head([marker(), *chain(10), marker("2-0", "1-10")])
    assert said("1-90", what) == Replaced(Cursor(id_of("2-0"), 0))


def test_no_state() -> None:
    """The broker forgot: wait for the tailer, even if a stream was left."""
    assert said("1-10", head(has_state=False)) == Wait(is_file_long_enough=True)
    assert said("1-90", head(WHOLE, has_state=False)) == Wait(is_file_long_enough=True)


def test_documents_counted_anew() -> None:
    """They have no state: trimmed, or all of them again."""
    what = head(CUT, has_state=False)
    assert said("1-5", what, has_states=False) == Trimmed(Cursor(id_of("1-10"), 0))
    assert said("1-20", what, has_states=False) == Replaced(Cursor(id_of("1-10"), 0))
    empty = head(has_state=False)
    assert said("1-90", empty, has_states=False) == Wait(is_file_long_enough=True)


def test_documents_that_are_not_there_yet() -> None:
    """A broker that lost its latest is given them again: that is no other one."""
    what = head(CUT, has_state=False)
    assert said("1-40", what, has_states=False) == Wait(is_file_long_enough=False)
    waited = said("1-40", what, has_states=False, has_waited=True)
    assert waited == Replaced(Cursor(id_of("1-10"), 0))


@pytest.mark.parametrize("start", [NOTHING, BEGINNING_CURSOR])
def test_the_beginning(start: Cursor) -> None:
    """Always good; what was trimmed after it is a gap."""

    def begun(what: Head) -> Verdict:
        return judge(start, Answers(what, None, None))

    assert begun(head(has_state=False)) == Resume(NOTHING, is_proved=True)
    assert begun(head(WHOLE)) == Resume(NOTHING, is_proved=True)
    without_marker = head(chain(10))
    assert begun(without_marker) == Resume(BEGINNING_CURSOR, is_proved=True)
    assert begun(head(CUT)) == Trimmed(Cursor(id_of("1-10"), 0))
    only_marker = head(last="1-0")
    assert begun(only_marker) == Resume(BEGINNING_CURSOR, is_proved=True)
    assert begun(head(last="1-30", last_digest=7)) == Trimmed(Cursor(id_of("1-30"), 7))


def test_jump_target() -> None:
    """A tenth into what is kept, where offsets can be compared."""
    assert jump_target(head(chain(100, 1_100))) == id_of("1-200")
    assert jump_target(head()) is None
    two = [*chain(10), entry("2-20", "1-10")]
    assert jump_target(head(two)) is None


def test_two_looks_at_one_life() -> None:
    """The same incarnation, and no place that went backwards."""
    early, late = head(WHOLE[:2]), head(WHOLE)
    assert is_same_life(early, late)
    assert not is_same_life(late, early)
    nothing = head(has_state=False)
    assert is_same_life(nothing, nothing)
    assert not is_same_life(late, nothing)
    assert not is_same_life(nothing, late)


def test_history() -> None:
    """What was in the file before any tailer saw it."""
    assert news_begins_after(head(WHOLE, backlog_end=20).state) == id_of("1-20")
    rotated = head(WHOLE, backlog_end=20, backlog_generation=3).state
    assert news_begins_after(rotated) == id_of("3-20")
    assert news_begins_after(head(WHOLE).state) is None
    assert news_begins_after(None) is None


@pytest.mark.parametrize("record", [None, b""])
def test_deleted_from_the_middle(record: bytes | None) -> None:
    """It was stored once, as the next entry shows: only what is missing is told."""
    stored = [*WHOLE, *chain(60, previous="1-50")]
    what = head(stored)
    answers = Answers(what, None, None, stored[-1])
    assert judge(cursor("1-40", record), answers) == Trimmed(Cursor(id_of("1-50"), 0))
    last = judge(cursor("1-50", record), answers)
    place = Cursor(id_of("1-50"), 0)
    if record is None:
        assert last == Trimmed(place, is_cursor_known=False)
    else:
        assert last == Resume(place, is_proved=False)


def test_never_in_the_middle() -> None:
    """No entry was between an entry and its predecessor: it is another file's."""
    answers = Answers(head(WHOLE), None, None, WHOLE[2])
    assert isinstance(judge(cursor("1-15"), answers), Replaced)
    assert is_within(cursor("1-15"), head(WHOLE))
    assert not is_within(cursor("1-35"), head(WHOLE))
    assert not is_within(cursor("1-15"), head())


def test_the_latest_were_deleted() -> None:
    """The state shows that there were some behind the newest one."""
    what = head(WHOLE, last="1-50", last_digest=7)
    end = Cursor(id_of("1-50"), 7)
    assert what.cursor == end
    assert said("1-30", what, at_id=WHOLE[3]) == Trimmed(end)
    assert said("1-40", what) == Trimmed(end)
    assert said("1-20", what, at_id=WHOLE[2]) == Resume(cursor("1-20"), is_proved=True)
    assert judge(end, Answers(what, None, None)) == Resume(end, is_proved=True)


def test_a_document_deleted_from_the_middle() -> None:
    """Emergencies have no state: the next one shows it."""
    stored = [*WHOLE, *chain(60, previous="1-50")]
    answers = Answers(
        head(stored, has_state=False), None, None, stored[-1], has_states=False
    )
    assert judge(cursor("1-40"), answers) == Trimmed(Cursor(id_of("1-50"), 0))
