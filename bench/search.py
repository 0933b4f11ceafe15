"""Measures search on N invented letters: python bench/search.py 20000 [--short]

Data: letters of 250 to 320 words (`--short`: of about 40), made here from a seed: sentences of office German over a
vocabulary of invented names, compounds and numbers whose frequencies fall off as in natural text (Zipf). Letters are
added in transactions of a thousand, as a rebuild adds them, and the last ones, a hundred to two thousand, one by one,
as they arrive. Times are CPU milliseconds of this process. "plain" is the same text in an unencrypted FTS5 table with
SQLite's own tokenizer. Twenty letters are removed, of short ones five: each proof reads the whole index.
"""

import argparse
import hashlib
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

if not __package__:
    # Run as a file: this folder would offer bench/search.py in place of the product's package `search`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from poststelle.access.database import Database, open_database
from poststelle.durable import Disk
from poststelle.records import IndexEntry
from search import CompartmentIndex, Filters, find, parse_query

SEED = 20260401
KEY = bytes(range(32))
TODAY = date(2026, 4, 1)
SENTENCES, SHORT_SENTENCES = 26, 4
CLASSES = ("invoice", "reminder", "offer", "contract", "insurance", "other")
_SMALL_WORDS = """
der die das und wir Sie ist nicht mit von zu für den auf im eine einer Ihre Ihren bitte uns bei nach als wird
werden haben sind zum zur dem des auch oder wenn bis über aus noch nur
"""
_OFFICE_WORDS = """
Rechnung Rechnungen Zahlung Betrag Mahnung Lieferung geliefert Vertrag Vertrages Kündigung gekündigt Angebot
Bestellung bestellt Konto überweisen Frist fällig Unterlagen Versicherung Beitrag Bescheid Leistung Anlage
freundlichen Grüßen geehrte Damen Herren Abrechnung Gutschrift Termin Auftrag Bestätigung bestätigen Preis Kunde
Kunden Firma Schreiben Anspruch Verlängerung verlängert Kosten Straße Größe Änderung geändert
"""
_ONSETS = """
b br d dr f fl g gr h k kl kr l m n p pr r s sch schw st t tr w z
"""
_NUCLEI = """
a e i o u ä ö ü au ei ie
"""
_CODAS = """
ck ft l ld ll m n nd ng nk r rg rn s st t tz
"""

SMALL_WORDS = tuple(_SMALL_WORDS.split())
OFFICE_WORDS = tuple(_OFFICE_WORDS.split())
ONSETS, NUCLEI, CODAS = tuple(_ONSETS.split()), tuple(_NUCLEI.split()), tuple(_CODAS.split())


class Timing(NamedTuple):
    """CPU milliseconds of several runs."""

    median: float
    p95: float


def main() -> None:
    """Build, search, remove, print."""
    parser = argparse.ArgumentParser(description="Measure search on invented letters.")
    parser.add_argument("letters", type=int, nargs="?", default=1_000)
    parser.add_argument("--short", action="store_true", help="letters of about 40 words; no plain table beside")
    chosen = parser.parse_args()
    count: int = chosen.letters
    vocabulary = _vocabulary(random.Random(SEED))
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), count, vocabulary, SHORT_SENTENCES if chosen.short else SENTENCES)


