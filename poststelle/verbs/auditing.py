"""`audit`: what the log says, whether it is still the log that was seen before, and when its details end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from archive.certificates import certificates, disposal_lists, unknown_to
from poststelle.access.audit import EXPIRED, BrokenLog, Head, has_expired, open_details
from poststelle.access.checkpoints import (
    EXPIRED_ENTRY,
    EXPIRY,
    Chain,
    Checkpoint,
    checkpoint_of,
    may_expire,
    read_chain,
    read_checkpoint,
)
from poststelle.access.identities import KIT_USER
from poststelle.access.keybook import AUDIT
from poststelle.access.statements import Statement, make_statement
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.verbs.clock import require_clock
from poststelle.verbs.locating import Desk
from poststelle.wiring import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One entry, opened."""

    number: int
    at: datetime
    kind: str
    person_id: str
    user: str
    """As the key book calls the person, or the recovery kit; "?" if it does not know them."""
    details: dict[str, Any] | None
    """None if they have expired, or open with no key that this person holds."""
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Some entries of the log, oldest first."""

    lines: tuple[Shown, ...]
    found: int
    """How many there are; `lines` may be the last of them."""
    entries: int
    """Of the whole log."""
    head: Head | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries; None asks for nothing."""

    from_day: date | None = None
    to_day: date | None = None
    kinds: tuple[str, ...] = ()
    user: str | None = None
    letter: str | None = None
    """Id or number of a letter, or another id that the details name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLog:
    """What was found when the log was read through."""

    chain: Chain
    problems: tuple[str, ...]
    compared: int
    """Checkpoints from outside that it was compared with."""
    certificates: int
    """Certificates and lists of destroyed letters that it was compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Details that are gone now."""

    before: datetime
    entries: int


def show(session: Session, wanted: Wanted, limit: int) -> Excerpt:
    """The entries that are wanted, with their details opened; that somebody looked is logged first.

    Raises:
        NotPermitted: the person may not read the log's details.
        UnknownDocument: there is no such letter.
        BrokenLog: it does not hold, or lost what was seen before.
    """
    _require_right(session)
    people = {person.user: set[str]() for person in session.book.people.values()}
    for person in session.book.people.values():
        people[person.user].add(person.person_id)
    if wanted.user is not None and wanted.user not in people:
        raise ConfigurationError(f"There never was a user {wanted.user!r}. `poststelle user list` names them.")
    letter = _document(session, wanted.letter)
    session.note("audit-shown", kinds=list(wanted.kinds), user=wanted.user, letter=letter)
    keys = session.keyring.held(AUDIT)
    found: list[Shown] = []
    entries, head = 0, None
    for offset, line in session.audit.lines():
        entries, head = entries + 1, Head(number=line["n"], hash=line["hash"], offset_bytes=offset)
        if not _is_wanted(line, wanted, people):
            continue
        shown = _opened(line, session, keys)
        if letter is None or _mentions(shown.details, letter):
            found.append(shown)
    return Excerpt(lines=tuple(found[-limit:]), found=len(found), entries=entries, head=head)


def verify(session: Session, checkpoints: Sequence[bytes]) -> VerifiedLog:
    """Read the log through, against the head this person saw last, certificates of destruction, and checkpoints from
    outside.

    Raises:
        InvalidStatement: something given is no checkpoint of this vault.
    """
    given = [read_checkpoint(content, session.book) for content in checkpoints]
    log = session.unchecked_audit
    chain = read_chain(log, session.book)
    problems = list(chain.problems)
    try:
        log.require(session.seen_head())
    except BrokenLog as err:
        problems.append(str(err))
    # Where the chain itself is broken, what lies behind the break cannot be compared.
    if not chain.problems:
        problems += [problem for seen in given if (problem := chain.compare(seen)) is not None]
        problems += unknown_to(chain, session.layout, session.book, session.restores())
    kept = (*certificates(session.layout, session.book), *disposal_lists(session.layout, session.book))
    # One that was damaged can no longer tell of a roll-back: whoever damaged it must not get away with that.
    problems += [f"{found.name} cannot be compared with the log: {found.fault}" for found in kept if found.fault]
    if not problems:
        session.note("audit-verified", compared=len(given), entries=len(chain.hashes))
    return VerifiedLog(chain=chain, problems=tuple(problems), compared=len(given), certificates=len(kept))


def make_checkpoint(session: Session) -> tuple[Statement, Checkpoint]:
    """Sign a checkpoint of the log as it is; of one that does not hold none is made.

    Raises:
        BrokenLog: it does not hold, or lost what was seen before.
    """
    session.audit  # noqa: B018  (compared with what this person saw before)
    chain = read_chain(session.unchecked_audit, session.book)
    if chain.problems:
        raise BrokenLog(chain.problems[0])
    statement = session.checkpoint()
    return statement, checkpoint_of(statement)


def expire(desk: Desk) -> Expired:
    """Take out the details of entries that are older than `audit: keep_years`, signed and logged before.

    Raises:
        NotPermitted: the person may not read the log's details.
        ClockSetBack, ClockAhead: the date cannot be trusted: a day in the future would take out what is young.
        BrokenLog: the log does not hold: it is evidence then, and nothing is taken out.
    """
    session = desk.person
    _require_right(session)
    require_clock(desk.service)
    chain = read_chain(session.unchecked_audit, session.book)
    session.audit  # noqa: B018  (compared with what this person saw before)
    if chain.head is None or chain.problems:
        raise BrokenLog(next(iter(chain.problems), "The log is empty."))
    before = expiry_line(session)
    lines = [line for _, line in session.unchecked_audit.lines() if may_expire(line, before)]
    waiting = [line for line in lines if line["sealed"].strip(EXPIRED)]
    # Signed even where all of them are gone already: so a statement whose author lost the right is renewed.
    if lines:
        last = max(line["n"] for line in lines)
        statement = make_statement(
            session.identity,
            session.book.vault_id,
            EXPIRY,
            {"before": before.isoformat(), "last": last},
            at=session.now(),
            head=chain.head,
        )
        session.note_signed(EXPIRED_ENTRY, statement, entries=len(waiting))
    gone = session.audit.expire(lambda line: may_expire(line, before))
    return Expired(before=before, entries=gone)


def expiry_line(session: Session) -> datetime:
    """The moment before which details may expire: the beginning of a calendar year, as for letters."""
    now = session.now().astimezone()
    year = now.year - int(session.config.value["audit"]["keep_years"])
    return datetime.combine(date(year, 1, 1), time(), tzinfo=now.tzinfo)


def _require_right(session: Session) -> None:
    if not session.book.holds_right(session.identity.person_id, AUDIT):
        roles = [role.label for role in session.book.roles.values() if AUDIT in role.rights]
        raise NotPermitted(f"Your role may not read the log. Who may: {', '.join(roles) or 'nobody'}.")


def _document(session: Session, name: str | None) -> str | None:
    """The id of a letter that was named by its number; an id as it is."""
    if name is None or not name.isascii() or "-" not in name:
        return name
    return Desk(session, session).locate(name).document_id


def _is_wanted(line: dict[str, Any], wanted: Wanted, people: dict[str, set[str]]) -> bool:
    day = datetime.fromisoformat(line["at"]).astimezone().date()
    return not (
        (wanted.from_day is not None and day < wanted.from_day)
        or (wanted.to_day is not None and day > wanted.to_day)
        or (wanted.kinds and line["kind"] not in wanted.kinds)
        or (wanted.user is not None and line["by"] not in people[wanted.user])
    )


def _opened(line: dict[str, Any], session: Session, keys: Sequence[Any]) -> Shown:
    try:
        details = open_details(line, session.book.vault_id, *keys)
    except BrokenLog:
        details = None
    person = session.book.people.get(line["by"])
    unknown = KIT_USER if line["by"] in session.book.kits else "?"
    return Shown(
        number=line["n"],
        at=datetime.fromisoformat(line["at"]),
        kind=line["kind"],
        person_id=line["by"],
        user=unknown if person is None else person.user,
        details=details,
        expired=has_expired(line),
    )


def _mentions(details: object, wanted: str) -> bool:
    return wanted in _words(details)


def _words(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, str):
        yield value


def qr_code(text: str) -> str:
    """The text as a QR code of half blocks, dark on light."""
    import numpy
    import zxingcpp

    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    dark = numpy.pad(numpy.asarray(code.to_image(scale=1, add_quiet_zones=False)) < 128, 2)
    if dark.shape[0] % 2:
        dark = numpy.pad(dark, ((0, 1), (0, 0)))
    blocks = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    return "\n".join(
        "".join(blocks[bool(upper), bool(lower)] for upper, lower in zip(dark[row], dark[row + 1], strict=True))
        for row in range(0, dark.shape[0], 2)
    )
