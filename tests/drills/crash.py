"""The crash drill: every numbered step of every operation fails once, fails for good, or is the last that happens.

For each operation the office is made once. Then, for step 1, 2, 3 … and each kind of fault: copy the office, do the
operation in a forked child on a disk that breaks at that step, let the independent checker look at what lies there,
do what comes next on a sound disk in another child, and let the checker look again. The checker reads the files by
itself (see checker.py). After a fault each dropped file must be in at least one place; after the repair in exactly
one, with nothing left over.
"""

import errno
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drills.checker import Place, digests, examine
from drills.operations import Operation, Prepared
from simulators import DyingDisk, Office, StepwiseDisk

MOST_STEPS = 1500
KILL = "kill"
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EACCES": errno.EACCES}
FAULTS = (KILL, *(f"{name} {how}" for name in ERRORS for how in ("once", "for good")))
_DONE, _STRUCK, _CONFUSED = 0, 3, 4


class FailingDisk(StepwiseDisk):
    """Answers one step with an error of the operating system; for good: every later one too."""

    def __init__(self, at: int, number: int, *, for_good: bool) -> None:
        super().__init__(at)
        self._number = number
        self._for_good = for_good

    def step(self, action: str, target: str) -> None:
        super().step(action, target)
        if self._for_good and self.at is not None and len(self.steps) > self.at:
            self.strike()

    def strike(self) -> None:
        raise OSError(self._number, os.strerror(self._number))


