"""The page `/docs`: what the gateway answers over HTTP, for people.

Pure. It is made of the OpenAPI document and of nothing else: no script, no other host.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final


_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color-scheme: light dark; }
section { border-top: 1px solid #8884; padding: .5rem 0; }
h2 { font: 600 1rem/1.5 ui-monospace, monospace; margin: .5rem 0; }
dt { font-family: ui-monospace, monospace; } dd { margin: 0 0 .4rem 1.5rem; }
"""


def page_of(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document, in HTML."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        '<p>For programs: <a href="openapi.json">openapi.json</a>, of the WebSocket',
        '<a href="asyncapi.json">asyncapi.json</a>.</p>',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += _operation(method, path, operation)
    return "\n".join([*parts, "</body></html>"])


def _operation(method: str, path: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section><h2>{escape(method.upper())} {escape(path)}</h2>"
    if text := said.get("description") or said.get("summary"):
        yield f"<p>{escape(text)}</p>"
    yield "<dl>"
    for one in said.get("parameters", ()):
        needed = ", required" if one.get("required") else ""
        yield f"<dt>{escape(one['name'])}</dt><dd>{escape(one['in'])}{needed}"
        yield f" {escape(one.get('description', ''))}</dd>"
    for status, answer in said.get("responses", {}).items():
        media = ", ".join(answer.get("content", {}))
        yield f"<dt>{escape(status)}</dt><dd>{escape(answer.get('description', ''))}"
        yield f" {escape(media)}</dd>"
    yield "</dl></section>"
