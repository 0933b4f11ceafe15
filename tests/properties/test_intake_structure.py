"""A file cut anywhere is known to be cut; a whole one is known to be whole."""

import struct

import pytest
from drawn_scans import encoded, letter, pdf, slip
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.structure import is_complete

WHOLE = {
    "png": encoded(slip("Brief"), "PNG"),
    "jpeg": encoded(letter(), "JPEG"),
    "tiff": encoded([slip("eins"), slip("zwei")], "TIFF", compression="tiff_lzw"),
    "bigtiff": encoded([slip("eins"), slip("zwei")], "TIFF", big_tiff=True),
    "pdf": pdf([b"", b""], scan=slip("Brief")),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_is_whole(kind: str) -> None:
    """A letter must not wait a quarter of an hour and then go to quarantine."""
    assert is_complete(WHOLE[kind])


@pytest.mark.parametrize("kind", ["png", "jpeg", "pdf"])
@given(data=st.data())
@settings(derandomize=True, max_examples=150, deadline=None)
def test_a_file_that_is_cut_is_not_whole(kind: str, data: st.DataObject) -> None:
    """Whoever's scanner lost the network must not find half a letter in the archive."""
    whole = WHOLE[kind].rstrip()
    kept = data.draw(st.integers(min_value=20, max_value=len(whole) - 1))

    assert not is_complete(whole[:kept])


@pytest.mark.parametrize("kind", ["tiff", "bigtiff"])
@given(data=st.data())
@settings(derandomize=True, max_examples=150, deadline=None)
def test_a_tiff_without_its_pictures_or_directories_is_not_whole(kind: str, data: st.DataObject) -> None:
    """A TIFF's directories may come last or first: every byte they name must be there."""
    whole = WHOLE[kind]
    kept = data.draw(st.integers(min_value=20, max_value=int(len(whole) * 0.9)))

    assert not is_complete(whole[:kept])


@given(junk=st.binary(max_size=300), head=st.sampled_from([whole[:16] for whole in WHOLE.values()]))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_hostile_bytes_get_an_answer(junk: bytes, head: bytes) -> None:
    """This code runs beside the keys: it must neither raise nor hang, whatever is dropped."""
    assert is_complete(head + junk) in (True, False)


def test_a_tiff_whose_directories_form_a_ring_ends() -> None:
    """A two-page file that says "and then page one again" must not hang the mail room."""
    ring = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + struct.pack("<HHII", 256, 3, 1, 5)
    ring += struct.pack("<I", 8)

    assert is_complete(ring) in (True, False)


def test_a_linearised_pdf_that_is_cut_is_not_whole() -> None:
    """Its first trailer stands near the beginning: a cut file shows a proper end."""
    head = b"%PDF-1.7\n1 0 obj << /Linearized 1 /L 90000 /H [ 500 20 ] >> endobj\n"
    cut = head + b"x" * 500 + b"\nstartxref\n0\n%%EOF\n" + b"y" * 200

    assert not is_complete(cut)
    assert is_complete(cut.ljust(90_000 - 30) + b"\nstartxref\n171\n%%EOF\n".rjust(30))


def test_padding_and_late_ends_are_allowed() -> None:
    """Some scanners fill the last block with zeros, some cameras append a preview."""
    assert is_complete(WHOLE["pdf"] + bytes(512))
    assert is_complete(WHOLE["jpeg"] + b"preview" * 100)


def test_files_we_do_not_know_are_judged_elsewhere() -> None:
    """They go to quarantine as unsupported at once, not after a quarter of an hour."""
    assert is_complete(b"PK\x03\x04 a spreadsheet")
