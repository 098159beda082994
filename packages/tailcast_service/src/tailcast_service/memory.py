"""Makes Python's garbage collector run less often, since it finds almost nothing.

Our objects are freed with their last reference; where connections end, cycles are
broken by hand. The collector stays on for the cycles of libraries. But it should not
look through all living objects after every few hundred records.
"""

import gc


__all__ = ["hold_back_collector"]

# How many new containers start a collection of the youngest generation: several pages
# of records, which take a few milliseconds. (Python's default 700 is less than a page.)
YOUNG_OBJECTS = 50_000
# How many collections of a generation come before one of the next older generation.
YOUNG_LOOKS = 20
MIDDLE_LOOKS = 20


def hold_back_collector() -> None:
    """Collect rarely, and never the objects of now; call it when all is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)
