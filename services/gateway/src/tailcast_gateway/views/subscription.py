"""What one client is subscribed to: an ordered list of rules; the newest match decides.

Pure. A rule names a session literally or by a glob, and includes or excludes it. It
also says where sessions begin that are created later. Rules are compiled once. What is
outside the client's grant matches no rule, whatever the rules are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from tailcast_gateway.views.globs import compiled
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tailcast_gateway.views.view import PLAIN, View


class Begin(Enum):
    """Where delivery of a session begins if no cursor names it."""

    # With the next new record, without history.
    NOW = "now"
    # With the oldest stored record.
    START = "start"


# These are not tuples: `Last(5)` and `AtStep(5)` would be equal, and they are used as
# keys.
@dataclass(frozen=True, slots=True)
class Last:
    """Start this many records before the newest one."""

    records: int


@dataclass(frozen=True, slots=True)
class AtStep:
    """The first record of the current generation at or after a step."""

    step: float


@dataclass(frozen=True, slots=True)
class AtTime:
    """The first record of the current generation at or after a time."""

    # Unix milliseconds.
    time_ms: int


Start: TypeAlias = Begin | Last | AtStep | AtTime


class Rule(NamedTuple):
    """One part of a subscription."""

    # A session ID, or a glob.
    text: str
    is_glob: bool
    # False if it excludes the sessions that it matches.
    is_included: bool
    # Where a session begins that is created later.
    start: Start
    # The view of its records.
    view: View = PLAIN
    # Whether it is told when a metric first comes.
    tells_metrics: bool = False


class Subscription:
    """Rules in the order in which they came; immutable, and replaced as a whole."""

    __slots__ = ("_globs", "_literals", "_of_all", "grant", "rules")

    def __init__(
        self, rules: Sequence[Rule] = (), grant: Grant = EVERYTHING_GRANTED
    ) -> None:
        self.rules = tuple(rules)
        # What its client may read.
        self.grant = grant
        # By session: the index of its newest literal rule.
        self._literals = {
            rule.text: at for at, rule in enumerate(rules) if not rule.is_glob
        }
        # Globs, compiled, the newest first.
        self._globs = [
            (at, compiled(rule.text))
            for at, rule in reversed(list(enumerate(rules)))
            if rule.is_glob
        ]
        # The rule that decides for every session, if `*` is the only rule.
        is_simple = not self._literals and [text for _, text in self._globs] == [None]
        is_simple = is_simple and grant.is_all
        self._of_all = self.rules[0] if is_simple else None

    def __bool__(self) -> bool:
        return any(rule.is_included for rule in self.rules)

    def rule_for(self, session: str) -> Rule | None:
        """The newest rule that matches; None without one, or if it excludes."""
        if self._of_all is not None and self._of_all.is_included:
            return self._of_all
        if not self.grant.allows(session):
            return None
        newest = self._literals.get(session, -1)
        for at, pattern in self._globs:
            if at < newest:
                break
            if pattern is None or pattern.matches(session):
                newest = at
                break
        if newest < 0 or not self.rules[newest].is_included:
            return None
        return self.rules[newest]

    def view_for(self, session: str) -> View:
        """The view of a session that `matches`."""
        rule = self.rule_for(session)
        return PLAIN if rule is None else rule.view

    def matches(self, session: str) -> bool:
        """Whether records of the session are wanted."""
        return self.rule_for(session) is not None

    def names(self, session: str) -> bool:
        """Whether a rule names the session literally."""
        return session in self._literals

    def literals(self) -> list[str]:
        """The sessions that are named literally and wanted."""
        return [session for session in self._literals if self.matches(session)]

    def has_globs(self) -> bool:
        """Whether sessions may match that are not named literally."""
        return any(rule.is_glob and rule.is_included for rule in self.rules)

    def rules_with(self, rules: Iterable[Rule]) -> list[Rule]:
        """All rules with newer ones, which replace those with the same text."""
        new = {(rule.text, rule.is_glob): rule for rule in rules}
        kept = [rule for rule in self.rules if (rule.text, rule.is_glob) not in new]
        return [*kept, *new.values()]

    def within(self, grant: Grant) -> "Subscription":
        """The same rules for a client with another grant."""
        return self if grant is self.grant else Subscription(self.rules, grant)

    def nothing(self) -> "Subscription":
        """No rules, for the same client."""
        return Subscription((), self.grant)

    def refused(self) -> list[str]:
        """The sessions that are named literally, but that the grant does not allow."""
        return [name for name in self._literals if not self.grant.allows(name)]

    def without(self, texts: Iterable[tuple[str, bool]]) -> "Subscription":
        """The subscription without what these match; each is (text, is a glob)."""
        gone = {
            (text, is_glob): Rule(text, is_glob, False, Begin.NOW)  # a field
            for text, is_glob in texts
        }
        kept = [rule for rule in self.rules if (rule.text, rule.is_glob) not in gone]
        left = Subscription([*kept, *gone.values()])
        if not left:
            return self.nothing()
        # An excluding rule is only needed if another rule includes the session.
        included = Subscription([rule for rule in kept if rule.is_included])
        needed = [
            rule
            for rule in left.rules
            if rule.is_included or rule.is_glob or included.matches(rule.text)
        ]
        return Subscription(needed, self.grant)
