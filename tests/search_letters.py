"""Letters and an index to put them in, for the tests of search."""

from datetime import date
from pathlib import Path

from poststelle.access.database import Database, open_database
from poststelle.durable import Disk
from poststelle.records import IndexEntry
from search import CompartmentIndex, Filters, SearchResult, find, parse_query
from search.finding import Sort

TODAY = date(2026, 4, 1)
KEY = bytes(range(32))


def open_index(folder: Path, compartment: str = "general") -> tuple[Database, CompartmentIndex]:
    """A new, empty, encrypted index."""
    database = open_database(folder / f"{compartment}.db", Disk(), key=KEY, create=True)
    return database, CompartmentIndex.create(database, compartment)


def letter(number: int, *pages: str, title: str = "", sender: str = "", **other: object) -> IndexEntry:
    """A letter with this text; its id and sequence follow from `number`."""
    values: dict[str, object] = {
        "document_id": f"{number:032x}",
        "accession": f"GEN-2026-{number:06}",
        "record_class": "other",
        "dated_on": date(2026, 1, 1),
        "received_on": date(2026, 1, 2),
        "sequence": number,
        "facts": {},
    }
    return IndexEntry(title=title, sender=sender, pages=pages, **(values | other))  # type: ignore[arg-type]


def search(
    indexes: CompartmentIndex | list[CompartmentIndex],
    text: str,
    filters: Filters | None = None,
    limit: int = 20,
    sort: Sort = "relevance",
) -> SearchResult:
    """What a person gets who types this."""
    several = indexes if isinstance(indexes, list) else [indexes]
    return find(several, parse_query(text, TODAY), filters or Filters(), limit=limit, sort=sort)


def found(indexes: CompartmentIndex | list[CompartmentIndex], text: str, **options: object) -> list[int]:
    """Numbers of the letters found as typed, in order."""
    return [int(hit.document_id, 16) for hit in search(indexes, text, **options).hits if hit.exact]  # type: ignore[arg-type]


def nearly(indexes: CompartmentIndex | list[CompartmentIndex], text: str, **options: object) -> list[int]:
    """Numbers of the letters found only nearly, in order."""
    return [int(hit.document_id, 16) for hit in search(indexes, text, **options).hits if not hit.exact]  # type: ignore[arg-type]
