"""`subject access|restrict|erase`: what the office holds on a person, and what happens to each letter.

Every compartment the person at the desk may search is searched, restricted letters too. Letters that surely name the
subject are acted on; where it is not sure, or a letter came without text, a person looks and says `--also`. Nothing is
erased before its period ends: until then it is restricted. What is due is destroyed by the way of every other letter,
by a plan and its release: the desk plans, and whoever confirms the request releases.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from archive.catalogue import LetterRow
from archive.disposition import ART18, RETENTION
from archive.retention import event_label
from poststelle.errors import ConfigurationError, UnknownDocument
from poststelle.records import IndexEntry
from poststelle.stages import Stage
from poststelle.verbs.clock import require_clock
from poststelle.verbs.finding import catch_up
from poststelle.verbs.keeping import RESTRICTED, Known
from poststelle.verbs.locating import Desk
from poststelle.verbs.planning import going
from poststelle.verbs.restricting import require_restricting, restrict
from poststelle.verbs.subject_requests import (
    ACCESS,
    ERASURE,
    RESTRICTION,
    Request,
    Subject,
    find_request,
    is_request,
    places_searched,
    plan_erasure,
    register,
    require_desk,
    require_standing,
)

if TYPE_CHECKING:
    from search.naming import Mention, NameSearch

HAND_OUT, RESTRICT, ERASE, RESTRICTED_NOW, CHECK, GONE = (
    "hand-out", "restrict", "erase", "restricted", "check", "erased"
)  # fmt: skip
ON_REQUEST = "Art. 18 Abs. 1 DSGVO"
STATUTORY, CLAIMS = "Art. 17 Abs. 3 lit. b DSGVO", "Art. 17 Abs. 3 lit. b und e DSGVO"
DISPUTE = "Art. 17 Abs. 3 lit. e DSGVO"
NO_GROUND = "Art. 17 Abs. 1 lit. a DSGVO"
MOST_MENTIONS = 5
Progress = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens to a letter, until when, and by which paragraph."""

    status: str
    """ "hand-out", "restrict", "restricted", "erase", "erased" or "check" (by a person)."""
    until: date | None
    """The last day it is kept is the one before; None if that is not known, or depends on somebody."""
    basis: str
    """Paragraphs."""
    law: str = ""
    """Of these, the one that its period follows from."""
    reason: str = ""
    """The sentence that says what it waits for, or since when its period is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A letter that may name the subject."""

    row: LetterRow
    number: str
    entry: IndexEntry
    """What search knows of it, its text included."""
    mentions: tuple["Mention", ...]
    """The surest first; none for a letter that a person added."""
    chosen: bool
    """Whether it is acted on: it is sure, or a person said so."""
    fate: Fate
    if_erased: Fate
    """What a request for erasure would come to today."""

    @property
    def confidence(self) -> float:
        """0.0–1.0 that the subject is named; 0.0 for a letter that a person added."""
        return self.mentions[0].confidence if self.mentions else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSearched:
    """Where the subject may be named without being found."""

    compartments: tuple[str, ...] = ()
    """Which this person may not search."""
    without_text: int = 0
    """Letters that stay sealed, or in which nothing could be read."""
    quarantined: int = 0
    missing: int = 0
    """Letters whose text does not open; `verify` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A request and the letters it is about, as they stand now."""

    request: Request
    matches: tuple[Match, ...]
    letters: int
    """How many were searched."""
    not_searched: NotSearched
    carried_out: bool
    """Whether what was asked for was done; an erasure waits for a second person."""


def access(
    desk: Desk,
    whom: Subject | str,
    *,
    received_on: date | None = None,
    also: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    progress: Progress = lambda done, total, what: None,
) -> Answer:
    """Find every letter that names a person, and register the request; with its id, look again.

    Raises:
        NotPermitted: this person does not answer requests of data subjects.
        UnknownDocument: no such request, or a letter that was named is not known.
        ConfigurationError: no name, or received in the future.
    """
    require_desk(desk)
    request, subject = _meant(desk, whom)
    choice = _choice(desk, request, also, leave_out)
    found = _look(desk, subject, choice, progress)
    matches = tuple(_handed_out(match) for match in found.matches)
    if request is None:
        request = register(desk, ACCESS, subject, received_on, _chosen(matches), sorted(choice.unwanted))
    else:
        desk.person.note("subject-searched", request=request.request_id, documents=_chosen(matches))
    return replace(found, request=request, matches=matches, carried_out=True)


