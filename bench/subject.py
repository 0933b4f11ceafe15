"""Who finds the letters that name a person? python bench/subject.py [--each 12] [--others 190] [--limits]

Three names are printed in letters, written out and in the ways that letters abbreviate them, other letters bear names
that are nearly the same, and the rest name nobody in particular. All are drawn as office scans and as bad ones,
recognised, and searched for each person. Two figures count: of the letters that are taken to be sure, how many are the
person's (precision), because they are handed out; and of the person's letters, how many are listed at all, sure or to
be checked by a person (recall). Letters that shorten the name to a title or an initial cannot be sure, only listed.
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


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks, in how letters write them, and people whose names are nearly the same."""

    name: str
    also: tuple[str, ...]
    written: dict[str, str]
    nearly: tuple[str, ...]


PEOPLE = (
    Person(
        "Jürgen Schröder",
        ("Lindner",),
        {
            "full name": "Jürgen Schröder",
            "surname first": "Schröder, Jürgen",
            "earlier name": "Jürgen Lindner",
            "initial": "J. Schröder",
            "title": "Herr Schröder",
        },
        ("Jürgen Schröter", "Jürgen Schrader", "Jörg Schröder", "Jens Schröder", "Petra Schröder", "Jürgen Schneider"),
    ),
    Person(
        "Eva Meier",
        ("Böttcher",),
        {
            "full name": "Eva Meier",
            "surname first": "Meier, Eva",
            "earlier name": "Eva Böttcher",
            "initial": "E. Meier",
            "title": "Frau Meier",
        },
        ("Eva Maier", "Eva Meyer", "Eva Mayer", "Ina Meier", "Udo Meier", "Eva Meiser"),
    ),
    Person(
        "Karl-Heinz Wolff-Brandt",
        ("Karl-Heinz Wolff",),
        {
            "full name": "Karl-Heinz Wolff-Brandt",
            "surname first": "Wolff-Brandt, Karl-Heinz",
            "earlier name": "Karl-Heinz Wolff",
            "initial": "K.-H. Wolff-Brandt",
            "title": "Herrn Wolff-Brandt",
        },
        ("Karl-Heinz Brandt", "Karl-Heinz Wolter", "Kurt Wolff", "Dieter Wolff-Brandt", "Heinz Brandt", "Karl Wulff"),
    ),
)
WRITTEN = tuple(PEOPLE[0].written)
CLEAR = ("full name", "surname first", "earlier name")
NEARLY = ("Jürgen Schröter", "Jürgen Schrader", "Jörg Schröder", "Jens Schröder", "Petra Schröder", "Jürgen Schneider")
OTHERS_SEED, PLANTED_SEED = 79_000, 83_000
LEAST_SURE_RIGHT, LEAST_LISTED = 0.98, 0.95


@dataclass(frozen=True, slots=True)
class Case:
    """A letter, whom it names and in which way; empty strings for nobody in particular."""

    letter: Letter
    name: str = ""
    written: str = ""
    """One of WRITTEN, or empty for somebody whose name is nearly the same."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A letter, and the surest mention of a person in what was read of it."""

    case: Case
    person: Person
    mention: Mention | None

    @property
    def written(self) -> str:
        """In which way the letter names that person; empty if it does not."""
        return self.case.written if self.case.name == self.person.name else ""

    @property
    def nearly(self) -> str:
        """Who stands there instead, if their name is nearly that person's."""
        return self.case.text if self.case.name == self.person.name and not self.case.written else ""

    @property
    def confidence(self) -> float:
        """0.0 if nothing was found."""
        return 0.0 if self.mention is None else self.mention.confidence


def main() -> int:
    options = _options()
    cases = [*_planted(options.each, options.seed), *_others(options.others)]
    held = True
    with tempfile.TemporaryDirectory() as work:
        for preset in ("office", "bad"):
            read = read_letters([case.letter for case in cases], preset, options.keep, Path(work))
            held = _report(preset, len(cases), *_judge(cases, list(read)), options.show) and held
    return 0 if held or not options.limits else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=12, help="letters of each way to write the name, and twice full")
    parser.add_argument("--others", type=int, default=190, help="letters that name nobody in particular")
    parser.add_argument("--seed", type=int, default=PLANTED_SEED, help="first seed of the letters that print a name")
    parser.add_argument("--keep", type=Path, default=kept_folder(), help="where readings are kept between runs")
    parser.add_argument("--limits", action="store_true", help="fail below the promised figures")
    parser.add_argument("--show", action="store_true", help="show every letter that was judged wrongly")
    return parser.parse_args()


