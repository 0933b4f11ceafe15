"""`status`: what goes on in the office now, as far as the asking identity may know it."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.keystore import QUARANTINE
from poststelle.access.audit import BrokenLog, open_details
from poststelle.access.database import open_database
from poststelle.access.keybook import AUDIT, RECORDS, index_scope
from poststelle.errors import PoststelleError
from poststelle.stages import Stage
from poststelle.verbs.checking import LEAST_FREE_BYTES, Check, kit_uses
from poststelle.verbs.finding import CATCH_UP_LETTERS
from poststelle.verbs.planning import GONE, going
from poststelle.verbs.taking_in import free_bytes, inbox_of, least_free_bytes, notice_of
from poststelle.wiring import Session

UNSORTED = "unsorted"
LOOKED_FOR = ("verified", "backup")
"""Log entries whose last time is told to holders of the audit key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """How far one compartment's index is."""

    compartment: str
    lag: int
    """Letters that it does not hold, or holds in an older state."""
    damage: str | None = None
    """What is wrong with it, as a sentence; None if it can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One look at the office. None stands for what the identity may not know."""

    office: str
    practice: bool
    watching: bool
    """Whether an intake or a watcher runs."""
    inbox_there: bool
    """Whether the inbox can be looked into."""
    notice: str | None
    """What the running watcher says of the inbox; None if all is well."""
    free_bytes: int
    """Where it is least: at the vault, its keys or their mirror."""
    least_bytes: int
    """With less, nothing more is taken in."""
    waiting: int | None = None
    """Files in the inbox that nobody took yet."""
    claimed: int | None = None
    """Files that are being taken in, or were when something stopped."""
    quarantined: int | None = None
    review: int | None = None
    """Letters that wait for a person's decision: all of them for holders of the intake book, else one's own."""
    outbox: int | None = None
    """Committed log entries that may not be in the log yet."""
    generations: tuple[int, int | None] | None = None
    """Of the key store and its mirror; the mirror's is None if it is not there."""
    disposing: int | None = None
    """Letters whose disposition was begun and not finished."""
    released: int | None = None
    """Disposition plans that were released and not carried out."""
    indexes: tuple[IndexState, ...] = ()
    last: dict[str, datetime | None] | None = None
    """When the log last names each of LOOKED_FOR."""
    found_problems: int | None = None
    """What the last `verify` found."""
    damages: tuple[tuple[str, str], ...] = ()
    """(what, sentence) of what could not be looked at."""
    kit_uses: tuple[Check, ...] = ()
    """Owners whom the recovery kit replaced."""


def look(session: Session) -> Status:
    """Look at everything the identity may know; changes nothing, and a damage is told instead of raised."""
    damages: list[tuple[str, str]] = []
    known: dict[str, object] = {}
    for name, ask in (("catalogue", _records), ("key store", _keys), ("audit log", _log)):
        try:
            known |= ask(session)
        except PoststelleError as err:
            damages.append((name, str(err)))
    if not session.keyring.holds(RECORDS):
        known |= _own(session)
    if session.keyring.holds(RECORDS) or session.keyring.holds(index_scope(UNSORTED)):
        known |= _queue(session)
    return Status(
        office=session.book.office["name"],
        practice=session.book.practice,
        watching=(watching := is_taking_in(session.layout.lock)),
        inbox_there=session.config.inbox.is_dir(),
        notice=notice_of(session.layout.lock) if watching else None,
        free_bytes=free_bytes(session),
        least_bytes=least_free_bytes(session.config),
        indexes=tuple(_index(session, c) for c in session.reading.compartments()),
        damages=tuple(damages),
        kit_uses=tuple(kit_uses(session)),
        **known,  # type: ignore[arg-type]
    )