def restrict_all(
    desk: Desk,
    whom: Subject | str,
    *,
    received_on: date | None = None,
    also: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    progress: Progress = lambda done, total, what: None,
) -> Answer:
    """Restrict every letter that surely names a person, at their request (Art. 18); safe to repeat.

    Raises: as `access`.
    """
    # Before anything is registered: what is registered must be possible to carry out.
    require_desk(desk)
    require_restricting(desk)
    before, subject = _meant(desk, whom)
    choice = _choice(desk, before, also, leave_out)
    found = _look(desk, subject, choice, progress)
    if before is not None and before.kind == RESTRICTION:
        request = before
    else:
        request = _follow_up(desk, RESTRICTION, subject, received_on, found.matches, choice, before)
    known = Known.of(desk.service)
    for match in found.matches:
        grounds = {r.ground for r in known.restrictions.get(match.row.document_id, ())}
        moved = match.row.compartment == RESTRICTED
        if match.chosen and not (moved and ART18 in grounds):
            restrict(desk, match.row.document_id, ART18, _because(request))
    return replace(found, request=request, matches=_again(desk, found.matches), carried_out=True)


def erase(
    desk: Desk,
    whom: Subject | str,
    *,
    received_on: date | None = None,
    also: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    progress: Progress = lambda done, total, what: None,
) -> Answer:
    """Register a request for erasure; once a second person confirmed it, restrict what must still be kept.

    Before that nothing is changed. What may be destroyed at once is in a plan that is released by the confirmation.

    Raises: as `access`; and
        ClockSetBack, ClockAhead: dates cannot be trusted.
    """
    # Before anything is registered: what is registered must be possible to carry out.
    require_desk(desk)
    require_restricting(desk)
    before, subject = _meant(desk, whom)
    if before is not None and before.kind == ERASURE:
        require_standing(before)
        if before.confirmed is None:
            if also or leave_out:
                raise ConfigurationError(
                    "What is confirmed must be what was registered. Register a new request with the name, and close "
                    "this one as withdrawn."
                )
            found = _look(desk, subject, _choice(desk, before, (), ()), progress, only=before.documents)
            return replace(found, request=before)
        return _carry_out(desk, before)
    require_clock(desk.service)
    choice = _choice(desk, before, also, leave_out)
    found = _look(desk, subject, choice, progress)
    request = _follow_up(desk, ERASURE, subject, received_on, found.matches, choice, before)
    plan_erasure(desk, request)
    return replace(found, request=request)


# Finding ------------------------------------------------------------------------------------------------------


def _meant(desk: Desk, whom: Subject | str) -> tuple[Request | None, Subject]:
    if isinstance(whom, Subject):
        return None, whom
    request = find_request(desk, whom)
    if request.outcome is not None:
        raise ConfigurationError(f"This request is closed ({request.outcome}). Register a new one with the name.")
    if request.subject is None:
        raise ConfigurationError("Your role does not open whom this request is about. It needs the right `audit`.")
    return request, request.subject


def whom(desk: Desk, name: str, also: Sequence[str], born_on: date | None) -> Subject | str:
    """What was typed: the id of a request, or a person."""
    if is_request(desk, name) and not also and born_on is None:
        return name
    if born_on is not None and born_on > desk.person.now().astimezone().date():
        raise ConfigurationError(f"{born_on} is in the future. Name the date of birth, or leave it out.")
    return Subject(name=name, also=tuple(also), born_on=born_on)


def searching(subject: Subject) -> "NameSearch":
    """What looks for a subject in texts.

    Raises:
        ConfigurationError: there is no name in it.
    """
    from search.naming import NameSearch, wanted

    try:
        return NameSearch(wanted(subject.name, subject.also, subject.born_on))
    except ValueError as err:
        raise ConfigurationError("There is no name in that. Write it like 'Hans Müller' or 'Müller, Hans'.") from err


