"""Can a clerk find the one letter he remembers? python bench/known_item.py [--letters 5000] [--queries 400] [--scans 0]

Data: letters of the project's generator (both halves, a few paragraphs each, from a seed). Their text passes
through an invented recognition engine that confuses characters by a seed: three letters in four like office
scans (five characters in a thousand), the rest like bad ones (25 in a thousand). Subject and sender pass too.

Query: two or three words that stand in several letters each, but together in one letter only (in its clean text, under
any inflection, and no other letter has them as they are typed, or other compounds of a part). Then one of them is
remembered differently: in another inflection, as a part of its compound, with ae for ä, or with one slip of the
finger; or none is. The right answer is that letter.

`--scans N` adds N letters that are drawn as scans, three in four "office" and the rest "bad", and really recognised
(readings are kept between runs): the same questions about them; `--letters 0` asks about these alone. "plain" is the
same text in SQLite's full text without our analysis.
"""

import argparse
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer bench/search.py in place of the product's package `search`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.letters.compose import Order, compose
from bench.letters.texts import draft_text
from poststelle.access.database import Database, open_database
from poststelle.durable import Disk
from poststelle.german import fold
from poststelle.records import IndexEntry
from search import CompartmentIndex, Filters, find, parse_query
from search.analysis import Analyser

