"""The tamper drill: every kind of file of a vault, changed in every way somebody with a disk editor could think of.

For each kind of file: flip single bits at many places, cut, lengthen, empty, delete, exchange with another of its
kind, put an older version of it in place, add a foreign one; in the key book also another public key, a forged
statement and a stolen signature. After each, `verify` must name it, and whoever reads must get each letter exactly as
it was filed or an error that tells of damage: never other bytes, never a part of them. What `rebuild` can repair must
be whole afterwards. An older mirror is what every crash leaves: opening the vault brings it up to date, and no more is
asked of it.
"""

import base64
import contextlib
import hashlib
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from filed_letters import Sample, file_letters
from simulators import Office, environment_of

from poststelle.errors import PoststelleError
from poststelle.verbs.verifying import HARMLESS, verify
from poststelle.wiring import open_person, open_service

SAMPLES = [
    Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Zwiebelturmuhr"),
    Sample(record_class="invoice", received_on=date(2026, 3, 18), word="Moorbirkenhain"),
    Sample(record_class="offer", received_on=date(2026, 3, 19), word="Kupferkanne"),
]
OLD = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Walnuss")
LATER = Sample(record_class="invoice", received_on=date(2026, 4, 2), word="Heidelbeerkraut")
EARLIER = "earlier"


@dataclass(slots=True)
class Report:
    """Cases by kind of file and kind of damage, and what went unnoticed or was read wrongly."""

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Victim:
    """An office to damage, and how to undo it."""

    office: Office
    truth: dict[str, bytes]
    """Content by id."""
    earlier: dict[Path, bytes]
    """The files as they were before the last letter."""
    _contents: dict[Path, bytes] = field(default_factory=dict)
    _marks: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in self._all():
            self._contents[path] = path.read_bytes()
            self._marks[path] = (path.stat().st_size, path.stat().st_mtime_ns)

    def _all(self) -> Iterator[Path]:
        for folder in (self.office.vault, self.office.mirror, self.office.state):
            yield from (path for path in folder.rglob("*") if path.is_file())

    def restore(self) -> None:
        """Undo everything, what the program itself wrote included."""
        now = set(self._all())
        for path in now - self._contents.keys():
            path.unlink()
        for path, content in self._contents.items():
            if path not in now or (path.stat().st_size, path.stat().st_mtime_ns) != self._marks[path]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self._marks[path] = (path.stat().st_size, path.stat().st_mtime_ns)

    def kinds(self) -> dict[str, list[Path]]:
        """The vault's files by kind."""
        kinds: dict[str, list[Path]] = {}
        for path in sorted(self._contents):
            if not path.is_relative_to(self.office.state) and path.suffix not in (".lock",) and path.stat().st_size:
                kinds.setdefault(self._kind(path), []).append(path)
        return kinds

    def _kind(self, path: Path) -> str:
        if path.is_relative_to(self.office.mirror):
            return "mirror"
        inside = path.relative_to(self.office.vault)
        if inside.parts[0] == "objects":
            return f"part: {path.name.split('.')[1]}"
        return {"index": "index", "certificates": "certificate"}.get(inside.parts[0], inside.name)

    def content(self, path: Path) -> bytes:
        """The file as it was."""
        return self._contents[path]


def prepare(office: Office) -> Victim:
    """An office with letters, one of them destroyed in time, and what its files were before the last one came."""
    from drills.operations import OPERATIONS

    purge = OPERATIONS["purge"].prepare(office)
    OPERATIONS["purge"].act(office, environment_of(office).disk, purge)
    ids = [purge.ids[1], *file_letters(office, SAMPLES)]
    truth = dict(zip(ids, (purge.contents[1], *(sample.content for sample in SAMPLES)), strict=True))
    _settle(office)
    earlier = {path: path.read_bytes() for path in office.vault.rglob("*") if path.is_file()}
    earlier |= {path: path.read_bytes() for path in office.mirror.rglob("*") if path.is_file()}
    (later,) = file_letters(office, [LATER])
    truth[later] = LATER.content
    _settle(office)
    return Victim(office, truth, earlier)


