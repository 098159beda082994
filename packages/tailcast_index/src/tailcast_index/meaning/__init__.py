"""What one record says: its step, its time, its metrics. Knows no other record.

Only the choice of a session's keys looks at several records. What is here is one
version of the rules (`RULES_VERSION`); an index that another version made is made anew,
or gone on with if its stream was trimmed.
"""

from tailcast_index.meaning.about import About, SettingsFinder, about_run
from tailcast_index.meaning.chooser import Chooser
from tailcast_index.meaning.columns import AlikeRecords, ColumnReader
from tailcast_index.meaning.fields import Fields
from tailcast_index.meaning.finding import finder
from tailcast_index.meaning.main_metric import rank_of
from tailcast_index.meaning.reader import Reader
from tailcast_index.meaning.totals import Totals
from tailcast_index.meaning.values import (
    RULES_VERSION,
    TAKEN_OVER,
    Choice,
    Path,
    Point,
    Rules,
    Unread,
    Value,
)


__all__ = [
    "RULES_VERSION",
    "TAKEN_OVER",
    "About",
    "AlikeRecords",
    "Choice",
    "Chooser",
    "ColumnReader",
    "Fields",
    "Path",
    "Point",
    "Reader",
    "Rules",
    "SettingsFinder",
    "Totals",
    "Unread",
    "Value",
    "about_run",
    "finder",
    "rank_of",
]
