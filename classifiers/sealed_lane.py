"""Letters addressed to a person or an office in confidence: works council, company doctor, data protection officer.

Looked for where an envelope or an address field says it, never in the text: a letter that mentions the works
council is no letter to it.
"""

import re
from dataclasses import dataclass

from classifiers.layout import Letter
from classifiers.lines import Segment
from classifiers.settings import ClassifierSettings
from poststelle.german import fold

_OFFICES = re.compile(
    r"\b(?:gesamt|konzern)?(?:betriebsrat\w*|personalrat\w*|betriebsarzt\w*|betriebsarztin\w*|werksarzt\w*|werksarztin\w*"
    r"|(?:betriebs|werks)arztlich\w+|datenschutzbeauftragt\w+|schwerbehindertenvertret\w+|vertrauensperson\w*"
    r"|gleichstellungsbeauftragt\w+|jugend- und auszubildendenvertretung|frauenbeauftragt\w+|ombuds\w+)\b"
)
_MARKS = re.compile(
    r"^\W*(?:streng )?(?:personlich|vertraulich|privat|eigenhandig|arztgeheimnis|verschlossen)\b"
    r"|\b(?:personlich|vertraulich|privat|eigenhandig)\W*$|nur (?:vom|durch den) empfanger"
)
_MOST_WORDS = 8
_OVER_THE_ADDRESS = 0.08
"""How far above the address such a mark may stand, as a fraction of the page's height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an envelope or address field says about who may open the letter."""

    text: str
    to_an_office: bool
    """To somebody whom not even the management may read over the shoulder."""


def find_mark(letter: Letter) -> Mark | None:
    """The mark of a sealed letter, the one to an office first; None for ordinary mail."""
    marks = [mark for segment in _places(letter) if (mark := _mark(segment)) is not None]
    return max(marks, key=lambda mark: mark.to_an_office, default=None)


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
    text = fold(segment.text)
    if _OFFICES.search(text):
        return Mark(text=segment.text, to_an_office=True)
    return Mark(text=segment.text, to_an_office=False) if _MARKS.search(text) else None


def lane_of(mark: Mark, compartment: str, settings: ClassifierSettings) -> str:
    """Where a marked letter is kept until a person has looked: never in wider hands than without the mark."""
    if not settings.narrowest_first:
        return compartment
    if mark.to_an_office:
        return settings.narrowest_first[0]
    # A pay slip marked "confidential" is at home with those who write it.
    return compartment if compartment in settings.confidential else settings.narrowest_first[:2][-1]


def sentence_of(mark: Mark) -> str:
    """The reason for review."""
    return f'The address says "{mark.text}": only that person may decide who reads it.'
