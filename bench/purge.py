"""Disposing of letters with proof, in a vault of many: python bench/purge.py [--letters 10000] [--destroy 1000]

Data: invented letters of at least 250 words each (the generator's, as text), filed as they are, without recognition,
over six compartments and the years 2014 to 2026; one in ten and one (1,001 of 10,000) is due, or as many as --destroy
says and one. The measured purge of the issue is --letters 100000 --destroy 10000. Every command is the real
program in a process of its own, with identities that need no passphrase, so a figure holds the program's start too.
`search` cold is measured beside, as the measure of what a command costs on this machine. The vault is made by this
process; how long that takes is printed, but it is no measure of intake.

Canaries: every letter that is due says one word that stands nowhere else, every other letter another. Before and after,
both are looked for in the decrypted pages of every index and of the catalogue, in the opened entries of the log, and in
the bytes of every file; of the letters that are due also marks, hashes and pieces of their wraps. What must be gone has
to be found before (else the search proves nothing), and what stays has to be found after.

A backup is made before the purge. It is looked at before, right after, and once more when its window is over and a
further backup was made (for which the clock of that one run is set ahead): wraps, sealed parts and decrypted catalogues
there, and whether an owner's keys still open the letters in it.

With --folder the office is made there and stays; one that is there, made with the same numbers and not purged yet, is
used as it is: making 100,000 letters takes half an hour.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

if not __package__:
    # Run as a file: this folder would offer bench/search.py in place of the product's package `search`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from archive.catalogue import NAME as CATALOGUE
from archive.generation import Target
from archive.keystore import KeyStore
from archive.objects import MissingPart, ObjectStore, PartName
from archive.reading import Reading
from archive.textpart import LetterText, index_entry
from bench.letters import sample_text
from bench.measuring import Measured, measure
from poststelle.access.audit import BrokenLog, open_details
from poststelle.access.database import open_database
from poststelle.access.keybook import AUDIT, COMPARTMENTS, RECORDS
from poststelle.access.keyring import Keyring
from poststelle.anyof import AnyOf
from poststelle.durable import Disk
from poststelle.errors import PoststelleError
from poststelle.records import (
    ClassifiedDocument,
    Fact,
    IndexEntry,
    PageOrigin,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
)
from poststelle.verbs.copying import backup
from poststelle.wiring import Environment, Session, open_person, open_service

CLASSES = ("invoice", "offer", "payroll", "legal", "termination", "other")
"""One for each of six compartments; kept six or eight years from the letter."""
DUE_YEARS, LIVING_YEARS = (2014, 2015, 2016), (2022, 2023, 2024, 2025, 2026)
ORIGINAL_BYTES = 4_000
"""Originals are small here: how large a file is does not change what it costs to unlink it."""
BATCH = 500
MADE = ".all-letters-are-filed"
GOES, STAYS = "Quarzsandfilter", "Moorbirkenhain"
"""The word of every letter that is due, and of every other."""
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
TRIED_WRAPS = 100
"""Letters whose wraps are looked for byte by byte here, and that are opened out of the backup; the run itself looks for
the wraps of all."""
AFTER_WINDOW = timedelta(days=40)
"""More than `backup: keep_days` of the shipped configuration."""


class QuickDisk(Disk):
    """For making the vault only: does not wait for the disk."""

    def sync_folder(self, path: Path) -> None:
        """Left to the system."""


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of an original."""

    data: bytes

    def chunks(self) -> Iterator[bytes]:
        """In one piece."""
        yield self.data


