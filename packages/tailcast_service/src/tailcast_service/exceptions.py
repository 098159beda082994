"""Errors that are meant for people.

    ServiceError                what was tried failed: one line that says what to mend
    └── SettingsError           wrong usage or settings

Their text is shown as it is, so it names the thing that is wrong and what to do about
it. Everything that is not one of these is a defect.
"""

__all__ = ["ServiceError", "SettingsError"]


class ServiceError(Exception):
    """What was tried failed; the text is one line that says what to mend."""

    exit_code = 1


class SettingsError(ServiceError):
    """A setting, an option or an argument is wrong."""

    exit_code = 2
