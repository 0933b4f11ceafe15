"""`verify`: is everything the catalogue promises there and unchanged?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archive.verification import Verification, read_data
from poststelle.access.keybook import index_scope
from poststelle.access.statements import Statement
from poststelle.errors import PoststelleError
from poststelle.records import Problem
from poststelle.wiring import Session

Progress = Callable[[int, int], None]
HARMLESS = frozenset({"A007", "A008", "A010"})
"""Codes of what the next intake or search repairs, or what merely lies about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at and what was found."""

    letters: int
    parts: int
    indexes: int
    problems: tuple[Problem, ...]


def verify(
    session: Session, *, with_data: bool, progress: Progress, just_restored: Sequence[Statement] = ()
) -> Verified:
    """Check fixity, wraps, databases, register, log; with `with_data` also open what the identity may open.

    `just_restored` is what whoever brings the vault back has signed: it explains lost entries of the log here and now.

    Raises:
        NotPermitted: the identity does not hold the records key.
    """
    catalogue = session.catalogue
    problems: list[Problem] = []
    verification = Verification(
        layout=session.layout,
        objects=session.objects,
        keys=session.mirrored_keys,
        catalogue=catalogue,
        book=session.book,
        audit=session.unchecked_audit,
        remembered=session.seen_head(),
        restores=(*session.restores(), *just_restored),
    )
    problems += verification.problems(progress)
    # A department's index, or that of a share: whoever holds its key looks at it.
    shares = [share.name for share in session.book.shares.values() if index_scope(share.name) in session.book.epochs]
    held = [c for c in (*session.book.office["compartments"], *shares) if session.keyring.holds(index_scope(c))]
    for compartment in held:
        problems += _index(session, compartment)
    if with_data:
        problems += read_data(session.reading, session.keyring, session.keys, progress)
    letters, parts = sum(1 for _ in catalogue.letters()), sum(1 for _ in catalogue.parts())
    # An empty log of changes is part of a sound vault: nothing rests in a side file.
    session.mirrored_keys.settle()
    catalogue.settle()
    if not any(problem.code == "L013" for problem in problems):
        session.note("verified", problems=len(problems), read_data=with_data)
    return Verified(letters=letters, parts=parts, indexes=len(held), problems=tuple(problems))


def _index(session: Session, compartment: str) -> list[Problem]:
    """The index's own pages, and whether it holds the archive's letters of this compartment."""
    name = session.layout.index(compartment).name
    try:
        index = session.index(compartment)
        found = [Problem(code="A009", id=name, message=f"The index is damaged: {p}.") for p in index.problems()]
        if not found and index.position() != session.reading.position(compartment):
            message = "The index lags behind the archive; the next search or intake catches up."
            found.append(Problem(code="A010", id=name, message=message))
        return found
    except PoststelleError as err:
        remedy = f"`poststelle rebuild index {compartment}` makes it anew."
        return [Problem(code="A009", id=name, message=f"{err} {remedy}")]
