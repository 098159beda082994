"""Finding a metric by the name that somebody asks for.

Pure. Whatever `Reader` calls a metric is found by that name; and so is each other
number of a record, by its path.
"""

from collections.abc import Callable, Iterator
from typing import Final, cast

from tailcast_index.meaning.fields import Fields, as_point, getter, objects_getter
from tailcast_index.meaning.values import Choice, Value


_MISSING: Final = object()


def finder(choice: Choice, metric: str) -> Callable[[Fields], Value | None]:
    """A function that finds a metric in the records of a session; None without it.

    It looks for the literal name at the top, then in the session's envelopes; then it
    follows the dotted path through objects, from each of them.
    """
    envelopes = [*map(objects_getter, choice.envelopes)]
    is_path = "." in metric
    name_at, value_at = map(getter, choice.named or (None, None))

    def find(fields: Fields) -> Value | None:
        if choice.named is not None and name_at(fields) == metric:
            return as_point(value_at(fields))
        opened = [inner for get in envelopes if (inner := get(fields)) is not None]
        outer = [fields, *opened]
        value = next((one[metric] for one in outer if metric in one), _MISSING)
        if value is _MISSING and is_path:
            inside = (value for one in outer for value in _within(one, metric))
            value = next(inside, None)
        return as_point(value)

    return find


def _within(fields: Fields, path: str) -> Iterator[object]:
    """The values to which a dotted path leads; names may have dots themselves."""
    dot = path.find(".")
    while dot >= 0:
        inner = fields.get(path[:dot])
        if isinstance(inner, dict):
            within, rest = cast(Fields, inner), path[dot + 1 :]
            if rest in within:
                yield within[rest]
            yield from _within(within, rest)
        dot = path.find(".", dot + 1)
