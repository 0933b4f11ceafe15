"""What a letter is at each step: frozen values, each wrapping the one before.

`ScannedFile → RecognisedDocument(pages) → ClassifiedDocument(facts, reasons) → ArchivedDocument`, and
`IndexEntry` for search. A letter that could not be read becomes `Quarantined`. Nothing here does I/O.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Part(StrEnum):
    """The sealed parts of a document, one file each."""

    ORIGINAL = "original"
    """The bytes as received; never changes."""
    RENDITION = "rendition"
    """The searchable PDF."""
    TEXT = "text"
    """Recognised pages, facts, reasons and the source file name; versioned."""


class PageOrigin(StrEnum):
    """Where the text of a page comes from."""

    TEXT_LAYER = "text-layer"
    """Born digital: read from the file, not recognised."""
    OCR = "ocr"
    BLANK = "blank"
    UNREAD = "unread"
    """The engine gave up on this page (time, memory, crash); the page is kept, the letter goes to review."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """A whole file that was claimed from the inbox; its bytes travel beside it, never inside it."""

    document_id: str
    """32 lower-case hex digits, random; the claim's and later the document's id."""
    source_name: str
    """The file's name as dropped, undecodable bytes as surrogate escapes."""
    size_bytes: int
    sha256: str
    """Hex digest of the bytes; used for read-back, never stored in the clear."""
    received_at: datetime
    """UTC."""
    hint: str | None = None
    """Sub-folder of the inbox the file was dropped into, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One recognised word and where it stands, in pixels of the upright page (see RecognisedPage)."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    """0.0–1.0; text-layer words have 1.0."""
    line: int
    """0-based number of the text line on the page; lines count in reading order."""
    block: int = 0
    """0-based number of the block (paragraph area) on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedPage:
    """One page as read. Coordinates: pixels of the upright page at `dpi`, origin top left."""

    number: int
    """1-based."""
    width_px: int
    height_px: int
    dpi: int
    origin: PageOrigin
    words: tuple[Word, ...] = ()
    text: str = ""
    """Reading order, lines separated by newline, blocks by an empty line."""
    confidence: float = 0.0
    """Mean word confidence, 0.0–1.0; 1.0 for a text layer."""
    rotation_degrees: int = 0
    """How far the scan was turned clockwise to stand upright: 0, 90, 180 or 270."""
    skew_degrees: float = 0.0
    notes: tuple[str, ...] = ()
    """Codes of what a person should look at: "low-confidence", "uncovered-ink", "unread", "retried"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EInvoice:
    """What a file states as an electronic invoice, in XML of its own or carried by a PDF, and what is wrong with it."""

    form: str = ""
    """ "cii", "ubl" or "zugferd-1"; empty if there is no invoice that could be read, see `problems`."""
    profile: str = ""
    """The profile's id as written, e.g. "urn:cen.eu:en16931:2017"."""
    kind: str = ""
    """Type code: "380" invoice, "381" credit note, "384" correction."""
    fields: tuple[tuple[str, str], ...] = ()
    """Fact names and values, written as facts are."""
    problems: tuple[str, ...] = ()
    """Sentences for the clerk."""
    embedded: bool = False
    """Whether pages of a PDF stand beside it, which must say the same."""


class BarcodeFormat(StrEnum):
    """The kinds of codes that are looked for."""

    CODE_128 = "code-128"
    CODE_39 = "code-39"
    QR = "qr"
    DATA_MATRIX = "data-matrix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Barcode:
    """A code that was read on a page."""

    text: str
    """As stored in the code; lines are separated by newlines."""
    format: BarcodeFormat
    page: int
    """1-based."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedDocument:
    """A claimed file, read page by page."""

    file: ScannedFile
    media_type: str
    """"application/pdf", "image/tiff", "image/jpeg", "image/png" or "application/xml"."""
    pages: tuple[RecognisedPage, ...]
    einvoice: EInvoice | None = None
    """None for all but electronic invoices, and files that claim to be one."""
    barcodes: tuple[Barcode, ...] = ()

    @property
    def text(self) -> str:
        """All pages' text, separated by form feeds."""
        return "\f".join(page.text for page in self.pages)


SEALED_FOR = "sealed_for"
"""Name of the fact that marks a letter which was not read: its value is the one role that may open it."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright page, see RecognisedPage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing the letter says. Dates ISO, amounts with a point, IBAN without blanks."""

    name: str
    value: str
    confidence: float
    """0.0–1.0."""
    page: int | None = None
    """1-based page it was read from; None if it was derived or set by a person."""
    source: str = ""
    """The sentence that says so, for deadlines."""
    box: Box | None = None
    """Where on its page the words stand that say so; None if they could not be pointed at."""
    kind: str = ""
    """What a deadline is for: "payment", "objection", "termination", "reply", "appointment" or "other"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a class was chosen, in words a clerk can check on the page."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedDocument:
    """A recognised document with its class, facts and reasons."""

    document: RecognisedDocument
    record_class: str
    """Class code of the configuration, e.g. "invoice"."""
    confidence: float
    """Probability that the class is right, 0.0–1.0."""
    compartment: str
    needs_review: bool
    reasons: tuple[Reason, ...] = ()
    facts: tuple[Fact, ...] = ()
    review_reasons: tuple[str, ...] = ()
    """Why a person should look: sentences for the clerk, empty if none."""

    @property
    def sealed_for(self) -> str | None:
        """The one role that may open a letter which was not read, or None."""
        fact = self.fact(SEALED_FOR)
        return None if fact is None else fact.value

    def fact(self, name: str) -> Fact | None:
        """The fact of that name, or None."""
        return next((fact for fact in self.facts if fact.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDocument:
    """A committed document: its numbers and what it was filed as."""

    document_id: str
    accession: str
    """Gap-free series of the compartment, e.g. "FIN-2026-000017"."""
    receipt_number: int
    """Gap-free number of the intake book."""
    classified: ClassifiedDocument
    received_on: date
    filed_at: datetime
    duplicate_of: str | None = None
    """Id of the first document with the same content in the same compartment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """What search knows about a letter: everything from its text part, plus its number."""

    document_id: str
    accession: str
    record_class: str
    dated_on: date
    """Date of the letter, or the day it was received if none was read."""
    received_on: date
    sender: str
    title: str
    """Subject line, or the first words of the letter."""
    pages: tuple[str, ...]
    """Text of each page."""
    facts: dict[str, str] = field(default_factory=dict)
    """Fact values by name (reference, amount, iban, due_date, …)."""
    sequence: int = 0
    """Position in the key store's register; the index catches up by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A file that could not be taken in, kept whole and sealed."""

    document_id: str
    number: str
    """Own gap-free series, e.g. "Q-2026-000003"."""
    source_name: str
    reason_code: str
    reason: str
    """One sentence a clerk understands, with what to do."""
    size_bytes: int
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something `verify` or `doctor` found; never names what the reader may not know."""

    code: str
    id: str
    message: str


JsonObject = dict[str, Any]
