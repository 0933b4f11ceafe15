"""How well letters are understood: class, compartment and facts of letters whose truth is known.

`python bench/understanding.py [--ocr 95] [--confidential 130] [--typed 0] [--einvoices FOLDER] [--keep FOLDER]`.
Exit status 0 if every figure keeps its limit; both stand side by side, and every rate beside its count.

Letters of both halves are drawn, worn as office and as bad scans, and read by recognition: a CPU-second a page, at
low priority, once: what was read is kept (bench/kept_readings.py). `--typed` adds letters by a channel that misreads
as recognition does. The wordings of the second half were written without knowledge of the rules.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

if not __package__:
    # Run as a file: this folder would offer its own modules in place of the product's.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.kept_readings import (
    WORKERS,
    hand_in,
    kept_folder,
    nameless_file,
    read_document,
    read_letters,
)
from bench.letters import RECORD_CLASSES, Letter, make_letter
from bench.letters.faces import text_width
from bench.letters.values import PAGE_HEIGHT_PT, PAGE_WIDTH_PT, PageLayout
from classifiers import Classifier
from intake import IntakeSettings, RecognitionPool
from poststelle.config import Config, load
from poststelle.german import compact
from poststelle.records import (
    ClassifiedDocument,
    EInvoice,
    PageOrigin,
    RecognisedDocument,
    RecognisedPage,
    Word,
)
from poststelle.wiring import classifier, shipped_config

DPI = 200
SURE = 0.9
"""A fact that is at least this confident is presented as sure."""
FACTS = ("date", "amount", "iban", "reference", "due_date", "sender")
FACT_LIMITS = {
    "office": {"date": 0.95, "amount": 0.98, "iban": 0.97, "reference": 0.96, "due_date": 0.95, "sender": 0.93},
    "bad": {"date": 0.88, "amount": 0.90, "iban": 0.75},
}
"""Share of printed facts that must be exactly right."""
LEAST_MACRO_F1, LEAST_FILED_RIGHT, MOST_TO_REVIEW, MOST_CPU_MS = 0.93, 0.99, 0.10, 50.0
LEAST_CONFIDENTIAL = 500
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
    preset: str = ""
    """ "office" or "bad" where letters were scanned; only there limits count."""
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
        tables = []
        for table in _tables(options, ours, config, Path(folder)):
            _print(table)
            tables.append(table)
        kept = _keep_limits(tables)
        if options.einvoices is not None:
            kept = _print_einvoices(options.einvoices, ours, Path(folder)) and kept
    return 0 if kept else 1


def _tables(options: argparse.Namespace, ours: Classifier, config: Config, folder: Path) -> Iterator[Tally]:
    kinds = tuple(code for code in RECORD_CLASSES if _is_confidential(code, config))
    for half in (1, 2):
        if options.typed:
            letters = list(_letters(options.typed, half, RECORD_CLASSES, options.seed))
            yield _run(f"half {half}, typed, slightly misread", letters, ours, config, _misread(letters, 0.004))
            yield _run(f"half {half}, typed, badly misread", letters, ours, config, _misread(letters, 0.025))
        for preset in ("office", "bad"):
            if options.ocr:
                letters = list(_letters(options.ocr, half, RECORD_CLASSES, options.seed + 9_000))
                read = read_letters(letters, preset, options.keep, folder)
                yield _run(f"half {half}, {preset} scans", letters, ours, config, read, preset)
            if options.confidential:
                letters = list(_letters(options.confidential, half, kinds, options.seed + 5_000))
                read = read_letters(letters, preset, options.keep, folder)
                yield _run(f"half {half}, {preset} scans, confidential", letters, ours, config, read, preset)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ocr", type=int, default=95, help="letters of all classes of each half, as each kind of scan")
    parser.add_argument("--confidential", type=int, default=130, help="confidential letters, of each half and kind")
    parser.add_argument("--typed", type=int, default=0, help="letters to misread without recognition, of each half")
    parser.add_argument("--keep", type=Path, default=kept_folder(), help="where readings are kept between runs")
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
        yield RecognisedDocument(file=nameless_file(letter.seed), media_type="image/tiff", pages=pages)


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


# Judging ----------------------------------------------------------------------------------------------------


def _run(
    name: str,
    letters: list[Letter],
    ours: Classifier,
    config: Config,
    documents: Iterable[RecognisedDocument],
    preset: str = "",
) -> Tally:
    tally = Tally(name=name, preset=preset)
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


def _macro_f1(pairs: Counter[tuple[str, str]]) -> float:
    classes = {truth for truth, _ in pairs}
    scores = []
    for code in classes:
        hit = pairs[code, code]
        named = sum(count for (_, found), count in pairs.items() if found == code)
        printed = sum(count for (truth, _), count in pairs.items() if truth == code)
        scores.append(2 * hit / (named + printed))
    return sum(scores) / max(1, len(scores))


# Printing ---------------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.1%})" if whole else "0/0"


def _print(tally: Tally) -> None:
    print(f"\n── {tally.name}: {tally.letters} letters")
    print(f"class right                  {_share(tally.right, tally.letters)}, macro-F1 {_macro_f1(tally.pairs):.3f}")
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


def _keep_limits(tables: list[Tally]) -> bool:
    """Print each figure beside its limit; whether all are kept. Classes count where all classes are drawn alike."""
    scanned = [table for table in tables if table.preset]
    lines: list[tuple[str, str, str, bool]] = []
    for preset in ("office", "bad"):
        mixed = [table for table in scanned if table.preset == preset and not table.name.endswith("confidential")]
        if mixed:
            lines += _class_lines(mixed, preset)
        every = [table for table in scanned if table.preset == preset]
        for name, least in FACT_LIMITS[preset].items() if every else ():
            right, printed = (sum(table.facts[name][what] for table in every) for what in ("right", "printed"))
            lines.append(
                (f"{name}, {preset} scans", _share(right, printed), f"≥ {least:.0%}", right >= least * printed)
            )
    if scanned:
        lines += _safety_lines(scanned)
    print("\n── limits")
    for what, figure, limit, kept in lines:
        print(f"{what:40} {figure:>20}   {limit:<10} {'kept' if kept else 'NOT KEPT'}")
    return all(kept for *_, kept in lines)


def _class_lines(tables: list[Tally], preset: str) -> list[tuple[str, str, str, bool]]:
    pairs: Counter[tuple[str, str]] = sum((table.pairs for table in tables), Counter())
    letters, filed, right = (sum(getattr(t, name) for t in tables) for name in ("letters", "filed", "filed_right"))
    score = _macro_f1(pairs)
    return [
        (f"macro-F1, {preset} scans", f"{score:.3f}", f"≥ {LEAST_MACRO_F1}", score >= LEAST_MACRO_F1),
        (f"filed and right, {preset} scans", _share(right, filed), "≥ 99 %", right >= LEAST_FILED_RIGHT * filed),
        (f"to review, {preset} scans", _share(letters - filed, letters), "≤ 10 %", letters - filed <= letters / 10),
    ]


def _safety_lines(tables: list[Tally]) -> list[tuple[str, str, str, bool]]:
    confidential, leaks = sum(t.confidential for t in tables), sum(len(t.leaks) for t in tables)
    letters, cpu_s = sum(t.letters for t in tables), sum(t.cpu_s for t in tables)
    milliseconds = 1000 * cpu_s / max(1, letters)
    lines = [
        ("confidential letters", str(confidential), f"≥ {LEAST_CONFIDENTIAL}", confidential >= LEAST_CONFIDENTIAL),
        ("of them where more people read", str(leaks), "0", not leaks),
        ("CPU a letter, ms", f"{milliseconds:.1f}", f"≤ {MOST_CPU_MS:.0f}", milliseconds <= MOST_CPU_MS),
    ]
    for name in ("iban", "amount"):
        wrong = sum(t.facts[name]["wrong but sure"] + t.facts[name]["sure, though not printed"] for t in tables)
        lines.append((f"wrong {name} called sure", str(wrong), "0", not wrong))
    return lines


def _print_einvoices(folder: Path, ours: Classifier, work: Path) -> bool:
    """Every XML and PDF below a folder: read, facts as stated, flagged."""
    counts: Counter[str] = Counter()
    pool, failed = RecognitionPool(IntakeSettings(workers=WORKERS), work), 0
    try:
        for number, path in enumerate(sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".xml", ".pdf"))):
            kind = "invalid" if path.name.startswith("invalid") else "valid"
            counts[kind] += 1
            try:
                recognition = hand_in(pool, path, work).result()
                document = read_document(number, recognition)
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
            if kind == "valid" and found.needs_review:
                digits = all("wrong check digits" in reason for reason in found.review_reasons)
                counts[f"valid, flagged {'only for wrong check digits' if digits else 'otherwise'}"] += 1
                if not digits:
                    print(f"  flagged: {path.name}: {' '.join(found.review_reasons)}")
            if kind == "valid" and not told:
                print(f"  NOT READ {path.name}")
            if kind == "invalid" and not found.needs_review:
                print(f"  NOT FLAGGED {path.name}")
            failed += not told if kind == "valid" else not found.needs_review
            if document.media_type == "application/xml":
                counts[f"{kind}, XML only"] += 1
                counts[f"{kind}, XML only, with a readable PDF"] += recognition.rendition is not None
                failed += recognition.rendition is None
    finally:
        pool.close(wait=False)
    print("\n── electronic invoices")
    for what, count in sorted(counts.items()):
        print(f"{what:44} {count}")
    verdict = "yes" if not failed else f"NO, {failed} are not"
    print(f"every valid one read, every invalid one kept and flagged, every XML with a PDF: {verdict}")
    return not failed


if __name__ == "__main__":
    sys.exit(main())
