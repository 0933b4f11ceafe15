"""What one bad page costs: time until the rest of the queue goes on, and peak memory of a worker.

One command: `python bench/runaway.py`. Exit status 0 if every limit is kept. A worker with a fault engine hangs,
sleeps, eats memory or crashes on one page; a good letter waits behind it, with one worker, the worst case. The
second try of the bad page comes after the good letter, and ends with the page unread. Seconds are by the clock: on a
busy machine computing time comes more slowly than the limits suppose.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from PIL import Image

from bench.fault_engine import ASLEEP, CRASHING, ENDLESS, FAULTS, GREEDY
from bench.intake import DPI, Limit, show_limits
from bench.letters import make_letter
from bench.letters.scans import encode_jpeg, pdf_of_streams, scan_page
from intake import IntakeSettings, RecognitionPool, Snapshot, process
from poststelle.records import PageOrigin

WITH_FAULTS = "import sys; sys.path.append(sys.argv.pop(1)); from bench.fault_engine import worker_main; worker_main()"
CPU_SECONDS = 5
MEMORY_BYTES = 500_000_000
PATIENCE_SECONDS = 600.0
GOES_ON = {ENDLESS: CPU_SECONDS + 5.0, ASLEEP: process.STALLED_SECONDS + 7.0, GREEDY: 6.0, CRASHING: 5.0}
"""Seconds until the letter behind the bad page is read: the limit that ends the page, and a fresh worker."""
LARGEST_DPI = 1100
"""An A4 page of 117 million pixels; 120 are allowed."""
A4_MEGABYTES, LARGEST_MEGABYTES = 260.0, 1500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runaway:
    """What one fault cost."""

    fault: str
    goes_on: float
    """Seconds from the start of the bad page until the letter behind it was read."""
    given_up: float
    """Seconds until the bad page was given up for good."""
    neighbour_whole: bool
    page_unread: bool


def page_file(seed: int, *, word: str | None = None) -> bytes:
    """A scanned page as PDF, with one word that is nowhere else."""
    image = scan_page(make_letter(seed, pages=1, canary=word or "Nachbarbrief"), 1, dpi=DPI, preset="clean")
    return pdf_of_streams([(encode_jpeg(image, DPI), image.size, image.mode)], DPI)


def run_away(fault: str, folder: Path) -> Runaway:
    """Hand in a bad page and, right behind it, a good letter."""
    settings = IntakeSettings(workers=1, page_cpu_seconds=CPU_SECONDS, page_memory_bytes=MEMORY_BYTES)
    pool = RecognitionPool(settings, folder)
    try:
        with Snapshot.from_bytes(page_file(50_000), folder) as warming:
            pool.recognise(warming).result(PATIENCE_SECONDS)
        began = time.monotonic()
        with (
            Snapshot.from_bytes(page_file(50_001, word=fault), folder) as bad,
            Snapshot.from_bytes(page_file(50_002), folder) as good,
        ):
            given_up = pool.recognise(bad)
            neighbour = pool.recognise(good)
        whole = "Nachbarbrief" in neighbour.result(PATIENCE_SECONDS).pages[0].text
        goes_on = time.monotonic() - began
        (page,) = given_up.result(PATIENCE_SECONDS).pages
        return Runaway(
            fault=fault,
            goes_on=goes_on,
            given_up=time.monotonic() - began,
            neighbour_whole=whole,
            page_unread=page.origin is PageOrigin.UNREAD,
        )
    finally:
        pool.abort()


def peak_megabytes(data: bytes, folder: Path) -> float:
    """The most that a fresh worker ever held while it read one page, with all its libraries and models."""
    pool = RecognitionPool(IntakeSettings(workers=1), folder)
    try:
        with Snapshot.from_bytes(data, folder) as snapshot:
            (page,) = pool.recognise(snapshot).result(PATIENCE_SECONDS).pages
        if page.origin is not PageOrigin.OCR:
            raise SystemExit("a page was not read; its memory was not measured.")
        (pid,) = pool.worker_pids()
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1000
    finally:
        pool.abort()


def largest_page() -> bytes:
    """A colour page as large as intake allows."""
    image = scan_page(make_letter(50_003, pages=1), 1, dpi=DPI, preset="clean").convert("RGB")
    factor = LARGEST_DPI / DPI
    large = image.resize((int(image.width * factor), int(image.height * factor)), Image.Resampling.BILINEAR)
    return pdf_of_streams([(encode_jpeg(large, LARGEST_DPI), large.size, large.mode)], LARGEST_DPI)


def main(arguments: list[str]) -> int:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", nargs="*", choices=FAULTS, default=FAULTS)
    parser.add_argument("--no-memory", action="store_true", help="leave peak memory out")
    chosen = parser.parse_args(arguments)
    limits: list[Limit] = []
    runs: list[Runaway] = []
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as name:
        folder = Path(name)
        bare, process.BOOTSTRAP = process.BOOTSTRAP, WITH_FAULTS
        for fault in chosen.faults:
            runs.append(run_away(fault, folder))
        process.BOOTSTRAP = bare
        if not chosen.no_memory:
            peaks = {"A4": (page_file(50_000), A4_MEGABYTES), "largest": (largest_page(), LARGEST_MEGABYTES)}
            for kind, (data, limit) in peaks.items():
                limits.append(
                    Limit(name=f"peak of a worker, {kind} page, MB", figure=peak_megabytes(data, folder), limit=limit)
                )
    print(f"{'fault':16}{'rest goes on':>14}{'given up':>11}   neighbour whole, page left for review")
    for run in runs:
        print(f"{run.fault:16}{run.goes_on:14.1f}{run.given_up:11.1f}   {run.neighbour_whole}, {run.page_unread}")
        limits.insert(0, Limit(name=f"{run.fault}: rest goes on, s", figure=run.goes_on, limit=GOES_ON[run.fault]))
    print(f"limits here: {CPU_SECONDS} s and {MEMORY_BYTES // 10**6} MB a page; as shipped 60 s and 3 GB")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    kept = show_limits(limits)
    return 0 if kept and all(run.neighbour_whole and run.page_unread for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
