"""Verification: is everything the catalogue promises there, unchanged, and nothing else?

Works with the records key alone: every part's ciphertext hash, every wrap's hash, store against mirror,
key wraps against the key book, databases page by page. `read_data` also opens what the identity may open.
The numbers in the codes are the MUSTs of docs/archive-format.md.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.catalogue import Catalogue, LetterRow
from archive.certificates import certificates, disposal_lists, unknown_to
from archive.filing import UNSORTED
from archive.founding import descriptor
from archive.keystore import LETTER, QUARANTINE, KeyStore, Registered
from archive.layout import ASIDE, VaultLayout
from archive.objects import MissingPart, ObjectStore, StoredPart, fixity
from archive.reading import Reading
from poststelle.access import recover
from poststelle.access.audit import AuditLog, BrokenLog, Head
from poststelle.access.checkpoints import read_chain
from poststelle.access.keybook import KeyBook, content_scope, index_scope
from poststelle.access.keyring import Keyring
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.durable import TEMP_SUFFIX
from poststelle.errors import Damaged, NoRendition, PoststelleError
from poststelle.records import Part, Problem
from poststelle.stages import Stage

_Wraps = dict[tuple[str, str, int, str], tuple[int, str]]
"""(epoch, SHA-256) of wraps by document, part set, version and scope."""
KNOWN_FILES = {
    "VAULT.json",
    "keybook.jsonl",
    "audit.jsonl",
    "recover.py",
    "intake.lock",
    "purge.lock",
    "disposals.jsonl",
    "restores.jsonl",
    "learned.model",
}
PUT_ASIDE = "A damaged file that a repair put aside. Remove it once nobody wants to look into it any more."
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What is to be verified, opened already."""

    layout: VaultLayout
    objects: ObjectStore
    keys: KeyStore
    catalogue: Catalogue
    book: KeyBook
    audit: AuditLog
    remembered: Head | None
    restores: Sequence[Statement] = ()
    """What owners signed: each explains that the log lost entries."""

    def problems(self, progress: Progress) -> Iterator[Problem]:
        """Everything that does not hold, in the order of the write path; `progress(done, total)` by part."""
        yield from self._small_files()
        yield from KeyChecks(keys=self.keys, book=self.book).by_itself()
        yield from self._catalogue()
        yield from self._parts(progress)
        yield from self._foreign()
        yield from self._certificates()
        yield from self._restores()
        yield from self._log()

    def _small_files(self) -> Iterator[Problem]:
        expected = {
            self.layout.descriptor: descriptor(self.book.vault_id),
            self.layout.recover: Path(recover.__file__).read_bytes(),
        }
        for path, content in expected.items():
            if not path.exists() or path.read_bytes() != content:
                message = f"{path.name} is missing or was changed."
                if path == self.layout.recover:
                    message += " After an update of the program, `poststelle upgrade` puts the new one there."
                yield Problem(code="A001", id=path.name, message=message)

    def _catalogue(self) -> Iterator[Problem]:
        """The catalogue by itself, then against the key store's wraps and register."""
        for problem in self.catalogue.problems():
            yield Problem(code="A004", id="catalogue.db", message=f"The catalogue is damaged: {problem}")
            return
        for gap in self.catalogue.series_gaps():
            yield Problem(code="A005", id="series", message=f"Numbers are missing: {gap}.")
        yield from KeyChecks(keys=self.keys, book=self.book).against(self.catalogue)

    def _parts(self, progress: Progress) -> Iterator[Problem]:
        parts = living_parts(self.catalogue)
        for number, part in enumerate(parts, 1):
            try:
                if fixity(self.objects, part.name) != part:
                    message = f"The {part.name.part} was changed, cut or swapped after it was sealed."
                    yield Problem(code="A013", id=part.name.document_id, message=message)
            except MissingPart:
                message = f"The {part.name.part} is missing."
                yield Problem(code="A014", id=part.name.document_id, message=message)
            except OSError as err:
                message = f"The {part.name.part} cannot be read ({err.strerror})."
                yield Problem(code="A014", id=part.name.document_id, message=message)
            progress(number, len(parts))

    def _foreign(self) -> Iterator[Problem]:
        """Files that nothing accounts for: never removed by verify, always named."""
        known = {str(part.name) for part in self.catalogue.parts()}
        for name in self.objects.names():
            if name not in known and not name.endswith(TEMP_SUFFIX):
                yield Problem(code="A008", id=name, message="No letter owns this file; the next intake may remove it.")
        databases = {self.layout.catalogue, self.layout.keys}
        shares = [share.name for share in self.book.shares.values() if index_scope(share.name) in self.book.epochs]
        databases |= {self.layout.index(c) for c in (*self.book.office["compartments"], *shares)}
        allowed = {Path(f"{path}{end}") for path in databases for end in ("", "-wal", "-shm")}
        for path in self.layout.vault.rglob("*"):
            inside = path.relative_to(self.layout.vault)
            if path.is_file() and inside.parts[0] != self.layout.objects.name:
                if path in allowed or str(inside) in KNOWN_FILES or path.parent == self.layout.certificates:
                    continue
                message = PUT_ASIDE if ASIDE in path.name else "This file does not belong into a vault."
                yield Problem(code="A008", id=str(inside), message=message)
        for path in sorted(self.layout.mirror.glob(f"{self.layout.mirror_keys.name}{ASIDE}*")):
            yield Problem(code="A008", id=f"{self.layout.mirror.name}/{path.name}", message=PUT_ASIDE)

    def _certificates(self) -> Iterator[Problem]:
        """Certificates and lists of disposed ids: genuine, and there for every disposed letter."""
        genuine: set[str] = set()
        for found in certificates(self.layout, self.book):
            if found.statement is None:
                message = f"This certificate of destruction does not hold: {found.fault}"
                yield Problem(code="A016", id=found.name, message=message)
            else:
                genuine |= {letter["id"] for letter in found.statement.body["letters"]}
        listed: set[str] = set()
        lines = self.layout.disposals.read_bytes().split(b"\n") if self.layout.disposals.exists() else [b""]
        if lines.pop() or len(set(lines)) < len(lines):
            message = "The list of disposed ids was cut, or a line of it stands there twice."
            yield Problem(code="A017", id=self.layout.disposals.name, message=message)
        for found in disposal_lists(self.layout, self.book):
            if found.statement is None:
                yield Problem(code="A017", id=found.name, message=found.fault)
            else:
                listed |= set(found.statement.body["documents"])
        for letter in self.catalogue.letters():
            if letter.stage is Stage.DISPOSED and letter.document_id not in genuine:
                message = "This letter was destroyed, but its certificate is missing."
                yield Problem(code="A016", id=letter.document_id, message=message)
            if letter.stage is Stage.DISPOSED and letter.document_id not in listed:
                message = "This letter was destroyed, but the signed list of disposed ids does not name it."
                yield Problem(code="A017", id=letter.document_id, message=message)

    def _restores(self) -> Iterator[Problem]:
        """Statements that the vault was brought back: each explains a roll-back, so each must be genuine."""
        content = self.layout.restores.read_bytes() if self.layout.restores.exists() else b""
        for number, line in enumerate(content.splitlines()):
            try:
                check_statement(line, self.book, "restored", or_removed=True)
            except InvalidStatement as err:
                yield Problem(code="A018", id=f"{self.layout.restores.name}:{number + 1}", message=str(err))

    def _log(self) -> Iterator[Problem]:
        try:
            self.audit.require(self.remembered)
        except BrokenLog as err:
            yield Problem(code=err.code, id=self.layout.audit.name, message=str(err))
            return
        chain = read_chain(self.audit, self.book)
        found = chain.problems or unknown_to(chain, self.layout, self.book, self.restores)
        for message in found:
            yield Problem(code=BrokenLog.code, id=self.layout.audit.name, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChecks:
    """What is asked of a key store, with its mirror or of one of the two alone."""

    keys: KeyStore
    book: KeyBook

    def by_itself(self) -> Iterator[Problem]:
        """Page by page, store against mirror, and against the key book."""
        try:
            for problem in self.keys.problems():
                message = f"The key store is damaged ({problem}). `poststelle rebuild keys` says what can be repaired."
                yield Problem(code="A002", id="keys.db", message=message)
            found = {(s, e, r): hashlib.sha256(w).hexdigest() for s, e, r, w in self.keys.epoch_wraps()}
            databases = {n: hashlib.sha256(w).hexdigest() for n, w in self.keys.databases().items()}
        except PoststelleError as err:
            yield Problem(code="A002", id="keys.db", message=str(err))
            return
        promised = self._promised_epochs()
        for key in sorted(promised.keys() | found.keys()):
            if promised.get(key) != found.get(key):
                message = f"A key of scope {self.book.scope_of(key[0])} is missing, changed or foreign."
                yield Problem(code="A003", id=key[0], message=message)
        for name in sorted(databases.keys() | self.book.database_wraps.keys()):
            if databases.get(name) != self.book.database_wraps.get(name):
                message = f"The key of the database {name} is missing, changed or foreign."
                yield Problem(code="A003", id=name, message=message)

    def against(self, catalogue: Catalogue) -> Iterator[Problem]:
        """Wraps and register of documents, against the catalogue."""
        try:
            yield from self._wraps(catalogue)
            yield from self._register(catalogue)
        except PoststelleError as err:
            yield Problem(code="A002", id="keys.db", message=str(err))

    def lacks_keys(self, catalogue: Catalogue) -> bool:
        """Whether a key that key book or catalogue promise is missing or changed; one too many does not count."""
        epochs = {(s, e, r): hashlib.sha256(w).hexdigest() for s, e, r, w in self.keys.epoch_wraps()}
        databases = {n: hashlib.sha256(w).hexdigest() for n, w in self.keys.databases().items()}
        promised, found = self._promised_and_found(catalogue)
        going = _going(catalogue)
        return (
            any(epochs.get(key) != digest for key, digest in self._promised_epochs().items())
            or any(databases.get(name) != digest for name, digest in self.book.database_wraps.items())
            or any(found.get(key) != fixity for key, fixity in promised.items() if key[0] not in going)
        )

    def _promised_epochs(self) -> dict[tuple[str, int, str], str]:
        return {
            (epoch.scope_id, epoch.number, recipient): digest
            for epochs in self.book.epochs.values()
            for epoch in epochs
            for recipient, digest in epoch.wraps.items()
        }

    def _promised_and_found(self, catalogue: Catalogue) -> tuple[_Wraps, _Wraps]:
        promised = {
            (document, w.part_set, w.version, w.scope_id): (w.epoch, w.sha256) for document, w in catalogue.wraps()
        }
        found = {(w.document_id, w.part_set, w.version, w.scope_id): (w.epoch, w.sha256) for w in self.keys.all_wraps()}
        return promised, found

    def _wraps(self, catalogue: Catalogue) -> Iterator[Problem]:
        promised, found = self._promised_and_found(catalogue)
        going = _going(catalogue)
        for key in sorted(promised.keys() | found.keys()):
            if key[0] not in going and promised.get(key) != found.get(key):
                message = f"A key ({key[1]}) is missing, changed or belongs to no letter."
                yield Problem(code="A006", id=key[0], message=message)

    def _register(self, catalogue: Catalogue) -> Iterator[Problem]:
        promised = {row.document_id: self._expected(row) for row in catalogue.letters()}
        scope = self.book.current(index_scope(UNSORTED)).scope_id
        for item in catalogue.quarantine():
            promised[item.document_id] = (QUARANTINE, scope, item.year, item.number, 1, Stage.QUARANTINED)
        found = {
            r.document_id: (r.kind, r.scope_id, r.year, r.number, r.text_version, r.stage)
            for r in self.keys.all_registered()
        }
        going = _going(catalogue)
        for document_id in sorted(promised.keys() | found.keys()):
            if document_id not in going and promised.get(document_id) != found.get(document_id):
                message = "The key store's register does not say what the catalogue says. The next intake repairs it."
                yield Problem(code="A007", id=document_id, message=message)

    def _expected(self, row: LetterRow) -> tuple[str, str, int, int, int, Stage] | None:
        if row.stage in (Stage.DISPOSING, Stage.DISPOSED):
            return None
        scope_id = self.book.current(index_scope(row.compartment)).scope_id
        return (LETTER, scope_id, row.year, row.number, row.text_version, row.stage)


def living_parts(catalogue: Catalogue) -> list[StoredPart]:
    """Fixity of every part that must be there: not of letters that are being destroyed."""
    going = _going(catalogue)
    return [part for part in catalogue.parts() if part.name.document_id not in going]


def _going(catalogue: Catalogue) -> set[str]:
    """Letters whose disposition has begun: how much of them is left is for the next purge, not for us."""
    return {row.document_id for row in catalogue.letters() if row.stage is Stage.DISPOSING}


def read_data(reading: Reading, keyring: Keyring, keys: KeyStore, progress: Progress) -> Iterator[Problem]:
    """Open every part this identity may open; what it may not is left alone, unnamed."""
    readable = set(reading.compartments())
    scopes = {keyring.book.current(index_scope(c)).scope_id: c for c in readable}
    documents = [r for r in keys.all_registered() if r.scope_id in scopes]
    for number, registered in enumerate(documents, 1):
        yield from _read_one(reading, keyring, registered, scopes[registered.scope_id])
        progress(number, len(documents))


def _read_one(reading: Reading, keyring: Keyring, registered: Registered, compartment: str) -> Iterator[Problem]:
    try:
        text = reading.text(registered) if registered.kind == LETTER else reading.quarantine_text(registered)
        file = text.classified.document.file if registered.kind == LETTER else text.file  # type: ignore[union-attr]
        if keyring.holds(content_scope(compartment)):
            original = reading.original(registered)
            if hashlib.sha256(original).hexdigest() != file.sha256 or len(original) != file.size_bytes:
                message = f"The {Part.ORIGINAL} opens, but is not the file that was received."
                yield Problem(code="A015", id=registered.document_id, message=message)
            with contextlib.suppress(NoRendition):
                reading.rendition(registered)
    except Damaged as err:
        yield Problem(code=err.code, id=registered.document_id, message=str(err))
