"""`subject access -o DIR`: what a data subject is handed, and what a person has to blacken and check before.

files/          every letter as received, and its searchable PDF
facts/          what was read of each, as JSON
index.json      the letters: why they were found, how long they are kept and by which paragraph
index.csv       the same as a table
passages.csv    every place that names the subject
third-parties.csv  who else stands in these letters: to be blackened, or weighed (Art. 15 (4) GDPR)
to-check.csv    letters that may name the subject; nothing of them is in `files`
answer.txt      the letter to the subject, to be completed
SHA256SUMS
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from poststelle.errors import ConfigurationError, NoRendition, NotPermitted
from poststelle.records import Fact, Part
from poststelle.verbs.finding import export
from poststelle.verbs.locating import Desk
from poststelle.verbs.packaging import FORMULA
from poststelle.verbs.subject import Answer, Match, searching

PRIVATE = 0o600
INDEX = (
    "number", "id", "class", "date", "received_on", "sender", "subject", "confidence", "found_by", "status", "until",
    "basis", "reason", "if_erased", "files",
)  # fmt: skip
PASSAGES = ("number", "page", "confidence", "found_by", "damaged", "date_of_birth", "passage")
OTHERS = ("number", "page", "kind", "text", "passage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What was written."""

    folder: Path
    letters: int
    files: int
    third_parties: int
    not_exported: tuple[str, ...]
    """Numbers of letters that name the subject and that this person may not take out."""


@dataclass(slots=True)
class _Folder:
    """A new folder that only its owner reads, and the hashes of what was put into it."""

    root: Path
    sums: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        self.sums[name] = hashlib.sha256(content).hexdigest()


def require_new(folder: Path) -> None:
    """Refuse a folder that is there.

    Raises:
        ConfigurationError: it exists, or the one it is to stand in does not.
    """
    if folder.exists():
        raise ConfigurationError(f"{folder} exists and was not touched. Name a new folder.")
    if not folder.absolute().parent.is_dir():
        raise ConfigurationError(f"There is no folder {folder.absolute().parent}. Make it first, or name another one.")


def hand_out(desk: Desk, answer: Answer, folder: Path) -> Handed:
    """Write the package of an access request; every letter taken out is logged.

    Raises:
        ConfigurationError: the folder exists.
    """
    from search.bystanders import bystanders

    assert answer.request.subject is not None
    require_new(folder)
    folder.mkdir(mode=0o700)
    out, looking = _Folder(folder), searching(answer.request.subject)
    rows, places, others, refused = [], [], [], []
    for match in answer.matches:
        if not match.chosen:
            continue
        row = _index_row(desk, match)
        try:
            row["files"] = _write_letter(desk, out, match, answer.request.request_id)
        except NotPermitted:
            refused.append(match.number)
        rows.append(row)
        mentions = looking.mentions(match.entry.pages)
        places += [_passage_row(match, mention) for mention in mentions]
        others += [
            {"number": match.number, "page": b.page, "kind": b.kind, "text": b.text, "passage": b.passage}
            for b in bystanders(match.entry.pages, looking, mentions)
        ]
    doubtful = [match for match in answer.matches if not match.chosen]
    out.put("index.json", _json({"request": answer.request.request_id, "letters": rows}))
    out.put("index.csv", _csv(INDEX, [row | {"files": " ".join(row["files"])} for row in rows]))
    out.put("passages.csv", _csv(PASSAGES, places))
    out.put("third-parties.csv", _csv(OTHERS, others))
    to_check = [_passage_row(match, mention) for match in doubtful for mention in match.mentions]
    out.put("to-check.csv", _csv(PASSAGES, to_check))
    out.put("answer.txt", _answer_letter(desk, answer, rows).encode())
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(out.sums.items()))
    out.put("SHA256SUMS", sums.encode())
    files = sum(len(row["files"]) for row in rows)
    desk.person.note(
        "subject-package", request=answer.request.request_id, letters=len(rows), files=files, not_exported=refused
    )
    return Handed(
        folder=folder, letters=len(rows), files=files, third_parties=len(others), not_exported=tuple(refused)
    )  # fmt: skip


def _write_letter(desk: Desk, out: _Folder, match: Match, request: str) -> list[str]:
    """The letter as received, its searchable PDF, and its facts; names of the files below `files`."""
    document, why = match.row.document_id, f"request {request[:12]}"
    original = export(desk.person, document, reason=why)
    names = [original.file_name]
    out.put(f"files/{original.file_name}", original.content)
    try:
        rendition = export(desk.person, document, rendition=True, reason=why)
    except NoRendition:
        rendition = original
    if rendition.part is Part.RENDITION:
        names.append(f"{match.number}-durchsuchbar.pdf")
        out.put(f"files/{names[-1]}", rendition.content)
    registered, _ = desk.person.reading.resolve(document)
    facts = desk.person.reading.text(registered).classified.facts
    out.put(f"facts/{match.number}.json", _json({fact.name: _fact(fact) for fact in facts}))
    return names


def _fact(fact: Fact) -> dict[str, Any]:
    return {"value": fact.value, "confidence": round(fact.confidence, 3), "page": fact.page}


