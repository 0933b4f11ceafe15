"""`delegate`: a role lent to a deputy until a day. It ends by itself, whoever forgets to take it back.

The keys that count after that day are made when the delegation is: without the deputy, in everybody else's hands and
the kit's. So nobody has to do anything when it ends, and nothing that arrives later opens for the deputy.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from poststelle.access.keybook import SERVICE, Delegation
from poststelle.errors import ConfigurationError
from poststelle.verbs.people import find_person, require_granter
from poststelle.wiring import Session

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A delegation as people read it."""

    number: int
    role: str
    to: str
    by: str
    since: datetime
    until: datetime
    """The moment it ends: the midnight after the day that was named."""
    reason: str
    in_force: bool


def delegate(session: Session, role: str, user: str, until: date, reason: str) -> Lent:
    """Lend a role to somebody, to the end of a day.

    Raises:
        NotPermitted: the signer does not hold what the role holds, by roles of their own, or may not give it.
        ConfigurationError: the day is past or more than a year ahead, or the person has the role.
    """
    require_granter(session)
    book, now = session.book, session.now()
    if role not in book.roles or role in (SERVICE, "owner"):
        raise ConfigurationError(f"The role {role!r} cannot be delegated: there is none, or it stands for the office.")
    deputy = find_person(book, user)
    if role in deputy.roles:
        raise ConfigurationError(f"{user} has the role {role} already.")
    moment = end_of(until, now)
    if moment is None:
        raise ConfigurationError(f"A delegation ends today or within a year, not on {until}.")
    content = {"role": role, "to": deputy.person_id, "until": moment.isoformat(), "reason": reason}
    with session.changing_law():
        number = session.book.statements
        session.change_law("delegate", content)
    session.note("delegated", delegation=number, role=role, to=deputy.person_id, until=until.isoformat(), reason=reason)
    return _lent(session, session.book.delegations[number])


def end_of(day: date, now: datetime) -> datetime | None:
    """The midnight after a day; None if it has passed, or is more than a year ahead."""
    if day > (now + LONGEST).date():
        return None
    moment = datetime.combine(day + timedelta(days=1), time()).astimezone().astimezone(UTC)
    return moment if now < moment <= now + LONGEST else None


def delegations(session: Session) -> list[Lent]:
    """All delegations there ever were, those in force first."""
    found = [_lent(session, delegation) for delegation in session.book.delegations.values()]
    return sorted(found, key=lambda lent: (not lent.in_force, lent.number))


def end_delegation(session: Session, number: int) -> Lent:
    """End a delegation before its time; the deputy may lay it down themselves.

    Raises:
        ConfigurationError: no such delegation in force.
        NotPermitted: neither the deputy nor somebody who may give the role.
    """
    found = session.book.delegations.get(number)
    if found is None or not found.holds(session.book.at):
        raise ConfigurationError(f"There is no delegation {number} in force. See `poststelle delegate list`.")
    with session.changing_law():
        session.change_law("undelegate", {"delegation": number})
    session.note("delegation-ended", delegation=number)
    return _lent(session, session.book.delegations[number])


def _lent(session: Session, delegation: Delegation) -> Lent:
    people = session.book.people
    return Lent(
        number=delegation.number,
        role=delegation.role,
        to=people[delegation.person_id].user,
        by=people[delegation.by].user,
        since=delegation.since,
        until=delegation.until,
        reason=delegation.reason,
        in_force=delegation.holds(session.book.at) and session.book.person(delegation.person_id) is not None,
    )
