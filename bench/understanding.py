"""How well letters are understood: class, compartment and facts of letters whose truth is known.

`python bench/understanding.py [--ocr 60] [--typed 300] [--confidential 500] [--half 2] [--einvoices FOLDER]`.
Exit status 0 if no confidential letter was filed where others read it and no wrong account or sum was called sure.

Two ways a letter gets here: scanned and read by recognition (costs a CPU-second a page), or by a channel that
misreads letters as recognition does, for numbers that recognition could not reach in an hour. Every rate stands
beside its count, and every table says which way its letters came.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

if not __package__:
    # Run as a file: this folder would offer its own modules in place of the product's.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.letters import RECORD_CLASSES, Letter, make_letter, write_scan
from bench.letters.faces import text_width
from bench.letters.values import PAGE_HEIGHT_PT, PAGE_WIDTH_PT, PageLayout
from classifiers import Classifier
from intake import IntakeSettings, Recognition, RecognitionPool, Snapshot
from poststelle.config import Config, load
from poststelle.german import compact
from poststelle.records import (
    ClassifiedDocument,
    EInvoice,
    PageOrigin,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
    Word,
)
from poststelle.wiring import classifier, shipped_config

DPI = 200
WORKERS = 2
SURE = 0.9
"""A fact that is at least this confident is presented as sure."""
FACTS = ("date", "amount", "iban", "reference", "due_date", "sender")
_ALSO_RIGHT = {
    "payroll": ("employment-contract",),
    "termination": ("employment-termination",),
    "contract": ("employment-contract",),
    "insurance": ("social-insurance",),
}
"""Classes that the generator does not tell apart but the office does."""
_MISREAD = {
    "e": "c", "c": "e", "n": "u", "u": "n", "i": "l", "l": "i", "t": "f", "f": "t", "h": "b", "rn": "m", "m": "rn",
    "0": "O", "1": "l", "5": "S", "8": "B", "ü": "u", "ö": "o", "ä": "a", "ß": "B", ",": ".",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came out for the letters of one table."""

    name: str
    letters: int = 0
    right: int = 0
    filed: int = 0
    """Without review."""
    filed_right: int = 0
    leaks: list[str] = field(default_factory=list)
    """Confidential letters filed, without a person, where others than their own department read them."""
    confidential: int = 0
    to_mailroom: int = 0
    """Confidential letters that nobody was sure about and that the mail room will look at."""
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    facts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    cpu_s: float = 0.0
    calibration: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))


def main() -> int:
    """Run every table that was asked for."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        config = load(shipped_config(), Path(folder))
        began = time.process_time()
        ours = classifier(config)
        print(f"model loaded in {1000 * (time.process_time() - began):.0f} ms CPU")
        failed = False
        for table in _tables(options, ours, config, Path(folder)):
            _print(table)
            failed = failed or bool(table.leaks or _wrong_but_sure(table))
        if options.einvoices is not None:
            _print_einvoices(options.einvoices, ours, Path(folder))
    return 1 if failed else 0


def _tables(options: argparse.Namespace, ours: Classifier, config: Config, folder: Path) -> Iterator[Tally]:
    if options.typed:
        letters = list(_letters(options.typed, options.half, RECORD_CLASSES, options.seed))
        yield _run("typed, slightly misread", letters, ours, config, _misread(letters, 0.004))
        yield _run("typed, badly misread", letters, ours, config, _misread(letters, 0.025))
    if options.confidential:
        kinds = tuple(code for code in RECORD_CLASSES if _is_confidential(code, config))
        letters = list(_letters(options.confidential, options.half, kinds, options.seed + 5_000))
        yield _run("confidential, misread", letters, ours, config, _misread(letters, 0.012))
    for preset in ("office", "bad") if options.ocr else ():
        letters = list(_letters(options.ocr, options.half, RECORD_CLASSES, options.seed + 9_000))
        yield _run(f"recognised, {preset}", letters, ours, config, _recognised(letters, preset, folder))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ocr", type=int, default=0, help="letters to scan and recognise, office and bad each")
    parser.add_argument("--typed", type=int, default=190, help="letters to misread without recognition")
    parser.add_argument("--confidential", type=int, default=500, help="confidential letters, without recognition")
    parser.add_argument("--half", type=int, choices=(1, 2), default=2, help="half of the generator")
    parser.add_argument("--seed", type=int, default=70_000, help="first seed")
    parser.add_argument(
        "--einvoices", type=Path, help="folder of XML and PDF invoices; 'invalid' in a name is the truth"
    )
    return parser.parse_args()


# Letters ----------------------------------------------------------------------------------------------------


def _letters(count: int, half: int, classes: tuple[str, ...], seed: int) -> Iterator[Letter]:
    for number in range(count):
        yield make_letter(seed + number, half=half, record_class=classes[number % len(classes)])


def _misread(letters: Iterable[Letter], rate: float) -> Iterator[RecognisedDocument]:
    for letter in letters:
        random = Random(f"misread {letter.seed} {rate}")
        pages = tuple(_misread_page(page, number, rate, random) for number, page in enumerate(letter.pages, start=1))
        yield RecognisedDocument(file=_file(letter.seed), media_type="image/tiff", pages=pages)


def _misread_page(page: PageLayout, number: int, rate: float, random: Random) -> RecognisedPage:
    """The page's words where they stand; some letters exchanged, and most such words doubted."""
    words = []
    scale = DPI / 72
    rows = sorted({round(run.y) for run in page.runs})
    for run in page.runs:
        left = run.x
        for text in run.text.split(" "):
            width = text_width(run.face, run.size, text)
            if text:
                read = "".join(_MISREAD.get(c, c) if random.random() < rate else c for c in text)
                doubted = read != text and random.random() < 0.8
                words.append(
                    Word(
                        text=read,
                        left=round(left * scale),
                        top=round((run.y - 0.75 * run.size) * scale),
                        right=round((left + width) * scale),
                        bottom=round((run.y + 0.1 * run.size) * scale),
                        confidence=random.uniform(0.45, 0.9) if doubted else random.uniform(0.9, 0.97),
                        line=rows.index(round(run.y)),
                    )
                )
            left += width + text_width(run.face, run.size, " ")
    words.sort(key=lambda word: (word.line, word.left))
    return RecognisedPage(
        number=number,
        width_px=round(PAGE_WIDTH_PT * scale),
        height_px=round(PAGE_HEIGHT_PT * scale),
        dpi=DPI,
        origin=PageOrigin.OCR,
        words=tuple(words),
        text=" ".join(word.text for word in words),
        confidence=sum(word.confidence for word in words) / max(1, len(words)),
    )


