"""JSON schemas of the models, for the AsyncAPI and the OpenAPI document.

Pure. The models forbid unknown fields, but the schemas do not: clients must ignore
fields that they do not know.
"""

import inspect
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import Struct


JSONObject: TypeAlias = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"


def schemas(*kinds: type[Struct]) -> JSONObject:
    """The schemas of models, and of the models in them, by name."""
    _, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    return {name: _tidied(schema) for name, schema in components.items()}


def reference(kind: type[Struct]) -> JSONObject:
    """The reference to a model's schema from elsewhere in the document."""
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _tidied(value: Any) -> Any:
    """A schema that allows unknown fields, with texts that are not indented."""
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
