"""What the crash drill interrupts: each operation with the office it starts from, and the plain program afterwards."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from filed_letters import Sample, file_letters
from simulators import Office, drain, environment_of
from typed_letters import INVOICE, typed

from intake import Recognition
from poststelle.durable import Disk
from poststelle.errors import UnreadableFile

CONTENT = b"not read by anything: the recognition is recorded\n"
GOING = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYING = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
OFFERED = Sample(record_class="offer", received_on=date(2026, 3, 19), word="Mistelzweig")
UNSURE = Sample(record_class="invoice", received_on=date(2026, 3, 18), word="Kupferkanne", needs_review=True)

Answers = dict[str, Recognition | UnreadableFile]


@dataclass(slots=True)
class Prepared:
    """An office before the operation, and what is known of it."""

    office: Office
    contents: list[bytes]
    """Everything that was ever dropped."""
    ids: list[str] = field(default_factory=list)
    """Of the letters filed before, in order."""
    destroyed: dict[str, str] = field(default_factory=dict)
    """SHA-256 by id of what somebody asked to destroy."""
    note: str = ""
    """Whatever the operation must remember, e.g. a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that people or the service do, and that a fault may interrupt at any step."""

    name: str
    prepare: Callable[[Office], Prepared]
    """Fills an empty office; runs once."""
    act: Callable[[Office, Disk, Prepared], None]
    repair: Callable[[Office, Prepared], None]
    """What happens next on a sound disk: the next start, the same command again."""
    judge: Callable[[Office, Prepared], list[str]] = lambda office, prepared: []
    """What must be true besides the checker's invariants, after the repair."""
    opens_meanwhile: bool = True
    """Whether the vault can be opened right after the fault, before the repair."""
    least_steps: int = 10
    """The control: an operation of fewer steps was not interrupted at all."""


OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Operation:
    """One of the operations by its name."""
    return OPERATIONS[name]


def _add(operation: Operation) -> None:
    OPERATIONS[operation.name] = operation


# Intake -------------------------------------------------------------------------------------------------------


def _dropped(office: Office) -> Prepared:
    (office.inbox / "brief.pdf").write_bytes(CONTENT)
    return Prepared(office, [CONTENT])


def _letter() -> Answers:
    return {_digest(CONTENT): Recognition(media_type="application/pdf", pages=typed(INVOICE).pages)}


def _unreadable() -> Answers:
    return {_digest(CONTENT): UnreadableFile("damaged", "The file is damaged.")}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _inbox_is_empty(office: Office, prepared: Prepared) -> list[str]:
    return [f"still in the inbox: {name}" for name in office.waiting()]


_add(
    Operation(
        name="intake",
        prepare=_dropped,
        act=lambda office, disk, prepared: _drain(office, disk, _letter()),
        repair=lambda office, prepared: _drain(office, Disk(), _letter()),
        judge=_inbox_is_empty,
        least_steps=30,
    )
)
_add(
    Operation(
        name="quarantine",
        prepare=_dropped,
        act=lambda office, disk, prepared: _drain(office, disk, _unreadable()),
        repair=lambda office, prepared: _drain(office, Disk(), _unreadable()),
        judge=_inbox_is_empty,
        least_steps=30,
    )
)


def _drain(office: Office, disk: Disk, answers: Answers) -> None:
    drain(office, disk, answers)


# Decisions ----------------------------------------------------------------------------------------------------


def _filed(*samples: Sample) -> Callable[[Office], Prepared]:
    def prepare(office: Office) -> Prepared:
        return Prepared(office, [sample.content for sample in samples], file_letters(office, samples))

    return prepare


def _decide(office: Office, disk: Disk, document: str, record_class: str, kind: str) -> None:
    from poststelle.verbs.deciding import decide
    from poststelle.verbs.locating import desk

    with desk(environment_of(office, disk, user="owner")) as at_desk:
        decide(at_desk, document, record_class, kind=kind)


def _lies_in(compartment: str) -> Callable[[Office, Prepared], list[str]]:
    def judge(office: Office, prepared: Prepared) -> list[str]:
        from poststelle.wiring import open_service

        with open_service(environment_of(office)) as service:
            row = service.catalogue.letter(prepared.ids[-1])
        return [] if row is not None and row.compartment == compartment else [f"the letter is not in {compartment}"]

    return judge


