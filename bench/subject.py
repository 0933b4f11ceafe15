"""Who finds the letters that name a person? python bench/subject.py [--each 10] [--others 190] [--limits]

A name is printed in letters, written out and in the ways that letters abbreviate it, other letters bear names that
are nearly the same, and the rest nobody in particular. All are drawn as office scans and as bad ones, recognised, and
searched for the person. Two figures count: of the letters that are taken to be sure, how many are the person's
(precision), because they are handed out; and of the person's letters, how many are listed at all, sure or to be
checked by a person (recall). Letters whose name is abbreviated to a title or an initial cannot be sure, only listed.
With --limits the command fails below the promised figures. Readings are kept between runs.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.kept_readings import kept_folder, read_letters
from bench.letters import RECORD_CLASSES, Letter, make_letter
from poststelle.records import RecognisedDocument
from search.naming import LEAST, SURE, Mention, NameSearch, wanted

NAME, ALSO = "Jürgen Schröder", ("Lindner",)
WRITTEN = {
    "full name": ("Jürgen Schröder", 2),
    "surname first": ("Schröder, Jürgen", 1),
    "earlier name": ("Jürgen Lindner", 1),
    "initial": ("J. Schröder", 1),
    "title": ("Herr Schröder", 1),
}
"""How the person is named, and how many letters of each, as multiples of --each."""
CLEAR = ("full name", "surname first", "earlier name")
NEARLY = ("Jürgen Schröter", "Jürgen Schrader", "Jörg Schröder", "Jens Schröder", "Petra Schröder", "Jürgen Schneider")
OTHERS_SEED, PLANTED_SEED = 79_000, 83_000
LEAST_SURE_RIGHT, LEAST_LISTED = 0.97, 0.9


@dataclass(frozen=True, slots=True)
class Case:
    """A letter, and in which way it names the person; the empty string for nobody, or who nearly is."""

    letter: Letter
    written: str
    nearly: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A letter and the surest mention in what was read of it."""

    case: Case
    mention: Mention | None

    @property
    def confidence(self) -> float:
        """0.0 if nothing was found."""
        return 0.0 if self.mention is None else self.mention.confidence


def main() -> int:
    options = _options()
    cases = [*_planted(options.each), *_others(options.others)]
    held = True
    with tempfile.TemporaryDirectory() as work:
        for preset in ("office", "bad"):
            read = read_letters([case.letter for case in cases], preset, options.keep, Path(work))
            held = _report(preset, *_judge(cases, list(read)), options.show) and held
    return 0 if held or not options.limits else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10, help="letters of each way to write the name, and twice full")
    parser.add_argument("--others", type=int, default=190, help="letters that name nobody in particular")
    parser.add_argument("--keep", type=Path, default=kept_folder(), help="where readings are kept between runs")
    parser.add_argument("--limits", action="store_true", help="fail below the promised figures")
    parser.add_argument("--show", action="store_true", help="show every letter that was judged wrongly")
    return parser.parse_args()


def _planted(each: int) -> Iterator[Case]:
    """Letters that print the name, or nearly it; a letter that has no room for a name is passed over."""
    orders = [(text, written, "") for written, (text, times) in WRITTEN.items() for _ in range(times * each)]
    orders += [(text, "", text) for text in NEARLY for _ in range(max(1, each * 2 // 3))]
    seed = PLANTED_SEED
    for text, written, nearly in orders:
        while True:
            seed += 1
            letter = make_letter(seed, half=1 + seed % 2, pages=1, employee=text)
            if text in " ".join(letter.pages[0].text.split()):
                break
        yield Case(letter, written, nearly)


def _others(count: int) -> Iterator[Case]:
    each = (count + 1) // 2
    for half in (1, 2):
        for number in range(each):
            kind = RECORD_CLASSES[number % len(RECORD_CLASSES)]
            yield Case(make_letter(OTHERS_SEED + number, half=half, record_class=kind), "")


def _judge(cases: Sequence[Case], read: Sequence[RecognisedDocument]) -> tuple[list[Judged], float]:
    """Each letter judged, and the processor time of a page in milliseconds."""
    looking, judged = NameSearch(wanted(NAME, ALSO)), []
    started = time.process_time()
    for case, document in zip(cases, read, strict=True):
        mentions = looking.mentions([page.text for page in document.pages])
        judged.append(Judged(case, mentions[0] if mentions else None))
    pages = sum(len(document.pages) for document in read)
    return judged, (time.process_time() - started) / pages * 1000


def _report(preset: str, judged: Sequence[Judged], milliseconds: float, show: bool) -> bool:
    print(f"{preset} scans: {len(judged)} letters, {milliseconds:.2f} ms of processor time a page")
    theirs = [j for j in judged if j.case.written]
    sure = [j for j in judged if j.confidence >= SURE]
    right = [j for j in sure if j.case.written]
    listed = [j for j in theirs if j.confidence >= LEAST]
    clear = [j for j in theirs if j.case.written in CLEAR]
    print(f"  sure (from {SURE}) and theirs  {_share(right, sure)}   precision of what is handed out")
    print(f"  written out, and sure        {_share([j for j in clear if j.confidence >= SURE], clear)}   recall of it")
    print(f"  theirs, listed (from {LEAST})   {_share(listed, theirs)}   recall with a person who checks")
    for written in WRITTEN:
        of = [j for j in theirs if j.case.written == written]
        print(f"    {written:14}  sure {_share([j for j in of if j.confidence >= SURE], of)}"
              f"  listed {_share([j for j in of if j.confidence >= LEAST], of)}")  # fmt: skip
    for nearly in (*NEARLY, ""):
        of = [j for j in judged if not j.case.written and j.case.nearly == nearly]
        print(f"    not: {nearly or 'anybody':16}  sure {_share([j for j in of if j.confidence >= SURE], of)}"
              f"  listed {_share([j for j in of if j.confidence >= LEAST], of)}")  # fmt: skip
    if show:
        for j in judged:
            wrong = (j.confidence >= SURE and not j.case.written) or (j.confidence < LEAST and j.case.written)
            if wrong or (j.case.written in CLEAR and j.confidence < SURE):
                print(f"    {j.case.letter.seed} {j.case.written or j.case.nearly}: {j.mention}")
    return len(right) >= LEAST_SURE_RIGHT * len(sure) and len(listed) >= LEAST_LISTED * len(theirs)


def _share(some: Sequence[Judged], of: Sequence[Judged]) -> str:
    return f"{len(some):3} of {len(of):3} ({len(some) / len(of):6.1%})" if of else "  0 of   0"


if __name__ == "__main__":
    sys.exit(main())