@dataclass(frozen=True, slots=True)
class _Choice:
    """Ids of letters that a person put in or left out, now or in the request before."""

    wished: frozenset[str]
    unwanted: frozenset[str]


def _choice(desk: Desk, before: Request | None, also: Sequence[str], leave_out: Sequence[str]) -> _Choice:
    """Raises UnknownDocument for a letter that is not known, or not this person's."""
    wished, unwanted = (
        {desk.person.reading.resolve(name)[0].document_id for name in names} for names in (also, leave_out)
    )
    if before is not None:
        earlier = set(before.documents) - unwanted
        unwanted |= set(before.left_out) - wished
        wished |= earlier
    return _Choice(frozenset(wished - unwanted), frozenset(unwanted))


def _follow_up(
    desk: Desk,
    kind: str,
    subject: Subject,
    received_on: date | None,
    matches: Sequence[Match],
    choice: _Choice,
    before: Request | None,
) -> Request:
    follows = None if before is None else before.request_id
    return register(desk, kind, subject, received_on, _chosen(matches), sorted(choice.unwanted), follows)


def _look(
    desk: Desk,
    subject: Subject,
    choice: _Choice,
    progress: Progress,
    only: Sequence[str] | None = None,
) -> Answer:
    """Every letter that may name a subject, the surest first, with what would happen to it; `request` is not set."""
    from search.naming import SURE

    looking, session = searching(subject), desk.person
    session.refresh()
    compartments = places_searched(desk)
    known, today = Known.of(desk.service), session.now().astimezone().date()
    matches: list[Match] = []
    searched = without_text = missing = 0
    for compartment in compartments:
        index = session.index(compartment)
        left = catch_up(session, compartment, index)
        while left and left > (left := catch_up(session, compartment, index)):
            pass
        missing += left
        total = index.position()[0]
        with index.snapshot():
            for entry in index.newest_entries(total):
                searched += 1
                progress(searched, None, compartment)
                without_text += not any(page.strip() for page in entry.pages)
                if only is not None and entry.document_id not in only:
                    continue
                mentions = looking.mentions(entry.pages, (entry.sender, entry.title, *entry.facts.values()))
                if not mentions and entry.document_id not in choice.wished:
                    continue
                row = desk.service.catalogue.letter(entry.document_id)
                if row is None or row.stage in (Stage.DISPOSING, Stage.DISPOSED):
                    continue
                sure = bool(mentions) and mentions[0].confidence >= SURE
                chosen = (sure or entry.document_id in choice.wished) and entry.document_id not in choice.unwanted
                fate = fate_of(known, row, today)
                matches.append(
                    Match(
                        row=row,
                        number=desk.number_of(row),
                        entry=entry,
                        mentions=tuple(mentions[:MOST_MENTIONS]),
                        chosen=chosen,
                        fate=fate if chosen else _TO_CHECK,
                        if_erased=fate,
                    )
                )
    matches.sort(key=lambda m: (not m.chosen, -m.confidence, m.row.document_id))
    not_searched = NotSearched(
        compartments=_unsearched(desk, compartments),
        without_text=without_text,
        quarantined=sum(1 for _ in session.reading.quarantined()) if "unsorted" in compartments else 0,
        missing=missing,
    )
    return Answer(
        request=_NONE, matches=tuple(matches), letters=searched, not_searched=not_searched, carried_out=False
    )  # fmt: skip


def _unsearched(desk: Desk, compartments: Sequence[str]) -> tuple[str, ...]:
    return tuple(c for c in desk.person.book.office["compartments"] if c not in compartments)


def _chosen(matches: Sequence[Match]) -> list[str]:
    return [match.row.document_id for match in matches if match.chosen]


# What happens to it -------------------------------------------------------------------------------------------


