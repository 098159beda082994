"""What all records of a session say together, folded entry by entry.

`Index` is the session's; everything else here is what it consists of, or what it says.
"""

from tailcast_index.fold.falls import Rewind
from tailcast_index.fold.figures import LeftOut, Metric, read_metric
from tailcast_index.fold.folding import Stale
from tailcast_index.fold.index import Index
from tailcast_index.fold.pace import Status, status_after
from tailcast_index.fold.spark import Sparkline
from tailcast_index.fold.stored import (
    CHOICE_FIELD,
    NEWS_FIELDS,
    count_metrics,
    read_news,
)
from tailcast_index.fold.summary import TRIMMED, Gap, News, Span, Summary, UnreadKey
from tailcast_index.fold.tail import Tail


__all__ = [
    "CHOICE_FIELD",
    "NEWS_FIELDS",
    "TRIMMED",
    "Gap",
    "Index",
    "LeftOut",
    "Metric",
    "News",
    "Rewind",
    "Span",
    "Sparkline",
    "Stale",
    "Status",
    "Summary",
    "Tail",
    "UnreadKey",
    "count_metrics",
    "read_metric",
    "read_news",
    "status_after",
]
