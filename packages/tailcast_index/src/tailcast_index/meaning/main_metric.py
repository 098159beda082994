"""Which metric stands for a run where only one can be shown.

Pure. It is told by its name alone, so that it does not change as values come.
"""

from functools import lru_cache
from typing import Final


# The rank of a name that says nothing.
OTHER: Final = 5
# Words of a metric's name, the best first: a name has the rank of the first of these
# that it has one of.
_BY_WORDS: Final[tuple[tuple[int, frozenset[str]], ...]] = (
    (6, frozenset(("lr", "rate", "epoch", "step", "steps", "time", "seconds", "eta"))),
    (2, frozenset(("loss", "cost", "nll", "perplexity", "ppl"))),
    (3, frozenset(("reward", "return", "returns", "score"))),
    (4, frozenset(("acc", "accuracy", "f1", "auc", "bleu", "map"))),
)
# Words of what was not seen in training: it comes after what was.
_HELD_OUT: Final = frozenset(("val", "valid", "validation", "eval", "test", "dev"))
_LOSSES: Final = frozenset(("loss", "train_loss", "train/loss", "training_loss"))
_CACHED_NAMES: Final = 16_384


@lru_cache(maxsize=_CACHED_NAMES)
def rank_of(name: str) -> float:
    """The rank of a metric by its name; the main one has the lowest.

    Of several with the same rank it is the one that came first.
    """
    plain = name.lower()
    if plain in _LOSSES:
        return 0
    words = set("".join(sign if sign.isalnum() else " " for sign in plain).split())
    ranks = [rank for rank, some in _BY_WORDS if words & some]
    rank = ranks[0] if ranks else OTHER
    return rank + 0.5 if words & _HELD_OUT else rank
