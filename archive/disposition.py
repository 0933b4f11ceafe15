"""Disposition: which letters may be destroyed, and destroying them step by step, with proof.

    stage DISPOSING → wraps deleted, logs emptied, bytes scanned → index purged and proven → parts unlinked
    → signed list of disposed ids → certificate → stage DISPOSED → pages of the catalogue looked through

Each step may be repeated; a crash or a reader in the way leaves the letters DISPOSING, and the next run
goes on. `decide` is pure and asked twice: for the plan, and anew for every letter on the day of the run.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from archive.catalogue import LetterRow
from archive.keystore import DocumentWrap, KeyStore
from archive.layout import COPY_SUFFIX, VaultLayout
from archive.ledger import DisposalRow, Ledger
from archive.objects import ObjectStore, PartName
from archive.repairing import left_over
from archive.retention import DOCUMENT, RECEIPT, RetentionDecision, ScheduleLine, decide_retention, no_line
from poststelle.access.audit import Head
from poststelle.access.identities import Identity
from poststelle.access.keybook import canonical
from poststelle.access.statements import Statement, make_statement
from poststelle.anyof import AnyOf
from poststelle.durable import TEMP_SUFFIX, Disk
from poststelle.records import Part
from poststelle.stages import Stage

ART18, RETENTION = "art18", "retention"
"""Grounds of a restriction: a person asked for it; or its period still runs although it should be erased."""
WINDOW_BYTES = 16
WINDOWS_PER_WRAP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A letter, when it is due, and what stands against destroying it on a given day."""

    letter: LetterRow
    retention: RetentionDecision
    blocked_by: tuple[str, ...]
    """Sentences; empty means it may be disposed of."""

    @property
    def fingerprint(self) -> str:
        """Changes when anything changes that the decision rests on."""
        letter = self.letter
        return hashlib.sha256(
            canonical(
                [
                    letter.document_id,
                    letter.record_class,
                    letter.retention,
                    letter.compartment,
                    letter.text_version,
                    str(self.retention.started_on),
                    str(self.retention.due_on),
                    self.retention.line.basis,
                ]
            )
        ).hexdigest()


def consider(
    letter: LetterRow,
    schedule: Mapping[str, ScheduleLine],
    events: Mapping[str, date],
    holds: Sequence[str],
    today: date,
    grounds: Collection[str] = (),
) -> Considered:
    """Say whether a letter may be disposed of on a day.

    `holds` are ids of holds in force on it, `grounds` those of restrictions in force: processing restricted at a
    person's request stops disposition, a restriction that only bridges the rest of the period does not.
    """
    known = {**events, DOCUMENT: letter.event_on, RECEIPT: letter.received_on}
    retention = decide_retention(schedule.get(letter.retention) or no_line(letter.retention), known)
    blocked: list[str] = []
    if letter.stage is Stage.REVIEW:
        blocked.append("it waits for review: its class is not sure yet")
    elif letter.stage in (Stage.DISPOSING, Stage.DISPOSED):
        blocked.append("its disposition has begun" if letter.stage is Stage.DISPOSING else "it was disposed of already")
    if retention.due_on is None:
        blocked.append(f"it waits for an event: {retention.waiting_for}")
    elif retention.due_on > today:
        blocked.append(f"it is not due before {retention.due_on}")
    blocked += [f"a legal hold is in force ({hold[:12]})" for hold in holds]
    if letter.stage is Stage.RESTRICTED and not grounds:
        blocked.append("it is restricted, and no genuine statement says on which ground")
    elif any(ground != RETENTION for ground in grounds):
        blocked.append("it is restricted at a person's request (art18), until that is lifted")
    return Considered(letter=letter, retention=retention, blocked_by=tuple(blocked))


def schedule_of(office: Mapping[str, object]) -> dict[str, ScheduleLine]:
    """The retention schedule of the key book."""
    lines = office["retention"]
    assert isinstance(lines, dict)
    return {code: ScheduleLine.decode(code, value) for code, value in lines.items()}


