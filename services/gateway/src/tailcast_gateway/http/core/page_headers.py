"""What a browser is told besides an answer: what a page may do, and what to keep.

Pure. The names of sessions and metrics, and all that is in a record, come from files
that anybody may have written. The page shows them as text; should it ever fail to, the
browser refuses to run them. And what is answered is nothing for pages of others: they
neither run it nor frame it, and do not get to know whether there is something.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Final


# The page changes with each build; what has a hash in its name never does.
REVALIDATED: Final = "no-cache"
IMMUTABLE: Final = "public, max-age=31536000, immutable"

# What every answer says ...
EVERY_ANSWER: Final = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
# ... and each of those that tell something of sessions, but are no pages.
NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'"

_INLINE = r"<{0}>(.*?)</{0}>"


def page_headers(html: str) -> dict[str, str]:
    """The headers of a page, which may do what it says itself and nothing else."""
    scripts, styles = (_sources(html, tag) for tag in ("script", "style"))
    policy = {
        "default-src": "'self'",
        "script-src": scripts,
        "style-src": styles,
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        # No text becomes HTML, whatever the page does with it.
        "require-trusted-types-for": "'script'",
    }
    directives = (f"{name} {sources}" for name, sources in policy.items())
    return asset_headers(REVALIDATED) | {
        "content-security-policy": "; ".join(directives),
        "referrer-policy": "no-referrer",
    }


def asset_headers(cache_control: str) -> dict[str, str]:
    """The headers of what a page is made of."""
    return {
        "cache-control": cache_control,
        "vary": "accept-encoding",
    }


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip, by its `Accept-Encoding` header (RFC 9110)."""
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";q=")
        if name in {"gzip", "*"}:
            return not weight or weight.strip("0.") != ""
    return False


def _sources(html: str, tag: str) -> str:
    """Whence scripts or styles may come: from here, or as they stand in the page."""
    inline = re.findall(_INLINE.format(tag), html, re.DOTALL)
    digests = (b64encode(sha256(text.encode()).digest()).decode() for text in inline)
    return " ".join(("'self'", *(f"'sha256-{digest}'" for digest in digests)))