@dataclass(frozen=True, slots=True)
class Office:
    """A measured office: its folder, and how to run a command in it."""

    folder: Path

    @property
    def backup(self) -> Path:
        """Where its backup lies."""
        return self.folder.parent / "backup"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the user's own folders."""
        home = self.folder.parent
        folders = {"HOME": "home", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config"}
        return {name: str(home / folder) for name, folder in folders.items()}

    def command(self, *arguments: str, user: str | None = None) -> list[str]:
        """Arguments of the real program."""
        who = [] if user is None else ["--identity", str(self.folder / "identities" / f"{user}.identity")]
        return [sys.executable, "-m", "poststelle", "--json", *who, *arguments]

    def run(self, *arguments: str, user: str | None = None) -> tuple[Measured, Any]:
        """Measure one command, which must succeed; its JSON answer."""
        cost = measure(self.command(*arguments, user=user), folder=self.folder, environment=self.environment)
        if cost.status:
            raise SystemExit(f"{' '.join(arguments)[:200]}: exit status {cost.status}\n{cost.output}")
        return cost, json.loads(cost.output)


def main() -> None:
    """Make the vault, measure, print."""
    parser = argparse.ArgumentParser(description="Measure disposition with proof.")
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--destroy", type=int, help="how many of them; one in ten if not said")
    parser.add_argument("--folder", type=Path, help="where the office is made and stays")
    options = parser.parse_args()
    count: int = options.letters
    destroy: int = count // 10 if options.destroy is None else options.destroy
    with contextlib.ExitStack() as temporary:
        folder: Path = options.folder or Path(
            temporary.enter_context(tempfile.TemporaryDirectory(prefix="poststelle-bench-"))
        )
        office = Office(folder / "office")
        if not (office.folder / MADE).exists():
            office.folder.mkdir(parents=True)
            init = office.command("init", "--no-passphrase")
            subprocess.run(
                init, cwd=office.folder, env=os.environ | office.environment, check=True, stdout=subprocess.DEVNULL
            )
            make_vault(office, count, destroy + 1)
            (office.folder / MADE).touch()
        print_sizes(office, count, destroy + 1)
        office.run("search", STAYS, "--limit", "1", user="owner")
        traces = collect_traces(office)
        print(f"{'':44}{'wall s':>9}{'CPU s':>9}")
        row("backup", office.run("backup", str(office.backup))[0])
        before = look(office, traces) | look_into_backup(office, traces)
        measure_purge(office, destroy + 1)
        inside = look_into_backup(office, traces)
        row("backup after it", office.run("backup", str(office.backup))[0])
        back_up_later(office)
        after = look(office, traces) | look_into_backup(office, traces)
        sys.exit(0 if print_canaries(before, inside, after) else 1)


def environment_of(office: Office, user: str | None = None) -> Environment:
    """The office's surroundings for this process."""
    return Environment(
        cwd=office.folder,
        config_file=None,
        identity_file=None if user is None else office.folder / "identities" / f"{user}.identity",
        passphrase=lambda user: "",
        config_folders=(),
        cache=Path(office.environment["XDG_CACHE_HOME"]) / "poststelle",
        state=Path(office.environment["XDG_STATE_HOME"]) / "poststelle",
        disk=QuickDisk(),
    )


def make_vault(office: Office, count: int, due: int) -> None:
    """File the letters; one more is due than is destroyed together, for the run of one letter."""
    started = time.monotonic()
    with open_service(environment_of(office)) as session:
        filing = session.filing()
        entries: dict[str, list[IndexEntry]] = {}
        for number in range(count):
            # The due ones lie between the others, as they would after years.
            classified, received_on, original = letter(number, due=number * due // count != (number + 1) * due // count)
            archived = filing.file_letter(classified, Content(original), received_on)
            registered = session.mirrored_keys.find(archived.document_id)
            assert registered is not None
            text = LetterText(classified=classified, received_on=received_on)
            waiting = entries.setdefault(classified.compartment, [])
            waiting.append(index_entry(text, archived.accession, registered.sequence))
            if len(waiting) == BATCH:
                index(session, classified.compartment, waiting)
        for compartment, waiting in entries.items():
            index(session, compartment, waiting)
        session.flush_outbox()
    print(f"{count:,} letters were filed in {time.monotonic() - started:,.0f} s.")


def index(session: Session, compartment: str, entries: list[IndexEntry]) -> None:
    """Make these letters findable."""
    session.index(compartment).add_many(entries)
    entries.clear()


def letter(number: int, *, due: bool) -> tuple[ClassifiedDocument, date, bytes]:
    """(what is known of it, day of receipt, original) of one letter."""
    record_class = CLASSES[number % len(CLASSES)]
    years = DUE_YEARS if due else LIVING_YEARS
    received_on = date(years[number % len(years)], 1 + number % 12, 1 + number % 28)
    word = GOES if due else STAYS
    text = f"{sample_text(number, record_class=record_class)}\n\nUnser Zeichen {word}.\n"
    original = (hashlib.sha256(str(number).encode()).hexdigest() * (ORIGINAL_BYTES // 64)).encode()
    compartments = ("finance", "sales", "hr", "legal", "management", "general")
    page = RecognisedPage(
        number=1, width_px=1654, height_px=2339, dpi=200, origin=PageOrigin.OCR, text=text, confidence=0.93
    )  # fmt: skip
    file = ScannedFile(
        document_id=hashlib.sha256(f"letter {number}".encode()).hexdigest()[:32],
        source_name=f"{word}-{number:06}.pdf",
        size_bytes=len(original),
        sha256=hashlib.sha256(original).hexdigest(),
        received_at=datetime(received_on.year, received_on.month, received_on.day, tzinfo=UTC),
    )
    classified = ClassifiedDocument(
        document=RecognisedDocument(file=file, media_type="application/pdf", pages=(page,)),
        record_class=record_class,
        confidence=0.97,
        compartment=compartments[number % len(compartments)],
        needs_review=False,
        facts=(
            Fact(name="date", value=received_on.isoformat(), confidence=0.9, page=1),
            Fact(name="subject", value=f"Ihr Auftrag {word}", confidence=0.9, page=1),
        ),
    )
    return classified, received_on, original


def print_sizes(office: Office, count: int, due: int) -> None:
    """What lies there before anything is measured."""
    vault = office.folder / "vault"
    keys = (vault / "keys" / "keys.db").stat().st_size
    indexes = sum(file.stat().st_size for file in (vault / "index").glob("*.db"))
    print(f"{due:,} of {count:,} letters are due. Key store {keys / 1e6:.0f} MB, indexes {indexes / 1e6:.0f} MB.\n")


def measure_purge(office: Office, due: int) -> None:
    """The whole path, for one letter and for all the others."""
    manager, owner = "records-manager", "owner"
    cost, made = office.run("purge", "plan", user=manager)
    row(f"plan: {len(made['due']):,} letters", cost)
    assert len(made["due"]) == due, "the data is not what it says"
    one = made["due"][0]
    cost, _ = office.run("purge", "release", made["plan_id"], "--only", one, "--reason", "Messung", user=owner)
    row("release of 1 letter", cost)
    cost, ran = office.run("purge", "run")
    row("run: 1 letter destroyed and proven gone", cost)
    assert ran["disposed"] == [one]
    _, made = office.run("purge", "plan", user=manager)
    cost, _ = office.run("purge", "release", made["plan_id"], "--reason", "Messung", user=owner)
    row(f"release of {len(made['due']):,} letters", cost)
    cost, ran = office.run("purge", "run")
    row(f"run: {len(ran['disposed']):,} letters destroyed and proven gone", cost)
    assert sorted(ran["disposed"]) == sorted(made["due"])
    cost, _ = office.run("purge", "run")
    row("run with nothing to do", cost)
    cost, proven = office.run("purge", "prove", ran["disposed"][-1], user=manager)
    row("prove one letter", cost)
    assert proven["ok"]
    cost, _ = office.run("search", "Rechnung", user="accounting")
    row("beside: search, cold", cost)
    cost, verified = office.run("verify")
    row("beside: verify", cost)
    assert verified["ok"]


# Canaries -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known only of letters that are due."""

    ids: list[bytes]
    marks: list[bytes]
    hashes: list[bytes]
    wraps: list[bytes]
    living: list[bytes]
    """Ids of letters that stay."""


def collect_traces(office: Office) -> Traces:
    """Read them while they are there."""
    with open_service(environment_of(office)) as session:
        letters = list(session.catalogue.letters())
        due = [row for row in letters if row.received_on.year in DUE_YEARS]
        living = [row.document_id.encode() for row in letters if row.received_on.year in LIVING_YEARS]
        hashes = [part.sha256 for row in due for part in session.catalogue.parts(row.document_id)]
        wraps = [w.wrap[100:164] for row in due[:TRIED_WRAPS] for w in session.keys.wraps_of(row.document_id)]
        return Traces(
            [r.document_id.encode() for r in due], [r.mark for r in due], [h.encode() for h in hashes], wraps, living
        )


def look(office: Office, traces: Traces) -> dict[str, tuple[int, bool]]:
    """(how often it is found, whether it must be gone afterwards) by what and where."""
    found: dict[str, tuple[int, bool]] = {}
    goes, stays = GOES.lower().encode(), STAYS.lower().encode()
    with open_service(environment_of(office)) as session:
        pages = [page for c in COMPARTMENTS for page in session.index(c)._database.pages()]
        lower = [page.lower() for page in pages]
        found["decrypted indexes: canary"] = (sum(page.count(goes) for page in lower), True)
        found["decrypted indexes: control"] = (sum(page.count(stays) for page in lower), False)
        found["decrypted indexes, inflated: canary"] = (_inflated(pages, GOES), True)
        found["decrypted indexes, inflated: control"] = (_inflated(pages, STAYS), False)
        found["decrypted indexes: ids"] = (_holding(pages, traces.ids), True)
        pages = list(session.catalogue._db.pages())
        found["decrypted catalogue: duplicate marks"] = (_holding(pages, traces.marks), True)
        found["decrypted catalogue: hashes of parts"] = (_holding(pages, traces.hashes), True)
        found["decrypted catalogue: ids (rows stay)"] = (_holding(pages, traces.ids), False)
    with open_person(environment_of(office, "owner")) as owner:
        keys = [owner.keyring.key(AUDIT, number) for number in range(1, len(owner.book.epochs[AUDIT]) + 1)]
        entries = b"".join(_opened(line, owner.book.vault_id, keys) for _, line in owner.unchecked_audit.lines())
    found["opened log: canary"] = (entries.lower().count(goes), True)
    found["opened log: control (a search for it)"] = (entries.lower().count(stays), False)
    files = [path for path in office.folder.rglob("*") if path.is_file()]
    stores = (path.read_bytes() for path in files if path.name.startswith("keys.db"))
    found[f"key store, mirror, logs: wraps of {TRIED_WRAPS}"] = (_holding(stores, traces.wraps), True)
    ids = set(traces.ids)
    found["sealed parts by name"] = (sum(path.name.split(".")[0].encode() in ids for path in files), True)
    found["any file, in the clear: canary"] = (sum(goes in path.read_bytes().lower() for path in files), True)
    return found


def back_up_later(office: Office) -> None:
    """One more backup, as if the window of those before were over."""
    later = datetime.now(UTC) + AFTER_WINDOW
    with open_service(replace(environment_of(office), now=lambda: later)) as session:
        backup(session, office.backup, reread=False, progress=lambda done, total, what: None)


def look_into_backup(office: Office, traces: Traces) -> dict[str, tuple[int, bool]]:
    """As `look`, for all generations of the backup."""
    target, found = Target(office.backup, QuickDisk()), {}
    files = [path for path in office.backup.rglob("*") if path.is_file()]
    contents = (path.read_bytes() for path in files)
    found[f"backup: wraps of {TRIED_WRAPS}"] = (_holding(contents, traces.wraps), True)
    in_the_clear = sum(GOES.lower().encode() in path.read_bytes().lower() for path in files)
    found["backup: any file, in the clear: canary"] = (in_the_clear, True)
    ids = set(traces.ids)
    found["backup: sealed parts by name"] = (sum(path.name.split(".")[0].encode() in ids for path in files), True)
    with open_service(environment_of(office)) as session, tempfile.TemporaryDirectory() as scratch:
        pages: list[bytes] = []
        for number in target.finished():
            copy = Path(shutil.copy(target.folder(number) / "catalogue.db", Path(scratch) / f"{number}.db"))
            copied = open_database(copy, QuickDisk(), key=session.keyring.database_key(CATALOGUE, RECORDS))
            pages += copied.pages()
            copied.close()
        found["backup: decrypted catalogues: marks"] = (_holding(pages, traces.marks), True)
        found["backup: decrypted catalogues: hashes"] = (_holding(pages, traces.hashes), True)
    found["backup: letters an owner opens: canary"] = (_opened_there(office, target, traces.ids, GOES), True)
    found["backup: letters an owner opens: control"] = (_opened_there(office, target, traces.living, STAYS), False)
    return found


@dataclass(frozen=True, slots=True)
class CopiedParts:
    """Sealed parts as a backup has them, for reading."""

    target: Target

    def read(self, name: PartName) -> Iterator[bytes]:
        """The sealed bytes of the first part of that name."""
        for path in self.target.objects_of(name.document_id):
            if path.name.startswith(f"{name}."):
                yield path.read_bytes()
                return
        raise MissingPart(name)


def _opened_there(office: Office, target: Target, ids: list[bytes], word: str) -> int:
    """How many of the first letters an owner opens out of some generation and finds the word in."""
    opened = set()
    with open_person(environment_of(office, "owner")) as owner, tempfile.TemporaryDirectory() as scratch:
        for number in target.finished():
            copy = Path(shutil.copy(target.folder(number) / "keys.db", Path(scratch) / f"{number}.db"))
            store = KeyStore.open(copy, None, QuickDisk())
            parts = cast(ObjectStore, CopiedParts(target))
            reading = Reading(objects=parts, keys=store, keyring=Keyring(owner.identity, owner.book, store))
            for document in ids[:TRIED_WRAPS]:
                with contextlib.suppress(PoststelleError):
                    registered = store.find(document.decode())
                    if registered and word in "".join(page.text for page in _pages(reading.text(registered))):
                        opened.add(document)
            store.close()
    return len(opened)


def _pages(text: LetterText) -> tuple[RecognisedPage, ...]:
    return text.classified.document.pages


def _holding(contents: Iterable[bytes], pieces: Iterable[bytes]) -> int:
    """How many of these stand in some content."""
    return len(AnyOf(set(pieces)).look_through(contents))


def _inflated(pages: list[bytes], word: str) -> int:
    """How many compressed contents say a word, as far as the page goes on which they begin."""
    found = 0
    for page in pages:
        for start in _ZLIB.finditer(page):
            with contextlib.suppress(zlib.error):
                found += word.encode() in zlib.decompressobj().decompress(page[start.start() :])
    return found


def _opened(line: dict[str, Any], vault_id: str, keys: list[Any]) -> bytes:
    """The details of an entry, whichever epoch they were sealed to."""
    for key in reversed(keys):
        with contextlib.suppress(BrokenLog):
            return json.dumps(open_details(line, vault_id, key), ensure_ascii=False).encode()
    raise SystemExit("an entry of the log does not open")


Found = dict[str, tuple[int, bool]]


def print_canaries(before: Found, inside: Found, after: Found) -> bool:
    """Print what was found before, while the backup's window was open, and after; whether all is as it must be."""
    print(f"\n{'':44}{'before':>9}{'window':>9}{'after':>9}{'limit':>9}")
    sound = True
    for name, (count, must_go) in before.items():
        left = after[name][0]
        # Never in the clear, so nothing to find before: the decrypted pages are the control for this one.
        is_control = "in the clear" in name or name.startswith("opened log: canary") or count > 0
        sound = sound and is_control and (left == 0 if must_go else left > 0)
        meanwhile = f"{inside[name][0]:,}" if name in inside else ""
        print(f"{name:44}{count:9,}{meanwhile:>9}{left:9,}{'0' if must_go else '> 0':>9}")
    print("All as it must be." if sound else "NOT as it must be.")
    return sound


def row(name: str, cost: Measured) -> None:
    """One line of the table."""
    print(f"{name:44}{cost.wall_s:9.2f}{cost.cpu_s:9.2f}", flush=True)


if __name__ == "__main__":
    main()
