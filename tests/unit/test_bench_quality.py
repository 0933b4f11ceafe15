"""The yardsticks for recognition and searchable PDFs: one that finds everything good measures nothing."""

from collections import Counter
from dataclasses import replace

import numpy
import pytest
from PIL import Image

from bench.engines import differences
from bench.hard_pages import blank_page, fixed_pitch_list, nearly_blank_page, with_reverse, with_stamp
from bench.recognition import field_recall, fields_of
from bench.renditions import TOLERANCE_MM, Place, is_there

SEEN = Place(text="Rechnung", left=20.0, right=38.0, top=50.0, bottom=53.0)


def test_a_word_is_found_only_where_it_was_seen() -> None:
    """Whoever marks a word in the viewer must not mark the one beside or below it."""
    beside = replace(SEEN, left=SEEN.left + 2 * TOLERANCE_MM, right=SEEN.right + 2 * TOLERANCE_MM)
    longer = replace(SEEN, right=SEEN.right + 2 * TOLERANCE_MM)
    below = replace(SEEN, top=54.0, bottom=57.0)

    assert is_there(SEEN, replace(SEEN, left=20.4, top=49.0, bottom=54.0))
    assert not any(is_there(SEEN, other) for other in (beside, longer, below))


def test_fields_count_once_each_and_only_if_every_figure_is_right() -> None:
    """A wrong digit in an account number is as bad as none."""
    truth = "Rechnung RE-2026-00017 vom 05.03.2026 über 1.284,50 EUR, IBAN DE02 1203 0000 0000 2020 51"

    assert fields_of(truth) == Counter(
        {
            ("reference", "RE-2026-00017"): 1,
            ("date", "2026-03-05"): 1,
            ("amount", "1284.50"): 1,
            ("iban", "DE02120300000000202051"): 1,
        }
    )
    assert field_recall([truth], [truth]) == 1.0
    assert field_recall([truth.replace("2020 51", "2020 57").replace("1.284", "1.234")], [truth]) == 0.5


def test_two_texts_differ_where_they_differ_and_not_in_their_lines() -> None:
    """Two versions of one engine break lines differently; that is no different reading."""
    assert list(differences("Summe\n4,20 EUR", "Summe 4,20 EUR")) == []
    assert list(differences("Summe 4,20", "Summe 4,26")) == [("0", "6")]


@pytest.mark.parametrize("preset", ["clean", "office", "bad"])
def test_hard_pages_are_as_hard_as_they_say(preset: str) -> None:
    """A stamp beside the paper, or a line that was never drawn, would make the limits easy to keep."""
    empty = numpy.asarray(blank_page(preset, 60, seed=3))
    short = numpy.asarray(nearly_blank_page(preset, 60, seed=3))
    written = fixed_pitch_list(60, seed=3)
    stamped = with_stamp(Image.fromarray(empty), 60, seed=3)
    thin = with_reverse(Image.fromarray(empty), written.image)

    assert empty.shape == short.shape
    assert (short.astype(int) < empty.astype(int) - 60).sum() > 10
    assert (numpy.asarray(stamped).astype(int) < empty.astype(int) - 60).sum() > 100
    darker = empty.astype(int) - numpy.asarray(thin).astype(int)
    assert darker.max() > 8
    assert darker.max() < 80
    assert len(written.text.splitlines()) == 39
