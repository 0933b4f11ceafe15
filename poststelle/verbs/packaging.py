"""`export --package`: what an auditor takes along: files as received, an index as CSV and XML, and hashes."""

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from archive.textpart import LetterText
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.verbs.finding import RESTRICTED, class_code, require_recipient
from poststelle.wiring import Session

COLUMNS = (
    "number", "id", "class", "received_on", "date", "sender", "subject", "reference", "amount", "currency", "file",
    "size_bytes", "sha256", "source_name",
)  # fmt: skip
FACTS = ("date", "sender", "subject", "reference", "amount", "currency")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaged:
    """What was written."""

    folder: Path
    letters: int
    size_bytes: int


def package(
    session: Session, folder: Path, classes: Sequence[str], years: Sequence[int], progress: Progress
) -> Packaged:
    """Write every letter this identity may export into a new folder; limited to classes and years if any are named.

    Restricted letters stay out, and those that are sealed for another role.

    Raises:
        NotPermitted: the identity may export nothing.
        ConfigurationError: the folder exists, or there is no such class.
    """
    session.refresh()
    allowed = session.book.compartments_for(session.identity.person_id, "export")
    places = [c for c in allowed if c != RESTRICTED]
    if not places:
        raise NotPermitted("Your role does not include exporting letters. Ask an owner for a role that does.")
    classes = [class_code(session, name) for name in classes]
    if folder.exists():
        raise ConfigurationError(f"{folder} exists and was not touched. Name a new folder.")
    reachable = [registered for place in places for registered in session.reading.letters(place)]
    letters = [r for r in reachable if _goes_along(session, session.reading.text(r), classes, years)]
    # Before the first is written: what was taken out must stand in the log even if the rest fails.
    named = [registered.document_id for registered in letters]
    session.note("export-package", documents=named, classes=list(classes), years=list(years))
    folder.mkdir(parents=True, mode=0o700)  # the index names senders: only the last of `parents` gets the mode
    (folder / "files").mkdir(mode=0o700)
    rows: list[dict[str, str]] = []
    for number, registered in enumerate(letters, 1):
        text, content = session.reading.text(registered), session.reading.original(registered)
        name = session.reading.accession(registered)
        file = folder / "files" / f"{name}{Path(text.classified.document.file.source_name).suffix.lower()}"
        file.write_bytes(content)
        rows.append(_row(text, name, registered.document_id, file, content))
        progress(number, len(letters))
    files = {"index.csv": _csv(rows), "index.xml": _xml(session.book.office["name"], rows)}
    for file_name, content in files.items():
        (folder / file_name).write_bytes(content)
    sums = [(row["sha256"], f"files/{row['file']}") for row in rows]
    sums += [(hashlib.sha256(content).hexdigest(), name) for name, content in files.items()]
    (folder / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for digest, name in sums), encoding="utf-8")
    return Packaged(folder=folder, letters=len(rows), size_bytes=sum(int(row["size_bytes"]) for row in rows))


def _goes_along(session: Session, text: LetterText, classes: Sequence[str], years: Sequence[int]) -> bool:
    return _is_wanted(text, classes, years) and _may_open(session, text)


def _is_wanted(text: LetterText, classes: Sequence[str], years: Sequence[int]) -> bool:
    return (not classes or text.classified.record_class in classes) and (not years or text.received_on.year in years)


def _may_open(session: Session, text: LetterText) -> bool:
    """A letter of the sealed lane goes along with the one role that it is for."""
    try:
        require_recipient(session, text)
    except NotPermitted:
        return False
    return True


def _row(text: LetterText, number: str, document_id: str, file: Path, content: bytes) -> dict[str, str]:
    facts = {name: fact.value for name in FACTS if (fact := text.classified.fact(name)) is not None}
    return dict.fromkeys(COLUMNS, "") | facts | {
        "number": number,
        "id": document_id,
        "class": text.classified.record_class,
        "received_on": text.received_on.isoformat(),
        "file": file.name,
        "size_bytes": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
        "source_name": text.classified.document.file.source_name.encode("utf-8", "replace").decode(),
    }  # fmt: skip


def _csv(rows: Sequence[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    # A sender may call themselves "=HYPERLINK(…)": a spreadsheet must take that for text.
    writer.writerows({k: f"'{v}" if v.startswith(FORMULA) else v for k, v in row.items()} for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _xml(office: str, rows: Sequence[dict[str, str]]) -> bytes:
    root = ElementTree.Element("letters", office=office, count=str(len(rows)))
    for row in rows:
        letter = ElementTree.SubElement(root, "letter")
        for name in COLUMNS:
            text = "".join(c for c in row[name] if c.isprintable())
            ElementTree.SubElement(letter, name).text = text
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"
