"""Searchable PDFs: is every recognised word found again at its place by another reader, and what do they weigh?

One command, no arguments needed: `python bench/renditions.py [--letters 2]`. Letters of every preset are written as
each kind of file that a scanner makes, recognised, and made searchable; pypdfium2 then reads the words back. A word
is found if one of the same letters stands within a millimetre of it at both ends and on the same height. Exit status
0 if every limit is kept.
"""

import argparse
import io
import mmap
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

# One thread, as in the product's workers; the library looks when it is loaded.
os.environ["OMP_THREAD_LIMIT"] = "1"

import pypdfium2
from pikepdf.pdfa import validate_written

from bench.letters import Letter, make_letter, write_scan
from intake.answers import page_answer, page_from_answer
from intake.engine import Engine, open_engine
from intake.page import read_page
from intake.preloading import load_libraries
from intake.reading import open_pages
from intake.rendition import make_rendition, warm_up
from poststelle.records import RecognisedPage, Word

LANGUAGES = ("deu",)
PRESETS = ("clean", "office", "bad")
TOLERANCE_MM = 1.0
"""How far a word may stand from where it was seen, at either end."""
MM_PER_INCH, POINTS_PER_INCH = 25.4, 72
LARGEST_SHARE, LARGEST_BYTES = 0.10, 6_000
"""Allowed over the scan: this share of it, or so many bytes a page, whichever is more."""
UMLAUTS = frozenset("äöüÄÖÜß")
MAX_PIXELS = 120_000_000
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file."""

    name: str
    file: str
    colour: str = "grey"
    pages: int = 1
    turned: int = 0


KINDS = (
    Kind(name="PDF, grey", file="pdf"),
    Kind(name="PDF, colour", file="pdf", colour="colour"),
    Kind(name="PDF, bilevel", file="pdf", colour="bilevel"),
    Kind(name="PDF, lying on its side", file="pdf", turned=90),
    Kind(name="PDF, three pages", file="pdf", pages=3),
    Kind(name="TIFF G4", file="tiff", colour="bilevel"),
    Kind(name="TIFF G4, three pages", file="tiff", colour="bilevel", pages=3),
    Kind(name="TIFF, grey", file="tiff"),
    Kind(name="JPEG, grey", file="jpeg"),
    Kind(name="JPEG, colour", file="jpeg", colour="colour"),
    Kind(name="PNG, grey", file="png"),
    Kind(name="PNG, upside down", file="png", turned=180),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A word on a page as it is shown, in millimetres from its upper left corner."""

    text: str
    left: float
    right: float
    top: float
    bottom: float


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the files of one row."""

    files: int = 0
    pages: int = 0
    words: int = 0
    found: int = 0
    with_umlauts: int = 0
    umlauts_found: int = 0
    conforming: int = 0
    too_large: int = 0
    most_bytes: float = 0.0
    """Over the scan, for a page; the heaviest file counts."""
    most_share: float = 0.0
    cpu_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    """Words that were not found at their place, and where they stand instead."""

    def add(self, other: "Tally") -> None:
        """Add another row's files."""
        self.files += other.files
        self.pages += other.pages
        self.words += other.words
        self.found += other.found
        self.with_umlauts += other.with_umlauts
        self.umlauts_found += other.umlauts_found
        self.conforming += other.conforming
        self.too_large += other.too_large
        self.most_bytes = max(self.most_bytes, other.most_bytes)
        self.most_share = max(self.most_share, other.most_share)
        self.cpu_s += other.cpu_s
        self.lost += other.lost


def try_file(path: Path, engine: Engine) -> Tally:
    """Recognise a file, make it searchable, and read its words back."""
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    opened = open_pages(data, 10, MAX_PIXELS)
    try:
        pages = [
            page_from_answer(page_answer(read_page(opened.page(number), engine, LANGUAGES, simple=False)), number)
            for number in range(1, opened.count() + 1)
        ]
        media_type = opened.media_type
    finally:
        opened.close()
    original = path.read_bytes()
    began = time.process_time()
    rendition = make_rendition(original, media_type, pages)
    spent = time.process_time() - began
    over = len(rendition) - len(original)
    tally = Tally(
        files=1,
        pages=len(pages),
        conforming=int(validate_written(io.BytesIO(rendition), "2b").passed),
        too_large=int(over > max(LARGEST_SHARE * len(original), LARGEST_BYTES * len(pages))),
        most_bytes=over / len(pages),
        most_share=over / len(original),
        cpu_s=spent,
    )
    for page, shown in zip(pages, pypdfium2.PdfDocument(rendition), strict=True):
        _look_for_words(page, shown, tally)
    return tally


def _look_for_words(page: RecognisedPage, shown: Any, tally: Tally) -> None:
    """Count the words of the page that stand where they were seen."""
    width, height = (size * MM_PER_INCH / POINTS_PER_INCH for size in shown.get_size())
    read: defaultdict[str, list[Place]] = defaultdict(list)
    for place in words_of(shown):
        read[place.text].append(place)
    for word in page.words:
        seen = _seen(word, width / page.width_px, height / page.height_px)
        found = next((place for place in read[word.text] if is_there(seen, place)), None)
        if found is not None:
            read[word.text].remove(found)  # the same word twice has to be there twice
        else:
            near = min(read[word.text], key=lambda place: abs(place.left - seen.left), default=None)
            tally.lost.append(f"{seen} but {near}")
        has_umlaut = bool(UMLAUTS & set(word.text))
        tally.words += 1
        tally.found += found is not None
        tally.with_umlauts += has_umlaut
        tally.umlauts_found += has_umlaut and found is not None


