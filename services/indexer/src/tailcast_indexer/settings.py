"""The indexer's settings. Only `app` reads them; all else takes options."""

from typing import Annotated

from pydantic import AfterValidator, Field

from tailcast_service.settings import ServiceSettings
from tailcast_service.values import CommaList, SecretUrl
from tailcast_streams.defaults import KEY_PREFIX, STEP_KEYS, TIME_KEYS
from tailcast_streams.keys import check_key_prefix


__all__ = ["IndexerSettings"]


class IndexerSettings(ServiceSettings):
    """All settings of the indexer."""

    redis_url: SecretUrl
    """the broker: redis://, rediss:// or unix:// (`tailcast up` brings its own)"""

    key_prefix: Annotated[
        str, Field(min_length=1), AfterValidator(check_key_prefix)
    ] = KEY_PREFIX
    """first part of every key in the broker"""

    step_keys: CommaList = STEP_KEYS
    """where a record's step is: the first of these keys that it has"""

    time_keys: CommaList = TIME_KEYS
    """where a record's time is: the first of these keys that it has"""

    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """port of /metrics, /healthz and /readyz; 0 is off"""
