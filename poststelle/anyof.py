"""Finds which of many pieces stand anywhere in stretches of bytes, in one pass: Aho and Corasick's automaton (1975).

The library reports no two matches that overlap when it is at its quickest, which it is for few pieces: then it compares
many places with all of them at once. So few pieces are looked for until nothing more is found, without those that were
found; of many, all matches are reported, overlapping ones too.
"""

from collections.abc import Collection, Iterable, Sequence

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

_FEW = 60
"""Up to so many pieces, the library compares sixteen or more places at once."""
_QUICKLY = 6 * _FEW
"""Up to so many, several such passes are quicker than one of the other kind (measured: 1.5 and 11 µs a page)."""
_LARGE_TABLE = 10_000
"""Up to so many, the automaton may have an entry for every byte: twice as quick, at three times the memory."""
_UNALIKE = tuple(bytes([byte]) * 8 for byte in range(0xF8, 0x100))
"""Looked for beside few pieces: where up to three rare bytes tell where any of the pieces may stand, the library looks
for those instead, and among the numbers of an index hardly a byte is rare (measured: 1.2 µs a page with, up to 25
without)."""


class AnyOf:
    """Pieces to be looked for together, in one content after the other. Not shared between threads."""

    def __init__(self, pieces: Collection[bytes]) -> None:
        """Raises ValueError for an empty piece."""
        if not all(pieces):
            raise ValueError("an empty piece stands everywhere")
        self.found: set[bytes] = set()
        """Those of the pieces that stood in what was looked through so far."""
        ordered = sorted(set(pieces))
        self._searches: list[_Few | _Many] = (
            [_Few(ordered[at : at + _FEW]) for at in range(0, len(ordered), _FEW)]
            if len(ordered) <= _QUICKLY
            else [_Many(ordered)]
        )

    def look_in(self, content: bytes) -> bool:
        """Look for the pieces; whether one of them stands here that was not found before."""
        before = len(self.found)
        for search in self._searches:
            self.found |= search.found_in(content)
        return len(self.found) > before

    def look_through(self, contents: Iterable[bytes]) -> set[bytes]:
        """Look for the pieces in each; those that were found by now."""
        for content in contents:
            self.look_in(content)
        return self.found


class _Few:
    """Pieces that are looked for without overlaps, until they are found."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._look_for(pieces)

    def _look_for(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._automaton = BytesAhoCorasick([*pieces, *_UNALIKE], MatchKind.LeftmostFirst)

    def found_in(self, content: bytes) -> set[bytes]:
        found: set[bytes] = set()
        while self._pieces and (matches := self._automaton.find_matches_as_indexes(content)):
            numbers = {number for number, _, _ in matches}
            here = {self._pieces[number] for number in numbers if number < len(self._pieces)}
            if not here:
                here = {piece for piece in self._pieces if piece in content}
            if not here:
                break
            found |= here
            # What overlaps with something that was found has not been reported.
            self._look_for([piece for piece in self._pieces if piece not in here])
        return found


class _Many:
    """Pieces that are looked for with overlaps."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        kind = Implementation.DFA if len(pieces) <= _LARGE_TABLE else Implementation.ContiguousNFA
        self._automaton = BytesAhoCorasick(pieces, implementation=kind)

    def found_in(self, content: bytes) -> set[bytes]:
        matches = self._automaton.find_matches_as_indexes(content, overlapping=True)
        return {self._pieces[number] for number, _, _ in matches}
