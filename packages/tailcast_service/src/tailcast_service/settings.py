"""Typed settings: a flag comes before the environment, `.env` and the default.

A service declares its fields in a subclass of `ServiceSettings`, each with a text below
it: a line, and what more the manual says. Its composition root calls `load` once. A
wrong value ends the start with one line. No other module of a service knows settings.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from tailcast_service.exceptions import SettingsError
from tailcast_service.names import SETTINGS
from tailcast_service.sources import (
    ENV_FILE,
    ENVIRONMENT,
    VariableSource,
    read_env_file,
    read_environment,
    variable_of,
)
from tailcast_service.values import lower_case, mask_url


__all__ = ["ServiceSettings", "SettingInForce"]

LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], BeforeValidator(lower_case)
]
LogFormat = Annotated[Literal["auto", "json", "console"], BeforeValidator(lower_case)]

FLAG = "flag"
DEFAULT = "default"
MISSING = "missing"
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One setting as `tailcast config` shows it; secrets are masked."""

    name: str
    value: str
    # flag, environment, .env, a file named in one of these, default, or missing
    origin: str
    default: str
    meaning: str


class ServiceSettings(BaseSettings):
    """The settings of every service; subclasses add their own fields."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    log_level: LogLevel = "info"
    """least severe level that is logged: debug, info, warning or error"""

    log_format: LogFormat = "auto"
    """format of the log: console, json, or auto (console on a terminal, else json)"""

    @classmethod
    def load(cls, **flags: object) -> Self:
        """Read all settings; a flag that is None was not given.

        Raises SettingsError, whose text is one line that names the setting.
        """
        given = only_given(flags)
        try:
            return cls(**given)  # type: ignore[arg-type]  # pydantic checks the types
        except ValidationError as error:
            raise SettingsError(cls._explain(error, given)) from None

    @classmethod
    def in_force(cls, **flags: object) -> list[SettingInForce]:
        """Every setting with its value and where it came from.

        Raises SettingsError like `load`, but not if a required setting is missing.
        """
        given = only_given(flags)
        sources = variable_sources(cls)
        return [
            cls._in_force(name, field, *locate(name, field, given, sources))
            for name, field in cls.model_fields.items()
        ]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use our sources instead of the library's: they check names and read files."""
        del env_settings, dotenv_settings, file_secret_settings
        return (init_settings, *variable_sources(settings_cls))

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a field that is not in `names`, or has no text."""
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            if name.upper() not in SETTINGS or not field.description:
                message = f"{cls.__name__}.{name}: not in names.py, or without a text"
                raise TypeError(message)

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Show values as a person would write them, with secrets masked."""
        return self.model_dump().items()

    @classmethod
    def _in_force(
        cls, name: str, field: FieldInfo, value: object, origin: str
    ) -> SettingInForce:
        try:
            shown = "" if origin == MISSING else show(field, value)
        except ValidationError as error:
            reason = reason_of(error.errors()[0])
            raise SettingsError(spell(name, field, value, origin) + reason) from None
        default = "(required)" if field.is_required() else show(field, field.default)
        return SettingInForce(
            name=variable_of(name),
            value=shown,
            origin=origin,
            default=default,
            meaning=meaning_of(field),
        )

    @classmethod
    def _explain(cls, error: ValidationError, given: dict[str, object]) -> str:
        """The first error, in one line."""
        # A wrong value comes before a missing one: the person has just written it.
        first = min(error.errors(), key=lambda found: found["type"] == "missing")
        name = str(first["loc"][0]) if first["loc"] else ""
        if name not in cls.model_fields:
            return f"{name}: {reason_of(first)}"
        field = cls.model_fields[name]
        value, origin = locate(name, field, given, variable_sources(cls))
        return spell(name, field, value, origin) + reason_of(first)


def only_given(flags: dict[str, object]) -> dict[str, object]:
    """The flags that were given on the command line."""
    return {name: value for name, value in flags.items() if value is not None}


def variable_sources(
    settings_class: type[BaseSettings],
) -> tuple[VariableSource, VariableSource]:
    """The sources of variables: the environment, then `.env`."""
    return (
        VariableSource(settings_class, read_environment(), ENVIRONMENT),
        VariableSource(settings_class, read_env_file(), ENV_FILE),
    )


def locate(
    name: str,
    field: FieldInfo,
    given: dict[str, object],
    sources: tuple[VariableSource, ...],
) -> tuple[object, str]:
    """The field's value as it was written, and where it was found."""
    if name in given:
        return given[name], FLAG
    for source in sources:
        text = source.get_field_value(field, name)[0]
        if text is not None:
            return text, source.describe(name)
    return (None, MISSING) if field.is_required() else (field.default, DEFAULT)


def show(field: FieldInfo, value: object) -> str:
    """The value as a person would write it, with secrets masked."""
    if value is None:
        return ""
    adapter: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation())
    return str(adapter.dump_python(adapter.validate_python(value)))


def meaning_of(field: FieldInfo) -> str:
    """What a setting is, in one line; what follows that is for the manual alone."""
    return (field.description or "").partition("\n\n")[0]


def spell(name: str, field: FieldInfo, value: object, origin: str) -> str:
    """The setting and its value as the person wrote them, before the reason."""
    if origin == MISSING:
        return f"{variable_of(name)} is required: {meaning_of(field)}"
    if origin == FLAG:
        return f"--{name.replace('_', '-')} {mask_text(value)}: "
    where = "" if origin == ENVIRONMENT else f" ({origin})"
    return f"{variable_of(name)}={mask_text(value)}{where}: "


def mask_text(value: object) -> str:
    """The text in one short line, without a password."""
    text = " ".join(str(value).split())
    return mask_url(
        text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    )


def reason_of(error: ErrorDetails) -> str:
    """Pydantic's reason in a few words, which begin in lower case."""
    message = " ".join(error["msg"].removeprefix("Value error, ").split())
    if error["type"] == "missing":
        return ""  # `spell` has said so
    if error["type"] == "int_parsing":
        return "write a whole number"
    message = message.replace("Input should be ", "must be ", 1)
    return message[:1].lower() + message[1:]
