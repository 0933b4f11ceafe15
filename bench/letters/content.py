"""What a letter says before it has a shape: senders, recipients, blocks of text, and the words of one half."""

import datetime
from dataclasses import dataclass
from typing import Protocol

from bench.letters.values import Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Someone who sends or gets letters; a person has no register, manager or tax number."""

    name: str
    kind: str
    """Trade ("tools", "paper", …) or "doctor", "law-firm", "insurer", "bank", "tax-office", "authority", "person"."""
    street: str
    postcode: str
    town: str
    phone: str
    web: str
    iban: str
    bank: str
    vat_id: str
    register: str
    manager: str
    contact: str

    @property
    def is_person(self) -> bool:
        """Whether this is a private person, who writes without letterhead and footer."""
        return self.kind == "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Running text."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table; `share` of the text width."""

    title: str
    share: float
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under titled columns, and totals at the right below them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A form: boxes with a small label and a value, two abreast."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallPrint:
    """Terms in two columns of small type; begins on a page of its own."""

    title: str
    paragraphs: tuple[str, ...]


Block = Paragraph | Table | Fields | SmallPrint


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole letter, not yet laid out."""

    record_class: str
    sender: Party
    recipient: Party
    department: str | None
    info: tuple[tuple[str, str], ...]
    """Label and value pairs of the information block; the last one is the date."""
    dated: str
    subject: str
    salutation: str
    blocks: tuple[Block, ...]
    closing: str
    signatory: str
    date: datetime.date
    reference: str | None = None
    amount: str | None = None
    net: str | None = None
    vat: str | None = None
    iban: str | None = None
    due_date: datetime.date | None = None
    enclosures: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Several ways to say what one class of letter says; one of each is chosen."""

    subjects: tuple[str, ...]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    endings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One house style: where things stand and how they look."""

    name: str
    form: str
    """DIN 5008 form "A" (letterhead 27 mm) or "B" (45 mm)."""
    head: str
    """Letterhead "left", "right", "centre", "band" (a coloured band) or "stripe" (a bar along the page's edge)."""
    info: str
    """Information "block" beside the address, "row" below it, or only the "date" at the right."""
    footer: str
    """"columns", "centred" or "ruled"."""
    table: str
    """"lines", "frames" or "zebra"."""
    family: str
    size: float
    accent: Colour


class Half(Protocol):
    """Everything one half writes with; the other half shares no sender, sentence or style with it.

    Each of the modules half_one and half_two is one.
    """

    TOWNS: tuple[tuple[str, str, str], ...]
    STREETS: tuple[str, ...]
    BANKS: tuple[str, ...]
    FIRST_NAMES: tuple[str, ...]
    SURNAMES: tuple[str, ...]
    SENDERS: dict[str, tuple[str, ...]]
    RECIPIENTS: tuple[str, ...]
    PRODUCTS: dict[str, tuple[tuple[str, str, int, int], ...]]
    STYLES: tuple[Style, ...]
    SALUTATIONS: tuple[str, ...]
    CLOSINGS: tuple[str, ...]
    DEPARTMENTS: dict[str, str]
    LABELS: dict[str, str]
    TOPIC_STEMS: tuple[str, ...]
    TOPIC_HEADS: tuple[str, ...]
    WORDINGS: dict[str, Wording]
    EXTRAS: dict[str, tuple[str, ...]]
    CLAUSES: tuple[tuple[str, str], ...]
    SMALL_PRINT: tuple[str, ...]

    def written_date(self, when: datetime.date, manner: int) -> str: ...

    def written_amount(self, number: str) -> str: ...
