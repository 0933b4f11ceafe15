"""How benchmarks measure: wall and CPU time of a command with its children, memory of a process tree, text errors."""

import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a command, or several at once, cost and said."""

    wall_s: float
    cpu_s: float
    """User and system time, children that were waited for included."""
    status: int
    """The highest exit status."""
    output: str
    """Standard output of all, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuality:
    """How well texts were read."""

    character_errors: float
    """Levenshtein distance over whitespace-normalised pages, per character of the truth."""
    word_recall: float
    """Share of the truth's words that were found, whatever their order."""


def measure(*commands: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Measured:
    """Run commands side by side until the last one ends."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    running = [
        subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )
        for command in commands
    ]  # fmt: skip
    ended = [process.communicate() for process in running]
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    for process, (_, complaint) in zip(running, ended, strict=True):
        if process.returncode:
            print(f"exit status {process.returncode}: {process.args!r}\n{complaint}", file=sys.stderr)
    return Measured(
        wall_s=wall,
        cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        status=max(abs(process.returncode) for process in running),
        output="".join(output for output, _ in ended),
    )


def judge(read: Sequence[Sequence[str]], truths: Sequence[Sequence[str]]) -> TextQuality:
    """Compare letters as read with the truth, page by page; a missing page counts as wholly wrong."""
    errors, found, characters, words = 0, 0, 0, 0
    for letter, truth in zip(read, truths, strict=True):
        for page, true_page in zip_longest(letter, truth, fillvalue=""):
            plain, true_plain = " ".join(page.split()), " ".join(true_page.split())
            errors += Levenshtein.distance(plain, true_plain)
            characters += len(true_plain)
            true_words = Counter(true_plain.split())
            found += (Counter(plain.split()) & true_words).total()
            words += true_words.total()
    return TextQuality(
        character_errors=errors / characters if characters else 0.0, word_recall=found / words if words else 0.0
    )


def match_letters(read: Sequence[Sequence[str]], truths: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Bring letters into the order of the truth by the words they share; one that is missing becomes empty."""
    bags = [Counter(" ".join(letter).split()) for letter in read]
    free = set(range(len(read)))
    ordered: list[Sequence[str]] = []
    for truth in truths:
        wanted = Counter(" ".join(truth).split())
        best = max(sorted(free), key=lambda number: (bags[number] & wanted).total(), default=None)
        if best is None:
            ordered.append(())
            continue
        free.discard(best)
        ordered.append(read[best])
    return ordered


def tree_pids(process_id: int) -> list[int]:
    """A process and everything below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [process_id]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def tree_memory_bytes(process_id: int) -> int:
    """Proportional set size of a process and everything below it."""
    total = 0
    for number in tree_pids(process_id):
        try:
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