def _planted(each: int, seed: int) -> Iterator[Case]:
    """Letters that print a name, or nearly it; a letter that has no room for a name is passed over."""
    orders = [
        (person.name, written, text)
        for person in PEOPLE
        for written, text in person.written.items()
        for _ in range(each * (2 if written == "full name" else 1))
    ]
    orders += [(p.name, "", text) for p in PEOPLE for text in p.nearly for _ in range(max(1, each * 2 // 3))]
    for name, written, text in orders:
        while True:
            seed += 1
            letter = make_letter(seed, half=1 + seed % 2, pages=1, employee=text)
            if text in " ".join(letter.pages[0].text.split()):
                break
        yield Case(letter, name, written, text)


def _others(count: int) -> Iterator[Case]:
    each = (count + 1) // 2
    for half in (1, 2):
        for number in range(each):
            kind = RECORD_CLASSES[number % len(RECORD_CLASSES)]
            yield Case(make_letter(OTHERS_SEED + number, half=half, record_class=kind))


def _judge(cases: Sequence[Case], read: Sequence[RecognisedDocument]) -> tuple[list[Judged], float]:
    """Each person looked for in every letter, and the processor time of a page in milliseconds."""
    judged = []
    started = time.process_time()
    for person in PEOPLE:
        looking = NameSearch(wanted(person.name, person.also))
        for case, document in zip(cases, read, strict=True):
            mentions = looking.mentions([page.text for page in document.pages])
            judged.append(Judged(case, person, mentions[0] if mentions else None))
    pages = sum(len(document.pages) for document in read) * len(PEOPLE)
    return judged, (time.process_time() - started) / pages * 1000


def _report(preset: str, letters: int, judged: Sequence[Judged], milliseconds: float, show: bool) -> bool:
    people = ", ".join(person.name for person in PEOPLE)
    print(f"{preset} scans: {letters} letters searched for {people}; {milliseconds:.2f} ms of processor time a page")
    theirs = [j for j in judged if j.written]
    sure = [j for j in judged if j.confidence >= SURE]
    right = [j for j in sure if j.written]
    listed = [j for j in theirs if j.confidence >= LEAST]
    clear = [j for j in theirs if j.written in CLEAR]
    print(f"  sure (from {SURE}), and theirs    {_share(right, sure)}   precision of what is handed out")
    print(f"  written out, and sure           {_share([j for j in clear if j.confidence >= SURE], clear)}   its recall")
    print(f"  theirs, and listed (from {LEAST})   {_share(listed, theirs)}   recall with a person who checks")
    rows = [(written, [j for j in theirs if j.written == written]) for written in WRITTEN]
    rows += [(f"not: {n}", [j for j in judged if j.nearly == n]) for person in PEOPLE for n in person.nearly]
    rows.append(("not: anybody else", [j for j in judged if not j.written and not j.nearly]))
    for title, of in rows:
        listing = _share([j for j in of if j.confidence >= LEAST], of)
        print(f"    {title:27}  sure {_share([j for j in of if j.confidence >= SURE], of)}  listed {listing}")
    for j in judged if show else ():
        wrong = (j.confidence >= SURE and not j.written) or (j.confidence < LEAST and bool(j.written))
        if wrong or (j.written in CLEAR and j.confidence < SURE):
            print(f"    {j.case.letter.seed} {j.person.name} ({j.written or j.case.text}): {j.mention}")
    return len(right) >= LEAST_SURE_RIGHT * len(sure) and len(listed) >= LEAST_LISTED * len(theirs)


def _share(some: Sequence[Judged], of: Sequence[Judged]) -> str:
    return f"{len(some):4} of {len(of):4} ({len(some) / len(of):6.1%})" if of else "   0 of    0"


if __name__ == "__main__":
    sys.exit(main())
