"""The text part: recognised pages, facts, reasons and the source file name, as compressed JSON (format 1).

`words` are arrays `[text, left, top, right, bottom, confidence, line, block]` to keep a page near 5 kB.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from poststelle.errors import Damaged
from poststelle.records import (
    Barcode,
    BarcodeFormat,
    ClassifiedDocument,
    EInvoice,
    Fact,
    IndexEntry,
    PageOrigin,
    Reason,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
    Word,
)

FORMAT = 1
MAX_TEXT_BYTES = 512 * 1024 * 1024
TITLE_CHARACTERS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing a person corrected or decided about a letter."""

    at: datetime
    by: str
    """Person id."""
    name: str
    """A fact's name, or "class"."""
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterText:
    """What the text part of a letter says."""

    classified: ClassifiedDocument
    received_on: date
    duplicate_of: str | None = None
    history: tuple[Change, ...] = ()
    """What people changed, oldest first: the old values stay with the letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineText:
    """What the text part of a quarantined file says."""

    file: ScannedFile
    reason_code: str
    reason: str


def encode_letter(text: LetterText) -> bytes:
    """The plaintext of a letter's text part."""
    classified = text.classified
    return _pack(
        {
            "format": FORMAT,
            "kind": "letter",
            "file": _file(classified.document.file),
            "media_type": classified.document.media_type,
            "received_on": text.received_on.isoformat(),
            "duplicate_of": text.duplicate_of,
            "class": classified.record_class,
            "compartment": classified.compartment,
            "confidence": round(classified.confidence, 4),
            "needs_review": classified.needs_review,
            "review_reasons": classified.review_reasons,
            "reasons": [[reason.text, reason.weight] for reason in classified.reasons],
            "facts": [_fact(fact) for fact in classified.facts],
            "history": [[c.at.isoformat(), c.by, c.name, c.old, c.new] for c in text.history],
            "pages": [_page(page) for page in classified.document.pages],
            **_barcodes(classified.document.barcodes),
        }
        | _einvoice(classified.document.einvoice)
    )


def encode_quarantine(text: QuarantineText) -> bytes:
    """The plaintext of a quarantined file's text part."""
    return _pack(
        {
            "format": FORMAT,
            "kind": "quarantine",
            "file": _file(text.file),
            "reason_code": text.reason_code,
            "reason": text.reason,
        }
    )


def decode_letter(data: bytes) -> LetterText:
    """The inverse of encode_letter."""
    value = _unpack(data, "letter")
    document = RecognisedDocument(
        file=_read_file(value["file"]),
        media_type=value["media_type"],
        pages=tuple(_read_page(page) for page in value["pages"]),
        einvoice=_read_einvoice(value.get("einvoice")),
        barcodes=tuple(
            Barcode(text=text, format=BarcodeFormat(kind), page=page) for text, kind, page in value.get("barcodes", ())
        ),
    )
    classified = ClassifiedDocument(
        document=document,
        record_class=value["class"],
        confidence=value["confidence"],
        compartment=value["compartment"],
        needs_review=value["needs_review"],
        reasons=tuple(Reason(text=text, weight=weight) for text, weight in value["reasons"]),
        facts=tuple(_read_fact(row) for row in value["facts"]),
        review_reasons=tuple(value["review_reasons"]),
    )
    return LetterText(
        classified=classified,
        received_on=date.fromisoformat(value["received_on"]),
        duplicate_of=value["duplicate_of"],
        history=tuple(
            Change(at=datetime.fromisoformat(at), by=by, name=name, old=old, new=new)
            for at, by, name, old, new in value["history"]
        ),
    )


def decode_quarantine(data: bytes) -> QuarantineText:
    """The inverse of encode_quarantine."""
    value = _unpack(data, "quarantine")
    return QuarantineText(file=_read_file(value["file"]), reason_code=value["reason_code"], reason=value["reason"])


def index_entry(text: LetterText, accession: str, sequence: int) -> IndexEntry:
    """What search needs of a letter."""
    classified = text.classified
    facts = {fact.name: fact.value for fact in classified.facts}
    dated = facts.get("date")
    sealed = classified.sealed_for is not None
    return IndexEntry(
        document_id=classified.document.file.document_id,
        accession=accession,
        record_class=classified.record_class,
        dated_on=date.fromisoformat(dated) if dated and not sealed else text.received_on,
        received_on=text.received_on,
        sender="" if sealed else facts.get("sender", ""),
        title="" if sealed else facts.get("subject") or _first_words(classified.document),
        # Of a letter that stays sealed, the index knows that it is there, and no word.
        pages=() if sealed else tuple(page.text for page in classified.document.pages),
        facts={} if sealed else facts,
        sequence=sequence,
    )


