"""The run's step in one record.

Pure.
"""

from typing import Final, TypeAlias

from tailcast_index.meaning.fields import Fields, getter
from tailcast_index.meaning.values import Choice
from tailcast_streams.numbers import Step, read_step


Number: TypeAlias = int | float

# Whole numbers within it are steps as they are.
PLAIN_STEP: Final = 2**53


class Steps:
    """Reads the steps of the records of one session."""

    def __init__(self, choice: Choice) -> None:
        self.find = getter(choice.step)
        # Whether a plain number under the key is the run's step, whatever is beside it.
        self.is_plain = not choice.rounds and not choice.asides
        self._asides = [(getter(one.path), one.text) for one in choice.asides]
        self._rounds = choice.rounds
        self._is_list = choice.rounds is not None and choice.rounds.path == choice.step
        self._find_round = getter(choice.rounds and choice.rounds.path)

    def placed(self, fields: Fields, step: Step) -> Number | None:
        """The run's step at this record; None if it has a counter of its own.

        Args:
            step: what stands under the key.
        """
        for find, text in self._asides:
            value = find(fields)
            if value is not None and (not text or text == value):
                return None
        if self._rounds is None:
            return step.value
        current = step.round
        if not self._is_list:
            outer = read_step(self._find_round(fields))
            current = None if outer is None else outer.value
        if current is None:
            return None
        return (current - self._rounds.first) * self._rounds.length + step.value