def _settle(office: Office) -> None:
    with open_service(environment_of(office)) as service:
        found = verify(service, with_data=False, progress=lambda done, total: None).problems
    with open_person(environment_of(office, user="owner")):
        pass
    if found:
        raise RuntimeError(f"the office has problems before anybody touched it: {found}")


def drill(empty: Office, folder: Path, *, flips: int) -> Report:
    """All damages; `flips` bits for each kind of file."""
    victim, report = prepare(empty.copy_to(folder / "tamper")), Report()
    for kind, paths in victim.kinds().items():
        for damage, change in _damages(victim, kind, paths, flips):
            victim.restore()
            change()
            report.tried[kind, damage] += 1
            repaired = kind == "mirror" and damage == "older version"
            report.failures += [f"{kind}, {damage}: {what}" for what in _judged(victim, damaged=not repaired)]
    for damage, change in (*_foreign(victim), *_forged(victim)):
        victim.restore()
        change()
        report.tried["key book and folders", damage] += 1
        report.failures += [f"{damage}: {what}" for what in _judged(victim)]
    report.failures += [f"repair: {what}" for what in _repairs(victim)]
    victim.restore()
    report.failures += [f"the control, nothing damaged: {what}" for what in _judged(victim, damaged=False)]
    return report


# Damages ------------------------------------------------------------------------------------------------------

Change = Callable[[], object]