def _index_row(desk: Desk, match: Match) -> dict[str, Any]:
    return {
        "number": match.number,
        "id": match.row.document_id,
        "class": class_label(desk, match),
        "date": match.entry.dated_on.isoformat(),
        "received_on": match.entry.received_on.isoformat(),
        "sender": match.entry.sender,
        "subject": match.entry.title,
        "confidence": match.confidence,
        "found_by": match.mentions[0].how if match.mentions else "added by a person",
        "status": match.fate.status,
        "until": None if match.fate.until is None else match.fate.until.isoformat(),
        "basis": match.fate.basis,
        "reason": match.fate.reason,
        "if_erased": match.if_erased.status,
        "files": [],
    }


def class_label(desk: Desk, match: Match) -> str:
    """What the office calls the class of a letter."""
    label = desk.person.book.office["classes"].get(match.row.record_class, {}).get("label")
    return str(label or match.row.record_class)


def _passage_row(match: Match, mention: Any) -> dict[str, Any]:
    return {
        "number": match.number,
        "page": mention.page,
        "confidence": mention.confidence,
        "found_by": mention.how,
        "damaged": mention.damaged,
        "date_of_birth": mention.corroborated,
        "passage": mention.passage,
    }


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    return text.encode("utf-8", "replace") + b"\n"


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=";", lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        cells = {name: "" if value is None else str(value) for name, value in row.items()}
        # Letters are foreign text: a spreadsheet must not take it for a formula.
        writer.writerow({name: f"'{cell}" if cell.startswith(FORMULA) else cell for name, cell in cells.items()})
    return out.getvalue().encode("utf-8-sig", "replace")


def _answer_letter(desk: Desk, answer: Answer, rows: Sequence[Mapping[str, Any]]) -> str:
    """The letter to the subject: what the vault knows is filled in, the rest stands in square brackets."""
    request, office = answer.request, desk.person.config.value["office"]["name"]
    assert request.subject is not None
    kinds: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        kept = "erase" if row["if_erased"] == "erase" else str(row["until"] or "")
        kinds.setdefault((str(row["class"]), kept, str(row["basis"])), []).append(row)
    stored = [_stored(*kind, len(of)) for kind, of in sorted(kinds.items())] or ["- keine"]
    return "\n".join(
        [
            office,
            "[Anschrift des Unternehmens]",
            "",
            request.subject.name,
            "[Anschrift]",
            "",
            f"[Ort], den [Datum; spätestens {request.due_on:%d.%m.%Y}]",
            "",
            f"Ihr Antrag auf Auskunft vom {request.received_on:%d.%m.%Y}",
            "",
            f"Guten Tag {request.subject.name},",
            "",
            "Sie haben gefragt, welche Daten wir über Sie verarbeiten (Art. 15 DSGVO). Diese Auskunft betrifft die",
            f"Briefpost in unserem Archiv. Genannt sind Sie dort in: {_letters(len(rows))}. Kopien liegen bei. Was",
            "andere Personen betrifft, haben wir darin unkenntlich gemacht (Art. 15 Abs. 4).",
            "",
            "1. Zwecke der Verarbeitung: [je Vorgang, z. B. Durchführung eines Vertrags, Personalverwaltung]",
            "2. Arten von Daten: die in der Anlage genannten Schreiben und die daraus gelesenen Angaben (Absender,",
            "   Betreff, Datum, Beträge, Kontonummern).",
            "3. Empfänger: [innerhalb des Unternehmens die zuständigen Abteilungen; sonst: …]",
            "4. Dauer der Speicherung:",
            *[f"   {line}" for line in stored],
            "5. Ihre Rechte: Berichtigung (Art. 16), Löschung (Art. 17), Einschränkung der Verarbeitung (Art. 18),",
            "   Widerspruch (Art. 21). Solange eine der genannten Fristen läuft, können wir nicht löschen, wohl aber",
            "   einschränken.",
            "6. Sie können sich bei einer Aufsichtsbehörde für den Datenschutz beschweren: [zuständige Behörde]",
            "7. Herkunft: die Schreiben kamen von den in der Anlage genannten Absendern.",
            "8. Automatisierte Entscheidungen oder Profiling nach Art. 22 DSGVO: [keine / …]",
            "9. Übermittlung in Drittländer: [keine / …]",
            "",
            "Freundliche Grüße",
            "[Name, Funktion]",
            "",
        ]
    )


def _stored(kind: str, until: str, basis: str, number: int) -> str:
    if until == "erase":
        how_long = "die Frist ist abgelaufen, die Löschung steht an"
    elif until:
        how_long = f"bis {date.fromisoformat(until) - timedelta(days=1):%d.%m.%Y}"
    else:
        how_long = "die Frist beginnt mit einem Ereignis, das noch aussteht, oder die Löschung ist ausgesetzt"
    return f"- {kind}, {_letters(number)}: {how_long} ({basis})"


def _letters(number: int) -> str:
    return "1 Schreiben" if number == 1 else f"{number} Schreiben"
