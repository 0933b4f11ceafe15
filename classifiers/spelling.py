"""Misread words are read as the rule word they almost are, if recognition itself was unsure of them."""

from collections.abc import Iterable

SURE = 0.95
"""A word recognised with at least this confidence is taken as it stands: "Leitung" is not "Leistung"."""
SHORTEST = 6
"""Shorter words have too many neighbours to guess."""

# What looks alike in print is spelled alike, so that any number of such mix-ups in a word does no harm.
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "j": "l", "5": "s", "8": "b", "6": "b", "f": "t", "c": "e"})
_ALIKE_PAIRS = (("rn", "m"), ("vv", "w"))


class Vocabulary:
    """The words that rules and labels ask for, findable through one wrong, missing or extra letter."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._near: dict[str, str] = {}
        ambiguous: set[str] = set()
        for word in sorted(self._words):
            if len(word) < SHORTEST:
                continue
            for key in _keys(word):
                if self._near.setdefault(key, word) != word:
                    ambiguous.add(key)
        for key in ambiguous:
            del self._near[key]

    def read(self, token: str, confidence: float) -> str:
        """The vocabulary word meant by a folded token, or the token itself."""
        if confidence >= SURE or len(token) < SHORTEST or token in self._words:
            return token
        return next((self._near[key] for key in _keys(token) if key in self._near), token)


def _keys(word: str) -> list[str]:
    """The word's shape, and the shape without each one of its letters: two words that share a key are near."""
    shape = word.translate(_ALIKE)
    for pair, letter in _ALIKE_PAIRS:
        shape = shape.replace(pair, letter)
    return [shape, *(shape[:index] + shape[index + 1 :] for index in range(len(shape)))]
