"""Reads what a client's message asks for, and makes the answer.

Pure. `plan_subscribe` and `plan_unsubscribe` turn a message and the client's present
subscription into a plan, which the room `commands` carries out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import UnsetType

from tailcast_gateway.delivery.core.channel import Wanted
from tailcast_gateway.limits import (
    MESSAGE_SIZES,
    PATTERN_CHARACTERS,
    SUBSCRIPTIONS,
    WILDCARDS,
    Quotas,
)
from tailcast_gateway.protocol.answers import Message, text_of, with_id
from tailcast_gateway.protocol.client_messages import (
    INVALID_CURSOR,
    INVALID_MESSAGE,
    RESUME,
    TOO_MANY_SUBSCRIPTIONS,
    Ack,
    From,
    InvalidMessage,
    MessageID,
    Snapshot,
    Subscribe,
    Unsubscribe,
)
from tailcast_gateway.protocol.wires import Wire, Wires
from tailcast_gateway.sessions.core.verdicts import Replaced, Resume, Trimmed, Verdict
from tailcast_gateway.views.globs import EVERYTHING, count_wildcards, has_wildcards
from tailcast_gateway.views.grant import Grant
from tailcast_gateway.views.subscription import (
    AtStep,
    AtTime,
    Begin,
    Last,
    Rule,
    Start,
    Subscription,
)
from tailcast_gateway.views.view import Views
from tailcast_streams.births import Birth, came_after
from tailcast_streams.client_cursors import Kept
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEFORE_ALL, BEGINNING_CURSOR, NOTHING, Cursor
from tailcast_streams.record import time_ms_of


# How many names the text of an answer lists; it only counts the others.
_NAMES_SHOWN = 5

NOTHING_YET = Subscription()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a `subscribe` asks for."""

    # The client's whole subscription from now on.
    subscription: Subscription
    # The rules of this message alone.
    added: Subscription
    # The session, if the message names exactly one.
    session: str | None
    # Where sessions begin that `cursors` does not name. None if the message does not
    # say: then sessions that the client already gets go on where they are.
    start: Start | Cursor | None
    # The position in each named session; None for a session that had no entry yet.
    cursors: Mapping[str, Cursor | None]
    # A session that was created after this moment begins at its first entry.
    at: Birth | None
    # Whether the client goes on at its stored cursors.
    resumes: bool = False
    # Whether the stored cursors lack some sessions that existed then.
    is_partial: bool = False
    # Whether nothing was stored: then it is unknown what the client has missed.
    is_unknown: bool = False
    # Whether the client has confirmed nothing since it last began at this place.
    is_repeated: bool = False
    # What the client has already and keeps, because the message adds to it.
    had: Subscription = NOTHING_YET
    # The wire that encodes the connection's messages from then on, None for no change.
    wire: Wire | None = None

    @property
    def has_starts(self) -> bool:
        """Whether the plan says where any session begins."""
        return bool(self.cursors) or self.start is not None or self.at is not None

    def wanted(self, session: str, *, birth: Birth | None) -> Wanted | None:
        """Where a session begins, None if the plan does not say.

        `birth` is the number of the session's creation, None if it does not exist yet.
        """
        if session in self.cursors:
            cursor = self.cursors[session]
            return _beginning(birth) if cursor is None else cursor
        if self.leaves(session):
            is_named = self.added.names(session) and not self.resumes
            return self.start if is_named else None
        if self.at is None:
            return self.start
        is_new = birth is None or came_after(birth, self.at)
        return _beginning(birth) if is_new or self.is_partial else self.start

    def leaves(self, session: str) -> bool:
        """Whether the client has a session already, and keeps it."""
        return bool(self.had) if session == EMERGENCIES else self.had.matches(session)

    def resumed(self, kept: Kept) -> "Plan":
        """This plan with a client's stored cursors; those of the message come first.

        What the client has already, and keeps, goes on where it is.
        """
        cursors = {
            session: cursor
            for session, cursor in kept.cursors.items()
            if not self.leaves(session)
        }
        return replace(
            self,
            cursors={**cursors, **self.cursors},
            at=kept.at if self.at is None else self.at,
            is_partial=kept.is_partial,
            is_unknown=not kept.is_known,
            is_repeated=kept.starts > 0,
        )


