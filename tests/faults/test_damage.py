"""A flipped bit anywhere in the vault is found by `verify`: two hundred places in every kind of file."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from simulators import Office, environment_of

from poststelle.errors import ConfigurationError, Damaged, PoststelleError, StorageError
from poststelle.records import Problem
from poststelle.verbs.verifying import HARMLESS, verify
from poststelle.wiring import open_service

PLACES = 200
HEADER_BYTES = 100
"""Of a database: its first bytes decide how all others are read, so each of them is tried."""


Find = Callable[[Office], Path]


def _largest(part: str) -> Find:
    return lambda office: max(office.objects(part), key=lambda path: path.stat().st_size)


def _smallest(part: str) -> Find:
    # The unreadable file, in quarantine, is by far the smallest of the sample mail.
    return lambda office: min(office.objects(part), key=lambda path: path.stat().st_size)


INDEPENDENT: dict[str, tuple[Find, str, str]] = {
    "an original": (_largest("original"), "A013", "The original"),
    "a text part": (_largest("text"), "A013", "The text"),
    "a quarantined original": (_smallest("original"), "A013", "The original"),
    "a quarantined text part": (_smallest("text"), "A013", "The text"),
    "an index": (lambda office: office.vault / "index" / "finance.db", "A009", "The"),
    "an empty index": (lambda office: office.vault / "index" / "legal.db", "A009", "The"),
    "the audit log": (lambda office: office.vault / "audit.jsonl", "L013", "The audit log"),
    "recover.py": (lambda office: office.vault / "recover.py", "A001", "recover.py"),
}
"""Kinds of files whose damages are told apart in one answer: the code, and how the message begins."""
FUNDAMENTAL: dict[str, tuple[Find, set[str]]] = {
    "the key store": (lambda office: office.vault / "keys" / "keys.db", {"A002", "A003", "A006", "A007"}),
    "the mirror": (lambda office: office.mirror / "keys.db", {"A002"}),
    "the catalogue": (lambda office: office.vault / "catalogue.db", {"A004"}),
    "the key book": (lambda office: office.vault / "keybook.jsonl", set()),
    "VAULT.json": (lambda office: office.vault / "VAULT.json", set()),
}
"""Kinds of files that everything else rests on: `verify` may also refuse the vault altogether."""
KINDS: dict[str, Find] = {name: find for name, (find, *_) in (INDEPENDENT | FUNDAMENTAL).items()}  # type: ignore[misc]


def problems_of(office: Office) -> tuple[Problem, ...]:
    """What verify finds, as the service."""
    with open_service(environment_of(office)) as session:
        return verify(session, with_data=False, progress=lambda done, total: None).problems


def codes_of(office: Office, *refusals: type[PoststelleError]) -> set[str]:
    """What verify finds, as the service; an error that refuses the vault counts as "refused"."""
    try:
        return {problem.code for problem in problems_of(office)}
    except (Damaged, ConfigurationError, *refusals):
        return {"refused"}


class Snapshot:
    """The office's small files as they were, to undo what damage and `verify` itself change."""

    def __init__(self, office: Office) -> None:
        self._folders = (office.vault, office.mirror, office.state)
        self._contents = {path: path.read_bytes() for path, _ in self._all()}
        self._marks = dict(self._all())

    def _all(self) -> list[tuple[Path, tuple[int, int]]]:
        paths = [path for folder in self._folders for path in folder.rglob("*") if path.is_file()]
        return [(path, (path.stat().st_size, path.stat().st_mtime_ns)) for path in paths]

    def restore(self) -> None:
        now = dict(self._all())
        for path in now.keys() - self._contents.keys():
            path.unlink()
        for path, content in self._contents.items():
            if now.get(path) != self._marks[path]:
                path.write_bytes(content)
                self._marks[path] = (path.stat().st_size, path.stat().st_mtime_ns)


def flip(path: Path, content: bytes, offset: int, bit: int) -> None:
    """Change one bit of a file."""
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(bytes([content[offset] ^ 1 << bit]))


def places_in(size: int, seed: str) -> list[tuple[int, int]]:
    """(offset, bit) of the damages: both ends and random places."""
    dice = random.Random(seed)
    offsets = [0, size - 1, *(dice.randrange(size) for _ in range(PLACES - 2))]
    return [(offset, dice.randrange(8)) for offset in offsets]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, filled_office: Office) -> tuple[Office, Snapshot]:
    """An office to damage again and again; it verifies when nothing is damaged."""
    office = filled_office.copy_to(tmp_path_factory.mktemp("damage") / "root")
    assert codes_of(office) == set(), "the control: an undamaged vault has no problems"
    return office, Snapshot(office)


