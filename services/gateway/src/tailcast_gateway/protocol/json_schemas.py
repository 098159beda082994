"""JSON schemas of the models, as both documents have them.

Pure. Clients ignore what they do not know, so the schemas of what they are sent forbid
nothing, though the models do.
"""

import inspect
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import Struct


JSONObject: TypeAlias = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"


def schemas(*kinds: type[Struct]) -> JSONObject:
    """The schemas of models and of what they are made of, by name."""
    _, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    return {name: _tidied(schema) for name, schema in components.items()}


def reference(kind: type[Struct]) -> JSONObject:
    """What stands for a model's schema elsewhere in the document."""
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _tidied(value: Any) -> Any:
    """A schema without what forbids, its texts without the indent of our source."""
    if isinstance(value, list):
        return [_tidied(item) for item in cast(list[object], value)]
    if not isinstance(value, dict):
        return value
    tidied: JSONObject = {}
    for name, item in cast(JSONObject, value).items():
        if name == "description" and isinstance(item, str):
            tidied[name] = inspect.cleandoc(item)
        elif (name, item) != ("additionalProperties", False):
            tidied[name] = _tidied(item)
    return tidied
