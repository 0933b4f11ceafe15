"""Looking for many pieces at once finds what looking for each would; proofs of erasure rest on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poststelle.anyof import SHORTEST_PIECE, AnyOf

# Few different bytes: pieces begin alike, overlap and stand in one another.
_PIECES = st.sets(st.lists(st.sampled_from(b"abc_\xc3"), min_size=SHORTEST_PIECE, max_size=12).map(bytes), max_size=8)
_REST = st.lists(st.sampled_from(b"abc_\xc3\x00"), max_size=60).map(bytes)


@given(pieces=_PIECES, rest=_REST, data=st.data())
def test_a_piece_is_found_wherever_it_stands(pieces: set[bytes], rest: bytes, data: st.DataObject) -> None:
    """A removed name on any byte of a page must not be passed over, and a page without it is none with it."""
    content = rest
    for piece in data.draw(st.lists(st.sampled_from(sorted(pieces)))) if pieces else []:
        at = data.draw(st.integers(0, len(content)))
        content = content[:at] + piece + content[at:]

    assert AnyOf(pieces).found_in(content) == {piece for piece in pieces if piece in content}


def test_a_piece_is_found_across_the_stretches_that_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key store is hundreds of megabytes and is looked at stretch by stretch; a wrap may lie over an edge."""
    monkeypatch.setattr("poststelle.anyof._STRETCH", 8)
    pieces = {b"sixsix", b"sevenseven", bytes(range(16))}
    for at in range(70):
        for piece in pieces:
            assert AnyOf(pieces).found_in(b"." * at + piece + b"." * 40) == {piece}


def test_too_short_a_piece_is_refused() -> None:
    """It would be passed over silently at some places."""
    with pytest.raises(ValueError, match="at least 6"):
        AnyOf({b"short"})
