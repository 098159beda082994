"""Filters entries for one client, and lets others have their turn meanwhile."""

import asyncio
from collections.abc import Sequence

from tailcast_gateway.views.view import DecodedEntries, View
from tailcast_streams.entries import Entry


async def filtered(entries: Sequence[Entry], view: View) -> Sequence[Entry]:
    """The entries that a view lets through."""
    decoded = DecodedEntries(entries)
    for _ in decoded.filter(view):
        await asyncio.sleep(0)
    return decoded.wanted(view)
