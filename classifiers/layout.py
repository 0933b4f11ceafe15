"""The parts of a business letter by where they stand: address, return line, subject, salutation, closing, footer."""

import re
from dataclasses import dataclass

from classifiers.lines import EMPTY_PAGE, PageLines, Segment, read_lines
from classifiers.spelling import Vocabulary
from poststelle.german import find_dates
from poststelle.records import RecognisedDocument

FOOT_FROM = 0.88
"""The footer begins here, as a fraction of the page's height (DIN 5008 keeps it below 26 cm)."""
HEAD_TO = 0.33
"""The head of a letter ends here: letterhead, address field and reference block."""

POSTCODE = re.compile(r"(?<![\d-])(?:D[- ])?\d{5} [A-ZÄÖÜ][a-zäöüß]")
_POSTCODE_LINE = re.compile(r"^(?:D[- ])?\d{5}[ ,.–-]{1,2}[A-ZÄÖÜ]")
_SALUTATION = re.compile(
    r"^(?:Sehr\s+ge\S{2,4}t\S*\b|Guten Tag\b|Liebe[rs]?\s+[A-ZÄÖÜ]|Hallo\b|Werte[rs]?\s+[A-ZÄÖÜ]|Dear\b)", re.IGNORECASE
)
_CLOSING = re.compile(
    r"^(?:\S{0,4}\s*(?:freundlich\S+|besten|herzlich\S+|vielen|sonnig\S+|schön\S+)\s+Gr\S+|Hochachtungsvoll|Beste Grüße"
    r"|Viele Grüße|Kind regards|Yours)",
    re.IGNORECASE,
)
_SUBJECT_LABEL = re.compile(r"^(?:Betreff|Betrifft|Betr|Subject)\s*[.:]+\s*", re.IGNORECASE)
_LABEL_ROW = re.compile(r"^[^\d:]{3,32}:")
_PLACE_AND_DATE = re.compile(r"^[A-ZÄÖÜ](?:[^\W\d]|[ .()/-]){2,30},\s*(?:den|am|im)?\s*\d", re.IGNORECASE)
_TITLE_NOUN = re.compile(
    r"(?:bescheid|bescheinigung|abrechnung|auszug|schein|rechnung|vertrag|angebot|mahnung|erinnerung|kündigung"
    r"|bestätigung|nachweis|mitteilung|gutschrift|antrag|anhörung|ladung|urteil|beschluss|protokoll|vereinbarung"
    r"|einladung|klage|bewerbung|zeugnis|police|beleg|quittung|reklamation|beschwerde)\b",
    re.IGNORECASE,
)
_LABEL_ONLY = re.compile(
    r"^\W*(?:(?:unser|ihr)e?\s+(?:zeichen|nachricht\b.*|schreiben\b.*|referenz)|datum|telefon|name|e-?mail|seite|bearbeiter"
    r"|\S*nummer|\S*-nr\.?|ansprechpartner|durchwahl|eingegangen|aktenzeichen|zeichen)\W*$",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_SPREAD = re.compile(r"^(?:[^\W\d_] ){4,}")
_SUBJECT_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter's pages as lines, with the parts of its first page that could be told apart."""

    pages: tuple[PageLines, ...]
    address: tuple[Segment, ...]
    """The recipient's lines."""
    return_line: Segment | None
    """The small line over the address: the sender's name and address in one."""
    other_addresses: tuple[tuple[Segment, ...], ...]
    """Further blocks that end in postcode and town, such as a private sender's own address."""
    subject: tuple[Segment, ...]
    subject_text: str
    salutation: Segment | None
    closing: Segment | None

    @property
    def first(self) -> PageLines:
        """The first page."""
        return self.pages[0]


def read_letter(document: RecognisedDocument, vocabulary: Vocabulary) -> Letter:
    """Tell the parts of a letter apart; a document without pages gives an empty letter."""
    pages = tuple(read_lines(page, vocabulary) for page in document.pages)
    # A first page that is blank or unread (a cover sheet, a failed page) must not hide the letter behind it.
    lead = next((index for index, page in enumerate(pages) if page.segments), 0)
    pages = pages[lead:] or (EMPTY_PAGE,)
    first = pages[0]
    blocks = _address_blocks(first)
    address = max(blocks, key=_address_likeness, default=())
    salutation = next((s for s in first.segments if _SALUTATION.match(s.text)), None)
    closing = next((s for page in pages for s in page.segments if _CLOSING.match(s.text)), None)
    subject, subject_text = _subject(first, address, salutation)
    return Letter(
        pages=pages,
        address=address,
        return_line=_return_line(first, address),
        other_addresses=tuple(block for block in blocks if block is not address),
        subject=subject,
        subject_text=subject_text,
        salutation=salutation,
        closing=closing,
    )


def _address_blocks(page: PageLines) -> list[tuple[Segment, ...]]:
    blocks = []
    for segment in page.segments:
        if segment.top < 0.45 and _POSTCODE_LINE.match(segment.text) and len(segment.words) <= 5:
            block = [segment]
            while len(block) < 7 and (line := page.above(block[0])) is not None:
                if POSTCODE.search(line.text) or line.bottom < block[0].top - 1.6 * max(segment.height, 0.008):
                    break
                if _LABEL_ROW.match(line.text) or abs(line.left - segment.left) > 0.03:
                    break
                block.insert(0, line)
            if len(block) > 1:
                blocks.append(tuple(block))
    return blocks


def _address_likeness(block: tuple[Segment, ...]) -> float:
    """The address field: at the left margin, below the letterhead, often with "Firma" or "Herrn" on top."""
    opening = block[0].tokens[0] if block[0].tokens else ""
    addressed = opening in {"firma", "herrn", "herr", "frau", "an", "familie", "eheleute"}
    return 1.0 * addressed - 2.0 * (block[-1].left > 0.45) + 2.0 * block[-1].top


def _return_line(page: PageLines, address: tuple[Segment, ...]) -> Segment | None:
    """One line with street, postcode and town, over the address or, without one, in the upper third."""
    limit = address[0].top if address else HEAD_TO
    lines = [
        segment
        for segment in page.segments
        if segment.bottom <= limit + 0.01 and segment.left < 0.45 and len(segment.words) >= 4
    ]
    return next((line for line in reversed(lines) if POSTCODE.search(line.text, 5)), None)


def _subject(
    page: PageLines, address: tuple[Segment, ...], salutation: Segment | None
) -> tuple[tuple[Segment, ...], str]:
    for segment in page.segments:
        if segment.top < 0.6 and (label := _SUBJECT_LABEL.match(segment.text)):
            return (segment,), segment.text[label.end() :]
    floor = address[-1].bottom if address else 0.0
    lines = _title(page, floor or 0.08) if salutation is None else _lines_over(page, salutation, floor)
    return lines, " ".join(line.text for line in lines)


def _lines_over(page: PageLines, salutation: Segment, floor: float) -> tuple[Segment, ...]:
    """The lines between address and salutation that stand closest above the latter."""
    found: list[Segment] = []
    for row in reversed(page.rows[: salutation.row]):
        for segment in row:
            if segment.top < floor or abs(segment.left - salutation.left) > 0.08 or not _is_heading(segment):
                continue
            if found and found[0].top - segment.top > 1.8 * max(segment.height, found[0].height, 0.008):
                return tuple(found)
            found.insert(0, segment)
        if len(found) == _SUBJECT_LINES:
            break
    return tuple(found)


def _title(page: PageLines, floor: float) -> tuple[Segment, ...]:
    """Without a salutation: a heading below the address, told by what it names, its size and its place."""
    lines = [s for s in page.segments if floor <= s.top < 0.65 and _is_heading(s) and len(s.words) <= 14]
    if not lines:
        return ()
    usual = sorted(line.height for line in lines)[len(lines) // 2] or 1.0

    def likeness(line: Segment) -> float:
        named = bool(_TITLE_NOUN.search(line.text))
        sentence = line.text.rstrip().endswith((".", ",", ":"))
        return 2.0 * named + 2.0 * min(line.height / usual, 1.6) - 3.0 * line.top - sentence - 1.5 * (line.left > 0.4)

    return (max(lines, key=likeness),)


def _is_heading(segment: Segment) -> bool:
    """Not a date line, not a label with its value, not a line of an address; some real word in it."""
    text = segment.text
    for start, end, _ in reversed(find_dates(text)):
        text = text[:start] + text[end:]
    if (
        not (_LETTERS.search(text) or _SPREAD.match(text))
        or POSTCODE.match(text)
        or _PLACE_AND_DATE.match(segment.text)
    ):
        return False
    named = " ".join(word for word in text.split() if not any(char.isdigit() for char in word))
    return not (_LABEL_ROW.match(text) and len(segment.words) <= 4) and not _LABEL_ONLY.match(named)
