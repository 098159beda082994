"""The curves of a session at several resolutions, and series drawn from them.

`Rollups` is the writer's half: records in, chunks of buckets out. `plan_series` and
`draw` are the reader's: which chunks to ask for, and the rows that they show together
with the records behind them. How far stored roll-ups go is one value, an `Extent`, and
from it follows which chunks there are. Records are counted from 0.
"""

from tailcast_index.rollups.drawing import Curve, Series, draw
from tailcast_index.rollups.layout import NO_EXTENT, Extent, RollupChanges, as_told
from tailcast_index.rollups.left import Left, Total
from tailcast_index.rollups.plan import SeriesPlan, plan_series
from tailcast_index.rollups.writer import Rollups


__all__ = [
    "NO_EXTENT",
    "Curve",
    "Extent",
    "Left",
    "RollupChanges",
    "Rollups",
    "Series",
    "SeriesPlan",
    "Total",
    "as_told",
    "draw",
    "plan_series",
]
