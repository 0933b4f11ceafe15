"""`script/drill NAME`: run one drill at full size (or `--every N`: a sample of it) and print its figures.

Each drill prints what it tried and every promise that broke; the exit status is 1 if any did.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from simulators import Office

from poststelle.wiring import shipped_config

DRILLS: dict[str, Callable[[argparse.Namespace, Office, Path], list[str]]] = {}


def drill(name: str) -> Callable[[Callable[[argparse.Namespace, Office, Path], list[str]]], None]:
    """Register a drill under its name."""

    def register(function: Callable[[argparse.Namespace, Office, Path], list[str]]) -> None:
        DRILLS[name] = function

    return register


@drill("crash")
def crash(options: argparse.Namespace, empty: Office, folder: Path) -> list[str]:
    """Every step of every operation: fails once, fails for good, is the last one; power cuts; real kills."""
    from drills.crash import FAULTS, real_kills
    from drills.crash import drill as interrupted
    from drills.lost_writes import in_turn
    from drills.operations import OPERATIONS

    chosen = [OPERATIONS[name] for name in options.operation or OPERATIONS]
    kinds = options.fault or [*FAULTS, "power", "real"]
    failures: list[str] = []
    faults = [fault for fault in FAULTS if fault in kinds]
    for operation, report in interrupted(chosen, empty, jobs=options.jobs, every=options.every, faults=faults):
        points = sum(report.tried.values())
        say(f"{operation.name:22} {report.steps.get(operation.name, 0):4} steps {points:6} faults "
            f"{len(report.failures):4} failures")  # fmt: skip
        failures += report.failures
    for operation, moments, tried, said in in_turn(chosen if "power" in kinds else (), empty, every=options.every):
        say(f"{operation.name:22} {moments:4} moments {tried:6} power cuts {len(said):4} failures")
        failures += said
    if "real" in kinds:
        kills, said = real_kills(empty, folder, points=max(1, options.real // options.every))
        say(f"{'intake, real':22} {kills:4} SIGKILLs with real recognition {len(said):4} failures")
        failures += said
    return failures


@drill("leak")
def leak(options: argparse.Namespace, empty: Office, folder: Path) -> list[str]:
    """Canaries in letters, names, queries, reasons and passphrases, looked for in every file of ours."""
    from drills.leak import drill as day

    failures, figures = day(empty, folder)
    say(", ".join(f"{count} {what}" for what, count in figures.items()) + f", {len(failures)} found or failed")
    return failures


@drill("tamper")
def tamper(options: argparse.Namespace, empty: Office, folder: Path) -> list[str]:
    """Every kind of file, changed in every way: noticed, and never read wrongly."""
    from drills.tamper import drill as damage

    report = damage(empty, folder, flips=max(2, 300 // options.every))
    for kind in dict.fromkeys(kind for kind, _ in report.tried):
        cases = ", ".join(f"{count} {what}" for (name, what), count in report.tried.items() if name == kind)
        say(f"{kind:22} {cases}")
    return report.failures


@drill("input")
def hostile(options: argparse.Namespace, empty: Office, folder: Path) -> list[str]:
    """Hostile files, our own and those of a folder, beside ordinary mail."""
    from drills.hostile import drill as drop

    report = drop(
        empty, folder, mutations=max(1, options.mutations // options.every), foreign=options.folder, every=options.every
    )
    say(f"{report.files} hostile files: " + ", ".join(f"{n} {what}" for what, n in report.outcomes.most_common()))
    waits = report.letters_seconds or [0]
    say(f"an ordinary letter waited at most {max(waits):.0f} s; largest worker {report.peak_megabytes:.0f} MB")
    return report.failures


@drill("soak")
def soak(options: argparse.Namespace, empty: Office, folder: Path) -> list[str]:
    """Several writers, searches, decisions and the purge job at once, for `--minutes`; then the clock is set."""
    from drills.clock_jumps import drill as set_clock
    from drills.soak import drill as live

    report = live(empty, folder, minutes=options.minutes)
    took = sorted(report.search_seconds) or [0]
    say(f"{report.drops} letters, {report.searches} searches, {report.decisions} decisions, {report.purges} purge runs "
        f"in {report.seconds:.0f} s; a search: median {took[len(took) // 2]:.2f} s, "
        f"95 % within {took[len(took) * 95 // 100]:.2f} s")  # fmt: skip
    say(f"watcher: {report.memory[0][1]:.0f} to {report.memory[-1][1]:.0f} MB, in the second half {report.slope:+.2f} "
        f"for each thousand letters; {min(report.descriptors)} to {max(report.descriptors)} open files")  # fmt: skip
    lived = set_clock(empty, folder)
    years = ", ".join(f"{count} of {year}" for year, count in sorted(lived.years.items()))
    say(f"the clock set {len(lived.settings)} times ({', '.join(lived.settings)}): {lived.letters} letters ({years}); "
        f"the purge job refused {lived.refusals} times")  # fmt: skip
    return report.failures + lived.failures


@drill("seeded")
def seeded(options: argparse.Namespace, empty: Office, folder: Path) -> list[str]:
    """Known mistakes in throw-away copies of the program: each must be found by the drill that is named."""
    from drills.seeded import FAULTS
    from drills.seeded import drill as prove

    failures = prove(folder, options.jobs)
    say(f"{len(FAULTS)} seeded faults, {len(failures)} not found")
    return failures


def say(line: str) -> None:
    """One line of the report, at once."""
    print(line, flush=True)


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="script/drill", description=__doc__)
    parser.add_argument("drill", choices=sorted(DRILLS))
    parser.add_argument("folder", nargs="?", type=Path, help="input drill: a folder of further hostile files")
    parser.add_argument("--every", type=int, default=1, help="try every N-th point only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--operation", action="append", help="crash drill: this operation only (repeatable)")
    parser.add_argument("--fault", action="append", help='crash drill: "kill", "EIO once", …, "power" or "real" only')
    parser.add_argument("--mutations", type=int, default=40, help="input drill: mutations of each good file")
    parser.add_argument("--real", type=int, default=36, help="crash drill: kills with real recognition")
    parser.add_argument("--minutes", type=float, default=10, help="soak: how long")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        empty = Office(Path(folder) / "empty").make(shipped=shipped_config(), workers="auto")
        failures = DRILLS[options.drill](options, empty, Path(folder))
    for failure in failures:
        say(f"  FAILED {failure}")
    say(f"{options.drill}: {len(failures)} failures in {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
