"""The drills prove themselves: known mistakes are made in throw-away copies of the program, and a drill must find each.

Every fault is a change of a line or two, of the kind a tired programmer makes. The copy is made, the fault is put in
(if its place is gone, that is a failure: the list must follow the program), and the drill that is named runs on it.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("intake", "classifiers", "archive", "search", "poststelle", "bench", "tests", "config.yaml")


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake: what becomes what in which file, and the drill that must find it."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    drill: tuple[str, ...]
    says: str
    """A word that the drill must use."""


FAULTS = (
    Fault(
        "a new file is not fsynced",
        "poststelle/durable.py",
        (('                self.step("fsync", path.name)\n                os.fsync(stream.fileno())\n',
          '                self.step("fsync", path.name)\n'),),
        ("crash", "--operation", "intake", "--every", "5", "--fault", "power"),
        "power cut",
    ),
    Fault(
        "a folder is not fsynced",
        "poststelle/durable.py",
        (("        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)\n        try:\n"
          "            os.fsync(descriptor)\n",
          "        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)\n        try:\n"
          "            pass\n"),),
        ("crash", "--operation", "intake", "--every", "4", "--fault", "power"),
        "power cut",
    ),
    Fault(
        "the source goes before the letter is filed",
        "poststelle/pipeline.py",
        (("        filed = self.filing.file_letter(classified, read.snapshot, received_on, rendition)\n"
          "        self._remove_source(read.claim, read.snapshot.sha256)\n",
          "        self._remove_source(read.claim, read.snapshot.sha256)\n"
          "        filed = self.filing.file_letter(classified, read.snapshot, received_on, rendition)\n"),),
        ("crash", "--operation", "intake", "--every", "3", "--fault", "kill"),
        "LOST",
    ),
    Fault(
        "a temporary name is used again",
        "poststelle/durable.py",
        (('        temp = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMP_SUFFIX}")\n        self.step("wri',
          '        temp = path.with_name(f"{path.name}{TEMP_SUFFIX}")\n        self.step("wri'),),
        ("crash", "--operation", "remove-user", "--fault", "kill"),
        "the repair failed",
    ),
    Fault(
        "the keys follow the commit",
        "archive/filing.py",
        (("        self._keys.replace_wraps(document_id, wraps)\n        self._disk.reached(\"wraps\")\n"
          "        if not self._keys.has_wraps(wraps):\n",
          "        if False:\n"),
         ("        self._disk.reached(\"committed\")\n        self._register(document_id, LETTER",
          "        self._disk.reached(\"committed\")\n        self._keys.replace_wraps(document_id, wraps)\n"
          "        self._register(document_id, LETTER")),
        ("crash", "--operation", "intake", "--fault", "kill"),
        "does not open",
    ),
    Fault(
        "a wrap stays behind",
        "archive/keystore.py",
        (('        """Delete a document\'s wraps and its register row."""\n        self.apply(\n            [\n'
          '                ("DELETE FROM wraps WHERE document = ?", (document_id,)),\n',
          '        """Delete a document\'s wraps and its register row."""\n        self.apply(\n            [\n'
          '                ("DELETE FROM wraps WHERE document = ? AND part_set = \'content\'", (document_id,)),\n'),),
        ("crash", "--operation", "discard", "--every", "3", "--fault", "kill"),
        "still 1 wraps",
    ),
    Fault(
        "a number is left out",
        "archive/catalogue.py",
        (("UPDATE series SET last = last + 1 WHERE", "UPDATE series SET last = last + 2 WHERE"),),
        ("crash", "--operation", "move", "--every", "9", "--fault", "kill"),
        "series",
    ),
    Fault(
        "what was committed before a crash is not made findable",
        "poststelle/verbs/taking_in.py",
        (("        if session.keyring.holds(index_scope(compartment)):\n            with "
         "contextlib.suppress(StorageError, Damaged):\n",
          "        if False:\n            with contextlib.suppress(StorageError, Damaged):\n"),),
        ("crash", "--operation", "intake", "--fault", "kill"),
        "index",
    ),
    Fault(
        "a subject in the log",
        "poststelle/access/audit.py",
        (('            "kind": entry.kind,\n', '            "kind": f"{entry.kind} {entry.details}",\n'),),
        ("leak",),
        "",
    ),
    Fault(
        "a copy in the temporary folder",
        "poststelle/pipeline.py",
        (('        self.disk.reached("classified")\n        # A searchable',
          '        open(os.path.join(os.environ.get("TMPDIR", "/tmp"), '
          'classified.document.file.document_id), "w").write(\n'
          '            classified.document.pages[0].text)\n        '
          'self.disk.reached("classified")\n        # A searchable'),),
        ("leak",),
        "tmp",
    ),
    Fault(
        "the fixity of parts is not compared",
        "archive/verification.py",
        (("                if fixity(self.objects, part.name) != part:\n", "                if False:\n"),),
        ("tamper", "--every", "60"),
        "did not notice",
    ),
    Fault(
        "foreign files are not looked for",
        "archive/verification.py",
        (('                if path in allowed or str(inside) in KNOWN_FILES'
          ' or path.parent == self.layout.certificates:\n', '                if True:\n'),),
        ("tamper", "--every", "60"),
        "foreign file",
    ),
    Fault(
        "pages are not counted",
        "intake/reading.py",
        (('        raise unreadable("too-many-pages", max_pages)\n', "        pass\n"),),
        ("input", "--every", "4", "--mutations", "1"),
        "zehntausend",
    ),
)  # fmt: skip


def drill(folder: Path, jobs: int) -> list[str]:
    """Every fault in a copy of its own, `jobs` at a time; says which drill found which, and what none found."""
    waiting, running, failures = list(FAULTS), [], []
    while waiting or running:
        while waiting and len(running) < jobs:
            fault = waiting.pop(0)
            place = folder / str(len(waiting))
            said = _seed(fault, place)
            if said:
                failures.append(said)
                continue
            running.append((fault, place, _start(fault, place)))
        for item in list(running):
            fault, place, process = item
            if process.poll() is not None:
                running.remove(item)
                failures += _verdict(fault, (place / "report.txt").read_text(errors="replace"), process.returncode)
                shutil.rmtree(place)
        if running:
            _wait_for_any([process for _, _, process in running])
    return failures


def _seed(fault: Fault, place: Path) -> str:
    place.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, place / name)
    path = place / fault.file
    text = path.read_text(encoding="utf-8")
    for old, new in fault.changes:
        if text.count(old) != 1:
            return f"{fault.name}: its place in {fault.file} is gone or there twice; change the list of faults"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return ""


def _start(fault: Fault, place: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(place / "tests"), str(place)))}
    with (place / "report.txt").open("wb") as report:
        return subprocess.Popen(
            [sys.executable, "-m", "drills", *fault.drill, "--jobs", "1"],
            cwd=place, env=environment, stdout=report, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _verdict(fault: Fault, report: str, status: int) -> list[str]:
    failed = [line for line in report.splitlines() if line.startswith("  FAILED")]
    name = " ".join(fault.drill[:1])
    if status == 1 and failed and any(fault.says in line for line in failed):
        first = next(line for line in failed if fault.says in line)
        print(f"{fault.name}: found by `{name}`: {first.removeprefix('  FAILED ')[:150]}", flush=True)
        return []
    return [f"{fault.name}: `{name}` did not find it (exit status {status}): {report[-400:]}"]


def _wait_for_any(processes: "list[subprocess.Popen[bytes]]") -> None:
    while all(process.poll() is None for process in processes):
        try:
            processes[0].wait(1)
        except subprocess.TimeoutExpired:
            continue