def _measure(folder: Path, count: int, vocabulary: list[str], sentences: int) -> None:
    database = open_database(folder / "general.db", Disk(), key=KEY, create=True)
    index = CompartmentIndex.create(database, "general")
    plain = _plain_table(folder) if sentences == SENTENCES else None
    single = min(max(count // 50, 100), 2_000, count)
    built = _build(index, plain, _letters(count, vocabulary, sentences), count - single)
    database.truncate_log()
    print(f"{count} letters, {built.text_bytes / count:.0f} bytes of text each, seed {SEED}\n")
    print(f"{'':44}{'median':>9}{'p95':>9}{'limit':>9}{'plain':>9}")
    _row("build, letters per CPU-s", (count - single) / built.batches_ms * 1000, None, 400)
    adding = _timing_of(built.single_ms)
    _row("add one letter, ms", adding.median, adding.p95, 10)
    _row("index bytes / text bytes", (folder / "general.db").stat().st_size / built.text_bytes, None, 2.2)
    _row("resident memory after building, MB", _resident_mb(), None, 120)

    for name, limit, queries in _queries(vocabulary):
        ours = _timing([partial(_search, index, query) for query, _ in queries])
        theirs = _timing([partial(_plain_search, plain, query) for _, query in queries if query and plain is not None])
        _row(f"{name}, ms", ours.median, ours.p95, limit, theirs.median if theirs else None)
    cold = _cold_cpu_ms(folder / "general.db")
    _row("cold: start Python, open, search, ms", cold, None, 450)

    some = 20 if sentences == SENTENCES else 5
    removing = _timing([partial(_remove, index, number) for number in range(0, count, max(count // some, 1))])
    _row("remove one letter for good, with proof, ms", removing.median, removing.p95, 500)
    _row("resident memory, MB", _resident_mb(), None, 120)


class _Built(NamedTuple):
    text_bytes: int
    batches_ms: float
    """CPU time of all transactions of many letters."""
    single_ms: list[float]
    """CPU time of each letter that came alone."""


def _build(index: CompartmentIndex, plain: Database | None, letters: Iterator[IndexEntry], in_batches: int) -> _Built:
    """Add letters, `in_batches` of them many at once; each is drawn once, and its drawing is not counted."""
    text_bytes, batches_ms, done = 0, 0.0, 0
    single_ms: list[float] = []
    while batch := list(islice(letters, min(1_000, in_batches - done) if done < in_batches else 1)):
        text_bytes += sum(len(page.encode()) for entry in batch for page in entry.pages)
        if done < in_batches:
            batches_ms += _cpu_ms(partial(index.add_many, batch))
        else:
            single_ms.append(_cpu_ms(partial(index.add, *batch)))
        if plain is not None:
            _add_plainly(plain, batch)
        done += len(batch)
        if done % 10_000 == 0:
            print(
                f"\r{done} letters, {time.process_time():.0f} CPU-s, {_resident_mb():.0f} MB", end="", file=sys.stderr
            )
    print(file=sys.stderr)
    return _Built(text_bytes, batches_ms, single_ms)


def _resident_mb() -> float:
    """The most that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _queries(vocabulary: list[str]) -> Iterator[tuple[str, int, list[tuple[str, str]]]]:
    """(name, limit in ms, [(our query, plain FTS5 query or "")]) of 30 seeded queries for each kind."""
    rng = random.Random(SEED + 1)

    def common() -> str:
        return rng.choice(OFFICE_WORDS)

    def rarer() -> str:
        return vocabulary[int(rng.paretovariate(0.6)) % len(vocabulary)]

    def words(make: Callable[[], tuple[str, ...]]) -> list[tuple[str, ...]]:
        return [make() for _ in range(30)]

    single = words(lambda: (common(),)) + words(lambda: (rarer(),))
    yield "word", 50, [(a, f'"{a}"') for (a,) in single]
    yield "AND of two words", 50, [(f"{a} {b}", f'"{a}" "{b}"') for a, b in words(lambda: (common(), rarer()))]
    yield (
        "AND of three words",
        50,
        [(f"{a} {b} {c}", f'"{a}" "{b}" "{c}"') for a, b, c in words(lambda: (common(), common(), rarer()))],
    )
    yield (
        "phrase",
        80,
        [(f'"{a} {b}"', f'"{a} {b}"') for a, b in words(lambda: (rng.choice(SMALL_WORDS), rng.choice(SMALL_WORDS)))],
    )
    yield "prefix of four letters", 150, [(f"{a[:4]}*", f'"{a[:4]}"*') for (a,) in words(lambda: (rarer(),))]
    yield "word in a month", 60, [(f"{a} date:2025-{rng.randint(1, 12):02}", "") for (a,) in words(lambda: (common(),))]
    yield "a month alone", 60, [(f"date:2025-{month:02}", "") for month in range(1, 13)]
    yield "OR and NOT", 80, [(f"{a} OR {b} NOT {c}", "") for a, b, c in words(lambda: (common(), rarer(), rarer()))]
    yield "class and sender", 60, [(f"class:invoice sender:{a}", "") for (a,) in words(lambda: (rarer(),))]
    yield "account number", 50, [(_iban(number), "") for number in range(30)]
    yield "one slip, nothing found as typed", 250, [(f"{a[:-2]}x{a[-2:]}", "") for (a,) in words(lambda: (common(),))]
    parts = [word for word in OFFICE_WORDS if len(word) > 5]
    yield (
        "part of a compound, with a word",
        250,
        [(f"{rng.choice(parts)[2:]} {a}", "") for (a,) in words(lambda: (rarer(),))],
    )


def _search(index: CompartmentIndex, query: str) -> None:
    find([index], parse_query(query, TODAY), Filters(), limit=10, sort="relevance")


def _remove(index: CompartmentIndex, number: int) -> None:
    if not index.purge([_id(number)]):
        raise RuntimeError(f"letter {number} is not gone for good")


def _plain_table(folder: Path) -> Database:
    database = open_database(folder / "plain.db", Disk(), key=None, create=True)
    database.run("CREATE VIRTUAL TABLE plain USING fts5(title, sender, body)")
    return database


def _add_plainly(database: Database, letters: list[IndexEntry]) -> None:
    with database.transaction():
        rows = [(entry.title, entry.sender, "\n".join(entry.pages)) for entry in letters]
        database.run_many("INSERT INTO plain VALUES(?, ?, ?)", rows)


def _plain_search(database: Database | None, query: str) -> None:
    assert database is not None
    list(
        database.rows(
            "SELECT snippet(plain, 2, '[', ']', '…', 30) FROM plain "
            "WHERE rowid IN (SELECT rowid FROM plain WHERE plain MATCH ?1 ORDER BY rank LIMIT 10) AND plain MATCH ?1",
            (query,),
        )
    )
    database.value("SELECT count(*) FROM plain WHERE plain MATCH ?", (query,))


def _cold_cpu_ms(path: Path) -> float:
    """CPU time of a fresh process that opens the index and answers one query; the median of five."""
    script = (
        "import sys; from pathlib import Path; from datetime import date\n"
        "from poststelle.access.database import open_database; from poststelle.durable import Disk\n"
        "from search import CompartmentIndex, Filters, find, parse_query\n"
        f"database = open_database(Path(sys.argv[1]), Disk(), key=bytes.fromhex({KEY.hex()!r}))\n"
        "query = parse_query('Rechnung Zahlung', date(2026, 4, 1))\n"
        "find([CompartmentIndex(database)], query, Filters(), limit=10, sort='relevance')\n"
    )
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", script, str(path)], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    return sorted(taken)[2]


def _letters(count: int, vocabulary: list[str], sentences: int) -> Iterator[IndexEntry]:
    rng = random.Random(SEED)
    for number in range(count):
        yield _letter(number, rng, vocabulary, sentences)


def _letter(number: int, rng: random.Random, vocabulary: list[str], length: int) -> IndexEntry:
    def word() -> str:
        draw = rng.random()
        if draw < 0.40:
            return rng.choice(SMALL_WORDS)
        if draw < 0.62:
            return rng.choice(OFFICE_WORDS)
        if draw < 0.66:
            return f"{rng.randint(1, 9)}.{rng.randint(100, 999)},{rng.randint(10, 99)}"
        return vocabulary[int(rng.paretovariate(0.6)) % len(vocabulary)]

    dated_on = date(2023, 1, 1) + timedelta(days=rng.randrange(1_186))
    sentences = [" ".join(word() for _ in range(rng.randint(6, 14))) for _ in range(length)]
    sender = f"{word().capitalize()} {rng.choice(vocabulary).capitalize()} GmbH"
    text = (
        f"{sender}\n\nRechnungsnummer RE-2025-{number:06}\nDatum {dated_on:%d.%m.%Y}\n\n"
        + ".\n".join(sentences)
        + f".\n\nKonto {_iban(number)}\n"
    )
    return IndexEntry(
        document_id=_id(number),
        accession=f"GEN-2026-{number:06}",
        record_class=rng.choice(CLASSES),
        dated_on=dated_on,
        received_on=dated_on,
        sender=sender,
        title=f"{rng.choice(OFFICE_WORDS)} {word()} {word()}",
        pages=(text,),
        facts={"reference": f"RE-2025-{number:06}", "iban": _iban(number).replace(" ", ""), "amount": f"{number}.50"},
        sequence=number + 1,
    )


def _id(number: int) -> str:
    """Looks random, as real ids are: a proof looks for it among all others."""
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def _iban(number: int) -> str:
    digits = f"DE{number % 97:02}50010517{number % 400:010}"
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _vocabulary(rng: random.Random) -> list[str]:
    """60,000 invented words, a third of them compounds."""
    simple = list(dict.fromkeys(_invented(rng) for _ in range(60_000)))[:40_000]
    compounds = [f"{rng.choice(simple)}{rng.choice(simple)}" for _ in range(20_000)]
    words = simple + compounds
    rng.shuffle(words)
    return words


def _invented(rng: random.Random) -> str:
    return "".join(
        rng.choice(ONSETS) + rng.choice(NUCLEI) + (rng.choice(CODAS) if rng.random() < 0.6 else "")
        for _ in range(rng.randint(2, 3))
    )


def _cpu_ms(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return (time.process_time() - started) * 1000


def _timing(actions: list[Callable[[], object]]) -> Timing:
    return _timing_of(map(_cpu_ms, actions))


def _timing_of(measured: Iterable[float]) -> Timing:
    taken = sorted(measured)
    return Timing(taken[len(taken) // 2], taken[min(int(len(taken) * 0.95), len(taken) - 1)]) if taken else Timing(0, 0)


def _row(name: str, median: float, p95: float | None, limit: float, plain: float | None = None) -> None:
    def cell(value: float | None) -> str:
        return f"{'' if not value else f'{value:,.1f}':>9}"

    print(f"{name:44}{cell(median)}{cell(p95)}{cell(limit)}{cell(plain)}")


if __name__ == "__main__":
    main()
