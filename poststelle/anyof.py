"""Finds which of many pieces stand anywhere in a stretch of bytes, in one pass whatever their number.

A piece of seven bytes or more has, wherever it stands, four of its first seven on a multiple of four; one of six has
four on a multiple of two. So only every fourth (or second) place is looked at, through a table that lets few places
pass; each of those is compared with the pieces that may stand there.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SHORTEST_PIECE = 6
"""Bytes."""
_GRAM_BYTES = 4
_SCATTER = 2654435761
"""A large odd number: its product spreads grams that are alike over the whole table (Knuth, multiplicative hashing)."""
_LEAST_BITS, _MOST_BITS = 16, 24
_STRETCH = 1 << 20
"""Grams that are looked at in one go: what is made of them meanwhile takes ten megabytes."""


class AnyOf:
    """Pieces to be looked for together."""

    def __init__(self, pieces: Collection[bytes]) -> None:
        """Raises ValueError for a piece that is shorter than SHORTEST_PIECE."""
        if any(len(piece) < SHORTEST_PIECE for piece in pieces):
            raise ValueError(f"pieces of at least {SHORTEST_PIECE} bytes can be looked for")
        longer = {piece for piece in pieces if len(piece) > SHORTEST_PIECE}
        self._steps = [_Steps(some, step) for some, step in ((longer, 4), (set(pieces) - longer, 2)) if some]

    def found_in(self, content: bytes) -> set[bytes]:
        """Those of the pieces that stand in it."""
        return set().union(*(steps.found_in(content) for steps in self._steps))


class _Steps:
    """Pieces that are recognised at places of a fixed distance."""

    def __init__(self, pieces: Collection[bytes], step: int) -> None:
        import numpy as np

        self._step = step
        self._grams: dict[int, list[tuple[int, bytes]]] = {}
        """(how far into the piece, piece) by four of its bytes."""
        for piece in pieces:
            for into in range(step):
                gram = int.from_bytes(piece[into : into + _GRAM_BYTES], "little")
                self._grams.setdefault(gram, []).append((into, piece))
        # Thirty places of the table for each gram, as far as it stays small: what is random passes seldom.
        self._bits = min(max((len(self._grams) * 30).bit_length(), _LEAST_BITS), _MOST_BITS)
        self._may_stand = np.zeros(1 << self._bits, dtype=bool)
        self._may_stand[self._slots(np.fromiter(self._grams, dtype="<u4", count=len(self._grams)))] = True

    def found_in(self, content: bytes) -> set[bytes]:
        import numpy as np

        found: set[bytes] = set()
        for phase in range(0, min(_GRAM_BYTES, len(content)), self._step):
            count = (len(content) - phase) // _GRAM_BYTES
            for first in range(0, count, _STRETCH):
                start = phase + first * _GRAM_BYTES
                grams = np.frombuffer(content, dtype="<u4", count=min(count - first, _STRETCH), offset=start)
                places = np.flatnonzero(self._may_stand[self._slots(grams)])
                for place, gram in zip(places.tolist(), grams[places].tolist(), strict=True):
                    for into, piece in self._grams.get(gram, ()):
                        at = start + place * _GRAM_BYTES - into
                        if at >= 0 and content.startswith(piece, at):
                            found.add(piece)
        return found

    def _slots(
        self, grams: "np.ndarray[tuple[int], np.dtype[np.uint32]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
        import numpy as np

        return (grams * np.uint32(_SCATTER)) >> np.uint32(32 - self._bits)
