"""Whatever a worker answers, the pool believes only what an honest one could have said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.answers import Implausible, page_answer, page_from_answer
from intake.engine import FoundWord
from intake.page import PageFindings
from poststelle.records import PageOrigin

SIDE = 2000
LETTERS = st.characters(exclude_categories=("C", "Z"))
WORDS = st.lists(
    st.builds(
        FoundWord,
        text=st.text(LETTERS, min_size=1, max_size=12),
        left=st.integers(0, SIDE),
        top=st.integers(0, SIDE),
        right=st.integers(0, SIDE),
        bottom=st.integers(0, SIDE),
        confidence=st.floats(0, 1).map(lambda value: round(value, 3)),
        line=st.integers(0, 50),
        block=st.integers(0, 9),
    ),
    max_size=20,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HONEST = page_answer(
    PageFindings(
        width_px=SIDE,
        height_px=SIDE,
        dpi=200,
        origin=PageOrigin.OCR,
        words=[
            FoundWord(text="Brief", left=1, top=2, right=30, bottom=20, confidence=0.9, line=0, block=0),
            FoundWord(text="vom", left=40, top=2, right=60, bottom=20, confidence=0.7, line=0, block=0),
        ],
    )
)


@given(words=WORDS, origin=st.sampled_from([PageOrigin.OCR, PageOrigin.TEXT_LAYER]), turn=st.sampled_from([0, 90, 180]))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_an_honest_answer_arrives_unchanged(words: list[FoundWord], origin: PageOrigin, turn: int) -> None:
    """What was read is what is filed: every word, place and confidence."""
    findings = PageFindings(
        width_px=SIDE, height_px=SIDE, dpi=200, origin=origin, words=words, rotation_degrees=turn, skew_degrees=1.5
    )

    page = page_from_answer(page_answer(findings), 3)

    assert [(w.text, w.left, w.top, w.right, w.bottom, w.confidence, w.line, w.block) for w in page.words] == [
        (w.text, w.left, w.top, w.right, w.bottom, w.confidence, w.line, w.block) for w in words
    ]
    assert (page.number, page.origin, page.rotation_degrees, page.skew_degrees) == (3, origin, turn, 1.5)
    assert page.text.split() == [word.text for word in words]


@given(field=st.sampled_from(sorted(HONEST)), value=JSON)
@settings(derandomize=True, max_examples=200, deadline=None)
def test_a_field_of_any_other_shape_is_refused_or_harmless(field: str, value: object) -> None:
    """A worker taken over by hostile mail must not crash the process that holds the keys."""
    try:
        page = page_from_answer(HONEST | {field: value}, 1)
    except Implausible:
        return

    assert 0.0 <= page.confidence <= 1.0
    assert page.text.encode("utf-8")[:1] in (b"B", b"")
    assert all(word.right <= page.width_px for word in page.words)


@pytest.mark.parametrize("text", ["", "a\nb", "a\x00b", "\x1b[31m", "\ud800", "\u202e", "x" * 3000])
def test_words_that_are_none_are_refused(text: str) -> None:
    """Control characters in a word could steer a clerk's terminal or break a file format later."""
    with pytest.raises(Implausible):
        page_from_answer(HONEST | {"words": [[text, 0, 0, 1, 1, 0.5, 0, 0]]}, 1)
