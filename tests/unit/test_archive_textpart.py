"""The text part: everything a letter says comes back as it was recognised."""

import json
import zlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed_letters import INVOICE, typed

from archive.textpart import (
    LetterText,
    QuarantineText,
    decode_letter,
    decode_quarantine,
    encode_letter,
    encode_quarantine,
    index_entry,
)
from poststelle.errors import Damaged
from poststelle.records import (
    ClassifiedDocument,
    Fact,
    PageOrigin,
    Reason,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
    Word,
)

# File names may hold bytes that are no text: they arrive as surrogate escapes.
names = st.text(st.characters(codec="utf-8"), min_size=1) | st.binary(min_size=1).map(
    lambda raw: raw.decode("utf-8", "surrogateescape")
)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
shares = st.integers(0, 1000).map(lambda n: n / 1000)
words = st.builds(
    Word, text=texts, left=st.integers(0, 9999), top=st.integers(0, 9999), right=st.integers(0, 9999),
    bottom=st.integers(0, 9999), confidence=shares, line=st.integers(0, 200), block=st.integers(0, 50),
)  # fmt: skip
pages = st.builds(
    RecognisedPage, number=st.integers(1, 2000), width_px=st.integers(0, 9999), height_px=st.integers(0, 9999),
    dpi=st.integers(1, 1200), origin=st.sampled_from(PageOrigin), words=st.lists(words, max_size=3).map(tuple),
    text=texts, confidence=shares, rotation_degrees=st.sampled_from([0, 90, 180, 270]),
    skew_degrees=st.integers(-5000, 5000).map(lambda n: n / 1000), notes=st.lists(texts, max_size=2).map(tuple),
)  # fmt: skip
files = st.builds(
    ScannedFile, document_id=st.just("ab" * 16), source_name=names, size_bytes=st.integers(0, 2**40),
    sha256=st.just("cd" * 32), received_at=st.just(datetime(2026, 3, 17, 8, 0, 1, 5, tzinfo=UTC)),
    hint=st.none() | names,
)  # fmt: skip
letters = st.builds(
    LetterText,
    classified=st.builds(
        ClassifiedDocument,
        document=st.builds(
            RecognisedDocument, file=files, media_type=st.just("application/pdf"),
            pages=st.lists(pages, max_size=3).map(tuple),
        ),
        record_class=st.just("invoice"), confidence=shares, compartment=st.just("finance"), needs_review=st.booleans(),
        reasons=st.lists(st.builds(Reason, text=texts, weight=shares), max_size=3).map(tuple),
        facts=st.lists(
            st.builds(Fact, name=texts, value=texts, confidence=shares, page=st.none() | st.integers(1, 99)), max_size=3
        ).map(tuple),
        review_reasons=st.lists(texts, max_size=2).map(tuple),
    ),
    received_on=st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    duplicate_of=st.none() | st.just("ef" * 16),
)  # fmt: skip


@given(letters)
def test_a_letter_comes_back_as_it_was(letter: LetterText) -> None:
    """What was recognised, with its boxes and its odd file names, is kept for decades: nothing may be lost."""
    assert decode_letter(encode_letter(letter)) == letter


@given(files, texts, texts)
def test_a_quarantined_file_comes_back_as_it_was(file: ScannedFile, code: str, reason: str) -> None:
    """The clerk must read the reason and the file's own name."""
    item = QuarantineText(file=file, reason_code=code, reason=reason)
    assert decode_quarantine(encode_quarantine(item)) == item


def test_another_format_or_kind_is_refused() -> None:
    """A newer program's text must not be half understood, nor a quarantined file be shown as a letter."""
    letter = LetterText(
        classified=ClassifiedDocument(
            document=typed(INVOICE), record_class="invoice", confidence=1.0, compartment="finance", needs_review=False
        ),
        received_on=date(2026, 3, 17),
    )
    value = json.loads(zlib.decompress(encode_letter(letter)))
    assert decode_letter(zlib.compress(json.dumps(value).encode())) == letter, "the control"
    for changed in ({"format": 2}, {"kind": "quarantine"}):
        with pytest.raises(Damaged):
            decode_letter(zlib.compress(json.dumps(value | changed).encode()))
    with pytest.raises(Damaged):
        decode_quarantine(encode_letter(letter))


def test_the_index_gets_what_search_needs() -> None:
    """A letter without a subject or a date must still be found, by its first words and its day of receipt."""
    plain = ClassifiedDocument(
        document=typed(INVOICE), record_class="invoice", confidence=1.0, compartment="finance", needs_review=False
    )
    received = date(2026, 3, 17)
    bare = index_entry(LetterText(classified=plain, received_on=received), "FIN-2026-000001", 7)
    assert (bare.dated_on, bare.sequence, bare.sender) == (received, 7, "")
    assert bare.title.startswith("Tischlerei Morgenstern")
    assert len(bare.title) <= 122