SEED = 20260601
KEY = bytes(range(32))
TODAY = date(2026, 6, 1)
PAGE = 10
OFFICE_ERRORS, BAD_ERRORS = 0.005, 0.025
LEAST_LETTERS_WITH_WORD = 4
KINDS = ("as it stands", "inflected", "part of a compound", "ae for ä", "slip of the finger")
_WORD = re.compile(r"[A-Za-zÄÖÜäöüß]{4,}")
_CONFUSIONS = (
    ("l", "1"), ("l", "I"), ("l", "i"), ("i", "l"), ("i", "1"), ("I", "l"), ("1", "l"), ("rn", "m"), ("m", "rn"),
    ("n", "u"), ("u", "n"), ("0", "O"), ("O", "0"), ("o", "0"), ("e", "c"), ("c", "e"), ("t", "f"), ("f", "t"),
    ("ü", "ii"), ("ü", "u"), ("ä", "a"), ("ö", "o"), ("ß", "B"), ("S", "5"), ("5", "S"), ("8", "B"), ("h", "b"),
    ("g", "q"), ("cl", "d"), ("nn", "m"), ("a", "o"), ("r", "i"), ("s", "e"),
)  # fmt: skip
"""(what stands there, what is read); a character without one is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody types, and the letter that is meant."""

    letter: int
    kind: str
    clean: str
    typed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well questions were answered."""

    questions: int
    found: float
    """Share with the right letter among the first ten."""
    reciprocal_rank: float
    """Mean of 1 / rank; 0 beyond the tenth."""


def main() -> None:
    """Make letters and questions, ask, print."""
    parser = argparse.ArgumentParser(description="Known-item search on recognised letters.")
    parser.add_argument("--letters", type=int, default=5_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--scans", type=int, default=0, help="letters that are really recognised, besides")
    parser.add_argument("--show", type=int, default=0, help="print so many questions that were not answered")
    chosen = parser.parse_args()
    clean = [_clean_letter(seed) for seed in range(chosen.letters)]
    rng = random.Random(SEED)
    noisy = [_misread(letter, rng) for letter in clean]
    if clean:
        print(f"{chosen.letters} letters, read with invented errors, seed {SEED}\n")
        _ask(clean, noisy, chosen.queries, chosen.show)
    if chosen.scans:
        from bench.recognised import recognised_pages

        seeds = range(500_000, 500_000 + chosen.scans)
        print(f"\n{chosen.scans} letters drawn as scans and really recognised{', among the others' if clean else ''}\n")
        real = recognised_pages(seeds)
        truths = [_drawn_letter(seed, len(clean) + at) for at, seed in enumerate(seeds)]
        # Subject and sender are what a reader of the facts would have found: the words as recognised are in the text.
        read = [
            _with_texts(truth, title="", sender="", pages=real.get(seed, ()))
            for truth, seed in zip(truths, seeds, strict=True)
        ]
        _ask(
            [*clean, *truths], [*noisy, *read], min(chosen.queries, 5 * chosen.scans), chosen.show, only_from=len(clean)
        )


def _ask(clean: Sequence[IndexEntry], read: Sequence[IndexEntry], count: int, show: int, only_from: int = 0) -> None:
    questions = make_questions(clean, count, only_from)
    with tempfile.TemporaryDirectory() as folder:
        index = CompartmentIndex.create(
            open_database(Path(folder) / "general.db", Disk(), key=KEY, create=True), "general"
        )
        index.add_many(read)
        plain = _plain_table(Path(folder), read)
        ours = [_rank(_found(index, question.typed), question) for question in questions]
        theirs = [_rank(_plain_found(plain, question.typed), question) for question in questions]
    print(f"{'':24}{'questions':>10}{'in 10':>9}{'MRR':>8}{'plain: in 10':>16}{'MRR':>8}")
    for kind in ("all", *KINDS):
        chosen = [at for at, question in enumerate(questions) if kind in ("all", question.kind)]
        mine, other = score([ours[at] for at in chosen]), score([theirs[at] for at in chosen])
        print(
            f"{kind:24}{mine.questions:>10}{mine.found:>9.1%}{mine.reciprocal_rank:>8.3f}"
            f"{other.found:>16.1%}{other.reciprocal_rank:>8.3f}"
        )
    for question, rank in [pair for pair in zip(questions, ours, strict=True) if pair[1] is None][:show]:
        print(f"  not found: {question.kind}: {question.typed!r} for {question.clean!r} (rank {rank})")


def score(ranks: Sequence[int | None]) -> Score:
    """What share was found, and how high."""
    found = [rank for rank in ranks if rank is not None]
    count = max(len(ranks), 1)
    return Score(
        questions=len(ranks), found=len(found) / count, reciprocal_rank=sum(1 / rank for rank in found) / count
    )


# Letters ------------------------------------------------------------------------------------------------------


def _clean_letter(seed: int, number: int | None = None) -> IndexEntry:
    draft = compose(Order(seed=seed, half=1 + seed % 2, extras=4))
    number = seed if number is None else number
    day = date(2023, 1, 1) + timedelta(days=number * 7919 % 1_186)
    return IndexEntry(
        document_id=f"{number:032x}",
        accession=f"GEN-2026-{number:06}",
        record_class=draft.record_class if hasattr(draft, "record_class") else "other",
        dated_on=day,
        received_on=day,
        sender=draft.sender.name,
        title=draft.subject,
        pages=(draft_text(draft),),
        sequence=number + 1,
    )


def _drawn_letter(seed: int, number: int) -> IndexEntry:
    """The truth of a letter that is drawn: one page, its subject and sender stand on it."""
    from bench.letters import make_letter

    letter = make_letter(seed, half=1 + seed % 2, pages=1)
    plain = _clean_letter(seed, number)
    return _with_texts(plain, title=letter.subject, sender=letter.sender, pages=(letter.text,))


def _misread(letter: IndexEntry, rng: random.Random) -> IndexEntry:
    errors = BAD_ERRORS if rng.random() < 0.25 else OFFICE_ERRORS
    return _with_texts(
        letter,
        title=misread(letter.title, errors, rng),
        sender=misread(letter.sender, errors, rng),
        pages=tuple(misread(page, errors, rng) for page in letter.pages),
    )


def _with_texts(letter: IndexEntry, *, title: str, sender: str, pages: tuple[str, ...]) -> IndexEntry:
    return IndexEntry(
        document_id=letter.document_id,
        accession=letter.accession,
        record_class=letter.record_class,
        dated_on=letter.dated_on,
        received_on=letter.received_on,
        sender=sender,
        title=title,
        pages=pages,
        sequence=letter.sequence,
    )


def misread(text: str, errors: float, rng: random.Random) -> str:
    """The text as an engine reads it that errs so often, with the confusions such engines are known for."""
    by_first: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for stands, reads in _CONFUSIONS:
        by_first[stands[0]].append((stands, reads))
    kept: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character.isspace() or rng.random() >= errors:
            kept.append(character)
            position += 1
            continue
        fitting = [pair for pair in by_first[character] if text.startswith(pair[0], position)]
        stands, reads = rng.choice(fitting) if fitting else (character, "" if rng.random() < 0.5 else character)
        kept.append(reads)
        position += len(stands)
    return "".join(kept)


# Questions ----------------------------------------------------------------------------------------------------


def make_questions(letters: Sequence[IndexEntry], count: int, only_from: int = 0) -> list[Question]:
    """Questions with one right answer each, in all kinds of remembering."""
    rng = random.Random(SEED + 1)
    analyser = Analyser()
    stems_of = [_stems(letter, analyser) for letter in letters]
    holders: dict[str, set[int]] = defaultdict(set)
    for number, stems in enumerate(stems_of):
        for stem in stems:
            holders[stem].add(number)
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for stems in stems_of:
        for stem, word in stems.items():
            forms[stem][word] += 1
    questions: list[Question] = []
    while len(questions) < count:
        number = rng.randrange(only_from, len(letters))
        kind = KINDS[len(questions) % len(KINDS)]
        words = _remembered(letters[number], stems_of[number], holders, number, rng)
        typed = _distorted(words, kind, holders, forms, analyser, rng) if words else None
        if typed and not _others_with(typed, number, kind, holders, stems_of, analyser):
            questions.append(Question(letter=number, kind=kind, clean=" ".join(words), typed=" ".join(typed)))
    return questions


def _others_with(
    typed: Sequence[str],
    number: int,
    kind: str,
    holders: dict[str, set[int]],
    stems_of: Sequence[dict[str, str]],
    analyser: Analyser,
) -> set[int]:
    """Letters that would be another right answer: they have the words as typed, or compounds of the same part."""
    having = []
    for word in typed:
        stem = analyser.word(word)[0]
        letters = set(holders.get(stem, set()))
        if kind == "part of a compound" and stem in holders:
            letters.update(at for at, stems in enumerate(stems_of) if any(other.endswith(stem) for other in stems))
        having.append(letters)
    return set.intersection(*having) - {number}


def _stems(letter: IndexEntry, analyser: Analyser) -> dict[str, str]:
    """Stem → word of the letter's clean text."""
    text = " ".join((letter.title, letter.sender, *letter.pages))
    return {analyser.word(word)[0]: word for word in _WORD.findall(text)}


