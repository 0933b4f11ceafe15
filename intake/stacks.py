"""A stack of letters scanned at once, with separator sheets between them: which page belongs to which letter.

Pure planning, without reading a file: the pool and the pipeline use it beside the keys. Cutting the file itself is in
stack_cutting.py and runs in a worker.

- A sheet is a page with a separator code and few words, or with printing instructions that call it a sheet (the one
  that scanner makers give away has a whole text). Any other page with the code is a letter's own, whatever its sender
  printed there: it begins a letter and stays.
- One blank page right behind a sheet is the sheet's own back. Every other blank page stays with its letter.
- A sheet at the beginning or the end, or a second one in a row, makes no letter. Sheets alone are no stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from poststelle.records import Barcode, PageOrigin, RecognisedPage

SEPARATOR = "PATCHT"
"""What the code on a separator sheet says."""
MOST_WORDS_ON_A_SHEET = 80
MOST_WORDS_OF_INSTRUCTIONS = 400
_CALLS_ITSELF = ("patch", "separator", "trennblatt", "trennseite")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What becomes of each page of a stack; every page number is in exactly one of the three."""

    letters: tuple[tuple[int, ...], ...]
    """1-based page numbers of each letter, in order."""
    separators: tuple[int, ...]
    blanks: tuple[int, ...] = ()
    """Backs of separator sheets."""

    @property
    def pages(self) -> int:
        """How many pages the stack has."""
        return sum(map(len, self.letters)) + len(self.separators) + len(self.blanks)


def plan_stack(pages: Sequence[RecognisedPage], barcodes: Sequence[Barcode]) -> StackPlan | None:
    """How a file is to be cut into letters; None if it has no separator sheets or nothing but them."""
    marked = {code.page for code in barcodes if code.text.strip() == SEPARATOR}
    sheets = {page.number for page in pages if page.number in marked and _is_sheet(page)}
    if not marked:
        return None
    letters: list[list[int]] = [[]]
    blanks: list[int] = []
    for page in pages:
        if page.number in sheets:
            letters.append([])
        elif page.origin is PageOrigin.BLANK and page.number - 1 in sheets:
            blanks.append(page.number)
        elif page.number in marked:
            letters.append([page.number])
        else:
            letters[-1].append(page.number)
    found = tuple(tuple(letter) for letter in letters if letter)
    if not found or (len(found) == 1 and not sheets):
        return None
    return StackPlan(letters=found, separators=tuple(sorted(sheets)), blanks=tuple(blanks))


def _is_sheet(page: RecognisedPage) -> bool:
    if len(page.words) <= MOST_WORDS_ON_A_SHEET:
        return True
    said = sum(word in page.text.lower() for word in _CALLS_ITSELF)
    return said >= 2 and len(page.words) <= MOST_WORDS_OF_INSTRUCTIONS


def letter_pages(pages: Sequence[RecognisedPage], numbers: Sequence[int]) -> tuple[RecognisedPage, ...]:
    """The pages of one letter of a stack, counted from 1 again."""
    by_number = {page.number: page for page in pages}
    return tuple(replace(by_number[number], number=place) for place, number in enumerate(numbers, 1))


def letter_barcodes(barcodes: Sequence[Barcode], numbers: Sequence[int]) -> tuple[Barcode, ...]:
    """The codes on the pages of one letter of a stack, counted from 1 again."""
    places = {number: place for place, number in enumerate(numbers, 1)}
    return tuple(replace(code, page=places[code.page]) for code in barcodes if code.page in places)
