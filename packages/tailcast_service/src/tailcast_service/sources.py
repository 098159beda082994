"""Where settings come from besides flags: the environment and a `.env` file.

There is one source for each place. It returns the texts of the fields that are set
there, and says where each text came from. Empty text counts as not set. Types and
defaults are handled in `settings`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from tailcast_service.exceptions import SettingsError
from tailcast_service.names import PREFIX, check_name, is_injected


__all__ = [
    "ENVIRONMENT",
    "ENV_FILE",
    "VariableSource",
    "read_env_file",
    "read_environment",
    "variable_of",
]

ENVIRONMENT = "environment"
ENV_FILE = ".env"
_FILE_SUFFIX = "_FILE"


class VariableSource(PydanticBaseSettingsSource):
    """The settings among the variables of one place."""

    def __init__(
        self,
        settings_class: type[BaseSettings],
        variables: Mapping[str, str],
        place: str,
    ) -> None:
        """Take the variables of `place`; SettingsError if one has an unknown name."""
        super().__init__(settings_class)
        # The name of the place, for people.
        self.place = place
        # The variables of Tailcast by their full names, without empty ones.
        self._variables = select_settings(variables, place)

    def __call__(self) -> dict[str, Any]:
        """The text of each field that is set in this place."""
        return {
            name: text
            for name, field in self.settings_cls.model_fields.items()
            if (text := self.get_field_value(field, name)[0]) is not None
        }

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        """The field's text, from its variable or from the file that NAME_FILE names."""
        del field  # all values are text here
        name = variable_of(field_name)
        text = self._variables.get(name)
        path = self._variables.get(name + _FILE_SUFFIX)
        if text is None and path is not None:
            text = read_value_file(name + _FILE_SUFFIX, path)
        return text, field_name, False

    def describe(self, field_name: str) -> str:
        """The place from which the field's text came, for `tailcast config`."""
        name = variable_of(field_name)
        if name in self._variables:
            return self.place
        return f"file named in {self.place}"


def variable_of(field_name: str) -> str:
    """The variable that sets a field."""
    return PREFIX + field_name.upper()


def select_settings(variables: Mapping[str, str], place: str) -> dict[str, str]:
    """The variables of Tailcast, checked, without empty and injected ones."""
    chosen: dict[str, str] = {}
    where = "" if place == ENVIRONMENT else f" (in {place})"
    for name, text in variables.items():
        if not name.startswith(PREFIX) or is_injected(name, text):
            continue
        check_name(name, where)
        if text:
            chosen[name] = text
    return chosen


def read_value_file(name: str, path: str) -> str:
    """The text of the file that the variable `name` names."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise SettingsError(f"{name}={path} cannot be read: {reason}") from error


def read_environment() -> dict[str, str]:
    """The variables of this process."""
    return dict(os.environ)


def read_env_file() -> dict[str, str]:
    """The variables in `.env` of the working directory, if there is such a file."""
    path = Path(ENV_FILE)
    if not path.is_file():
        return {}
    if not os.access(path, os.R_OK):
        raise SettingsError(f"{ENV_FILE} cannot be read: permission denied")
    try:
        values = dotenv_values(path, encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{ENV_FILE} is not UTF-8 text") from error
    return {name: text or "" for name, text in values.items()}