_add(
    Operation(
        name="review-decision",
        prepare=_filed(STAYING, UNSURE),
        act=lambda office, disk, p: _decide(office, disk, p.ids[1], "invoice", "review-decided"),
        repair=lambda office, p: (
            _drain(office, Disk(), {}),
            _decide(office, Disk(), p.ids[1], "invoice", "review-decided"),
        )[0],
        judge=_lies_in("finance"),
        least_steps=15,
    )
)
_add(
    Operation(
        name="move",
        prepare=_filed(GOING, STAYING),
        act=lambda office, disk, p: _decide(office, disk, p.ids[1], "offer", "reclassified"),
        repair=lambda office, p: (
            _drain(office, Disk(), {}),
            _decide(office, Disk(), p.ids[1], "offer", "reclassified"),
        )[0],
        judge=_lies_in("sales"),
        least_steps=15,
    )
)


# Destruction --------------------------------------------------------------------------------------------------


def _released(office: Office) -> Prepared:
    from poststelle.verbs.locating import desk
    from poststelle.verbs.planning import plan, release

    prepared = _filed(GOING, STAYING)(office)
    with desk(environment_of(office, user="records-manager")) as at_desk:
        plan_id = plan(at_desk, None).plan_id
    with desk(environment_of(office, user="owner")) as at_desk:
        release(at_desk, plan_id, (), "Jahresaussonderung")
    prepared.destroyed = {prepared.ids[0]: _digest(GOING.content)}
    return prepared


