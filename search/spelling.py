"""Says how alike two words are spelled, as a hasty finger or a recognition engine would confuse them.

All words here are folded. A skeleton is what is left of a word when shapes that engines take for each other
are written as one: two words with one skeleton differ only by such slips, however many there are.
"""

from collections.abc import Sequence

_TWO_FOR_ONE = (("ss", "b"), ("rn", "m"), ("nn", "m"), ("cl", "d"), ("vv", "w"), ("ii", "n"))
"""What engines read as one sign, or one sign as."""
_ONE_SHAPE = str.maketrans(
    {"1": "i", "l": "i", "j": "i", "t": "i", "f": "i", "0": "o", "c": "o", "e": "o", "q": "g", "9": "g", "6": "b"}
    | {"8": "b", "h": "b", "u": "n", "v": "n", "5": "s", "2": "z"}
)

SHORTEST_WITH_ONE_SLIP = 4
SHORTEST_WITH_TWO_SLIPS = 7
"""Letters; in shorter words a slip makes another word too often."""


def skeleton(word: str) -> str:
    """The word with every shape that engines confuse written as one."""
    for pair, one in _TWO_FOR_ONE:
        if pair in word:
            word = word.replace(pair, one)
    return word.translate(_ONE_SHAPE)


def slips_allowed(word: str) -> int:
    """How many slips may lie between what was typed and what was meant."""
    if len(word) < SHORTEST_WITH_ONE_SLIP:
        return 0
    return 1 if len(word) < SHORTEST_WITH_TWO_SLIPS else 2


def edit_distance(left: str, right: str, most: int) -> int:
    """How many letters to insert, delete, replace or swap with their neighbour; `most` + 1 if more than `most`."""
    from rapidfuzz.distance import OSA

    return OSA.distance(left, right, score_cutoff=most)


def most_alike(word: str, others: Sequence[str], most: int) -> list[str]:
    """Those that are no further away from the word than that."""
    # Loaded here: a search that finds what was typed must not pay for it.
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    return [other for other, _, _ in extract(word, others, scorer=OSA.distance, score_cutoff=most, limit=None)]
