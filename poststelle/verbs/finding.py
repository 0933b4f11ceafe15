"""`search`, `show`, `export`: what an identity may see, and nothing that hints at more."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from archive.keystore import Registered
from archive.textpart import LetterText, index_entry
from poststelle.errors import ConfigurationError, Damaged, NotPermitted
from poststelle.records import IndexEntry
from poststelle.wiring import Session

if TYPE_CHECKING:
    from search.finding import SearchResult, Sort
    from search.index import CompartmentIndex

RESTRICTED = "restricted"
CATCH_UP_LETTERS = 300
"""Letters a search adds to a lagging index before it answers: about three seconds."""
BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A search result, how long it took, and what it may have missed."""

    result: "SearchResult"
    took_ms: float
    not_yet_findable: int
    """Letters that were filed but are not in the index yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A letter as its readers see it."""

    document_id: str
    accession: str
    compartment: str
    letter: LetterText


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The original of a letter."""

    document_id: str
    accession: str
    source_name: str
    content: bytes


def search(
    session: Session,
    query: str,
    *,
    record_class: str | None,
    from_date: date | None,
    to_date: date | None,
    limit: int,
    sort: "Sort",
    today: date,
) -> Found:
    """Find letters in every compartment the identity may search; restricted ones are left out.

    Raises:
        QueryError: the query cannot be done as written.
        NotPermitted: the identity may search nothing.
    """
    from search.finding import Filters, find
    from search.parser import parse_query

    started = time.perf_counter()
    compartments = searchable(session)
    if record_class is not None and record_class not in session.book.office["classes"]:
        known = ", ".join(session.book.office["classes"])
        raise ConfigurationError(f"There is no class {record_class!r}. Classes: {known}.")
    parsed = parse_query(query, today)
    session.note("search", query=query, record_class=record_class)
    indexes, missing = [], 0
    for compartment in compartments:
        index = session.index(compartment)
        missing += catch_up(session, compartment, index)
        indexes.append(index)
    filters = Filters(record_class=record_class, from_date=from_date, to_date=to_date)
    result = find(indexes, parsed, filters, limit=limit, sort=sort)
    return Found(result=result, took_ms=(time.perf_counter() - started) * 1000, not_yet_findable=missing)


def searchable(session: Session) -> tuple[str, ...]:
    """Compartments that a normal search covers.

    Raises:
        NotPermitted: none.
    """
    compartments = session.book.compartments_for(session.identity.person_id, "find")
    if not compartments:
        raise NotPermitted(
            "Your role does not include reading letters, so it cannot search. Ask an owner for a department's role."
        )
    return tuple(c for c in compartments if c != RESTRICTED)


def catch_up(session: Session, compartment: str, index: "CompartmentIndex") -> int:
    """Bring an index up to what the archive holds, as far as is quick; returns how many letters are still missing.

    The archive is the truth and the index is derived from it: this is also what repairs a crash between
    the commit and the index, and what makes letters findable where the service holds no index key.
    """
    if index.position() == session.reading.position(compartment):
        return 0
    registered = {r.document_id: r for r in session.reading.letters(compartment)}
    indexed = index.sequences()
    for document_id in indexed.keys() - registered.keys():
        index.remove(document_id)
    lagging = [r for r in registered.values() if indexed.get(r.document_id) != r.sequence]
    now, missing = lagging[:CATCH_UP_LETTERS], len(lagging)
    for start in range(0, len(now), BATCH):
        entries = list(_readable(session, now[start : start + BATCH]))
        index.add_many(entries)
        missing -= len(entries)
    return missing


def _readable(session: Session, letters: Sequence[Registered]) -> Iterator[IndexEntry]:
    """Index entries of letters; one that is damaged must not keep the others from being found, verify names it."""
    for registered in letters:
        with contextlib.suppress(Damaged):
            yield index_entry(
                session.reading.text(registered), session.reading.accession(registered), registered.sequence
            )


def show(session: Session, name: str) -> Shown:
    """Facts and recognised text of a letter.

    Raises:
        UnknownDocument: no such letter, or not one of this identity's.
    """
    searchable(session)
    registered, compartment = session.reading.resolve(name)
    session.note("show", document=registered.document_id)
    return Shown(
        document_id=registered.document_id,
        accession=session.reading.accession(registered),
        compartment=compartment,
        letter=session.reading.text(registered),
    )


def export(session: Session, name: str) -> Exported:
    """The bytes of a letter as they were received.

    Raises:
        UnknownDocument: no such letter, or not one of this identity's.
        NotPermitted: the identity may export nothing at all.
    """
    allowed = session.book.compartments_for(session.identity.person_id, "export")
    if not allowed:
        raise NotPermitted("Your role does not include exporting letters. Ask an owner for a role that does.")
    registered, compartment = session.reading.resolve(name)
    if compartment not in allowed:
        raise NotPermitted("Your role may read this letter, but not take it out. Ask an owner for the right to export.")
    content = session.reading.original(registered)
    session.note("export", document=registered.document_id, part="original")
    return Exported(
        document_id=registered.document_id,
        accession=session.reading.accession(registered),
        source_name=session.reading.text(registered).classified.document.file.source_name,
        content=content,
    )