def _purge(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.disposing import run
    from poststelle.wiring import open_service

    with open_service(environment_of(office, disk)) as service:
        run(service)


def _proven(office: Office, prepared: Prepared) -> list[str]:
    from poststelle.verbs.disposing import prove
    from poststelle.verbs.locating import desk

    with desk(environment_of(office, user="records-manager")) as at_desk:
        return [f"not proven: {name}" for name, held in prove(at_desk, prepared.ids[0]).checks if not held]


_add(
    Operation(
        name="purge",
        prepare=_released,
        act=_purge,
        repair=lambda office, prepared: _purge(office, Disk(), prepared),
        judge=_proven,
        least_steps=20,
    )
)


def _in_quarantine(office: Office) -> Prepared:
    from poststelle.wiring import open_service

    prepared = _dropped(office)
    _drain(office, Disk(), _unreadable())
    with open_service(environment_of(office)) as service:
        prepared.ids = [item.document_id for item in service.catalogue.quarantine()]
    prepared.destroyed = {prepared.ids[0]: _digest(CONTENT)}
    return prepared


def _discard(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.quarantine import discard
    from poststelle.wiring import open_person

    with open_person(environment_of(office, disk, user="mailroom")) as session:
        discard(session, prepared.ids, "Werbung")


def _discard_again(office: Office, prepared: Prepared) -> None:
    from poststelle.errors import UnknownDocument

    _drain(office, Disk(), {})
    with contextlib.suppress(UnknownDocument):
        _discard(office, Disk(), prepared)


_add(Operation(name="discard", prepare=_in_quarantine, act=_discard, repair=_discard_again, least_steps=8))


# Repairs ------------------------------------------------------------------------------------------------------


def _without(name: str) -> Callable[[Office], Prepared]:
    def prepare(office: Office) -> Prepared:
        prepared = _filed(GOING, STAYING)(office)
        for path in (office.vault / name).parent.glob(f"{Path(name).name}*"):
            path.unlink()
        return prepared

    return prepare


def _rebuild_index(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.rebuilding import rebuild_indexes
    from poststelle.wiring import open_service

    with open_service(environment_of(office, disk)) as service:
        rebuild_indexes(service, ("finance",), lambda done, total, where: None)


def _rebuild_catalogue(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.rebuilding import rebuild_catalogue
    from poststelle.wiring import open_person

    with open_person(environment_of(office, disk, user="owner")) as session:
        rebuild_catalogue(session, lambda done, total, where: None)


def _rebuild_catalogue_again(office: Office, prepared: Prepared) -> None:
    from poststelle.errors import ConfigurationError

    with contextlib.suppress(ConfigurationError):  # it is sound: the fault came after
        _rebuild_catalogue(office, Disk(), prepared)
    _drain(office, Disk(), {})


def _rebuild_keys(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.repairing import plan_keys, rebuild_keys
    from poststelle.wiring import open_service

    with open_service(environment_of(office, disk), as_it_is=True) as service:
        rebuild_keys(service, plan_keys(service))


def _rebuild_keys_again(office: Office, prepared: Prepared) -> None:
    from poststelle.errors import ConfigurationError

    with contextlib.suppress(ConfigurationError):  # nothing is damaged: the fault came after
        _rebuild_keys(office, Disk(), prepared)
    _drain(office, Disk(), {})


_add(
    Operation(
        name="rebuild-keys",
        prepare=_without("keys/keys.db"),
        act=_rebuild_keys,
        repair=_rebuild_keys_again,
        opens_meanwhile=False,
    )
)
_add(
    Operation(
        name="rebuild-index",
        prepare=_without("index/finance.db"),
        act=_rebuild_index,
        repair=lambda office, prepared: _rebuild_index(office, Disk(), prepared),
    )
)
_add(
    Operation(
        name="rebuild-catalogue",
        prepare=_without("catalogue.db"),
        act=_rebuild_catalogue,
        repair=_rebuild_catalogue_again,
        opens_meanwhile=False,
    )
)


# People -------------------------------------------------------------------------------------------------------


def _remove_user(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.people import remove_user
    from poststelle.wiring import open_person

    with open_person(environment_of(office, disk, user="owner")) as session:
        remove_user(session, "sales")


def _remove_user_again(office: Office, prepared: Prepared) -> None:
    from poststelle.errors import PoststelleError

    with contextlib.suppress(PoststelleError):  # already removed: the fault came after the statement
        _remove_user(office, Disk(), prepared)
    _drain(office, Disk(), {})


def _keys_follow_rights(office: Office, prepared: Prepared) -> list[str]:
    from archive.rekeying import pending
    from poststelle.wiring import open_person

    with open_person(environment_of(office, user="owner")) as session:
        said = [] if session.book.by_user("sales") is None else ["the user is still there"]
        left = pending(session.book, session.keys)
        return [*said, *([f"keys do not follow rights: {left}"] if left else [])]


_add(
    Operation(
        name="remove-user",
        prepare=_filed(OFFERED, STAYING),
        act=_remove_user,
        repair=_remove_user_again,
        judge=_keys_follow_rights,
        least_steps=20,
    )
)


def _restrict(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.locating import desk
    from poststelle.verbs.restricting import restrict

    with desk(environment_of(office, disk, user="dpo")) as at_desk:
        restrict(at_desk, prepared.ids[-1], "art18", "Widerspruch")


def _restrict_again(office: Office, prepared: Prepared) -> None:
    from poststelle.errors import PoststelleError

    _drain(office, Disk(), {})
    with contextlib.suppress(PoststelleError):  # restricted already
        _restrict(office, Disk(), prepared)


_add(
    Operation(
        name="restrict",
        prepare=_filed(GOING, STAYING),
        act=_restrict,
        repair=_restrict_again,
        judge=_lies_in("restricted"),
        least_steps=15,
    )
)


# Copies -------------------------------------------------------------------------------------------------------


def _backup(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.copying import backup
    from poststelle.wiring import open_service

    with open_service(environment_of(office, disk)) as service:
        backup(service, office.root / "backup", reread=False, progress=lambda done, total, what: None)


def _backup_holds(office: Office, prepared: Prepared) -> list[str]:
    from poststelle.verbs.copying import verify
    from poststelle.wiring import open_service

    with open_service(environment_of(office)) as service:
        found = verify(service, office.root / "backup", progress=lambda done, total, what: None)
    return [f"the backup: {problem.code} {problem.message}" for problem in found]


_add(
    Operation(
        name="backup",
        prepare=_filed(GOING, STAYING),
        act=_backup,
        repair=lambda office, prepared: _backup(office, Disk(), prepared),
        judge=_backup_holds,
        least_steps=50,
    )
)


def _lost(office: Office) -> Prepared:
    prepared = _filed(GOING, STAYING)(office)
    _backup(office, Disk(), prepared)
    shutil.rmtree(office.vault)
    shutil.rmtree(office.mirror)
    (office.folder / "service.identity").unlink()
    return prepared


def _restore(office: Office, disk: Disk, prepared: Prepared) -> None:
    from poststelle.verbs.restoring import Wish, restore

    wish = Wish(folder=office.root / "backup")
    restore(environment_of(office, disk, user="owner"), wish, lambda done, total, what: None)


def _restore_again(office: Office, prepared: Prepared) -> None:
    if not (office.vault / "VAULT.json").exists() or (office.vault / "restoring.json").exists():
        _restore(office, Disk(), prepared)
    _drain(office, Disk(), {})


_add(
    Operation(
        name="restore",
        prepare=_lost,
        act=_restore,
        repair=_restore_again,
        opens_meanwhile=False,
        least_steps=80,
    )
)


def names() -> Iterator[str]:
    """All operations, in the order of a letter's story."""
    yield from OPERATIONS
