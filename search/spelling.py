"""Says how alike two words are spelled, as a hasty finger or a recognition engine would confuse them.

All words here are folded. A skeleton is what is left of a word when shapes that engines take for each other
are written as one: two words with one skeleton differ only by such slips, however many there are.
"""

from itertools import pairwise

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


def unharmed_pieces(word: str, slips: int) -> tuple[tuple[str, int], ...]:
    """(piece, where it begins) of pieces of which at least one stands unchanged in every word at most so many slips
    away, moved by no more places than there are slips.
    """
    count = slips + 1
    cuts = [len(word) * cut // count for cut in range(count + 1)]
    pieces = [(word[start:end], start) for start, end in pairwise(cuts)]
    if slips == 1:
        # Two letters swapped across the cut harm both halves.
        cut = cuts[1]
        pieces.append((word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :], 0))
    return tuple(pieces)


def edit_distance(left: str, right: str, most: int) -> int:
    """How many letters to insert, delete, replace or swap with their neighbour; `most` + 1 if more than `most`."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    start = 0
    while start < len(left) and start < len(right) and left[start] == right[start]:
        start += 1
    left, right = left[start:], right[start:]
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    if not left or not right:
        return min(len(left) + len(right), most + 1)
    # Every letter that only one of them has takes a slip of its own; nearly all words are told apart by that.
    if len(set(left).difference(right)) > most or len(set(right).difference(left)) > most:
        return most + 1
    return _distance(left, right, most)


def _distance(left: str, right: str, most: int) -> int:
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        row = [i]
        for j, b in enumerate(right, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