def _seen(word: Word, mm_across: float, mm_down: float) -> Place:
    return Place(
        text=word.text,
        left=word.left * mm_across,
        right=word.right * mm_across,
        top=word.top * mm_down,
        bottom=word.bottom * mm_down,
    )


def is_there(seen: Place, read: Place) -> bool:
    """Whether both ends agree, and the word was seen on the height on which it is read."""
    return (
        abs(seen.left - read.left) <= TOLERANCE_MM
        and abs(seen.right - read.right) <= TOLERANCE_MM
        and read.top <= (seen.top + seen.bottom) / 2 <= read.bottom
    )


def words_of(shown: Any) -> Iterator[Place]:
    """The words of a page as pdfium gives them to whoever copies, with the boxes of their letters."""
    text_page = shown.get_textpage()
    letters: list[tuple[str, tuple[float, float, float, float]]] = []
    for index in range(text_page.count_chars()):
        letter = text_page.get_text_range(index, 1)
        if letter.strip():
            letters.append((letter, text_page.get_charbox(index, loose=True)))
        elif letters:
            yield _joined(letters, shown)
            letters = []
    if letters:
        yield _joined(letters, shown)


def _joined(letters: Sequence[tuple[str, tuple[float, float, float, float]]], shown: Any) -> Place:
    boxes = [box for _, box in letters]
    left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
    shown_width, shown_height = shown.get_size()
    turned = shown.get_rotation()
    # Letters are told where they lie on the page as it is stored; a viewer turns it.
    x1, x2, y1, y2 = {
        0: (left, right, bottom, top),
        90: (bottom, top, shown_height - right, shown_height - left),
        180: (shown_width - right, shown_width - left, shown_height - top, shown_height - bottom),
        270: (shown_width - top, shown_width - bottom, left, right),
    }[turned]
    mm = MM_PER_INCH / POINTS_PER_INCH
    return Place(
        text="".join(letter for letter, _ in letters),
        left=x1 * mm,
        right=x2 * mm,
        top=(shown_height - y2) * mm,
        bottom=(shown_height - y1) * mm,
    )


def try_kind(kind: Kind, preset: str, letters: Sequence[Letter], engine: Engine, folder: Path) -> Tally:
    """Every letter as one kind of file."""
    tally = Tally()
    for place, letter in enumerate(letters):
        path = write_scan(
            letter, folder, f"{preset}-{place}", kind.file, preset=preset, colour=kind.colour, rotate=kind.turned,
            seed=place,
        )  # fmt: skip
        tally.add(try_file(path, engine))
        path.unlink()
    return tally


def show(name: str, tally: Tally) -> None:
    """One line of the table."""
    print(
        f"{name:34}{tally.pages:6}{tally.words:8}{tally.found / max(1, tally.words):10.2%}"
        f"{tally.umlauts_found / max(1, tally.with_umlauts):10.2%}{tally.conforming:6}/{tally.files:<4}"
        f"{tally.most_bytes:10,.0f}{tally.most_share:9.1%}{1000 * tally.cpu_s / tally.pages:9.1f}",
        flush=True,
    )
    for lost in tally.lost[:MOST_SHOWN]:
        print(f"    not found: {lost}")


def keeps_limits(total: Tally) -> bool:
    """Print each promise with its figure; whether all are kept."""
    lost, lost_umlauts = total.words - total.found, total.with_umlauts - total.umlauts_found
    print(f"\nlimits (a word within {TOLERANCE_MM:g} mm of where it was seen, at both ends):")
    kept = total.words > 0 and total.with_umlauts > 0
    for name, figure in (
        ("words not found at their place", lost),
        ("words with umlauts not found", lost_umlauts),
        ("files that do not pass as PDF/A-2b", total.files - total.conforming),
        (f"files more than {LARGEST_SHARE:.0%} and {LARGEST_BYTES:,} bytes a page over the scan", total.too_large),
    ):
        kept = kept and figure == 0
        print(f"{name:60}{figure:6}  at most 0  {'kept' if figure == 0 else 'MISSED'}")
    return kept


def main(arguments: list[str]) -> int:
    """Try every kind of file and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=2, help="of each kind and preset")
    chosen = parser.parse_args(arguments)
    load_libraries()
    warm_up()
    engine = open_engine("auto")
    engine.prepare(LANGUAGES)
    numbers = range(70_000, 70_000 + chosen.letters)
    letters = {
        pages: [make_letter(seed, half=1 + seed % 2, pages=pages) for seed in numbers]
        for pages in {kind.pages for kind in KINDS}
    }
    print(f"{chosen.letters} letters of each kind and preset, 300 dpi, made from seeds")
    print(f"{'preset and kind':34}{'pages':>6}{'words':>8}{'found':>10}{'umlauts':>10}{'PDF/A':>8}   "
          f"{'B/page':>10}{'share':>9}{'ms/page':>9}")  # fmt: skip
    total = Tally()
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as name:
        for preset in PRESETS:
            for kind in KINDS:
                tally = try_kind(kind, preset, letters[kind.pages], engine, Path(name))
                show(f"{preset}: {kind.name}", tally)
                total.add(tally)
    return 0 if keeps_limits(total) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
