import subprocess
import sys

import pytest

from tests.patience import PATIENCE_SECONDS


ASK = """
import resource
from tailcast_service.limits import raise_open_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_open_file_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [(256, 2_000, 2_000), (1_500, 1_500, 1_500)],
)
def test_as_many_files_as_allowed_may_be_open(
    soft: int, hard: int, expected: int
) -> None:
    """The soft limit rises to the hard one, which stays as it is."""
    finished = subprocess.run(
        [sys.executable, "-c", ASK.format(soft=soft, hard=hard)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert finished.stdout.split() == [str(expected), str(expected), str(hard)]
