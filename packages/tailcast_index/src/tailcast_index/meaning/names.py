"""What the names of fields say before any value is seen.

Pure. Names are compared as they are, or else `loosened`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final


# Names that come after those of the settings, the best first. (`index` is not among
# those, since each sample of a data set has one, and such files are no sessions.)
MORE_STEP_KEYS: Final = ("index",)
MORE_TIME_KEYS: Final = (
    "@timestamp",
    "_time",
    "_ts",
    "absolute_timestamp",
    "local_timestamp",
    "create_time",
    "created",
    "asctime",
    "date",
)
# Settings of a run, which are repeated on its lines: what is in them is never a step, a
# time or a metric. The first three are what a run was started with.
CONFIG_KEYS: Final = ("config", "args", "hparams", "hyperparameters")
NEVER_INSIDE: Final = frozenset((*CONFIG_KEYS, "env", "environment", "emergency"))
# Numbers that count lines and processes, not what is trained.
NEVER_METRICS: Final = frozenset(
    ("pid", "tid", "seq", "seq_id", "v", "version", "line", "lineno", "op_code")
)
# Objects that only wrap a record: what is in them counts as if it were at the top.
ENVELOPES: Final[tuple[tuple[str, ...], ...]] = (
    ("data",),
    ("fields",),
    ("metrics",),
    ("payload",),
    ("payload", "metric"),
    ("payload", "metrics"),
    ("record", "extra"),
    ("telemetry",),
)
# Objects beside an envelope that have nothing but the record's time: loguru's.
TIMES_BESIDE: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("record", "extra"): ("record", "time")
}
# How many steps there will be, beside a step; and how many epochs, beside an epoch.
STEP_TOTALS: Final = (
    "total_steps",
    "max_steps",
    "num_training_steps",
    "max_train_steps",
    "total_iterations",
    "max_iterations",
    "num_iterations",
    "total_iters",
    "max_iters",
    "train_iters",
    "total_updates",
    "max_updates",
    "max_update",
    "total_timesteps",
)
EPOCH_TOTALS: Final = ("total_epochs", "max_epochs", "num_epochs", "num_train_epochs")
# The counter that rises when the step begins anew.
EPOCH_KEYS: Final = ("epoch", "Epoch")
# What kind of line it is: of training, of evaluation.
MODE_KEYS: Final = ("mode", "split", "phase", "stage")
# What tells several runs in one file from each other, the best first.
LANE_KEYS: Final = (
    "trial_id",
    "_sid",
    "run_id",
    "run",
    "worker_id",
    "session",
    "rank",
)
# A record of a name and a value alone is the metric of that name.
NAME_KEYS: Final = ("name", "metric", "metricName", "key", "tag", "log_type_name")
VALUE_KEYS: Final = ("value", "metricValue", "val", "data", "scalar")

# How many names are kept with what was said of them.
_CACHED_NAMES: Final = 16_384
_TIME_WORDS: Final = frozenset(
    [
        "time",
        "ts",
        "timestamp",
        "timestamps",
        "date",
        "datetime",
        "stamp",
        "walltime",
        "datestamp",
    ]
)


@lru_cache(maxsize=_CACHED_NAMES)
def loosened(name: str) -> str:
    """The name without regard to case and to what stands before its last slash."""
    return name.rpartition("/")[2].lower()


@lru_cache(maxsize=_CACHED_NAMES)
def names_time(name: str) -> bool:
    """Whether a word of a name says that it is a time: `create_time`, `eventTs`."""
    last = name.rpartition("/")[2]
    if last.endswith("_at"):
        return True
    words = "".join(
        f" {sign}" if sign.isupper() else sign if sign.isalnum() else " "
        for sign in last
    )
    return last.lower() in _TIME_WORDS or any(
        word.lower() in _TIME_WORDS for word in words.split()
    )


def without_total(name: str) -> str:
    """`global_step` of `global_step/max_steps`, under which is "5/250"."""
    step, _, total = name.partition("/")
    return step if total in STEP_TOTALS or total in EPOCH_TOTALS else name
