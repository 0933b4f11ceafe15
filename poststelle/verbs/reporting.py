"""`report`: how much waits and how long, by class; never by person, and from catalogue and queue alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from archive.catalogue import LetterRow
from poststelle.stages import Stage
from poststelle.verbs.keeping import Known
from poststelle.verbs.taking_in import inbox_of
from poststelle.wiring import Session

GONE = (Stage.DISPOSING, Stage.DISPOSED)
WINDOW = timedelta(days=30)
"""Over so many days of receipt the share of letters for review is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReport:
    """Letters of one class."""

    record_class: str
    letters: int
    review: int
    oldest_review: date | None
    """Day on which the oldest letter that waits for a decision was received."""
    due: int
    """That may be disposed of today."""
    held: int
    """That would be due, but something stands against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One look at the backlog."""

    day: date
    waiting: int
    """Files in the inbox, claimed ones included."""
    oldest_waiting: datetime | None
    quarantined: int
    oldest_quarantined: datetime | None
    review: int
    oldest_review: date | None
    received: int
    """Letters received within WINDOW."""
    unsure: int
    """Of these, how many wait for a decision."""
    due: int
    classes: tuple[ClassReport, ...]

    @property
    def backlog(self) -> int:
        """Everything that waits for somebody or something."""
        return self.waiting + self.quarantined + self.review

    @property
    def oldest(self) -> date | None:
        """The day since which the oldest of it waits."""
        days = [at.astimezone().date() for at in (self.oldest_waiting, self.oldest_quarantined) if at is not None]
        return min([*days, *([self.oldest_review] if self.oldest_review else [])], default=None)

    @property
    def review_share(self) -> float | None:
        """How much of what came in lately waits for a decision; None if nothing came in."""
        return self.unsure / self.received if self.received else None


def report(session: Session) -> Report:
    """Count what waits and what is due today.

    Raises:
        NotPermitted: the identity does not keep the records.
    """
    today = session.now().astimezone().date()
    catalogue = session.catalogue
    living = [row for row in catalogue.letters() if row.stage not in GONE]
    quarantine = catalogue.quarantine()
    waiting = list(_waiting(session))
    recent = [row for row in living if today - WINDOW < row.received_on <= today]
    known = Known.of(session)
    by_class: dict[str, list[LetterRow]] = {code: [] for code in session.book.office["classes"]}
    for row in living:
        by_class.setdefault(row.record_class, []).append(row)
    classes = tuple(_of_class(code, rows, known, today) for code, rows in by_class.items() if rows)
    session.note("report")
    return Report(
        day=today,
        waiting=len(waiting),
        oldest_waiting=min(waiting, default=None),
        quarantined=len(quarantine),
        oldest_quarantined=min((item.received_at for item in quarantine), default=None),
        review=sum(c.review for c in classes),
        oldest_review=min((c.oldest_review for c in classes if c.oldest_review), default=None),
        received=len(recent),
        unsure=sum(row.stage is Stage.REVIEW for row in recent),
        due=sum(c.due for c in classes),
        classes=classes,
    )


def _of_class(code: str, rows: list[LetterRow], known: Known, today: date) -> ClassReport:
    considered = [known.consider(row, today) for row in rows]
    review = [row.received_on for row in rows if row.stage is Stage.REVIEW]
    overdue = [c for c in considered if c.retention.due_on is not None and c.retention.due_on <= today]
    return ClassReport(
        record_class=code,
        letters=len(rows),
        review=len(review),
        oldest_review=min(review, default=None),
        due=sum(not c.blocked_by for c in considered),
        held=sum(bool(c.blocked_by) for c in overdue),
    )


def _waiting(session: Session) -> Iterable[datetime]:
    """When each file in the inbox was last written; those that are being taken in included."""
    if not session.config.inbox.is_dir():
        return
    claimed = session.config.inbox / ".poststelle" / "claimed"
    for path in [*inbox_of(session).scan(), *(p for p in claimed.rglob("*") if p.is_file())]:
        try:
            yield datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        except FileNotFoundError:
            continue  # taken in this moment
