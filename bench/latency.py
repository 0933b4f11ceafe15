"""How soon a dropped page can be found: on an idle machine, and behind a file of three hundred pages.

One command: `python bench/latency.py [--stack 300]`. Exit status 0 if every limit is kept. A latency is the time from
the end of the drop until `watch` says that the letter is filed, which it does when the index has it; a search proves
it. Recognition is what a warm worker takes for the same page, measured in the same run. Whatever else runs on the
machine adds to both, so the time that our processes waited for a processor is shown beside.
"""

import argparse
import io
import json
import os
import queue
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.intake import DPI, Limit, make_office, poststelle, show_limits
from bench.letters import make_letter
from bench.letters.scans import encode_jpeg, pdf_of_streams, scan_page
from bench.measuring import measure, tree_pids
from intake import IntakeSettings, RecognitionPool, Snapshot
from intake.wholeness import CLOSED_SETTLE_SECONDS

WORD = "Latenzmessung"
"""Printed in each letter that is timed, and nowhere else."""
DIFFERENT_PAGES = 6
PATIENCE_SECONDS = 300.0
OVER_RECOGNITION = 1.0
BEHIND_A_STACK = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One letter from drop to found."""

    name: str
    seconds: float
    recognition: float
    waited: float
    """How long our processes waited for a processor meanwhile, the busiest one's."""

    @property
    def over(self) -> float:
        """What it took besides recognition."""
        return self.seconds - self.recognition


def letter_file(seed: int, folder: Path, name: str, *, word: str = WORD) -> Path:
    """A scanned one-page letter as PDF, office look."""
    letter = make_letter(seed, pages=1, min_characters=1200, canary=word)
    image = scan_page(letter, 1, dpi=DPI, preset="office")
    path = folder / f"{name}.pdf"
    path.write_bytes(pdf_of_streams([(encode_jpeg(image, DPI), image.size, image.mode)], DPI))
    return path


def stack_file(pages: int, folder: Path) -> Path:
    """A scanned file of many pages without separator sheets; a few pictures again and again, or it were too large."""
    import pikepdf

    streams = []
    for seed in range(DIFFERENT_PAGES):
        letter = make_letter(40_000 + seed, pages=1, min_characters=1200)
        image = scan_page(letter, 1, dpi=DPI, preset="office")
        streams.append((encode_jpeg(image, DPI), image.size, image.mode))
    path = folder / "stack.pdf"
    with pikepdf.open(io.BytesIO(pdf_of_streams(streams, DPI))) as document:
        for number in range(len(document.pages), pages):
            document.pages.append(document.pages[number % DIFFERENT_PAGES])
        document.save(path)
    return path


def time_recognition(file: Path, work_folder: Path) -> float:
    """Seconds that a warm worker takes for the page of a one-page file: the median of three."""
    pool = RecognitionPool(IntakeSettings(workers=1), work_folder)
    took: list[float] = []
    read_at: list[float] = []
    try:
        for _ in range(4):
            began = time.monotonic()
            with Snapshot.read(file, 10**9, work_folder) as snapshot:
                reading = pool.recognise(snapshot, lambda _done, _pages: read_at.append(time.monotonic()))
            reading.result(PATIENCE_SECONDS)
            took.append(read_at[-1] - began)
    finally:
        pool.abort()
    return statistics.median(took[1:])