def _recognised(letters: list[Letter], preset: str, folder: Path) -> Iterator[RecognisedDocument]:
    pool = RecognitionPool(IntakeSettings(workers=WORKERS), folder)
    try:
        waiting: list[tuple[int, Future[Recognition]]] = []
        for letter in letters:
            path = write_scan(letter, folder, f"{letter.seed}-{preset}", preset=preset)
            waiting.append((letter.seed, _hand_in(pool, path, folder)))
            path.unlink()
            if len(waiting) > 2 * WORKERS:
                yield _document(*waiting.pop(0))
        yield from (_document(number, future) for number, future in waiting)
    finally:
        pool.close(wait=False)


def _hand_in(pool: RecognitionPool, path: Path, folder: Path) -> "Future[Recognition]":
    with Snapshot.read(path, 100_000_000, folder) as snapshot:
        return pool.recognise(snapshot)


def _document(number: int, future: "Future[Recognition]") -> RecognisedDocument:
    read = future.result()
    return RecognisedDocument(file=_file(number), media_type=read.media_type, pages=read.pages, einvoice=read.einvoice)


def _file(number: int) -> ScannedFile:
    return ScannedFile(
        document_id=f"{number:032x}", source_name="scan", size_bytes=1, sha256="", received_at=datetime.now(UTC)
    )


# Judging ----------------------------------------------------------------------------------------------------


def _run(
    name: str, letters: list[Letter], ours: Classifier, config: Config, documents: Iterable[RecognisedDocument]
) -> Tally:
    tally = Tally(name=name)
    for letter, document in zip(letters, documents, strict=True):
        began = time.process_time()
        found = ours.classify(document, letter.date + timedelta(days=2))
        tally.cpu_s += time.process_time() - began
        _count(tally, letter, found, config)
    return tally


def _count(tally: Tally, letter: Letter, found: ClassifiedDocument, config: Config) -> None:
    truth = letter.record_class
    right = found.record_class in (truth, *_ALSO_RIGHT.get(truth, ()))
    tally.letters += 1
    tally.right += right
    tally.pairs[truth, truth if right else found.record_class] += 1
    bucket = tally.calibration[min(9, int(found.confidence * 10))]
    bucket[0] += 1
    bucket[1] += right
    if not found.needs_review:
        tally.filed += 1
        tally.filed_right += right
    own = _compartments(truth, config)
    if _is_confidential(truth, config):
        tally.confidential += 1
        if not found.needs_review and found.compartment not in (*own, "restricted"):
            tally.leaks.append(f"seed {letter.seed}: {truth} filed as {found.record_class} in {found.compartment}")
        tally.to_mailroom += (
            found.needs_review and found.compartment not in config.value["classification"]["confidential"]
        )
    for name in FACTS:
        _count_fact(tally.facts[name], name, letter.facts()[name], found)


