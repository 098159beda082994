from typing import Any

from tailcast_gateway.http.core.api_page import page_of


DOCUMENT: dict[str, Any] = {
    "info": {"title": "T<i>", "version": "1"},
    "paths": {
        "/a/{b}": {
            "get": {
                "description": "Says <b>.",
                "parameters": [
                    {"name": "b", "in": "path", "required": True},
                    {"name": "c", "in": "query", "description": "More & more."},
                ],
                "responses": {
                    "200": {"description": "OK", "content": {"text/plain": {}}},
                    "404": {"description": "None"},
                },
            },
            "delete": {"summary": "Goes."},
            "post": {},
        }
    },
}


def test_the_page_has_each_operation() -> None:
    """What is in the document is text, whatever it is."""
    page = page_of(DOCUMENT)
    for text in (
        "<h1>T&lt;i&gt; 1</h1>",
        "<h2>GET /a/{b}</h2>\n<p>Says &lt;b&gt;.</p>",
        "<dt>b</dt><dd>path, required",
        "<dt>c</dt><dd>query\n More &amp; more.</dd>",
        "<dt>200</dt><dd>OK\n text/plain</dd>",
        "<h2>DELETE /a/{b}</h2>\n<p>Goes.</p>",
        "<h2>POST /a/{b}</h2>\n<dl>",
    ):
        assert text in page
    assert "<script" not in page
    assert "//" not in page
