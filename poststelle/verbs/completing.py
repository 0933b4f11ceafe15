"""What the shell may complete: from the mail that an identity may see, and only if nobody has to be asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from poststelle.errors import PoststelleError
from poststelle.verbs.finding import record_classes, searchable
from poststelle.wiring import Environment, Session, open_person

MOST_LETTERS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One way to go on."""

    value: str
    help: str = ""
    """What shells that can do so show beside it."""


def complete_query(environment: Environment, typed: str) -> Sequence[Completion]:
    """Ways to end the last word of a query; none where something is in the way, for a shell cannot be told why."""
    try:
        with open_person(environment) as session:
            from search.completion import completions

            session.note("complete", query=typed)
            indexes = [session.index(compartment) for compartment in searchable(session)]
            return [Completion(value=value) for value in completions(indexes, typed, record_classes(session))]
    except (PoststelleError, OSError):
        return ()


def complete_letter(environment: Environment, typed: str) -> Sequence[Completion]:
    """Numbers of letters that begin like this, the newest first."""
    try:
        with open_person(environment) as session:
            session.note("complete", letter=typed)
            return _letters(session, typed.upper())
    except (PoststelleError, OSError):
        return ()


def _letters(session: Session, typed: str) -> list[Completion]:
    found: list[tuple[int, str, str, str]] = []
    for compartment in searchable(session):
        for registered in session.reading.letters(compartment):
            accession = session.reading.accession(registered)
            if accession.startswith(typed):
                found.append((registered.year, accession, compartment, registered.document_id))
    # Newest first in every series; nothing of one series depends on another.
    found.sort(key=lambda letter: (-letter[0], letter[2], _descending(letter[1])))
    entries = [(accession, session.index(place).get(name)) for _, accession, place, name in found[:MOST_LETTERS]]
    return [
        Completion(value=accession, help="" if entry is None else f"{entry.title}, {entry.sender}")
        for accession, entry in entries
    ]


def _descending(accession: str) -> int:
    return -int(accession.rsplit("-", 1)[1])