def _first_words(document: RecognisedDocument) -> str:
    words = " ".join(document.text.split())
    if len(words) <= TITLE_CHARACTERS:
        return words
    return words[:TITLE_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _file(file: ScannedFile) -> dict[str, Any]:
    return {
        "id": file.document_id,
        "name": file.source_name,
        "size": file.size_bytes,
        "sha256": file.sha256,
        "received_at": file.received_at.isoformat(),
        "hint": file.hint,
    }


def _read_file(value: dict[str, Any]) -> ScannedFile:
    return ScannedFile(
        document_id=value["id"],
        source_name=value["name"],
        size_bytes=value["size"],
        sha256=value["sha256"],
        received_at=datetime.fromisoformat(value["received_at"]),
        hint=value["hint"],
    )


def _fact(fact: Fact) -> list[Any]:
    """Four fields, and the sentence, the place and the kind where there are such."""
    row = [fact.name, fact.value, round(fact.confidence, 4), fact.page]
    if fact.kind:
        return [*row, fact.source, None if fact.box is None else list(fact.box), fact.kind]
    if fact.box is not None:
        return [*row, fact.source, list(fact.box)]
    return [*row, fact.source] if fact.source else row


def _read_fact(row: list[Any]) -> Fact:
    name, value, confidence, page, *more = row
    rest: list[Any] = [*more, *("", None, "")[len(more) :]]
    source, box, kind = rest[0], None if rest[1] is None else tuple(rest[1]), rest[2]
    return Fact(name=name, value=value, confidence=confidence, page=page, source=source, box=box, kind=kind)


def _einvoice(invoice: EInvoice | None) -> dict[str, Any]:
    """Only where there is one: text parts of other letters stay as they were."""
    if invoice is None:
        return {}
    return {
        "einvoice": {
            "form": invoice.form,
            "profile": invoice.profile,
            "kind": invoice.kind,
            "fields": [list(pair) for pair in invoice.fields],
            "problems": list(invoice.problems),
            "embedded": invoice.embedded,
        }
    }


def _read_einvoice(value: dict[str, Any] | None) -> EInvoice | None:
    if value is None:
        return None
    return EInvoice(
        form=value["form"],
        profile=value["profile"],
        kind=value["kind"],
        fields=tuple((name, text) for name, text in value["fields"]),
        problems=tuple(value["problems"]),
        embedded=value["embedded"],
    )


def _barcodes(barcodes: tuple[Barcode, ...]) -> dict[str, Any]:
    """Only where there are any: most letters carry none."""
    return {"barcodes": [[b.text, b.format.value, b.page] for b in barcodes]} if barcodes else {}


def _page(page: RecognisedPage) -> dict[str, Any]:
    return {
        "number": page.number,
        "size": [page.width_px, page.height_px, page.dpi],
        "origin": page.origin.value,
        "confidence": round(page.confidence, 4),
        "turned": [page.rotation_degrees, round(page.skew_degrees, 3)],
        "notes": page.notes,
        "text": page.text,
        "words": [
            [w.text, w.left, w.top, w.right, w.bottom, round(w.confidence, 3), w.line, w.block] for w in page.words
        ],
    }


def _read_page(value: dict[str, Any]) -> RecognisedPage:
    width, height, dpi = value["size"]
    rotation, skew = value["turned"]
    return RecognisedPage(
        number=value["number"],
        width_px=width,
        height_px=height,
        dpi=dpi,
        origin=PageOrigin(value["origin"]),
        words=tuple(
            Word(text=t, left=x, top=y, right=r, bottom=b, confidence=c, line=n, block=k)
            for t, x, y, r, b, c, n, k in value["words"]
        ),
        text=value["text"],
        confidence=value["confidence"],
        rotation_degrees=rotation,
        skew_degrees=skew,
        notes=tuple(value["notes"]),
    )


def _pack(value: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode(), 6)


def _unpack(data: bytes, kind: str) -> dict[str, Any]:
    engine = zlib.decompressobj()
    content = engine.decompress(data, MAX_TEXT_BYTES)
    value: dict[str, Any] = json.loads(content)
    if engine.unconsumed_tail or value.get("format") != FORMAT or value.get("kind") != kind:
        raise Damaged("A text part was written by a newer Poststelle. Upgrade to read it; nothing was changed.")
    return value
