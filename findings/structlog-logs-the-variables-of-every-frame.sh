#!/usr/bin/env bash
# structlog: once rich is installed, `exc_info` logs the variables of all frames.
#
# The same program, which logs a failed connection with `logger.exception`: its output for
# a terminal is a plain traceback, until something else, such as typer, brings rich along;
# then it is rich's, with `show_locals`: a password in a local variable, or in a frame that
# only passed it on, stands in the log. `dict_tracebacks`, for JSON, has every frame's
# locals with rich and without. One would bet on a traceback to have lines of code, as
# logging's have, and on another package not to decide what is logged. `plain_traceback`
# as the `exception_formatter`, and `ExceptionDictTransformer(show_locals=False)`, have
# none.
#
# Seen with structlog 26.1.0, rich 15.0.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check structlog==26.1.0

cat >program.py <<'PROGRAM'
import io
import secrets
import sys

import structlog

password = secrets.token_hex(6)


def connect(secret):
    raise ConnectionError("no answer")


def logged(*last):
    out = io.StringIO()
    structlog.configure(processors=list(last), logger_factory=structlog.PrintLoggerFactory(out))
    try:
        connect(password)
    except ConnectionError:
        structlog.get_logger().exception("failed")
    return out.getvalue()


dicts = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
json = structlog.processors.JSONRenderer()
ways = {
    "ConsoleRenderer": [structlog.dev.ConsoleRenderer(colors=False)],
    "ConsoleRenderer, plain_traceback": [
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    ],
    "dict_tracebacks": [structlog.processors.dict_tracebacks, json],
    "ExceptionDictTransformer, show_locals=False": [dicts, json],
}
for name, last in ways.items():
    text = logged(*last)
    assert "ConnectionError" in text
    print(f"{sys.argv[1]}: {name}:", "the password" if password in text else "no password")
PROGRAM
{
    venv/bin/python program.py "without rich"
    venv/bin/pip install --quiet --disable-pip-version-check rich==15.0.0
    venv/bin/python program.py "with rich"
} >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
without rich: ConsoleRenderer: no password
without rich: ConsoleRenderer, plain_traceback: no password
without rich: dict_tracebacks: the password
without rich: ExceptionDictTransformer, show_locals=False: no password
with rich: ConsoleRenderer: the password
with rich: ConsoleRenderer, plain_traceback: no password
with rich: dict_tracebacks: the password
with rich: ExceptionDictTransformer, show_locals=False: no password
EXPECTED
echo "as stated"
