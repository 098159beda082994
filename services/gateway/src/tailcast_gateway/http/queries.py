"""Refuses parameters that a route does not have, and several where there is one.

Each route says in its signature what it takes. What is misspelt would otherwise have no
effect, and of two values one would win without a word.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar, get_args, get_origin

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, InvalidMessage


NAME_CHARACTERS = 64

_T = TypeVar("_T")


def made_by(make: Callable[..., _T]) -> Any:
    """What an endpoint gets that is made of the parameters of a request.

    It is made in the event loop: FastAPI carries out in a thread what is no coroutine,
    and that takes longer than what is done there.
    """

    async def in_loop(**given: Any) -> _T:
        return make(**given)

    # It says which parameters there are.
    in_loop.__signature__ = inspect.signature(make)  # type: ignore[attr-defined]
    return Depends(in_loop)


async def check_query(request: Request) -> None:
    """Check the parameters of a request. Raises InvalidMessage."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not request.url.query:
        return
    known = dict(_parameters(route.dependant))
    for name in request.query_params:
        text = name[:NAME_CHARACTERS]
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            raise InvalidMessage(INVALID_MESSAGE, f"{text}: unknown, there is {told}")
        is_several = len(request.query_params.getlist(name)) > 1
        if is_several and not _is_list(known[name]):
            raise InvalidMessage(INVALID_MESSAGE, f"{text}: it is there more than once")


def _parameters(of: Dependant) -> Iterator[tuple[str, object]]:
    """The names and the types of what an endpoint takes, by itself or by what it needs.

    One that is a model has its fields as parameters.
    """
    for field in of.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, one in annotation.model_fields.items():
                yield one.alias or name, one.annotation
        else:
            yield field.alias, annotation
    for needed in of.dependencies:
        yield from _parameters(needed)


def _is_list(annotation: object) -> bool:
    return any(get_origin(one) is list for one in _alternatives(annotation))


def _alternatives(annotation: object) -> Iterator[object]:
    """The types that an annotation allows."""
    yield annotation
    for one in get_args(annotation):
        yield one.__origin__ if get_origin(one) is Annotated else one