class Watch:
    """A running `poststelle watch`, and when it said what."""

    def __init__(self, office: Path) -> None:
        self.process = subprocess.Popen(
            poststelle("--json", "watch"), cwd=office, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.SimpleQueue[tuple[float, dict[str, str]]] = queue.SimpleQueue()
        assert self.process.stderr is not None
        if "Watching" not in self.process.stderr.readline():
            raise SystemExit("`poststelle watch` did not start; nothing was measured.")
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put((time.monotonic(), json.loads(line)))

    def next(self) -> tuple[float, dict[str, str]]:
        """When the next letter was told, and what of it."""
        try:
            return self._lines.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise SystemExit("`poststelle watch` took nothing in for five minutes.") from None

    def stop(self) -> None:
        """As systemd does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@contextmanager
def watching(office: Path) -> Iterator[Watch]:
    """`poststelle watch`, stopped at the end."""
    watch = Watch(office)
    try:
        yield watch
    finally:
        watch.stop()


def waited_for_processors(pid: int) -> dict[int, float]:
    """Seconds that each thread of a process tree has waited for a processor so far."""
    waited = {}
    for process in tree_pids(pid):
        for thread in Path(f"/proc/{process}/task").glob("*"):
            try:
                waited[int(thread.name)] = int((thread / "schedstat").read_text().split()[1]) / 1e9
            except (OSError, ValueError, IndexError):
                continue  # it ended, or this kernel does not count
    return waited


def copy_in(file: Path, inbox: Path) -> None:
    """As a scanner writes: into the inbox under the last name, then closed."""
    shutil.copyfile(file, inbox / file.name)


def rename_in(file: Path, inbox: Path) -> None:
    """As a careful program writes: under another name, then renamed."""
    aside = inbox / f"{file.name}.part"
    shutil.copyfile(file, aside)
    aside.rename(inbox / file.name)


def time_drop(name: str, file: Path, watch: Watch, office: Path, drop: Callable[[Path, Path], None]) -> Timed:
    """Drop one letter and wait for it."""
    recognition = time_recognition(file, Path("/dev/shm") if os.path.isdir("/dev/shm") else office)  # noqa: PTH112
    before = waited_for_processors(watch.process.pid)
    drop(file, office / "inbox")
    dropped = time.monotonic()
    told, document = watch.next()
    after = waited_for_processors(watch.process.pid)
    if document["status"] not in ("filed", "review", "duplicate"):
        raise SystemExit(f"the letter was not filed: {document}")
    waited = max((after[thread] - before.get(thread, 0.0) for thread in after), default=0.0)
    return Timed(name=name, seconds=told - dropped, recognition=recognition, waited=waited)


def main(arguments: list[str]) -> int:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", type=int, default=300, help="pages of the file in front; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as name:
        folder = Path(name)
        owner = make_office(folder / "office")
        office = folder / "office"
        (office / "inbox").mkdir(exist_ok=True)
        found: list[Timed] = []
        seed = 30_000
        for number in range(chosen.rounds):
            with watching(office) as watch:
                time.sleep(1)
                for kind, drop in (("closed, cold worker", copy_in), ("closed", copy_in), ("renamed", rename_in)):
                    seed += 1
                    file = letter_file(seed, folder, f"letter-{number}-{seed}")
                    found.append(time_drop(kind, file, watch, office, drop))
        behind = []
        if chosen.stack:
            with watching(office) as watch:
                stack_file(chosen.stack, folder).rename(office / "inbox" / "stack.pdf")
                time.sleep(8)
                for kind, drop in (("behind a stack", copy_in), ("behind a stack", rename_in)):
                    seed += 1
                    behind.append(time_drop(kind, letter_file(seed, folder, f"urgent-{seed}"), watch, office, drop))
        search = measure(poststelle("--identity", str(owner), "--json", "search", WORD), folder=office)
        total = json.loads(search.output)["total"]
    print(f"{'':24}{'drop to found':>14}{'recognition':>13}{'besides':>9}{'waited for a processor':>24}   seconds")
    for timed in [*found, *behind]:
        print(f"{timed.name:24}{timed.seconds:14.2f}{timed.recognition:13.2f}{timed.over:9.2f}{timed.waited:24.2f}")
    print(f"settling: {CLOSED_SETTLE_SECONDS} s after the file was closed, none after a rename; contained in `besides`")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    limits = [
        Limit(
            name=f"{kind}: seconds over recognition, median",
            figure=statistics.median(timed.over for timed in found if timed.name == kind),
            limit=OVER_RECOGNITION,
        )
        for kind in dict.fromkeys(timed.name for timed in found)
    ]
    if behind:
        slowest = max(timed.over for timed in behind)
        limits.append(Limit(name=f"behind {chosen.stack} pages: seconds over", figure=slowest, limit=BEHIND_A_STACK))
    share = total / len([*found, *behind])
    limits.append(Limit(name="share of letters found by search", figure=share, limit=1.0, at_least=True))
    return 0 if show_limits(limits) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
