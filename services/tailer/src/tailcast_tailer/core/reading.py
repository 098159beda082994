"""From a chunk's lines to what is appended, as the form of their file tells.

Pure. The lines at a file's head are looked at one by one, until its form is settled;
after that nearly all are read together.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tailcast_tailer.core.envelopes import Envelope, lines_of, unwrapped
from tailcast_tailer.core.forms import PLAIN, Form, form_after
from tailcast_tailer.core.records import Reading, Rules, followed_by, read_lines


class Taken(NamedTuple):
    """What was made of lines."""

    reading: Reading
    # The byte after the last one that was taken, and how many these are.
    end: int
    lines: int
    # What is known of the file then.
    form: Form
    # Whether a line follows whose last part is still to come.
    is_open: bool = False


def take_lines(
    texts: Sequence[bytes],
    chunk: bytes,
    start: int,
    form: Form,
    rules: Rules,
    *,
    max_lines: int,
    is_all: bool = False,
) -> Taken:
    """Turn lines of a file into entries and rejections.

    Args:
        texts: whole lines, without their newlines.
        chunk: these lines.
        start: the offset at which they begin.
        form: what is known of the file from what is before them.
        rules: how its lines are read.
        max_lines: how many are taken of those that are in envelopes.
        is_all: whether no part of a line in several parts is to be awaited.
    """
    if form is PLAIN:
        # Nearly always so.
        reading = read_lines(lines_of(texts, start), chunk, rules)
        return Taken(reading, start + len(chunk), len(texts), form)
    reading = Reading([], [])
    at, count = start, 0
    while not form.is_settled and count < len(texts):
        text = texts[count]
        end = at + len(text) + 1
        form = form_after(form, text, end)
        if form.is_wrapped:
            break
        one = read_lines(lines_of([text], at), text, _rules(rules, form))
        reading = followed_by(reading, one)
        at, count = end, count + 1
    if count:
        texts, chunk = texts[count:], chunk[at - start :]
    rules = _rules(rules, form)
    if not form.is_wrapped:
        rest = read_lines(lines_of(texts, at), chunk, rules)
        end = at + len(chunk)
        return Taken(followed_by(reading, rest), end, count + len(texts), form)
    inner, end, is_open = unwrapped(
        texts,
        at,
        form.envelope,
        max_line_bytes=rules.max_line_bytes,
        max_lines=max_lines,
        is_all=is_all,
    )
    rest = read_lines(inner, b"\n".join(inner.texts), rules)
    lines = count + len(inner.texts)
    return Taken(followed_by(reading, rest), end, lines, form, is_open)


def _rules(rules: Rules, form: Form) -> Rules:
    """What a program writes to its output is text and records, whatever file it is."""
    if form.is_wrapped:
        return rules._replace(passes_text=True)
    return rules._replace(has_prefix=form.envelope is Envelope.PREFIX)
