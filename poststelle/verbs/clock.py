"""Whether the machine's date can be trusted, before anything is decided that rests on it.

Compared with what was written down before: every entry of the log, the last accession, the files of the vault. A date
before them means the clock was set back; one far beyond them, or a leap in the log, that it may have been set forward.
Then a person with the right to release says, signed, that the date is right; the log is read from there on.
"""

import contextlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from poststelle.access.audit import survey
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.errors import ConfigurationError, PoststelleError
from poststelle.verbs.locating import Desk
from poststelle.wiring import Session

TOLERANCE = timedelta(minutes=10)
LONGEST_GAP = timedelta(days=60)
"""An office in which nothing at all is written for longer has to say that its date is right."""


class ClockSetBack(PoststelleError):
    """The machine's clock is behind what was written before; no date can be trusted."""

    code = "D021"


class ClockAhead(PoststelleError):
    """The machine's clock leapt far beyond what was written before; nobody said yet that it is right."""

    code = "D022"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The machine's date, as a person found it right."""

    day: date
    practice: bool


def require_clock(service: Session) -> None:
    """Refuse to decide on dates that cannot be trusted.

    Raises:
        ClockSetBack: the clock is behind the log, the last accession or the vault's files.
        ClockAhead: it is, or was in the log, more than 60 days beyond them, and nobody confirmed it.
    """
    now = service.now()
    last = service.audit.last_time()
    if last is not None and now < last - TOLERANCE:
        raise _set_back(now, "the log has entries", last)
    confirmed = _last_confirmation(service)
    if confirmed is None:
        for what, at in (
            ("the last letter was filed", service.catalogue.last_filed_at()),
            ("the vault was written", _files(service)),
        ):
            if at is not None and now < at - TOLERANCE:
                raise _set_back(now, what, at)
    days = _days_since(service, confirmed)
    today = now.date()
    for before, after in zip(days, [*days[1:], today], strict=True) if days else ():
        if after - before > LONGEST_GAP:
            raise ClockAhead(
                f"Between {before} and {after} nothing was written in this vault, so the clock may have been set "
                f"forward. Nothing was destroyed. If today is {today}, somebody who may release says so with "
                f"`poststelle purge confirm-date {today} --reason …`; otherwise set the clock right."
            )


def confirm_date(desk: Desk, day: date, reason: str) -> Confirmed:
    """Say that the machine's date is right; `day` is what a calendar on the wall says.

    Raises:
        NotPermitted: the person may not release.
        ConfigurationError: the machine says another day.
    """
    desk.require_right("release", "confirm the date")
    today = desk.person.now().date()
    if day not in (today, desk.person.now().astimezone().date()):
        raise ConfigurationError(
            f"This machine says that today is {today}, not {day}. Set its clock right (`timedatectl set-ntp true`)."
        )
    service = desk.service
    service.flush_outbox()
    statement = desk.sign("confirm-date", {"day": day.isoformat(), "reason": reason, "entries": _entries(service)})
    service.ledger.confirm_date(statement)
    service.flush_outbox()
    return Confirmed(day=day, practice=service.book.practice)


def _entries(service: Session) -> int:
    """How many entries the log has: what comes later is judged from the confirmed day on."""
    head = service.audit.head()
    return 0 if head is None else head.number + 1


def _last_confirmation(service: Session) -> Statement | None:
    genuine = []
    for line in service.ledger.statement_lines("confirm-date"):
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, service.book, "confirm-date")
            if service.book.holds_right(statement.person_id, "release"):
                genuine.append(statement)
    return max(genuine, key=lambda statement: int(statement.body["entries"]), default=None)


def _days_since(service: Session, confirmed: Statement | None) -> list[date]:
    """The days until today on which something was written."""
    first = 0 if confirmed is None else int(confirmed.body["entries"])
    known = [] if confirmed is None else [confirmed.made_at.date()]
    entries = survey(service.layout.audit, ()).days
    known += [date.fromisoformat(day) for number, day in entries if number >= first]
    if confirmed is None:
        # What was filed or written to disk since the last entry is as good a witness as an entry.
        known += [at.date() for at in (service.catalogue.last_filed_at(), _files(service)) if at is not None]
    today = service.now().date()
    return sorted(day for day in set(known) if day <= today)


def _files(service: Session) -> datetime | None:
    """When the log or the key book was last written, by the file system."""
    paths = [path for path in (service.layout.audit, service.layout.keybook) if path.exists()]
    times = [datetime.fromtimestamp(path.stat().st_mtime).astimezone() for path in paths]
    return max(times, default=None)


def _set_back(now: datetime, what: str, at: datetime) -> ClockSetBack:
    return ClockSetBack(
        f"The clock says {now:%Y-%m-%d %H:%M}, but {what} on {at:%Y-%m-%d %H:%M}: it was set back. Nothing was "
        "destroyed. Set it right (`timedatectl set-ntp true`) and try again. If the earlier entries are what is wrong, "
        "somebody who may release says so with `poststelle purge confirm-date`."
    )
