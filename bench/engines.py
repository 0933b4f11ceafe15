"""Both engines on the same pages: is the text the same, and what does each cost?

One command, no arguments needed: `python bench/engines.py [--pages 8]`. Pages of three presets are cleaned as the
product does it and handed to both engines, page by page in turn; CPU time includes the programs that an engine starts.
Exit status 0 if every limit is kept, 1 if one is missed or the comparison could not run.
"""

import argparse
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

# One thread, as in the product's workers; the library looks when it is loaded.
os.environ["OMP_THREAD_LIMIT"] = "1"

import numpy

from bench.letters import Letter, make_letter
from bench.letters.scans import scan_page
from bench.measuring import TextQuality, judge
from intake.answers import page_answer, page_from_answer
from intake.engine import Engine, FoundWord, open_engine
from intake.page import read_page
from intake.preloading import load_libraries
from intake.reading import Scan
from poststelle.errors import ConfigurationError

if TYPE_CHECKING:
    from intake.engine import Grey

LEAST_CHARACTERS = 1200
LANGUAGES = ("deu",)
NAMES = ("tesserocr", "pytesseract")
PRESETS = ("clean", "office", "bad")
DPI = 300
MOST_APART = 0.001
"""Character errors of one engine above those of the other."""
MOST_UNLIKE = 0.005
"""Share of the characters in which the two texts differ, on clean and office pages."""
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One page as one engine read it."""

    text: str
    cpu_s: float
    """Inside the engine and the programs it starts."""


@dataclass(slots=True)
class Clocked:
    """An engine with a clock around each call, its children's time included."""

    engine: Engine
    in_process: bool = True
    seconds: float = 0.0

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Pass on."""
        self.engine.prepare(languages)

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """Pass on, and count."""
        began = _cpu_seconds()
        try:
            return self.engine.recognise(image, dpi, languages, simple)
        finally:
            self.seconds += _cpu_seconds() - began


def _cpu_seconds() -> float:
    times = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in times)


def read_with(engine: Engine, scan: Scan) -> Read:
    """One page through the product's own reading, with this engine."""
    clocked = Clocked(engine)
    page = page_from_answer(page_answer(read_page(scan, clocked, LANGUAGES, simple=False)), 1)
    return Read(text=page.text, cpu_s=clocked.seconds)


def differences(one: str, other: str) -> Iterator[tuple[str, str]]:
    """Pieces in which two texts differ, line breaks and blanks aside."""
    first, second = " ".join(one.split()), " ".join(other.split())
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind != "equal":
            yield first[i1:i2], second[j1:j2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What both engines made of the pages of one preset."""

    preset: str
    pages: int
    differing: int
    """Pages whose text is not the same, word by word."""
    unlike: float
    """Differing characters, per character."""
    pieces: Counter[tuple[str, str]]
    quality: dict[str, TextQuality]
    cpu_s: dict[str, float]
    """A page."""


def compare(preset: str, letters: Sequence[Letter], pages: int, engines: dict[str, Engine]) -> Row:
    """Read the first pages of the letters with each engine in turn."""
    sheets = [(letter, number) for letter in letters for number in range(1, len(letter.pages) + 1)][:pages]
    read: dict[str, list[Read]] = {name: [] for name in engines}
    for place, (letter, number) in enumerate(sheets):
        image = scan_page(letter, number, dpi=DPI, preset=preset, seed=place)
        scan = Scan(grey=numpy.ascontiguousarray(image.convert("L")), dpi=DPI)
        for name, engine in engines.items():
            read[name].append(read_with(engine, scan))
    truths = [[letter.pages[number - 1].text] for letter, number in sheets]
    pairs = [(one.text.split(), other.text.split()) for one, other in zip(*read.values(), strict=True)]
    pieces = Counter(
        piece for one, other in pairs if one != other for piece in differences(" ".join(one), " ".join(other))
    )
    apart = sum(max(len(one), len(other)) * times for (one, other), times in pieces.items())
    return Row(
        preset=preset,
        pages=len(sheets),
        differing=sum(one != other for one, other in pairs),
        unlike=apart / max(1, sum(len(" ".join(one)) for one, _ in pairs)),
        pieces=pieces,
        quality={name: judge([[page.text] for page in pages_read], truths) for name, pages_read in read.items()},
        cpu_s={name: sum(page.cpu_s for page in pages_read) / len(sheets) for name, pages_read in read.items()},
    )


def show(row: Row) -> None:
    """One line for the preset, and the commonest differences."""
    cells = "".join(
        f"{row.cpu_s[name]:9.3f}{_share(row.quality[name])}{row.quality[name].word_recall:9.2%}  |" for name in NAMES
    )
    print(f"{row.preset:8}{row.differing:5}/{row.pages:<4}{row.unlike:9.3%}  |{cells}", flush=True)
    for (one, other), times in row.pieces.most_common(SHOWN):
        print(f"{'':12}{times} × {one!r} and {other!r}")


def _share(quality: TextQuality) -> str:
    return f"{quality.character_errors:9.2%}"


def _errors(row: Row, name: str) -> float:
    return row.quality[name].character_errors


def keeps_limits(rows: Sequence[Row]) -> bool:
    """Print each promise with its figure; whether all are kept."""
    good = [row for row in rows if row.preset != "bad"]
    figures: list[tuple[str, float, float]] = [
        ("characters that differ, clean and office", max(row.unlike for row in good), MOST_UNLIKE)
    ]
    figures += [
        (f"{row.preset}: character errors apart", abs(_errors(row, NAMES[0]) - _errors(row, NAMES[1])), MOST_APART)
        for row in good
    ]
    print()
    for name, figure, limit in figures:
        print(f"{name:52}{figure:9.4f}  at most {limit:g}  {'kept' if figure <= limit else 'MISSED'}")
    return all(figure <= limit for _, figure, limit in figures)


def main(arguments: list[str]) -> int:
    """Read the same pages with both and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=8, help="of each preset")
    chosen = parser.parse_args(arguments)
    load_libraries()
    try:
        engines = {name: open_engine(name) for name in NAMES}
        for engine in engines.values():
            engine.prepare(LANGUAGES)
    except ConfigurationError as err:
        print(f"THE COMPARISON DID NOT RUN: {err}", file=sys.stderr)
        return 1
    letters: list[Letter] = []
    while sum(len(letter.pages) for letter in letters) < chosen.pages:
        seed = 60_000 + len(letters)
        letters.append(make_letter(seed, half=1 + seed % 2, min_characters=LEAST_CHARACTERS, pages=1 + seed % 2))
    print(versions())
    print(f"{'':28}  |{NAMES[0]:^29}|{NAMES[1]:^29}|")
    print(f"{'preset':8}{'differ':>8}  {'characters':>10}  |" + f"{'CPU-s':>9}{'errors':>9}{'found':>9}  |" * 2)
    rows = []
    for preset in PRESETS:
        rows.append(compare(preset, letters, chosen.pages, engines))
        show(rows[-1])
    return 0 if keeps_limits(rows) else 1


def versions() -> str:
    """Which library is behind each engine: two versions of it cannot be expected to agree in every letter."""
    import pytesseract
    import tesserocr

    bundled = tesserocr.tesseract_version().split()[1]
    return f"tesserocr brings Tesseract {bundled}; pytesseract runs {pytesseract.get_tesseract_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
