"""Names of files that are there for a while only: locks, and files being written.

Pure. Such a file is no session, whatever is in it.
"""

import re


# Ends of names, by what makes such files.
_ENDINGS = {
    ".lock": "a lock",
    ".pid": "the number of a process",
    ".swp": "an editor's copy",
    "~": "an editor's copy",
    ".tmp": "a temporary file",
    ".partial": "a file that is being copied",
    "_.gstmp": "a file that is being copied",
}
_ENDS = tuple(_ENDINGS)
# `aws s3 cp` writes NAME.1a2B3c4D and renames it to NAME.
_COPIED_BY_AWS = re.compile(
    r"\.[A-Za-z0-9_-]+\.(?=[^.]*[0-9])[0-9a-fA-F]{8}$", re.ASCII
)
# Programs that rename what they wrote write NAME.tmp.1234 or NAME.tmpAbC1 before.
_TEMPORARY = re.compile(r"\.tmp[._-]?[0-9A-Za-z_]{1,12}$", re.ASCII)


def why_passing(name: str) -> str:
    """What makes a file with this name temporary, in words for people; "" if nothing.

    Args:
        name: the last part of its path.
    """
    if name.endswith(_ENDS):
        for ending, reason in _ENDINGS.items():
            if name.endswith(ending) and name != ending:
                return reason
    if _COPIED_BY_AWS.search(name):
        return "a file that is being copied"
    return "a temporary file" if _TEMPORARY.search(name) else ""