@dataclass(slots=True)
class Report:
    """What was tried, and every promise that broke."""

    tried: Counter[str] = field(default_factory=Counter)
    """Points by operation and fault."""
    steps: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take in what another process tried."""
        self.tried += other.tried
        self.steps |= {name: max(count, self.steps.get(name, 0)) for name, count in other.steps.items()}
        self.failures += other.failures


def disk_that(fault: str, step: int) -> StepwiseDisk:
    """The disk of one fault."""
    if fault == KILL:
        return DyingDisk(step)
    name, how = fault.split(" ", 1)
    return FailingDisk(step, ERRORS[name], for_good=how == "for good")


def interrupt(
    operation: Operation,
    template: Path,
    folder: Path,
    *,
    faults: Sequence[str] = FAULTS,
    wanted: Callable[[int], bool] = lambda step: True,
) -> Report:
    """Try one operation with every fault at every wanted step."""
    office = Office(template)
    prepared = operation.prepare(office)
    report = Report()
    report.steps[operation.name] = steps = _count(operation, prepared, folder / "count")
    if steps < operation.least_steps:
        report.failures.append(f"{operation.name}: {steps} steps only; the control wants {operation.least_steps}")
    for fault in faults:
        for step in filter(wanted, range(1, min(steps, MOST_STEPS) + 1)):
            said = _one(operation, prepared, folder / "try", fault, step)
            report.tried[f"{operation.name}, {fault}"] += 1
            report.failures += [f"{operation.name}, {fault} at step {step}: {what}" for what in said]
    return report


def _count(operation: Operation, prepared: Prepared, folder: Path) -> int:
    """How many steps the operation takes when nothing fails."""
    office = prepared.office.copy_to(folder)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        disk, status = StepwiseDisk(), _DONE
        try:
            operation.act(office, disk, prepared)
        except BaseException:
            traceback.print_exc()
            status = _CONFUSED
        os.write(writer, str(len(disk.steps)).encode())
        os._exit(status)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        steps = int(stream.read())
    shutil.rmtree(folder)
    if os.waitstatus_to_exitcode(status) != _DONE:
        raise RuntimeError(f"{operation.name} fails on a sound disk")
    return steps


def _one(operation: Operation, prepared: Prepared, folder: Path, fault: str, step: int) -> list[str]:
    office = prepared.office.copy_to(folder)
    try:
        ended = _in_child(lambda: operation.act(office, disk_that(fault, step), prepared), forgive=True)
        if fault == KILL and ended == _DONE:
            return []  # fewer steps this time, e.g. because another order was shorter
        said = []
        if operation.opens_meanwhile:
            said += [f"before the repair: {what}" for what in broken(office, prepared, settled=False)]
        if not in_child(lambda: operation.repair(office, prepared)):
            said.append("the repair failed")
        said += broken(office, prepared, settled=True)
        return said + judged(operation, office, prepared)
    finally:
        shutil.rmtree(folder)


def judged(operation: Operation, office: Office, prepared: Prepared) -> list[str]:
    """What the operation itself wants to be true; whatever stops it from being asked is a failure too."""
    try:
        return operation.judge(office, prepared)
    except Exception as err:  # any: the office may be in any state
        return [f"it cannot be asked what became of it: {err!r}"]


def broken(office: Office, prepared: Prepared, *, settled: bool) -> list[str]:
    """What the independent checker finds."""
    return examine(
        Place.of(office.folder), digests(prepared.contents), settled=settled, destroyed=prepared.destroyed
    )  # fmt: skip


def in_child(action: Callable[[], None]) -> bool:
    """Run something that must succeed in a fork, and say whether it did."""
    return _in_child(action, forgive=False) == _DONE


def _in_child(action: Callable[[], None], *, forgive: bool) -> int:
    """Run it in a fork; a fault may end it (forgive), a repair must succeed. Killed counts as struck."""
    child = os.fork()
    if child == 0:
        status = _DONE
        try:
            if forgive:
                # What the program says about a broken disk is another test's business.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
            action()
        except BaseException:
            if not forgive:
                traceback.print_exc()
            status = _STRUCK if forgive else _CONFUSED
        os._exit(status)
    _, status = os.waitpid(child, 0)
    return _STRUCK if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def real_kills(empty: Office, folder: Path, *, points: int) -> tuple[int, list[str]]:
    """kill -9 the real command at steps spread over its whole run, with real recognition: (kills, what broke)."""
    from conftest import first_letter

    from bench.letters import write_scan

    mail = [
        write_scan(first_letter("invoice", "Quarzsandfilter"), folder, "scan", "pdf", dpi=200, preset="clean"),
        write_scan(first_letter("reminder", "Heidelbeerkraut"), folder, "digital", "pdf-digital", dpi=200,
                   preset="clean"),
    ]  # fmt: skip
    contents = [file.read_bytes() for file in mail]
    kills, failures, office = 0, [], empty.copy_to(folder / "count")
    office.drop(*mail)
    counted = office.drill("count", "intake")
    steps = int(counted.err.rsplit("steps ", 1)[-1])
    for point in range(1, points + 1):
        step = max(1, point * steps // points)
        office = empty.copy_to(folder / f"kill-{step}")
        office.drop(*mail)
        ran = office.drill(f"die:{step}", "intake")
        kills += ran.status == -signal.SIGKILL
        prepared = Prepared(office, contents)
        said = broken(office, prepared, settled=False)
        office.done("intake")
        said += [*broken(office, prepared, settled=True), *(f"waits: {name}" for name in office.waiting())]
        failures += [f"intake, real kill at step {step} of {steps}: {what}" for what in said]
        shutil.rmtree(office.root)
    if kills < points * 3 // 4:
        failures.append(f"only {kills} of {points} runs were killed: the control wants more")
    return kills, failures


# The whole drill ----------------------------------------------------------------------------------------------


def drill(
    operations: Sequence[Operation], empty: Office, *, jobs: int, faults: Sequence[str] = FAULTS, every: int = 1
) -> Iterator[tuple[Operation, Report]]:
    """Each operation in turn, its steps shared among processes; `every` n-th step only, for a quick look."""
    for operation in operations:
        with tempfile.TemporaryDirectory(prefix="crash-", dir=fast()) as folder:
            yield operation, _shared(operation, empty, Path(folder), jobs, faults, every)


def _shared(operation: Operation, empty: Office, folder: Path, jobs: int, faults: Sequence[str], every: int) -> Report:
    readers = []
    for job in range(jobs):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            place = folder / str(job)
            place.mkdir()
            empty.copy_to(place / "template")
            try:
                report = interrupt(
                    operation, place / "template", place, faults=faults,
                    wanted=lambda step, job=job: step % every == 0 and step // every % jobs == job,
                )  # fmt: skip
                answer = {"tried": report.tried, "steps": report.steps, "failures": report.failures}
            except BaseException:
                answer = {"tried": {}, "steps": {}, "failures": [f"{operation.name}: {traceback.format_exc()}"]}
            with os.fdopen(writer, "w") as stream:
                json.dump(answer, stream)
            os._exit(0)
        os.close(writer)
        readers.append(os.fdopen(reader))
    whole = Report()
    for stream in readers:
        told = json.load(stream)
        whole.add(Report(tried=Counter(told["tried"]), steps=told["steps"], failures=told["failures"]))
        os.wait()
    return whole


def fast() -> str | None:
    """The drill copies thousands of offices; in memory where there is a place for that."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
