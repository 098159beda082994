"""What endpoints get that is made of the parameters of a request."""

from collections.abc import Iterator
from inspect import iscoroutinefunction

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from tailcast_gateway.http.api import make_api
from tailcast_gateway.http.entrance import make_entrance
from tailcast_gateway.replica import Replica
from tailcast_streams.memory.broker import MemoryBroker


ROUTES = {
    one.path: one
    for one in make_api(make_entrance(Replica(MemoryBroker()))).routes
    if isinstance(one, APIRoute)
}


@pytest.mark.parametrize("path", ROUTES)
def test_no_part_of_a_request_is_carried_out_in_a_thread(path: str) -> None:
    """On a busy machine a thread is waited for longer than all else takes."""
    calls = list(_calls(ROUTES[path].dependant))
    assert calls
    assert [call for call in calls if not iscoroutinefunction(call)] == []


def _calls(of: Dependant) -> Iterator[object]:
    yield of.call
    for needed in of.dependencies:
        yield from _calls(needed)
