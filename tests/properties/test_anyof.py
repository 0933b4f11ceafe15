"""Looking for many pieces at once finds what looking for each would; proofs of erasure rest on it."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poststelle.anyof import _UNALIKE, AnyOf

# Few different bytes: pieces begin alike, overlap and stand in one another.
_PIECES = st.sets(st.lists(st.sampled_from(b"abc_\xc3"), min_size=1, max_size=12).map(bytes), max_size=8)
_REST = st.lists(st.sampled_from(b"abc_\xc3\x00"), max_size=60).map(bytes)


def _found(pieces: set[bytes], *contents: bytes) -> set[bytes]:
    return AnyOf(pieces).look_through(contents)


@pytest.mark.parametrize(
    ("others", "large_table"),
    [(0, 10_000), (100, 10_000), (500, 10_000), (500, 100)],
    ids=["few", "in several passes", "many", "very many"],
)
@given(pieces=_PIECES, rest=_REST, data=st.data())
def test_a_piece_is_found_wherever_it_stands(
    others: int, large_table: int, pieces: set[bytes], rest: bytes, data: st.DataObject
) -> None:
    """A removed name on any byte of a page must not be passed over, and a page without it is none with it."""
    content = rest
    for piece in data.draw(st.lists(st.sampled_from(sorted(pieces)))) if pieces else []:
        at = data.draw(st.integers(0, len(content)))
        content = content[:at] + piece + content[at:]
    beside = {b"other %d" % number for number in range(others)}

    with patch("poststelle.anyof._LARGE_TABLE", large_table):
        assert _found(pieces | beside, content) == {piece for piece in pieces if piece in content}


def test_every_one_of_many_pieces_is_found() -> None:
    """The erasure of a whole year looks for tens of thousands of names and numbers."""
    pieces = {b"name %d." % number for number in range(0, 30_000, 7)}

    assert _found(pieces, b" ".join(b"name %d." % number for number in range(30_000))) == pieces
    assert _found(pieces, b" ".join(b"name %d." % number for number in range(1, 30_000, 7))) == set()


def test_what_was_found_before_hides_nothing_that_comes_later() -> None:
    """The pages of an index are looked through one after the other, and the same name stands on many."""
    assert _found({b"Kosten", b"Nebenkosten", b"kostenlos"}, b"kostenlos", b"Nebenkostenlos Kosten") == {
        b"Kosten",
        b"Nebenkosten",
        b"kostenlos",
    }
    assert _found({b"Name"}, b"nothing", b"", b"the Name") == {b"Name"}
    assert not AnyOf({b"Name"}).look_in(b"another name")


@pytest.mark.parametrize("beside", _UNALIKE, ids=bytes.hex)
def test_a_run_of_equal_bytes_hides_no_piece(beside: bytes) -> None:
    """They are looked for beside the pieces, for speed alone."""
    piece = beside[:3] + b"Name"
    assert _found({piece, b"other"}, beside + piece + beside) == {piece}
    assert _found({piece, b"other"}, beside + b"other") == {b"other"}
    assert _found({piece}, beside + b"Name") == {piece}


def test_nothing_is_no_piece() -> None:
    """It would stand everywhere."""
    with pytest.raises(ValueError, match="empty"):
        AnyOf({b"", b"piece"})