def plan_subscribe(
    message: Subscribe, current: Subscription, views: Views, quotas: Quotas
) -> Plan:
    """Make a plan of a `subscribe`. Raises InvalidMessage."""
    start, view = start_of(message), views.view_of(message)
    texts = _named(message)
    is_everything = not texts
    if is_everything:
        texts = [(EVERYTHING, True)]
    session = message.session_id if message.session_ids is None else None
    if isinstance(start, Cursor) and session is None:
        raise InvalidMessage(
            INVALID_MESSAGE,
            "Invalid message: one cursor fits one session; cursors names several",
            message.id,
        )
    later: Start = Begin.NOW if start is None or isinstance(start, Cursor) else start
    rules = [
        Rule(text, is_glob, True, later, view, message.new_metrics)  # fields
        for text, is_glob in texts
    ]
    base = current if message.add else current.nothing()
    # They are compiled only if there are not too many.
    all_rules = base.rules_with(rules)
    _check_number(all_rules, quotas, message.id)
    _check_patterns(all_rules, quotas, message.id)
    return Plan(
        subscription=Subscription(all_rules, base.grant),
        added=Subscription(rules, current.grant),
        session=session,
        start=start,
        cursors=_cursors(message),
        at=None if message.at is None else Birth.parse(str(message.at)),
        resumes=message.from_ == RESUME,
        had=current if message.add else NOTHING_YET,
    )


def wire_asked(message: Subscribe, wire: Wire, wires: Wires) -> Wire | None:
    """The wire with the limits that a `subscribe` asks for. Raises InvalidMessage."""
    if isinstance(message.max_message, UnsetType):
        return None
    bounded = wires.bounded(wire, message.max_message)
    if bounded is None:
        text = f"More than {wires.max_wires} values of maxMessage are in use here"
        raise InvalidMessage(
            TOO_MANY_SUBSCRIPTIONS, text, message.id, limit=MESSAGE_SIZES
        )
    return bounded


def plan_unsubscribe(
    message: Unsubscribe, current: Subscription, quotas: Quotas
) -> Subscription:
    """The subscription that is left after an `unsubscribe`. Raises InvalidMessage."""
    texts = _named(message)
    if not texts:
        return current.nothing()
    gone = [Rule(text, is_glob, False, Begin.NOW) for text, is_glob in texts]  # a field
    _check_patterns(current.rules_with(gone), quotas, message.id)
    left = current.without(texts)
    _check_number(left.rules, quotas, message.id)
    return left


def acknowledged(message: Ack, current: Subscription) -> str:
    """The session of an `ack`; if it names none, the only one that is subscribed.

    Raises InvalidMessage.
    """
    if message.session_id is not None:
        return message.session_id
    names = current.literals()
    if len(names) != 1 or current.has_globs():
        text = "Invalid message: name the session that is acknowledged"
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)
    return names[0]


def wanted_sessions(message: Snapshot, grant: Grant, quotas: Quotas) -> Subscription:
    """The sessions that a `snapshot` names, as rules. Raises InvalidMessage."""
    rules = [
        Rule(text, is_glob, True, Begin.NOW)  # a field
        for text, is_glob in _named(message) or [(EVERYTHING, True)]
    ]
    _check_patterns(rules, quotas, message.id)
    return Subscription(rules, grant)


def subscribed(
    message: Subscribe,
    plan: Plan,
    *,
    connection: str,
    cursor: Cursor | None = None,
    head: Cursor | None = None,
    oldest: Cursor | None = None,
    recovered: bool | None = None,
    similar: list[str] | None = None,
) -> Message:
    """The answer to a `subscribe`; it has positions only for a single session.

    With `similar`, the names that are like it, the session does not exist.
    `connection` is what the log calls the client's connection.
    """
    fields: Message = {"type": "subscribed"}
    if plan.session is not None:
        fields["sessionId"] = plan.session
        fields["message"] = f"Subscribed to {plan.session}"
        fields["cursor"] = text_of(cursor)
        fields["head"] = text_of(head)
        fields["oldest"] = text_of(oldest)
        if similar is not None:
            fields |= {"exists": False, "similar": similar}
    elif message.session_ids is None:
        fields["message"] = "Subscribed to all sessions"
    else:
        fields["sessionIds"] = message.session_ids
        fields["message"] = f"Subscribed to {_listed(message.session_ids)}"
    if plan.is_unknown:
        recovered = False
    if recovered is not None:
        fields["recovered"] = recovered
    if plan.is_repeated:
        fields["repeated"] = True
    fields["connectionId"] = connection
    return fields | with_id(message.id)