def _count_fact(counts: Counter[str], name: str, truth: str | None, found: ClassifiedDocument) -> None:
    fact = found.fact(name)
    if truth is None:
        if fact is not None and fact.confidence >= SURE and name == "iban":
            counts["sure, though not printed"] += 1
        return
    counts["printed"] += 1
    if fact is None:
        counts["missing"] += 1
    elif _same(name, fact.value, truth):
        counts["right"] += 1
    else:
        counts["wrong"] += 1
        counts["wrong but sure"] += fact.confidence >= SURE


def _same(name: str, one: str, other: str) -> bool:
    return compact(one) == compact(other) if name in ("reference", "iban") else one.split() == other.split()


def _compartments(code: str, config: Config) -> set[str]:
    classes = config.value["classes"]
    return {classes[name]["compartment"] for name in (code, *_ALSO_RIGHT.get(code, ())) if name in classes}


def _is_confidential(code: str, config: Config) -> bool:
    wish = config.value["classification"]["confidential"]
    return config.value["classes"][code]["compartment"] in wish


def _wrong_but_sure(tally: Tally) -> int:
    return sum(tally.facts[name]["wrong but sure"] for name in ("amount", "iban"))


def _macro_f1(tally: Tally) -> float:
    classes = {truth for truth, _ in tally.pairs}
    scores = []
    for code in classes:
        hit = tally.pairs[code, code]
        named = sum(count for (_, found), count in tally.pairs.items() if found == code)
        printed = sum(count for (truth, _), count in tally.pairs.items() if truth == code)
        scores.append(2 * hit / (named + printed))
    return sum(scores) / max(1, len(scores))


# Printing ---------------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.1%})" if whole else "0/0"


def _print(tally: Tally) -> None:
    print(f"\n── {tally.name}: {tally.letters} letters")
    print(f"class right                  {_share(tally.right, tally.letters)}, macro-F1 {_macro_f1(tally):.3f}")
    print(f"filed without review, right  {_share(tally.filed_right, tally.filed)}")
    print(f"to review                    {_share(tally.letters - tally.filed, tally.letters)}")
    print(f"leaks of confidential mail   {_share(len(tally.leaks), tally.confidential)}")
    print(f"…to the mail room for review {_share(tally.to_mailroom, tally.confidential)}")
    print(f"CPU a letter                 {1000 * tally.cpu_s / max(1, tally.letters):.1f} ms")
    for name, counts in tally.facts.items():
        more = ", ".join(
            f"{what} {count}" for what, count in counts.items() if count and what not in ("printed", "right")
        )
        print(f"  {name:10} {_share(counts['right'], counts['printed'])}{'; ' if more else ''}{more}")
    wrong = [(pair, count) for pair, count in tally.pairs.most_common() if pair[0] != pair[1]]
    print("  taken for: " + (", ".join(f"{a} → {b} {count}" for (a, b), count in wrong[:10]) or "nothing else"))
    steps = [
        f"{bucket / 10:.1f}: {right}/{count}" for bucket, (count, right) in sorted(tally.calibration.items()) if count
    ]
    print("  right at confidence from: " + ", ".join(steps))
    for leak in tally.leaks:
        print(f"  LEAK {leak}")
    sys.stdout.flush()


def _print_einvoices(folder: Path, ours: Classifier, work: Path) -> None:
    """Every XML and PDF below a folder: read, facts as stated, flagged."""
    counts: Counter[str] = Counter()
    pool = RecognitionPool(IntakeSettings(workers=WORKERS), work)
    try:
        for number, path in enumerate(sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".xml", ".pdf"))):
            kind = "invalid" if path.name.startswith("invalid") else "valid"
            counts[kind] += 1
            try:
                document = _document(number, _hand_in(pool, path, work))
            except Exception as err:
                counts[f"{kind}, kept in quarantine"] += 1
                print(f"  {path.name}: {err}")
                continue
            found = ours.classify(document, datetime.now(UTC).date())
            stated = document.einvoice or EInvoice()
            told = bool(stated.fields) and all(
                (fact := found.fact(name)) is not None and fact.value == value for name, value in stated.fields
            )
            counts[f"{kind}, read with the XML's facts"] += told
            counts[f"{kind}, flagged for a person"] += found.needs_review
            if (kind == "valid") != told and kind == "valid":
                print(f"  NOT READ {path.name}")
            if kind == "invalid" and not found.needs_review:
                print(f"  NOT FLAGGED {path.name}")
    finally:
        pool.close(wait=False)
    print("\n── electronic invoices")
    for what, count in sorted(counts.items()):
        print(f"{what:40} {count}")


if __name__ == "__main__":
    sys.exit(main())
