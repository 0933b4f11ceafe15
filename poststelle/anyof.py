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
_SCATTER = {4: 0x9E3779B1, 8: 0x9E3779B97F4A7C15}
"""Odd numbers whose product spreads grams that are alike over the whole table (Knuth, multiplicative hashing)."""
_LEAST_BITS, _MOST_BITS = 16, 24
_STRETCH = 1 << 20
"""Grams that are looked at in one go: what is made of them meanwhile takes ten megabytes."""


class AnyOf:
    """Pieces to be looked for together."""

    def __init__(self, pieces: Collection[bytes]) -> None:
        """Raises ValueError for a piece that is shorter than SHORTEST_PIECE."""
        if any(len(piece) < SHORTEST_PIECE for piece in pieces):
            raise ValueError(f"pieces of at least {SHORTEST_PIECE} bytes can be looked for")
        short = {piece for piece in pieces if len(piece) < _SHORTEST_LONG}
        self._searches = [_Search(some, together) for some, together in ((set(pieces) - short, 8), (short, 4)) if some]

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
        self._may_stand = np.zeros(1 << self._bits, dtype=bool)
        self._may_stand[self._slots(np.fromiter(self._grams, dtype=self._type, count=len(self._grams)))] = True

    @property
    def _type(self) -> str:
        return f"<u{self._together}"

    def found_in(self, content: bytes) -> set[bytes]:
        import numpy as np

        found: set[bytes] = set()
        for phase in range(0, min(self._together, len(content)), self._step):
            count = (len(content) - phase) // self._together
            for first in range(0, count, _STRETCH):
                start = phase + first * self._together
                grams = np.frombuffer(content, dtype=self._type, count=min(count - first, _STRETCH), offset=start)
                places = np.flatnonzero(self._may_stand.take(self._slots(grams), mode="wrap"))
                for place, gram in zip(places.tolist(), grams[places].tolist(), strict=True):
                    for into, piece in self._grams.get(gram, ()):
                        at = start + place * self._together - into
                        if at >= 0 and content.startswith(piece, at):
                            found.add(piece)
        return found

    def _slots(self, grams: "_Grams") -> "_Slots":
        scatter = grams.dtype.type(_SCATTER[self._together])
        slots = (grams * scatter) >> grams.dtype.type(self._together * 8 - self._bits)
        # As the numbers that numpy indexes with: looking up any others takes twice as long.
        return slots.view("i8") if self._together == 8 else slots.astype("i8")