def fate_of(known: Known, row: LetterRow, today: date) -> Fate:
    """What a request for erasure comes to for one letter, today."""
    considered = known.consider(row, today)
    retention, line = considered.retention, considered.retention.line
    grounds = {restriction.ground for restriction in known.restrictions.get(row.document_id, ())}
    there = row.stage is Stage.RESTRICTED

    def fate(status: str, until: date | None, basis: str, reason: str) -> Fate:
        return Fate(status=status, until=until, basis=f"{basis}; {line.basis}", law=line.basis, reason=reason)

    if row.stage in (Stage.DISPOSING, Stage.DISPOSED):
        return fate(GONE, None, NO_GROUND, "")
    if there and ART18 in grounds:
        return fate(RESTRICTED_NOW, None, ON_REQUEST, "until the restriction is lifted")
    status = RESTRICTED_NOW if there and RETENTION in grounds else RESTRICT
    exception = STATUTORY if line.tax_relevant else CLAIMS
    if known.holds.get(row.document_id):
        return fate(status, None, DISPUTE, "a legal hold is in force")
    if retention.due_on is not None and retention.due_on <= today:
        if not considered.blocked_by:
            return fate(ERASE, today, NO_GROUND, f"its period is over since {retention.due_on}")
        return fate(status, None, exception, "; ".join(considered.blocked_by))
    waiting = retention.waiting_for
    return fate(status, retention.due_on, exception, f"waits for {event_label(waiting)} ({waiting})" if waiting else "")


def _handed_out(match: Match) -> Match:
    """For access: it is handed out, and `until` tells how long it is kept, as Art. 15 (1) (d) asks."""
    if not match.chosen:
        return match
    return replace(match, fate=replace(match.fate, status=HAND_OUT, basis=match.fate.law))


def _carry_out(desk: Desk, request: Request) -> Answer:
    """Restrict each letter of a confirmed erasure that must be kept; those that were released wait for `purge run`.

    Letters that this person may not find are neither touched nor named: somebody of the desk who may does the rest.
    """
    known, today = Known.of(desk.service), desk.person.now().astimezone().date()
    compartments = places_searched(desk)
    plan_id = None if request.confirmed is None else request.confirmed.plan_id
    released = frozenset() if plan_id is None else going(desk.service, plan_id)
    rows = [row for document in request.documents if (row := desk.service.catalogue.letter(document)) is not None]
    own = [row for row in rows if row.compartment in compartments]
    for row in own:
        status = fate_of(known, row, today).status
        if status == RESTRICT or (status == ERASE and row.document_id not in released):
            restrict(desk, row.document_id, RETENTION, _because(request))
    documents = tuple(row.document_id for row in own)
    desk.person.note("subject-erased", request=request.request_id, documents=list(documents))
    after, matches = Known.of(desk.service), []
    for document in documents:
        now = desk.service.catalogue.letter(document)
        assert now is not None
        fate = fate_of(after, now, today)
        matches.append(
            Match(
                row=now, number=desk.number_of(now), entry=_nothing_of(now), mentions=(), chosen=True, fate=fate,
                if_erased=fate,
            )
        )  # fmt: skip
    return Answer(
        request=request, matches=tuple(matches), letters=0, carried_out=True,
        not_searched=NotSearched(compartments=_unsearched(desk, compartments)),
    )  # fmt: skip


def _again(desk: Desk, matches: Sequence[Match]) -> tuple[Match, ...]:
    """The same letters after they were restricted at the subject's request."""
    found = []
    for match in matches:
        row = desk.service.catalogue.letter(match.row.document_id)
        if row is None or not match.chosen:
            found.append(match)
            continue
        fate = Fate(status=RESTRICTED_NOW, until=None, basis=ON_REQUEST)
        found.append(replace(match, row=row, number=desk.number_of(row), fate=fate))
    return tuple(found)


def _because(request: Request) -> str:
    # The catalogue keeps no names: whom it is about is sealed in the request.
    return f"request {request.request_id[:12]}"


def _nothing_of(row: LetterRow) -> IndexEntry:
    return IndexEntry(
        document_id=row.document_id, accession="", record_class=row.record_class, dated_on=row.event_on,
        received_on=row.received_on, sender="", title="", pages=(),
    )  # fmt: skip


_TO_CHECK = Fate(status=CHECK, until=None, basis="", reason="not sure: a person decides")
_NONE = Request(
    request_id="", kind="", subject=None, received_on=date.min, due_on=date.min, extended=False, made_by="",
    maker_id="", documents=(),
)  # fmt: skip


__all__ = ["Answer", "Fate", "Match", "NotSearched", "UnknownDocument", "access", "erase", "restrict_all", "whom"]
