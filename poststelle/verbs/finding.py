"""`search`, `show`, `export`, `open`: what an identity may see, and nothing that hints at more."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from archive.keystore import Registered
from archive.textpart import LetterText, index_entry
from poststelle.config import Config
from poststelle.errors import ConfigurationError, Damaged, NoRendition, NotPermitted
from poststelle.records import IndexEntry, PageOrigin, Part
from poststelle.stages import Stage
from poststelle.wiring import Session, work_folder

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
    outdated: bool = False
    """Whether an index was made by an older version and is too large to be renewed by the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A letter as its readers see it."""

    document_id: str
    accession: str
    compartment: str
    letter: LetterText


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The original of a letter, or its searchable PDF."""

    document_id: str
    accession: str
    source_name: str
    content: bytes
    part: Part
    """What `content` is. A PDF that was born digital is its own searchable PDF, so then it is the original."""

    @property
    def file_name(self) -> str:
        """The letter's number, with the ending that tells programs what it is."""
        return self.accession + (".pdf" if self.part is Part.RENDITION else Path(self.source_name).suffix.lower())


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
    like: str | None = None,
    with_facets: bool = False,
) -> Found:
    """Find letters in every compartment the identity may search; restricted ones are left out.

    `like` is the id or number of a letter: then others like it are found, and `query` is not read.

    Raises:
        UnknownDocument: no such letter, or not one of this identity's.
        QueryError: the query cannot be done as written.
        NotPermitted: the identity may search nothing.
    """
    from search.finding import Filters, SearchResult, find
    from search.likeness import query_like
    from search.parser import parse_query

    started = time.perf_counter()
    compartments = searchable(session)
    code = None if record_class is None else class_code(session, record_class)
    parsed = None if like is not None else parse_query(query, today, record_classes(session))
    model = None if like is None else session.reading.resolve(like)
    session.note("search", query=query, record_class=code)
    indexes, missing, outdated = [], 0, False
    for compartment in compartments:
        index = session.index(compartment)
        missing += catch_up(session, compartment, index)
        outdated = not _renewed(index) or outdated
        indexes.append(index)
    filters = Filters(record_class=code, from_date=from_date, to_date=to_date)
    if model is not None:
        filters = replace(filters, but=model[0].document_id)
        # Restricted letters are read one by one, not searched: nothing is like them.
        parsed = query_like(session.index(model[1]), model[0].document_id) if model[1] in compartments else None
    if parsed is None:
        result = SearchResult(total=0, exact=0, hits=(), suggestions=())
    else:
        result = find(indexes, parsed, filters, limit=limit, sort=sort, with_facets=with_facets)
    took_ms = (time.perf_counter() - started) * 1000
    return Found(result=result, took_ms=took_ms, not_yet_findable=missing, outdated=outdated)


def record_classes(session: Session) -> dict[str, str]:
    """Record class codes by code and by label."""
    office = session.book.office["classes"]
    return {rule.get("label", code): code for code, rule in office.items()} | {code: code for code in office}


def class_code(session: Session, name: str) -> str:
    """The code of a record class that is named by its code or its label.

    Raises:
        ConfigurationError: there is no such class.
    """
    office = session.book.office["classes"]
    spoken = {key.casefold(): code for key, code in record_classes(session).items()}
    if (code := spoken.get(name.casefold())) is None:
        known = ", ".join(f"{code} ({rule.get('label', code)})" for code, rule in office.items())
        raise ConfigurationError(f"There is no class {name!r}. Classes: {known}.")
    return code


def _renewed(index: "CompartmentIndex") -> bool:
    """Make a small index of an older version new; False if it is too large for that while somebody waits."""
    if index.is_current():
        return True
    if index.position()[0] > CATCH_UP_LETTERS:
        return False
    index.renew()
    return True


def searchable(session: Session) -> tuple[str, ...]:
    """Compartments that a normal search covers.

    Raises:
        NotPermitted: none.
    """
    session.refresh()  # a search that stays open must not go on with rights that were taken away
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
    # In this order: a letter that is filed and indexed between the two is added once more, not taken for one that left.
    indexed = index.sequences()
    registered = {r.document_id: r for r in session.reading.letters(compartment)}
    if gone := indexed.keys() - registered.keys():
        index.purge(gone)
    lagging = [r for r in registered.values() if indexed.get(r.document_id) != r.sequence]
    now, missing = lagging[:CATCH_UP_LETTERS], len(lagging)
    for start in range(0, len(now), BATCH):
        read = list(_readable(session, now[start : start + BATCH]))
        # Asked again inside the index's transaction: a purge destroys the keys first and then waits for it, so no
        # letter comes back whose keys went while it was read. Who revises a letter adds it himself.
        index.add_many(entry for r, entry in read if session.reading.is_current(compartment, r))
        missing -= len(read)
    return missing


def _readable(session: Session, letters: Sequence[Registered]) -> Iterator[tuple[Registered, IndexEntry]]:
    """Letters with their index entries; one that is damaged must not keep the others from being found, verify names
    it.
    """
    for registered in letters:
        with contextlib.suppress(Damaged):
            text, number = session.reading.text(registered), session.reading.accession(registered)
            yield registered, index_entry(text, number, registered.sequence)