def _remembered(
    letter: IndexEntry, stems: dict[str, str], holders: dict[str, set[int]], number: int, rng: random.Random
) -> list[str] | None:
    """Two or three words of subject, sender and text that stand together in this letter only."""
    heading = {stem for stem, word in stems.items() if word in f"{letter.title} {letter.sender}"}
    common = sorted(stem for stem in stems if len(holders[stem]) >= LEAST_LETTERS_WITH_WORD)
    for _ in range(60):
        wanted = rng.choice((2, 3))
        first = rng.sample(sorted(heading.intersection(common)) or common, 1)
        chosen = list(dict.fromkeys([*first, *rng.sample(common, min(wanted, len(common)))]))[:wanted]
        if set.intersection(*(holders[stem] for stem in chosen)) == {number}:
            return [stems[stem] for stem in chosen]
    return None


def _distorted(
    words: Iterable[str],
    kind: str,
    holders: dict[str, set[int]],
    forms: dict[str, Counter[str]],
    analyser: Analyser,
    rng: random.Random,
) -> list[str] | None:
    """The words with one of them remembered differently; None if none of them can be."""
    typed = list(words)
    for at in rng.sample(range(len(typed)), len(typed)):
        other = _as_remembered(typed[at], kind, holders, forms, analyser, rng)
        if other is not None:
            typed[at] = other
            return typed
    return None


def _as_remembered(
    word: str,
    kind: str,
    holders: dict[str, set[int]],
    forms: dict[str, Counter[str]],
    analyser: Analyser,
    rng: random.Random,
) -> str | None:
    stem = analyser.word(word)[0]
    if kind == "as it stands":
        return word
    if kind == "inflected":
        others = sorted(form for form in forms[stem] if fold(form) != fold(word))
        return rng.choice(others) if others else None
    if kind == "part of a compound":
        # Both halves are words that letters use; the first may be linked by -s-, -n- or -en-.
        for cut in range(4, len(word) - 4):
            before, after = word[:cut], word[cut:]
            links = (before, before.removesuffix("s"), before.removesuffix("n"), before.removesuffix("en"))
            if after.capitalize() in forms[analyser.word(after)[0]] and any(
                analyser.word(link)[0] in holders for link in links
            ):
                return after.capitalize()
        return None
    if kind == "ae for ä":
        spelled = word
        for umlaut, plain in (
            ("ä", "ae"),
            ("ö", "oe"),
            ("ü", "ue"),
            ("Ä", "Ae"),
            ("Ö", "Oe"),
            ("Ü", "Ue"),
            ("ß", "ss"),
        ):
            spelled = spelled.replace(umlaut, plain)
        return spelled if spelled != word else None
    if len(word) < 6:
        return None
    at = rng.randrange(1, len(word) - 1)
    before, here, after = word[:at], word[at], word[at + 1 :]
    slips = (before + after, before + after[0] + here + after[1:], before + 2 * here + after)
    return rng.choice((*slips, before + rng.choice("aeinrst") + after))


# Answers ------------------------------------------------------------------------------------------------------


def _rank(found: Sequence[int], question: Question) -> int | None:
    return found.index(question.letter) + 1 if question.letter in found else None


def _found(index: CompartmentIndex, typed: str) -> list[int]:
    result = find([index], parse_query(typed, TODAY), Filters(), limit=PAGE, sort="relevance")
    return [int(hit.document_id, 16) for hit in result.hits]


def _plain_table(folder: Path, letters: Sequence[IndexEntry]) -> Database:
    database = open_database(folder / "plain.db", Disk(), key=None, create=True)
    database.run("CREATE VIRTUAL TABLE plain USING fts5(title, sender, body, tokenize='unicode61 remove_diacritics 2')")
    with database.transaction():
        for number, entry in enumerate(letters):
            row = (number, entry.title, entry.sender, "\n".join(entry.pages))
            database.run("INSERT INTO plain(rowid, title, sender, body) VALUES(?, ?, ?, ?)", row)
    return database


def _plain_found(database: Database, typed: str) -> list[int]:
    expression = " ".join('"' + word.replace('"', "") + '"' for word in typed.split())
    rows = database.rows(
        "SELECT rowid FROM plain WHERE plain MATCH ? ORDER BY bm25(plain, 8.0, 4.0, 1.0) LIMIT ?", (expression, PAGE)
    )
    return [number for (number,) in rows]


if __name__ == "__main__":
    main()
