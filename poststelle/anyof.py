"""Finds which of many pieces stand anywhere in a stretch of bytes, in one pass whatever their number.

Wherever a piece of fifteen bytes stands, some eight of them stand together on a multiple of eight. So only every eighth
place is looked at, through a table that lets few pass, and each that passes is compared with the pieces that may stand
there. For shorter pieces, fewer bytes are looked at, or more places. Of a longer one the end counts, which tells
numbers from each other.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    _Grams = np.ndarray[tuple[int], np.dtype[np.unsignedinteger]]
    _Slots = np.ndarray[tuple[int], np.dtype[np.int64]]

SHORTEST_PIECE = 6
"""Bytes."""
_SHORTEST_LONG = 11
"""Bytes of pieces that eight bytes together can be looked for in, on multiples of four."""
_FEW = 100
"""Up to so many pieces, four bytes together tell enough even of long ones, and one pass is quicker than two."""
_SCATTER = {4: 0x9E3779B1, 8: 0x9E3779B97F4A7C15}
"""Odd numbers whose product spreads grams that are alike over the whole table (Knuth, multiplicative hashing)."""
_LEAST_BITS, _MOST_BITS = 16, 24
_STRETCH = 1 << 15
"""Grams that are looked at in one go: what is made of them meanwhile stays in the processor's cache."""


class AnyOf:
    """Pieces to be looked for together. Not shared between threads."""

    def __init__(self, pieces: Collection[bytes]) -> None:
        """Raises ValueError for a piece that is shorter than SHORTEST_PIECE."""
        if any(len(piece) < SHORTEST_PIECE for piece in pieces):
            raise ValueError(f"pieces of at least {SHORTEST_PIECE} bytes can be looked for")
        long = {piece for piece in pieces if len(piece) >= _SHORTEST_LONG} if len(pieces) > _FEW else set[bytes]()
        self._searches = [_Search(some, together) for some, together in ((long, 8), (set(pieces) - long, 4)) if some]

    def found_in(self, content: bytes) -> set[bytes]:
        """Those of the pieces that stand in it."""
        return set().union(*(search.found_in(content) for search in self._searches))


class _Search:
    """Pieces that are recognised by so many bytes together, all at places of the same distance."""

    def __init__(self, pieces: Collection[bytes], together: int) -> None:
        import numpy as np

        self._together = together
        step = self._step = together if min(map(len, pieces)) >= 2 * together - 1 else together // 2
        self._grams: dict[int, list[tuple[int, bytes]]] = {}
        """(how far into the piece, piece) by the bytes that stand there."""
        for piece in pieces:
            for into in range(len(piece) - together - step + 1, len(piece) - together + 1):
                gram = int.from_bytes(piece[into : into + together], "little")
                self._grams.setdefault(gram, []).append((into, piece))
        # Thirty places of the table for each gram, as far as it stays small: what is random passes seldom.
        self._bits = min(max((len(self._grams) * 30).bit_length(), _LEAST_BITS), _MOST_BITS)
        self._type = f"<u{together}"
        # Room for what is made of each stretch: taking it anew every time takes as long as the rest.
        self._spread = np.empty(_STRETCH, dtype=self._type)
        self._slots = np.empty(_STRETCH, dtype="i8")
        self._passed = np.empty(_STRETCH, dtype=bool)
        self._may_stand = np.zeros(1 << self._bits, dtype=bool)
        grams = np.fromiter(self._grams, dtype=self._type, count=len(self._grams))
        for first in range(0, len(grams), _STRETCH):
            self._may_stand[self._slots_of(grams[first : first + _STRETCH])] = True

    def found_in(self, content: bytes) -> set[bytes]:
        import numpy as np

        found: set[bytes] = set()
        for phase in range(0, min(self._together, len(content)), self._step):
            count = (len(content) - phase) // self._together
            for first in range(0, count, _STRETCH):
                start, several = phase + first * self._together, min(count - first, _STRETCH)
                grams = np.frombuffer(content, dtype=self._type, count=several, offset=start)
                passed = self._may_stand.take(self._slots_of(grams), mode="wrap", out=self._passed[:several])
                places = np.flatnonzero(passed)
                for place, gram in zip(places.tolist(), grams[places].tolist(), strict=True):
                    for into, piece in self._grams.get(gram, ()):
                        at = start + place * self._together - into
                        if at >= 0 and content.startswith(piece, at):
                            found.add(piece)
        return found

    def _slots_of(self, grams: "_Grams") -> "_Slots":
        import numpy as np

        spread, slots = self._spread[: len(grams)], self._slots[: len(grams)]
        np.multiply(grams, grams.dtype.type(_SCATTER[self._together]), out=spread)
        np.right_shift(spread, grams.dtype.type(self._together * 8 - self._bits), out=spread)
        # As the numbers that numpy indexes with: looking up any others takes twice as long.
        slots[:] = spread
        return slots