def show(session: Session, name: str, reason: str | None = None) -> Shown:
    """Facts and recognised text of a letter; a restricted one only with a reason.

    Raises:
        ConfigurationError: it is restricted, and no reason was given.
        UnknownDocument: no such letter, or not one of this identity's.
    """
    searchable(session)
    registered, compartment = session.reading.resolve(name)
    session.note("show", document=registered.document_id, **_why(registered, reason))
    return Shown(
        document_id=registered.document_id,
        accession=session.reading.accession(registered),
        compartment=compartment,
        letter=session.reading.text(registered),
    )


def export(session: Session, name: str, rendition: bool = False, reason: str | None = None) -> Exported:
    """The bytes of a letter as they were received, or its searchable PDF.

    Raises:
        UnknownDocument: no such letter, or not one of this identity's.
        NoRendition: a searchable PDF was wanted and none could be made of this letter.
        NotPermitted: the identity may export nothing at all.
    """
    allowed = session.book.compartments_for(session.identity.person_id, "export")
    if not allowed:
        raise NotPermitted("Your role does not include exporting letters. Ask an owner for a role that does.")
    registered, compartment = session.reading.resolve(name)
    if compartment not in allowed:
        raise NotPermitted("Your role may read this letter, but not take it out. Ask an owner for the right to export.")
    require_recipient(session, session.reading.text(registered))
    why = _why(registered, reason)
    exported = _searchable(session, registered) if rendition else _as_received(session, registered)
    session.note("export", document=registered.document_id, part=exported.part.value, **why)
    return exported


def pages_of(session: Session, name: str, reason: str | None = None) -> Exported:
    """What a person looks at who wants to see a letter: the searchable PDF, or else the original.

    Raises:
        UnknownDocument: no such letter, or not one of this identity's.
        NotPermitted: the identity may look at no pages at all.
    """
    allowed = session.book.compartments_for(session.identity.person_id, "read")
    if not allowed:
        raise NotPermitted("Your role does not include looking at letters. Ask an owner for a role that does.")
    registered, compartment = session.reading.resolve(name)
    if compartment not in allowed:
        raise NotPermitted("Your role may find and read the text of this letter, but not open its pages.")
    require_recipient(session, session.reading.text(registered))
    why = _why(registered, reason)
    try:
        pages = _searchable(session, registered)
    except NoRendition:
        pages = _as_received(session, registered)
    session.note("open", document=registered.document_id, part=pages.part.value, **why)
    return pages


def view(config: Config, pages: Exported, viewer: list[str], wait: Callable[[], None]) -> None:
    """Show a letter's pages in a program; the file lies in memory, in a private folder, until it ends and `wait` does.

    Raises:
        ConfigurationError: the program cannot be started.
    """
    with work_folder(config) as folder:
        file = folder / pages.file_name
        file.touch(mode=0o600)
        file.write_bytes(pages.content)
        try:
            subprocess.run([*viewer, str(file)], check=False)
        except OSError as err:
            raise ConfigurationError(
                f"The viewer {viewer[0]!r} cannot be started ({err.strerror}). Name another one with --with COMMAND."
            ) from err
        wait()


def require_recipient(session: Session, letter: LetterText) -> None:
    """A letter of the sealed lane is opened, and decided, by the one role that it is for.

    Raises:
        NotPermitted: it is sealed for another role.
    """
    role = letter.classified.sealed_for
    if role is None:
        return
    person = session.book.person(session.identity.person_id)
    lent = [delegation.role for delegation in session.book.deputy_for(session.identity.person_id)]
    if person is None or role not in (*person.roles, *lent):
        raise NotPermitted(f"This letter was not opened; it is sealed for the role {role}. Hand it over unread.")


def _why(registered: Registered, reason: str | None) -> dict[str, str]:
    """What the log says of the reason: a restricted letter is out of use, and whoever takes it back says why.

    Raises:
        ConfigurationError: it is restricted, and no reason was given.
    """
    if registered.stage is Stage.RESTRICTED and not (reason or "").strip():
        raise ConfigurationError("This letter is restricted. Say with --reason why you need it; that is logged.")
    return {} if reason is None else {"reason": reason}


def _as_received(session: Session, registered: Registered) -> Exported:
    return _taken(session, registered, Part.ORIGINAL, session.reading.original(registered))


def _searchable(session: Session, registered: Registered) -> Exported:
    try:
        return _taken(session, registered, Part.RENDITION, session.reading.rendition(registered))
    except NoRendition:
        document = session.reading.text(registered).classified.document
        digital = all(page.origin is PageOrigin.TEXT_LAYER for page in document.pages)
        if document.media_type == "application/pdf" and digital:
            return _as_received(session, registered)
        raise


def _taken(session: Session, registered: Registered, part: Part, content: bytes) -> Exported:
    return Exported(
        document_id=registered.document_id,
        accession=session.reading.accession(registered),
        source_name=session.reading.text(registered).classified.document.file.source_name,
        content=content,
        part=part,
    )