def _damages(victim: Victim, kind: str, paths: list[Path], flips: int) -> Iterator[tuple[str, Change]]:
    dice = random.Random(kind)
    for number in range(flips):
        path = paths[number % len(paths)]
        content = victim.content(path)
        offset = (0, len(content) - 1)[number] if number < 2 else dice.randrange(len(content))
        yield "flipped bit", _writes(path, _flipped(content, offset, dice.randrange(8)))
    for path in paths[:3]:
        content = victim.content(path)
        for size in {0, 1, len(content) // 2, len(content) - 1, dice.randrange(len(content))}:
            yield "cut", _writes(path, content[:size])
        yield "lengthened", _writes(path, content + b"\0")
        yield "lengthened", _writes(path, content + content)
        yield "deleted", path.unlink
    for one, other in itertools.pairwise(paths[:3]):
        if victim.content(one) != victim.content(other):
            yield "exchanged", _exchange(victim, one, other)
    for path in paths:
        if victim.earlier.get(path, victim.content(path)) != victim.content(path):
            yield "older version", _writes(path, victim.earlier[path])


def _foreign(victim: Victim) -> Iterator[tuple[str, Change]]:
    vault = victim.office.vault
    for place in (vault / "objects" / "notes.txt", vault / "keys" / "keys2.db", vault / "index" / "x.db", vault / "a"):
        yield f"foreign file in {place.parent.name}", _writes(place, b"x")
    part = next(path for path in (vault / "objects").rglob("*.original.*"))
    stranger = part.with_name(part.name.replace(part.name[:32], part.name[:2] + "0" * 30))
    yield "a part of no document", _writes(stranger, part.read_bytes())


def _forged(victim: Victim) -> Iterator[tuple[str, Change]]:
    book = victim.office.vault / "keybook.jsonl"
    lines = victim.content(book).splitlines(keepends=True)

    def with_line(number: int, change: Callable[[dict[str, object]], object]) -> Change:
        statement = json.loads(lines[number])
        change(statement)
        line = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        return _writes(book, b"".join((*lines[:number], line, *lines[number + 1 :])))

    def keys(statement: dict[str, object]) -> dict[str, object]:
        body = statement["body"]
        assert isinstance(body, dict)
        return body

    epochs = next(n for n, line in enumerate(lines) if json.loads(line)["body"].get("epochs"))
    people = next(n for n, line in enumerate(lines) if json.loads(line)["body"].get("people"))
    key = base64.b64encode(random.Random(1).randbytes(1216)).decode()
    yield "a public key of a scope exchanged", with_line(epochs, lambda s: keys(s)["epochs"][0].update(public=key))
    yield (
        "a public key of a person exchanged",
        with_line(people, lambda s: keys(s)["people"][0]["keys"].update(sealing=key)),
    )
    yield "a role added to a person", with_line(people, lambda s: keys(s)["people"][-1]["roles"].append("owner"))
    last = json.loads(lines[-1])
    forged = last["body"] | {"seq": last["body"]["seq"] + 1, "prev": hashlib.sha256(lines[-1][:-1]).hexdigest()}
    for name, signature in (("a stolen signature", last["ed25519"]), ("no signature", "")):
        line = json.dumps(last | {"body": forged, "ed25519": signature}, sort_keys=True, separators=(",", ":"))
        yield f"a forged statement with {name}", _writes(book, b"".join(lines) + line.encode() + b"\n")
    yield "the last statement taken away", _writes(book, b"".join(lines[:-1]))
    yield "two statements exchanged", _writes(book, b"".join((*lines[:-2], lines[-1], lines[-2])))
    log = victim.office.vault / "audit.jsonl"
    entries = victim.content(log).splitlines(keepends=True)
    yield "an entry of the log taken out", _writes(log, b"".join((*entries[:2], *entries[3:])))
    yield "the end of the log taken away", _writes(log, b"".join(entries[:-2]))
    yield (
        "two entries of the log exchanged",
        _writes(log, b"".join((*entries[:2], entries[3], entries[2], *entries[4:]))),
    )


def _writes(path: Path, content: bytes) -> Change:
    return lambda: path.write_bytes(content)


def _flipped(content: bytes, offset: int, bit: int) -> bytes:
    return content[:offset] + bytes([content[offset] ^ 1 << bit]) + content[offset + 1 :]


def _exchange(victim: Victim, one: Path, other: Path) -> Change:
    return lambda: (one.write_bytes(victim.content(other)), other.write_bytes(victim.content(one)))


# What must be true --------------------------------------------------------------------------------------------


def _judged(victim: Victim, *, damaged: bool = True) -> list[str]:
    said = []
    # Reading first: `verify` may settle what a harmless difference is.
    said += _read_wrongly(victim)
    try:
        with open_service(environment_of(victim.office)) as service:
            found = verify(service, with_data=False, progress=lambda done, total: None).problems
        noticed = bool(found)
    except PoststelleError:
        noticed = True
    except Exception as err:  # a traceback is no answer to anybody
        return [*said, f"verify broke: {err!r}"]
    if noticed != damaged:
        said.append("verify did not notice" if damaged else "verify complains")
    return said


def _read_wrongly(victim: Victim) -> list[str]:
    """Every letter as it was filed, or an error; never anything else."""
    said = []
    try:
        with open_person(environment_of(victim.office, user="owner")) as session:
            for document, content in victim.truth.items():
                with contextlib.suppress(PoststelleError):
                    registered, _ = session.reading.resolve(document)
                    if session.reading.original(registered) != content:
                        said.append(f"{document} opens to other bytes")
                    told = session.reading.text(registered).classified.document.file.sha256
                    if told != hashlib.sha256(content).hexdigest():
                        said.append(f"the text of {document} is another's")
    except PoststelleError:
        pass
    except Exception as err:  # a traceback is no answer to anybody
        said.append(f"reading broke: {err!r}")
    return said


def _repairs(victim: Victim) -> list[str]:
    """What can be made again from what is whole, is, by the command that says so."""
    office, said = victim.office, []
    backup = office.root / "backup"
    victim.restore()
    office.done("backup", backup)
    repairs: list[tuple[str, Path, list[str], str | None]] = [
        ("index", office.vault / "index" / "finance.db", ["rebuild", "index"], None),
        ("catalogue", office.vault / "catalogue.db", ["rebuild", "catalogue"], "owner"),
        ("key store", office.vault / "keys" / "keys.db", ["rebuild", "keys", "--yes"], None),
        ("mirror", office.mirror / "keys.db", ["rebuild", "keys", "--yes"], None),
        ("letter", office.objects("original")[0], ["rebuild", "letters", str(backup), "--yes"], None),
    ]
    for name, path, command, user in repairs:
        for damage in (path.unlink, lambda path=path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])):
            victim.restore()
            damage()
            ran = office.run(*command, user=user)
            after = office.run("verify")
            codes = {problem["code"] for problem in after.json["problems"]} if after.out else {"refused"}
            if ran.status not in (0, 1) or codes - HARMLESS:
                said.append(f"{name}: {ran.status} {ran.err[-300:]}, then verify says {sorted(codes)}")
    return said
