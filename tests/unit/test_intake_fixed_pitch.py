"""Lists of line printers: a number that the engine cut in two is one again, and neighbours stay neighbours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy
import pytest

from bench.hard_pages import fixed_pitch_list, worn
from intake.engine import FoundWord, open_engine
from intake.fixed_pitch import find_pitch, with_whole_numbers
from intake.page import read_page
from intake.reading import Scan

if TYPE_CHECKING:
    from intake.engine import Grey

STEP, TALL = 20, 20
WHITE = numpy.full((1200, 1600), 255, numpy.uint8)


def ink(sign: str) -> float:
    """How much of its cell a sign fills."""
    return 0.24 if sign in ".,:;„‚" else 0.7


def placed(text: str, cell: int, line: int) -> FoundWord:
    """A word in fixed pitch, from that cell of its line on, boxed by its ink as engines do."""
    left = (cell + 0.5 - ink(text[0]) / 2) * STEP
    right = (cell + len(text) - 0.5 + ink(text[-1]) / 2) * STEP
    return FoundWord(
        text=text, left=round(left), top=40 * line, right=round(right), bottom=40 * line + TALL,
        confidence=0.9, line=line, block=0,
    )  # fmt: skip


NAMES = tuple(placed(name, 0, line) for line, name in enumerate(["Sechskantschraube", "Dichtungsring"] * 8, start=1))
"""What makes the page one in fixed pitch."""


def numbers(*words: FoundWord, page: "Grey" = WHITE) -> list[str]:
    """What is on the first line after the numbers were looked at."""
    return [word.text for word in with_whole_numbers([*words, *NAMES], page) if word.line == 0]


@pytest.mark.parametrize(
    ("one", "other", "whole"),
    [
        ("218", ".677,99", "218.677,99"),
        ("109.", "199,40", "109.199,40"),
        ("210:", "284,92", "210.284,92"),
        ("51", "„484,35", "51.484,35"),
        ("53,", "679,60", "53.679,60"),
        ("243", "‚76", "243,76"),
        ("60", "38", "6038"),
        ("12.", "05.2026", "12.05.2026"),
    ],
)
def test_a_number_that_was_cut_in_two_is_one_again(one: str, other: str, whole: str) -> None:
    """Whoever searches for 218.677,99 or checks the sum of an invoice needs the whole amount, not its end."""
    assert numbers(placed(one, 30, 0), placed(other, 30 + len(one), 0)) == [whole]


@pytest.mark.parametrize(
    ("one", "other"),
    [("46", "889,70"), ("896,92.", "429.624,68"), ("1", "234,56"), ("2026.", "677"), ("12", "34")],
    ids=["columns", "dust behind the first", "blank for thousands", "end of a sentence", "plain"],
)
def test_numbers_with_a_blank_between_them_stay_apart(one: str, other: str) -> None:
    """A quantity and a price glued together would be an amount that nobody wrote."""
    gap = 0 if one == "896,92." else 1  # the point that is none stands where the blank is

    assert numbers(placed(one, 30, 0), placed(other, 30 + len(one) + gap, 0)) == [one, other]


def test_a_digit_read_for_a_point_makes_no_amount() -> None:
    """ "1384252,50" would be taken for more than a million; as it was read, a person sees that something is wrong."""
    assert numbers(placed("1384", 30, 0), placed("252,50", 34, 0)) == ["1384", "252,50"]


@pytest.mark.parametrize(("rows", "text"), [(range(16, 20), ["133.252,50"]), (range(4, 20), ["133", "252,50"])])
def test_a_point_that_was_not_read_is_told_by_its_ink(rows: range, text: list[str]) -> None:
    """A point is small and stands low; a stroke between two numbers is none, nor is white."""
    page = WHITE.copy()
    page[rows.start : rows.stop, round(33.4 * STEP) : round(33.6 * STEP)] = 0
    words = placed("133", 30, 0), placed("252,50", 34, 0)

    assert numbers(*words, page=page) == text
    assert numbers(*words) == ["133", "252,50"]


def test_running_text_is_left_alone() -> None:
    """In other faces a blank is narrower than a digit: there the gap says nothing."""
    letters = [replace(word, right=word.right + 9 * (place % 4)) for place, word in enumerate(NAMES)]
    words = [placed("218", 30, 0), placed(".677,99", 33, 0), *letters]

    assert find_pitch(NAMES) == pytest.approx(STEP, rel=0.05)
    assert find_pitch(letters) is None
    assert with_whole_numbers(words, WHITE) == words


@pytest.mark.parametrize(
    ("answer", "taken"),
    [("4.222,40", True), ("14.222,40", False), (".222,40", False), ("4.222,4O", False)],
    ids=["fits", "too long for its cells", "no amount", "a letter"],
)
def test_a_digit_that_was_left_out_is_read_again_if_it_fits(answer: str, taken: bool) -> None:
    """An amount without its first digit is the worst of errors; one made up would be as bad."""
    shown: list[Grey] = []

    def read_strip(strip: "Grey") -> Sequence[FoundWord]:
        shown.append(strip)
        # Its ink runs over the cells of "4.222,40", whatever was read.
        return [replace(placed("4.222,40", 1, 0), text=answer)]

    words = [placed("32", 20, 0), placed(".222,40", 31, 0), *NAMES]
    read = [word.text for word in with_whole_numbers(words, WHITE, read_strip) if word.line == 0]

    assert len(shown) == 1  # what is whole is not looked at again
    assert read == ["32", answer if taken else ".222,40"]


@dataclass(slots=True)
class Counting:
    """The engine, each call noted."""

    engine: object = field(default_factory=lambda: open_engine("auto"))
    in_process: bool = True
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Pass on."""
        self.engine.prepare(languages)  # type: ignore[attr-defined]

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """Pass on, and note."""
        self.shapes.append(image.shape)
        return self.engine.recognise(image, dpi, languages, simple)  # type: ignore[attr-defined, no-any-return]


def test_amounts_of_a_scanned_list_are_found() -> None:
    """Somebody looks for an amount on a list of accounts: of its amounts over a thousand most were in two pieces."""
    drawn, engine = fixed_pitch_list(200, seed=1, rows=16), Counting()
    scan = Scan(grey=numpy.ascontiguousarray(worn(drawn.image, "office", 200, 1)), dpi=200)

    read = " ".join(word.text for word in read_page(scan, engine, ("deu",), simple=False).words)

    wanted = re.findall(r"\d{1,3}\.\d{3},\d\d", drawn.text)
    assert len(wanted) >= 10
    assert sum(amount in read.split() for amount in wanted) >= 0.85 * len(wanted)
    assert len(engine.shapes) < 10  # only what is doubtful is looked at again
    assert sum(height * width for height, width in engine.shapes[1:]) < 0.05 * scan.grey.size
