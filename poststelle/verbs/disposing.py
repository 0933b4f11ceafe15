"""`purge run|prove`: destroying what was released, each letter decided anew, with proof. Plans: see planning.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from archive.catalogue import LetterRow
from archive.disposition import Certificate, Executor, wraps_put_aside, wraps_remain
from archive.filing import accession
from archive.layout import ASIDE
from archive.repairing import left_over
from archive.retention import ScheduleLine
from archive.verification import KeyChecks
from poststelle.access import check_certificate
from poststelle.access.keybook import COMPARTMENTS, canonical, encode_public, index_scope
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.errors import ConfigurationError, StorageError
from poststelle.stages import Stage
from poststelle.verbs import copying, learning
from poststelle.verbs.clock import require_clock
from poststelle.verbs.keeping import Known
from poststelle.verbs.locating import Desk
from poststelle.verbs.planning import GONE, Kept, ReadyPlan, ready_plans
from poststelle.verbs.witnessing import contradiction, require_whole_ledger
from poststelle.wiring import Session, sweep_drills

STANDING = "standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A plan that was not followed although it is genuine, and why."""

    plan_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run did."""

    disposed: tuple[str, ...]
    kept: tuple[Kept, ...]
    pending: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    practice: bool
    warnings: tuple[Warned, ...] = ()
    """Genuine plans that were not followed."""
    unreached: tuple[str, ...] = ()
    """Backups that did not get the list of destroyed letters: that is what the pending ones wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was looked for of a disposed letter, and whether it was found."""

    document_id: str
    number: str
    checks: tuple[tuple[str, bool], ...]
    """(what must hold, whether it does)."""
    certificate: dict[str, object]
    practice: bool
    copies: tuple[copying.Traces, ...] = ()
    """What every backup on the list still holds, and until when."""

    @property
    def ok(self) -> bool:
        """Whether all of it holds."""
        return all(held for _, held in self.checks)


class KeysAside(StorageError):
    """Keys are missing that may lie in what a repair put aside, and a purge would remove that."""

    code = "D024"

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__(
            "Keys that must be there are missing, and what a repair put aside may hold them: "
            f"{', '.join(map(str, files))}. A purge removes such files, so nothing was destroyed. `poststelle verify` "
            "says what is missing; `poststelle restore` brings it back from a backup. When nobody needs these files "
            "any more, remove them and run again."
        )


def run(service: Session) -> Run:
    """Carry out released plans and standing releases, deciding every letter anew; resumable.

    Raises:
        InvalidStatement: a plan or release is forged; nothing at all is carried out.
        ChangedLedger: decisions that the log counts are missing from the catalogue.
        ClockSetBack, ClockAhead: dates cannot be trusted.
        KeysAside: keys are missing that perhaps lie in what a repair put aside.
    """
    require_clock(service)
    sweep_drills()  # a copy that a killed drill left holds the keys that are to be destroyed
    with service.alone():
        require_whole_ledger(service)
        _require_decided(service)
        done = _run(service, service.now().astimezone().date())
    learning.refresh(service)
    return done


def _require_decided(service: Session) -> None:
    """A run removes what a repair of the keys put aside: not while keys are missing that may lie there alone.

    Whoever has looked removes the file; then what is due goes.

    Raises:
        KeysAside: says which files.
    """
    aside = [path for path in left_over(service.layout) if ASIDE in path.name]
    if aside and KeyChecks(keys=service.mirrored_keys, book=service.book).lacks_keys(service.catalogue):
        raise KeysAside(aside)


def _run(service: Session, today: date) -> Run:
    kept: list[Kept] = []
    warnings: list[Warned] = []
    # All are checked before the first is begun: one that is forged stops the run while nothing has changed.
    plans, known = ready_plans(service), Known.of(service)
    executor = _executor(service, known)
    for ready in plans:
        if ready.void is None:
            kept += _begin_plan(service, executor, ready, known, today)
        else:
            warnings.append(Warned(plan_id=ready.row.plan_id, reason=ready.void))
            kept += [
                Kept(document_id=d, reason=f"its plan does not count. {ready.void}") for d in _left(service, ready)
            ]
    kept += _begin_standing(service, executor, known, today)
    # Before the keys of the first letter go: a model must not outlive what it was trained on.
    learning.forget(service, [row.document_id for row in service.ledger.unfinished_disposals()])
    disposal = executor.finish()
    service.flush_outbox()
    for ready in plans:
        # Letters that nobody released yet stay planned; what was released and kept needs a new plan.
        if not disposal.pending and ready.void is None and set(_left(service, ready)) <= ready.chosen:
            service.ledger.finish_plan(ready.row.plan_id, service.now())
    return Run(
        disposed=disposal.disposed,
        kept=tuple(kept),
        pending=disposal.pending,
        certificates=disposal.certificates,
        warnings=tuple(warnings),
        unreached=disposal.unreached,
        practice=service.book.practice,
    )


def prove(desk: Desk, name: str) -> Proof:
    """Look for what must be gone of a disposed letter: keys, parts, register, index, duplicate mark.

    Raises:
        UnknownDocument: no such letter.
        ConfigurationError: it was not disposed of.
    """
    desk.require_right("records", "see proofs of destruction")
    row = desk.locate(name)
    disposal = desk.service.ledger.disposal(row.document_id)
    if disposal is None or row.stage is not Stage.DISPOSED:
        raise ConfigurationError(f"{desk.number_of(row)} was not disposed of. See `poststelle retention explain`.")
    service, document, ledger = desk.service, row.document_id, desk.service.ledger
    certificate = _certificate(service, disposal.certificate or "")
    copies = tuple(copying.look_for(service, desk.person, document))
    indexed = any(
        service.index(c).get(document) is not None for c in COMPARTMENTS if service.keyring.holds(index_scope(c))
    )
    checks = (
        (
            "no key of it is in the key store",
            not (service.mirrored_keys.wraps_of(document) or service.mirrored_keys.shares_of(document)),
        ),
        (
            "no piece of its keys is left in store, mirror or their logs",
            not wraps_remain(service.mirrored_keys, [disposal]),
        ),
        ("it is not in the register", service.mirrored_keys.find(document) is None),
        ("no sealed part of it is left", not service.objects.names_of(document)),
        ("it is in no index", not indexed),
        ("its duplicate mark is gone, from every page of the catalogue", row.mark == b"" and not ledger.owes_proof()),
        ("nothing of it is left in what was learned", not learning.knows(service, document)),
        ("the certificate is genuine and names it", certificate is not None and _names(certificate, document)),
        *((f"no piece of its keys is left in {path}", False) for path in wraps_put_aside(service.layout, [disposal])),
        *(check for found in copies for check in _in_backup(found)),
    )
    desk.person.note("purge-proved", document=document)
    return Proof(
        document_id=document,
        number=desk.number_of(row),
        checks=checks,
        certificate=certificate.body if certificate else {},
        practice=service.book.practice,
        copies=copies,
    )


def hand_out_certificate(desk: Desk, proof: Proof, folder: Path) -> None:
    """Write certificate, public key and the program that checks them.

    Raises:
        ConfigurationError: there is no genuine certificate, or the folder holds such files already.
    """
    disposal = desk.service.ledger.disposal(proof.document_id)
    certificate = _certificate(desk.service, (disposal.certificate if disposal else None) or "")
    if certificate is None:
        raise ConfigurationError("There is no genuine certificate to hand out. Run `poststelle verify`.")
    keys = encode_public(desk.service.book.people[certificate.person_id].public)
    files = {
        "certificate.json": certificate.line + b"\n",
        "service-key.json": canonical({"id": certificate.person_id, "keys": keys}) + b"\n",
        "check_certificate.py": Path(check_certificate.__file__).read_bytes(),
    }
    desk.person.disk.make_folder(folder, mode=0o755)
    for name, content in files.items():
        if (folder / name).exists():
            raise ConfigurationError(f"{folder / name} is there already; it was not touched. Name another folder.")
        desk.person.disk.write_new(folder / name, [content], mode=0o644)


def _in_backup(found: copying.Traces) -> list[tuple[str, bool]]:
    """What must hold of a backup that can be reached; of keys within their window the answer tells the last day."""
    if not found.reached:
        return []
    return [
        (f"no sealed part of it is left in the backup {found.path}", found.objects == 0),
        (f"the backup {found.path} lists it, so that no restore brings it back", found.listed),
        (f"no key of it is left in the backup {found.path} beyond its window", not found.overdue),
    ]


def _left(service: Session, ready: ReadyPlan) -> list[str]:
    """Letters of a plan whose disposition has not begun."""
    documents = [item.document_id for item in service.ledger.planned(ready.row.plan_id)]
    letters = {document: service.catalogue.letter(document) for document in documents}
    return [document for document, letter in letters.items() if letter is not None and letter.stage not in GONE]


def _begin_plan(service: Session, executor: Executor, ready: ReadyPlan, known: Known, today: date) -> list[Kept]:
    # Only a practice vault lives in a future day; its genesis says so, under the owner's signature.
    as_of = date.fromisoformat(ready.statement.body["as_of"])
    day = as_of if service.book.practice and as_of > today else today
    kept, going = [], []
    for item in service.ledger.planned(ready.row.plan_id):
        letter = service.catalogue.letter(item.document_id)
        assert letter is not None
        if letter.stage in GONE:
            continue
        considered = known.consider(letter, day)
        if item.document_id not in ready.chosen:
            why = "it was not released"
        elif considered.blocked_by:
            why = "; ".join(considered.blocked_by)
        elif considered.fingerprint != item.fingerprint:
            why = "it changed after the plan; plan it again"
        else:
            why = contradiction(service, letter, strict=False) or ""
        if why:
            kept.append(Kept(document_id=item.document_id, reason=why))
        else:
            going.append(item.document_id)
    if going:
        executor.begin(ready.row.plan_id, going)
    return kept


def _begin_standing(service: Session, executor: Executor, known: Known, today: date) -> list[Kept]:
    """Letters whose retention line is released once and for all, in the key book, by whoever signed it."""
    classes = service.book.office["classes"]
    kept, going = [], []
    for letter in list(service.catalogue.letters()):
        if letter.stage in GONE:
            continue
        considered = known.consider(letter, today)
        if considered.blocked_by:
            continue
        if _may_be_unattended(considered.retention.line, classes.get(letter.record_class, {})):
            why = contradiction(service, letter, strict=True)
            if why is None:
                going.append(letter.document_id)
            else:
                kept.append(Kept(document_id=letter.document_id, reason=why))
    if going:
        executor.begin(STANDING, going)
    return kept


def _may_be_unattended(line: ScheduleLine, record_class: dict[str, object]) -> bool:
    return line.release == STANDING and not line.tax_relevant and not record_class.get("tax_relevant", True)


def _executor(service: Session, known: Known) -> Executor:
    def row(document: str) -> LetterRow:
        letter = service.catalogue.letter(document)
        assert letter is not None
        return letter

    def describe(document: str) -> dict[str, object]:
        letter = row(document)
        disposal = service.ledger.disposal(document)
        assert disposal is not None
        found = service.ledger.plan(disposal.plan_id) if disposal.plan_id != STANDING else None
        considered = known.consider(letter, date.max)
        return {
            "number": accession(service.book, letter.compartment, letter.year, letter.number),
            "class": letter.record_class,
            "retention": considered.retention.line.code,
            "basis": considered.retention.line.basis,
            "due_on": str(considered.retention.due_on),
            "plan": disposal.plan_id,
            "release": (found.released if found else None) or disposal.plan_id,
        }

    return Executor(
        layout=service.layout,
        keys=service.mirrored_keys,
        objects=service.objects,
        ledger=service.ledger,
        index=_Purge(service),
        service=service.identity,
        vault_id=service.book.vault_id,
        practice=service.book.practice,
        disk=service.disk,
        now=service.now,
        compartment_of=lambda document: row(document).compartment,
        describe=describe,
        head=service.state.head,
        deliver=lambda documents: copying.deliver(service, documents),
    )


@dataclass(frozen=True, slots=True)
class _Purge:
    """Index purging through the service's keys."""

    service: Session

    def purge(self, compartment: str, document_ids: Sequence[str]) -> bool:
        shares = [share.name for share in self.service.book.shares.values()]
        places = [compartment, *(name for name in shares if index_scope(name) in self.service.book.epochs)]
        return [self._purge(place, document_ids) for place in places].count(False) == 0

    def _purge(self, place: str, document_ids: Sequence[str]) -> bool:
        if self.service.keyring.holds(index_scope(place)):
            return self.service.index(place).purge(document_ids)
        return self.service.drop_index(place)


def _certificate(service: Session, certificate_id: str) -> Statement | None:
    path = service.layout.certificates / f"{certificate_id}.json"
    try:
        line = path.read_bytes().rstrip(b"\n")
        statement = check_statement(line, service.book, "certificate-of-destruction", or_removed=True)
    except (OSError, InvalidStatement):
        return None
    by_service = service.book.people[statement.person_id].kind == "service"
    return statement if by_service and statement.statement_id == certificate_id else None


def _names(certificate: Statement, document: str) -> bool:
    return any(letter["id"] == document for letter in certificate.body["letters"])