class IndexPurge(Protocol):
    """What disposition needs of the search room."""

    def purge(self, compartment: str, document_ids: Sequence[str]) -> bool:
        """Remove letters' terms physically and prove it; False while another reader is in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate of destruction: no personal data, signed by the service, checkable with its public key."""

    certificate_id: str
    """Id of the signed statement."""
    documents: tuple[str, ...]
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A backup that got the list of destroyed letters."""

    target_id: str
    keys_until: date
    """The last day on which a generation there may still hold their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where the list of destroyed letters went."""

    unreached: tuple[str, ...] = ()
    """Backups on the list that could not be written, as people know them."""
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """What one run did."""

    disposed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Begun, but a reader kept a log or index open, or a backup was not there: run again."""
    certificates: tuple[Certificate, ...] = ()
    unreached: tuple[str, ...] = ()
    """Backups that did not get the list of destroyed letters; until they do, there is no certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Carries disposals out, as the service."""

    layout: VaultLayout
    keys: KeyStore
    objects: ObjectStore
    ledger: Ledger
    index: IndexPurge
    service: Identity
    vault_id: str
    practice: bool
    disk: Disk
    now: Callable[[], datetime]
    compartment_of: Callable[[str], str]
    describe: Callable[[str], dict[str, object]]
    """What the certificate says of a letter: class, retention line, due day, released by."""
    head: Callable[[], Head | None]
    """The log entry seen last, which list and certificate are bound to."""
    deliver: Callable[[Sequence[str]], Delivery] = lambda documents: Delivery()
    """Puts the vault's list of destroyed letters onto every backup, and removes these letters' parts there."""

    def begin(self, plan_id: str, documents: Sequence[str]) -> None:
        """Take letters out of normal life; remembers pieces of their wraps for the byte scan."""
        windows = {
            document: windows_of([*self.keys.wraps_of(document), *self.keys.shares_of(document)])
            for document in documents
        }
        self.ledger.begin_disposals(plan_id, windows)
        self.disk.reached("disposing")

    def finish(self) -> Disposal:
        """Carry on with every disposal that was begun, as far as it goes."""
        if self.ledger.owes_proof():
            self.ledger.prove_gone(None)
        rows = self.ledger.unfinished_disposals()
        if not rows:
            return Disposal()
        self._sweep()
        documents = tuple(row.document_id for row in rows)
        self.keys.forget_all(documents)
        self.disk.reached("keys-destroyed")
        if not self.keys.settle() or wraps_remain(self.keys, rows):
            return Disposal(pending=documents)
        self.disk.reached("keys-proven")
        late = self._purge_indexes(documents)
        gone = tuple(document for document in documents if document not in late)
        if not gone:
            return Disposal(pending=documents)
        self.objects.remove_all(
            PartName(document_id=document, part=part, version=version)
            for document in gone
            for part, version in self._parts(document)
        )
        self.disk.reached("parts-removed")
        listed = self._list(gone)
        # Before the certificate: who holds one may rely on it that no restore brings the letter back.
        delivery = self.deliver(gone)
        if delivery.unreached:
            return Disposal(pending=documents, unreached=delivery.unreached)
        self.disk.reached("delivered")
        certificate = self._certify(gone, listed, delivery)
        traces = self.ledger.traces_of(gone)
        self.ledger.finish_disposals(gone, certificate.certificate_id, self.service.person_id, self.now())
        self.disk.reached("disposed")
        self.ledger.prove_gone(traces)
        return Disposal(disposed=gone, pending=tuple(late), certificates=(certificate,))

    def _sweep(self) -> None:
        """Remove what a crash left of a list or certificate that was being written, or of a backup, and what a repair
        put aside: a copy of the key store there may hold the very keys that are to be destroyed."""
        copies = [*sorted(self.layout.vault.glob(f"*{COPY_SUFFIX}*")), *left_over(self.layout)]
        if copies:
            self.disk.unlink_all(copies)
        lists = self.layout.vault.glob(f"{self.layout.disposals.name}.*{TEMP_SUFFIX}")
        for path in (*lists, *self.layout.certificates.glob(f"*{TEMP_SUFFIX}")):
            self.disk.unlink(path)

    def _parts(self, document: str) -> Iterable[tuple[Part, int]]:
        prefix = f"{document}."
        for name in self.objects.names_of(document):
            part, version = name.removeprefix(prefix).split(".")
            yield Part(part), int(version)

    def _purge_indexes(self, documents: Sequence[str]) -> set[str]:
        late: set[str] = set()
        by_compartment: dict[str, list[str]] = {}
        for document in documents:
            by_compartment.setdefault(self.compartment_of(document), []).append(document)
        for compartment, ids in by_compartment.items():
            if not self.index.purge(compartment, ids):
                late.update(ids)
        self.disk.reached("index-purged")
        return late

    def _list(self, documents: Sequence[str]) -> str:
        """The signed list of these ids, unless an earlier run that got no further wrote it already; its id."""
        lines = self.layout.disposals.read_bytes().splitlines() if self.layout.disposals.exists() else []
        if lines and json.loads(lines[-1])["body"]["documents"] == list(documents):
            return hashlib.sha256(lines[-1]).hexdigest()
        listed = self._sign("disposal-list", {"documents": list(documents)})
        append_list(self.layout, listed, self.disk)
        self.disk.reached("listed")
        return listed.statement_id

    def _certify(self, documents: Sequence[str], listed: str, delivery: Delivery) -> Certificate:
        content = {
            "practice": self.practice,
            "list": listed,
            "copies": [{"backup": c.target_id, "keys_until": c.keys_until.isoformat()} for c in delivery.copies],
            "letters": [{"id": document, **self.describe(document)} for document in documents],
            "proof": {
                "keys": "no piece of the destroyed keys in the key store, its mirror and their logs",
                "index": "no row and no term of these letters in the index",
                "parts": "all sealed parts unlinked",
            },
        }
        certificate = self._sign("certificate-of-destruction", content)
        path = self.layout.certificates / f"{certificate.statement_id}.json"
        self.disk.make_folder(path.parent)
        self.disk.write_new(path, [certificate.line, b"\n"])
        return Certificate(certificate_id=certificate.statement_id, documents=tuple(documents), path=path)

    def _sign(self, kind: str, content: dict[str, object]) -> Statement:
        return make_statement(self.service, self.vault_id, kind, content, at=self.now(), head=self.head())


