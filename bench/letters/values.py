"""What a made-up letter is: the facts it tells, and where each piece of ink stands on its pages."""

import datetime
from dataclasses import dataclass

Colour = tuple[int, int, int]

PAGE_WIDTH_PT = 595.28
PAGE_HEIGHT_PT = 841.89
"""A4, in points; every coordinate of a layout is in points from the top left corner."""

RECORD_CLASSES: tuple[str, ...] = (
    "invoice", "credit-note", "reminder", "offer", "order-confirmation", "delivery-note", "contract",
    "termination", "application", "sick-note", "payroll", "tax-office", "insurance", "bank", "legal",
    "authority", "complaint", "advertising", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A piece of text in one face and size."""

    text: str
    x: float
    y: float
    """Of the baseline."""
    face: str
    """Name of a font file, see faces.py."""
    size: float
    colour: Colour = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A rule, a frame's edge or the stroke of a signature: a line through points."""

    points: tuple[tuple[float, float], ...]
    width: float = 0.6
    colour: Colour = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A filled rectangle or, if `round`, the ellipse in it; drawn beneath strokes and text."""

    left: float
    top: float
    right: float
    bottom: float
    colour: Colour
    round: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLayout:
    """One page: its ink, and the same text in reading order as the truth to measure against."""

    runs: tuple[Run, ...]
    strokes: tuple[Stroke, ...]
    areas: tuple[Area, ...]
    text: str
    """Lines separated by newlines; the cells of a table row stand in one line, separated by blanks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter of an invented sender to an invented company, with everything a reader should find in it."""

    seed: int
    half: int
    style: str
    record_class: str
    sender: str
    recipient: str
    subject: str
    date: datetime.date
    reference: str | None
    amount: str | None
    """The amount the letter is about, gross, as plain decimal, e.g. "1234.50"."""
    net: str | None
    vat: str | None
    iban: str | None
    """The account named in the letter, without blanks."""
    due_date: datetime.date | None
    pages: tuple[PageLayout, ...]

    @property
    def text(self) -> str:
        """All pages' text, separated by form feeds."""
        return "\f".join(page.text for page in self.pages)

    def facts(self) -> dict[str, str | None]:
        """What the letter says, as plain strings: what write_scan puts beside a scan on request."""
        return {
            "class": self.record_class,
            "sender": self.sender,
            "recipient": self.recipient,
            "subject": self.subject,
            "date": self.date.isoformat(),
            "reference": self.reference,
            "amount": self.amount,
            "net": self.net,
            "vat": self.vat,
            "iban": self.iban,
            "due_date": self.due_date.isoformat() if self.due_date else None,
        }