def test_every_flipped_bit_of_a_letter_an_index_or_the_log_is_found(damaged: tuple[Office, Snapshot]) -> None:
    """A disk that rots, or somebody who changes one digit, must not go unnoticed until the letter is needed."""
    office, snapshot = damaged
    victims = {name: (find(office), code, begins) for name, (find, code, begins) in INDEPENDENT.items()}
    contents = {name: path.read_bytes() for name, (path, _, _) in victims.items()}
    places = {name: places_in(len(content), name) for name, content in contents.items()}
    unnoticed = []
    for turn in range(PLACES):
        snapshot.restore()
        for name, (path, _, _) in victims.items():
            flip(path, contents[name], *places[name][turn])
        found = problems_of(office)
        for name, (path, code, begins) in victims.items():
            told = [p for p in found if p.code == code and p.message.startswith(begins)]
            if not any(p.id in (path.name, path.name.split(".")[0]) for p in told):
                unnoticed.append((name, places[name][turn]))
    snapshot.restore()
    assert unnoticed == []
    assert codes_of(office) == set(), "the control: with the damage undone all is well"


@pytest.mark.parametrize("name", FUNDAMENTAL)
def test_every_flipped_bit_of_what_all_rests_on_is_found(name: str, damaged: tuple[Office, Snapshot]) -> None:
    """Keys, mirror, catalogue and key book decide what every letter is: no byte of them may change unseen."""
    office, snapshot = damaged
    find, codes = FUNDAMENTAL[name]
    path = find(office)
    content = path.read_bytes()
    places = places_in(len(content), name)
    if path.suffix == ".db":
        places += [(offset, offset % 8) for offset in range(HEADER_BYTES)]
    unnoticed = []
    for offset, bit in places:
        snapshot.restore()
        flip(path, content, offset, bit)
        if not codes_of(office) & {*codes, "refused"}:
            unnoticed.append((offset, bit))
    snapshot.restore()
    assert unnoticed == []
    assert codes_of(office) == set(), "the control: with the damage undone all is well"


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "cut by one byte": lambda content: content[:-1],
    "cut in half": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "one byte longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", KINDS)
def test_every_cut_is_found(name: str, cut: str, damaged: tuple[Office, Snapshot]) -> None:
    """A copy that broke off, or somebody who cuts the last chunk off, must not get a shorter letter past verify."""
    office, snapshot = damaged
    snapshot.restore()
    path = KINDS[name](office)
    path.write_bytes(CUTS[cut](path.read_bytes()))

    assert codes_of(office) - HARMLESS


@pytest.mark.parametrize("name", KINDS)
def test_every_missing_file_is_found(name: str, damaged: tuple[Office, Snapshot]) -> None:
    """A file that was deleted must be missed, whichever it is."""
    office, snapshot = damaged
    snapshot.restore()
    KINDS[name](office).unlink()

    # A mirror or a catalogue on a disk that is not mounted is no damage, but nothing goes on without it either.
    assert codes_of(office, StorageError) - HARMLESS


def test_parts_that_were_swapped_are_found(damaged: tuple[Office, Snapshot]) -> None:
    """Two invoices whose files change places: each opens nowhere, so nobody pays the wrong one."""
    office, snapshot = damaged
    snapshot.restore()
    one, other = office.objects("original")[:2]
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])

    assert codes_of(office) == {"A013"}


def test_foreign_files_are_named(damaged: tuple[Office, Snapshot]) -> None:
    """A file that nothing accounts for may be a leftover or somebody's hiding place: it is told, not removed."""
    office, snapshot = damaged
    snapshot.restore()
    (office.vault / "objects" / "notes.txt").write_text("x")
    (office.vault / "keys" / "old.db").write_text("x")

    ran = office.run("verify")

    assert ran.status == 1
    assert {(p["code"], p["id"]) for p in ran.json["problems"]} == {("A008", "notes.txt"), ("A008", "keys/old.db")}
    assert (office.vault / "objects" / "notes.txt").exists()


def test_a_damaged_letter_is_refused_and_the_others_are_not(full_office: Office, tmp_path: Path) -> None:
    """One rotten file must cost one letter: nothing of it is shown, and all the others still open."""
    hits = full_office.done("search", "Überweisung", user="accounting").json["hits"]
    victim, other = hits[0]["id"], hits[1]["id"]
    part = next(path for path in full_office.objects("original") if path.name.startswith(victim))
    part.write_bytes(part.read_bytes()[:-1])

    refused = full_office.run("export", victim, "-o", tmp_path / "victim", user="accounting")
    assert (refused.status, refused.out, (tmp_path / "victim").exists()) == (5, b"", False)
    assert full_office.run("export", other, "-o", tmp_path / "other", user="accounting").status == 0
    verified = full_office.run("verify")
    assert (verified.status, [p["id"] for p in verified.json["problems"]]) == (5, [victim])


def test_a_damaged_index_stops_no_mail(full_office: Office, scans: dict[str, Path]) -> None:
    """The index is derived: letters must go on being filed while it is broken, and searching must say so."""
    index = full_office.vault / "index" / "finance.db"
    content = bytearray(index.read_bytes())
    content[5000] ^= 1
    index.write_bytes(content)
    full_office.drop(scans["per-mail-heidelbeer.pdf"])

    taken = full_office.done("intake", user="accounting").json["documents"]

    assert [d["status"] for d in taken] == ["duplicate"]
    assert full_office.waiting() == []
    assert full_office.run("search", "Überweisung", user="accounting").status == 5
    assert full_office.run("search", "Überweisung", user="hr").status == 0