def is_taking_in(lock: Path) -> bool:
    """Whether a process holds the intake lock; the lock is shared for a moment to find out."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lag(session: Session, compartment: str) -> int:
    """How many letters an index lacks, holds in an older state, or holds although they have left."""
    index = session.index(compartment)
    if index.position() == session.reading.position(compartment):
        return 0
    wanted = {r.document_id: r.sequence for r in session.reading.letters(compartment)}
    held = index.sequences()
    return sum(held.get(d) != sequence for d, sequence in wanted.items()) + len(held.keys() - wanted.keys())


def _index(session: Session, compartment: str) -> IndexState:
    try:
        if not session.index(compartment).is_current():
            damage = f"made by another version of the program; run `poststelle rebuild index {compartment}`"
            return IndexState(compartment=compartment, lag=0, damage=damage)
        return IndexState(compartment=compartment, lag=lag(session, compartment))
    except PoststelleError as err:
        return IndexState(compartment=compartment, lag=0, damage=str(err))


def _records(session: Session) -> dict[str, object]:
    """What stands in the intake book."""
    if not session.keyring.holds(RECORDS):
        return {}
    letters = list(session.catalogue.letters())
    stages = [letter.stage for letter in letters]
    living = {letter.document_id for letter in letters if letter.stage not in GONE}
    return {
        "quarantined": len(session.catalogue.quarantine()),
        "review": stages.count(Stage.REVIEW),
        "disposing": stages.count(Stage.DISPOSING),
        # One that was released in part, and carried out as far, waits for a person and not for a run.
        "released": sum(bool(living & going(session, row.plan_id)) for row in session.ledger.released_plans()),
        "outbox": len(session.catalogue.outbox()),
    }


def _own(session: Session) -> dict[str, object]:
    """What a department knows from the letters it can open; quarantine, if it looks after that."""
    own = [r for c in session.reading.compartments() for r in session.reading.letters(c)]
    known: dict[str, object] = {"review": sum(r.stage is Stage.REVIEW for r in own)}
    if session.keyring.holds(index_scope(UNSORTED)):
        scope_id = session.book.current(index_scope(UNSORTED)).scope_id
        known["quarantined"] = len(session.keys.registered([scope_id], QUARANTINE))
    return known if own or session.reading.compartments() else {}


def _queue(session: Session) -> dict[str, object]:
    """The inbox, for those who look after incoming mail."""
    claimed = session.config.inbox / ".poststelle" / "claimed"
    return {"waiting": len(inbox_of(session).scan()), "claimed": sum(path.is_file() for path in claimed.rglob("*"))}


def _keys(session: Session) -> dict[str, object]:
    """Store and mirror side by side; neither is brought up to date by looking."""
    if not session.keyring.holds(RECORDS):
        return {}
    mirror = _generation(session, session.layout.mirror_keys) if session.layout.mirror_keys.exists() else None
    store = _generation(session, session.layout.keys)
    assert store is not None
    return {"generations": (store, mirror)}


def _generation(session: Session, path: Path) -> int | None:
    with open_database(path, session.disk, key=None) as database:
        return int(database.value("SELECT value FROM meta WHERE name = 'generation'"))


def _log(session: Session) -> dict[str, object]:
    """When the vault was last verified and backed up, for holders of the audit key."""
    if not session.keyring.holds(AUDIT):
        return {}
    lines = {line["kind"]: line for _, line in session.unchecked_audit.lines() if line["kind"] in LOOKED_FOR}
    last = {kind: datetime.fromisoformat(lines[kind]["at"]) if kind in lines else None for kind in LOOKED_FOR}
    if "verified" not in lines:
        return {"last": last}
    keys = session.keyring.held(AUDIT)
    try:
        found = open_details(lines["verified"], session.book.vault_id, *keys)["problems"]
    except BrokenLog:
        found = None  # sealed to an earlier epoch
    return {"last": last, "found_problems": found}


def checks(status: Status, now: datetime) -> Iterator[Check]:
    """The same as lines for people, with the command that helps."""
    if status.practice:
        yield Check(name="practice", ok=True, detail="this is a practice vault: nothing in it is kept for the law")
    idle = not status.watching
    stuck = idle and bool(status.waiting or status.claimed)
    help_watch = "; start `poststelle watch`, or take in once with `poststelle intake`" if stuck else ""
    yield Check(name="watcher", ok=not stuck, detail=("running" if status.watching else "not running") + help_watch)
    if status.notice is not None or not status.inbox_there:
        yield Check(name="inbox", ok=False, detail=status.notice or "it is not there: mount its drive")
    if status.waiting is not None:
        detail = f"{status.waiting} waiting in the inbox, {status.claimed} being taken in"
        left = idle and bool(status.claimed)
        more = "; something stopped in between: the next intake goes on with them" if left else ""
        yield Check(name="queue", ok=not left, detail=detail + more)
    if status.quarantined is not None:
        more = "; `poststelle quarantine list` says why" if status.quarantined else ""
        yield Check(name="quarantine", ok=not status.quarantined, detail=f"{status.quarantined} files{more}")
    if status.review is not None:
        yield Check(name="review", ok=True, detail=f"{status.review} letters wait for a decision")
    if status.disposing is not None:
        detail = f"{status.released} released plans to carry out, {status.disposing} letters begun and not finished"
        more = "; `poststelle purge run` goes on" if status.disposing else ""
        yield Check(name="disposition", ok=not status.disposing, detail=detail + more)
    yield _disk_check(status)
    for index in status.indexes:
        yield _index_check(index)
    if status.outbox is not None:
        pending = idle and status.outbox > 0
        more = "; the next intake moves them" if pending else ""
        yield Check(name="outbox", ok=not pending, detail=f"{status.outbox} log entries not in the log yet{more}")
    if status.generations is not None:
        yield _mirror_check(*status.generations, idle=idle)
    for kind, at in (status.last or {}).items():
        yield _last_check(kind, at, now, status.found_problems if kind == "verified" else None)
    yield from status.kit_uses
    for what, sentence in status.damages:
        yield Check(name=what, ok=False, detail=sentence)


def _disk_check(status: Status) -> Check:
    free = f"{status.free_bytes / 1e9:.1f} GB free at the vault"
    if status.free_bytes < status.least_bytes:
        detail = f"{free}: too little, so nothing more is taken in; files stay in the inbox. Make room, it goes on then"
        return Check(name="disk", ok=False, detail=detail)
    enough = status.free_bytes >= LEAST_FREE_BYTES
    return Check(name="disk", ok=enough, detail=free if enough else f"{free}; at least 2 GB should be: make room")


def _index_check(index: IndexState) -> Check:
    name = f"index {index.compartment}"
    if index.damage is not None:
        return Check(name=name, ok=False, detail=index.damage)
    if index.lag > CATCH_UP_LETTERS:
        detail = (
            f"{index.lag} letters behind; run `poststelle rebuild index {index.compartment}`, or search a few times"
        )
        return Check(name=name, ok=False, detail=detail)
    behind = f"{index.lag} letters behind; the next search or unlock adds them" if index.lag else "up to date"
    return Check(name=name, ok=True, detail=behind)


def _mirror_check(store: int, mirror: int | None, *, idle: bool) -> Check:
    if mirror is None:
        detail = "its mirror is not there: mount its disk; if that is lost, `poststelle rebuild keys`"
        return Check(name="key store", ok=False, detail=detail)
    if mirror > store:
        detail = (
            f"the store (generation {store}) is older than its mirror ({mirror}): it was rolled back; tell an owner"
        )
        return Check(name="key store", ok=False, detail=detail)
    if mirror < store and idle:
        detail = f"the mirror (generation {mirror}) is behind the store ({store}); the next intake brings it up to date"
        return Check(name="key store", ok=False, detail=detail)
    return Check(name="key store", ok=True, detail=f"store and mirror agree (generation {store})")


def _last_check(kind: str, at: datetime | None, now: datetime, found: int | None) -> Check:
    name = "last verify" if kind == "verified" else "last backup"
    if at is None:
        return Check(name=name, ok=True, detail="never")
    days = (now - at).days
    when = f"{at.astimezone():%Y-%m-%d %H:%M}, {'today' if days < 1 else f'{days} days ago'}"
    if found:
        return Check(name=name, ok=False, detail=f"{when}: found {found} problems; `poststelle verify` lists them")
    return Check(name=name, ok=True, detail=when)