def is_recovered(verdict: Verdict) -> bool | None:
    """Whether the client has missed nothing; None while that is not known."""
    if isinstance(verdict, Resume):
        return verdict.is_proved
    if isinstance(verdict, Trimmed | Replaced):
        return False
    return None


def _beginning(birth: Birth | None) -> Wanted:
    """Where a session begins of which a client has had nothing yet.

    If its beginning was trimmed meanwhile, the client is told, as after any cursor: to
    `Begin.START`, the oldest that is kept, nothing would be missing.
    """
    return Begin.START if birth is None else BEGINNING_CURSOR


def _named(message: Subscribe | Unsubscribe | Snapshot) -> list[tuple[str, bool]]:
    """The names in a message, and whether each of them is a pattern."""
    texts = [(text, has_wildcards(text)) for text in message.session_ids or ()]
    if message.session_id is not None:
        texts.append((message.session_id, False))
    return texts


def _check_number(rules: Sequence[Rule], quotas: Quotas, id: MessageID) -> None:
    if len(rules) > quotas.subscriptions:
        text = f"More than {quotas.subscriptions:,} sessions and patterns"
        raise InvalidMessage(TOO_MANY_SUBSCRIPTIONS, text, id, limit=SUBSCRIPTIONS)


def _check_patterns(rules: Sequence[Rule], quotas: Quotas, id: MessageID) -> None:
    """Refuse patterns that would take long to compile, or to match."""
    globs = [rule.text for rule in rules if rule.is_glob]
    if sum(map(len, globs)) > quotas.pattern_characters:
        limit = PATTERN_CHARACTERS
        text = f"More than {quotas.pattern_characters:,} characters in all patterns"
    elif sum(map(count_wildcards, globs)) > quotas.wildcards:
        limit = WILDCARDS
        text = f"More than {quotas.wildcards:,} wildcards in all patterns"
    else:
        return
    raise InvalidMessage(TOO_MANY_SUBSCRIPTIONS, text, id, limit=limit)


def start_of(message: Subscribe) -> Start | Cursor | None:
    """Where a `subscribe` asks to begin, None if nowhere. Raises InvalidMessage."""
    if message.replay is not None:
        return Last(message.replay)
    start = message.from_
    if isinstance(start, From):
        if isinstance(start.last, int):
            return Last(start.last)
        if not isinstance(start.step, UnsetType):
            return AtStep(start.step)
        if isinstance(start.time, str):
            return _at_time(start.time, message.id)
        return cursor_of(str(start.cursor), message.id)
    if start == RESUME:
        return Begin.NOW
    return Begin(start) if isinstance(start, str) else None


def _at_time(text: str, id: MessageID) -> AtTime:
    if (time_ms := time_ms_of(text)) is None:
        text = f"Invalid message: not a time: {text[:64]!r}"
        raise InvalidMessage(INVALID_MESSAGE, text, id)
    return AtTime(time_ms)


def _cursors(message: Subscribe) -> dict[str, Cursor | None]:
    return {
        session: None if text is None else cursor_of(text, message.id)
        for session, text in (message.cursors or {}).items()
    }


def cursor_of(text: str, id: MessageID) -> Cursor:
    """Read a cursor in a message. Raises InvalidMessage."""
    try:
        cursor = Cursor.parse(text)
    except InvalidPosition as error:
        raise InvalidMessage(INVALID_CURSOR, f"Invalid cursor: {error}", id) from None
    return NOTHING if cursor.id == BEFORE_ALL else cursor


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{text} and {more} more" if more > 0 else text