def append_list(layout: VaultLayout, listed: Statement, disk: Disk) -> None:
    """Add a signed list of disposed ids; the same ids again are harmless."""
    path = layout.disposals
    before = path.read_bytes() if path.exists() else b""
    disk.write_new(path, [before, listed.line, b"\n"])


def wraps_remain(keys: KeyStore, rows: Sequence[DisposalRow]) -> bool:
    """Whether a piece of a destroyed wrap is still found in store, mirror or their logs: every byte is looked at."""
    return _any_holds(keys.stored_bytes(), rows)


def wraps_put_aside(layout: VaultLayout, rows: Sequence[DisposalRow]) -> list[Path]:
    """Files that a repair left beside store or mirror in which a piece of a destroyed wrap is found."""
    return [path for path in left_over(layout) if _any_holds([path.read_bytes()], rows)]


def _any_holds(contents: Iterable[bytes], rows: Sequence[DisposalRow]) -> bool:
    windows = {
        row.windows[start : start + WINDOW_BYTES] for row in rows for start in range(0, len(row.windows), WINDOW_BYTES)
    }
    pieces = AnyOf(windows)
    return any(pieces.look_in(content) for content in contents)


def windows_of(wraps: Sequence[DocumentWrap]) -> bytes:
    """Pieces from the beginning, the end and between of each wrap."""
    pieces = []
    for wrap in wraps:
        step = (len(wrap.wrap) - WINDOW_BYTES) // (WINDOWS_PER_WRAP - 1)
        pieces += [wrap.wrap[i * step : i * step + WINDOW_BYTES] for i in range(WINDOWS_PER_WRAP)]
    return b"".join(pieces)
