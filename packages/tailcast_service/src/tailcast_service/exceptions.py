"""Errors that are meant for people.

    ServiceError                what was tried failed: one line that says what to mend
    └── SettingsError           wrong usage or settings

Their text is shown unchanged, so it names the thing that is wrong and what to do about
it. Any other exception is a defect.
"""

__all__ = ["ServiceError", "SettingsError"]


class ServiceError(Exception):
    """Something failed; the text is one line that says what to do about it."""

    exit_code = 1


class SettingsError(ServiceError):
    """A setting, an option or an argument is wrong."""

    exit_code = 2
