"""The sealed lane: letters to a person or an office in confidence stay unread: works council, company doctor, data
protection officer, and whatever is marked personal.

Looked for where an envelope or an address field says it, never in the text: a letter that mentions the works
council is no letter to it. Rules:

- A marked letter keeps nothing but its mark: no other word, no fact, no code, no searchable PDF; it is in no index.
- It lies in the narrowest compartment, for the one role that the office names for such letters; a person of that
  role decides. Where the office names none, its words are kept, in the narrowest compartment.
- "Vertraulich" alone says who may read, not that nobody may open: such a letter is read, and filed narrowly.
"""

import re
from dataclasses import dataclass, replace

from classifiers.layout import Letter
from classifiers.lines import Segment
from classifiers.settings import ClassifierSettings
from poststelle.german import fold
from poststelle.records import (
    SEALED_FOR,
    ClassifiedDocument,
    Fact,
    PageOrigin,
    Reason,
    RecognisedDocument,
    RecognisedPage,
)

PERSONAL = "personal"
_OFFICES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (lane, re.compile(rf"\b(?:{words})\b"))
    for lane, words in (
        (
            "works-council",
            r"(?:gesamt|konzern)?betriebsrat\w*|(?:gesamt|bezirks)?personalrat\w*|schwerbehindertenvertret\w+"
            r"|vertrauensperson\w*|jugend- und auszubildendenvertretung|gleichstellungsbeauftragt\w+"
            r"|frauenbeauftragt\w+",
        ),
        (
            "company-doctor",
            r"betriebsarzt\w*|betriebsarztin\w*|werksarzt\w*|werksarztin\w*|(?:betriebs|werks)arztlich\w+",
        ),
        ("data-protection", r"datenschutzbeauftragt\w+|ombuds\w+"),
    )
)
_PERSONAL = re.compile(
    r"^\W*(?:streng )?(?:personlich|privat|eigenhandig|arztgeheimnis|verschlossen)\b"
    r"|\b(?:personlich|privat|eigenhandig)\W*$|nur (?:vom|durch den) empfanger"
)
_CONFIDENTIAL = re.compile(r"^\W*(?:streng )?vertraulich\b|\bvertraulich\W*$")
WORDS = frozenset((
    "personlich", "vertraulich", "eigenhandig", "verschlossen", "betriebsrat", "personalrat", "betriebsarzt",
    "betriebsarztin", "werksarzt", "datenschutzbeauftragte", "datenschutzbeauftragten", "datenschutzbeauftragter",
))  # fmt: skip
"""Words whose misreadings matter here."""
_MOST_WORDS = 8
_OVER_THE_ADDRESS = 0.08
"""How far above the address such a mark may stand, as a fraction of the page's height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an envelope or address field says about who may open the letter."""

    segment: Segment
    lane: str
    """"works-council", "company-doctor", "data-protection", "personal"; empty for what is only confidential."""

    @property
    def text(self) -> str:
        """The line as it was read."""
        return self.segment.text

    @property
    def to_an_office(self) -> bool:
        """To somebody whom not even the management may read over the shoulder."""
        return self.lane not in ("", PERSONAL)


def find_mark(letter: Letter) -> Mark | None:
    """The mark of a sealed letter, the one to an office first; None for ordinary mail."""
    marks = [mark for segment in _places(letter) if (mark := _mark(segment)) is not None]
    return max(marks, key=lambda mark: (mark.to_an_office, bool(mark.lane)), default=None)


def _places(letter: Letter) -> list[Segment]:
    """The address field and what stands right over it; without one, the short lines of an envelope."""
    if not letter.address:
        return [s for s in letter.first.segments if s.top < 0.6 and len(letter.first.segments) <= 12]
    top, left = letter.address[0].top, letter.address[0].left
    over = [
        segment
        for segment in letter.first.segments
        if top - _OVER_THE_ADDRESS <= segment.top < top
        and abs(segment.left - left) < 0.06
        and segment is not letter.return_line
    ]
    return [*over, *letter.address]


def _mark(segment: Segment) -> Mark | None:
    if len(segment.words) > _MOST_WORDS:
        return None
    # As read, and with misread words put right.
    texts = (fold(segment.text), " ".join(segment.tokens))
    for lane, pattern in (*_OFFICES, (PERSONAL, _PERSONAL), ("", _CONFIDENTIAL)):
        if any(pattern.search(text) for text in texts):
            return Mark(segment=segment, lane=lane)
    return None


def recipient_of(mark: Mark | None, settings: ClassifierSettings) -> str | None:
    """The role for which a letter with this mark stays sealed; None if it is read."""
    if mark is None or not settings.narrowest_first:
        return None
    return dict(settings.sealed_lane).get(mark.lane)


def seal(document: RecognisedDocument, mark: Mark, role: str, settings: ClassifierSettings) -> ClassifiedDocument:
    """The letter as it is filed: nothing of it but its mark."""
    pages = tuple(_marked(page, mark) if page.number == mark.segment.page else _unread(page) for page in document.pages)
    codes = [rule.code for rule in settings.rules]
    words = mark.segment.words
    box = (
        min(word.left for word in words), min(word.top for word in words),
        max(word.right for word in words), max(word.bottom for word in words),
    )  # fmt: skip
    return ClassifiedDocument(
        document=replace(document, pages=pages, einvoice=None, barcodes=()),
        record_class="other" if "other" in codes else codes[0],
        confidence=0.0,
        compartment=settings.narrowest_first[0],
        needs_review=True,
        reasons=(Reason(text=f'the address says "{mark.text}": the letter was not read', weight=0.0),),
        facts=(Fact(name=SEALED_FOR, value=role, confidence=1.0, page=mark.segment.page, box=box),),
        review_reasons=(sentence_of(mark),),
    )


def _marked(page: RecognisedPage, mark: Mark) -> RecognisedPage:
    return replace(page, words=mark.segment.words, text=mark.text, confidence=mark.segment.confidence, notes=())


def _unread(page: RecognisedPage) -> RecognisedPage:
    return replace(page, words=(), text="", confidence=0.0, origin=PageOrigin.UNREAD, notes=())


def lane_of(mark: Mark, compartment: str, settings: ClassifierSettings) -> str:
    """Where a marked letter that is read is kept until a person has looked: never in wider hands than without it."""
    if not settings.narrowest_first:
        return compartment
    if mark.to_an_office:
        return settings.narrowest_first[0]
    # A pay slip marked "confidential" is at home with those who write it.
    return compartment if compartment in settings.confidential else settings.narrowest_first[:2][-1]


def sentence_of(mark: Mark) -> str:
    """The reason for review."""
    return f'The address says "{mark.text}": only that person may decide who reads it.'
