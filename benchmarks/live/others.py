"""rsyslog on the same load: imfile reads the files, omhiredis appends to streams."""

import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.accidents.installation import Installed
from benchmarks.processes import stop


# In this mode blanks part the words of a command: the lines have none.
CONFIGURATION = """
global(workDirectory="{own}")
module(load="imfile")
module(load="omhiredis")
template(name="append" type="string" string="XADD {prefix}:%syslogtag% * r %msg%")
{inputs}
action(type="omhiredis" server="127.0.0.1" serverport="{port}"
  mode="template" template="append")
"""
INPUT = 'input(type="imfile" File="{path}" Tag="{name}")'


@contextmanager
def rsyslog(
    installed: Installed, paths: Sequence[Path], own: Path, *, port: int, prefix: str
) -> Generator[int]:
    """The daemon, each file into a stream of its own; its process."""
    inputs = [INPUT.format(path=path, name=path.stem) for path in paths]
    configuration = own / "rsyslog.conf"
    configuration.write_text(
        CONFIGURATION.format(
            own=own, port=port, prefix=prefix, inputs="\n".join(inputs)
        )
    )
    process = subprocess.Popen(
        [str(installed.program), "-n", "-f", str(configuration),
         "-i", str(own / "pid"), "-M", str(installed.modules)],
        env={**os.environ, **installed.environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip  # as a command
    try:
        yield process.pid
    finally:
        stop(process)
