"""Python's garbage collector, held back where it finds nothing.

Our objects are freed when the last reference goes; cycles are broken by hand where
connections end. The collector is left on for what others leave behind, but need not
look at everything that is alive each time some hundred records have passed by.
"""

import gc


__all__ = ["hold_back_collector"]

# Containers made and not freed since the last look at the young ones: several pages of
# records, looked through in a few milliseconds. (Python's own 700 are a part of one.)
YOUNG_OBJECTS = 50_000
# Looks at the young ones for one at the middle-aged, and of those for one at all.
YOUNG_LOOKS = 20
MIDDLE_LOOKS = 20


def hold_back_collector() -> None:
    """Collect rarely, and never look at what is there by now; once all is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)
