"""Who else stands in a letter: names, accounts, numbers and addresses that may have to be blackened before it is
handed out. What a machine can find; a person reads the letter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from poststelle.german import find_ibans, fold
from search.given_names import GIVEN_NAMES
from search.naming import Mention, NameSearch, passage

_WORD = r"[A-ZÄÖÜ][\wäöüß'’-]*\w"
_TITLED = re.compile(
    r"\b(?:Herrn?|Frau|Hrn?\.|Fr\.|Familie|Eheleute)\s+(?:(?:Dr|Prof|med|Dipl)\.[ -]?\s?)*"
    rf"((?:{_WORD}[ ]){{0,2}}{_WORD})"
)
_PAIR = re.compile(rf"\b({_WORD})((?:[ -](?:[A-ZÄÖÜ]\.|von|van|zu|de|der))*[ ]{_WORD}(?:-{_WORD})?)")
_MAIL = re.compile(r"\b[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"\b(?:Tel(?:efon)?|Mobil|Handy|Fax|Durchwahl)\b\.?:?\s{0,3}(\+?[\d(][\d ()/-]{4,}\d)")
_BORN = re.compile(r"\bgeb(?:\.|oren|urtsdatum)[^\d\n]{0,12}(\d{1,2}\.\s?(?:\d{1,2}\.|[A-Za-zä]{3,9})\s?\d{2,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander:
    """Something in a letter that is about somebody else."""

    kind: str
    """ "person", "e-mail", "account", "phone" or "date of birth"."""
    text: str
    page: int
    """1-based."""
    passage: str


def bystanders(pages: Sequence[str], subject: NameSearch, mentions: Sequence[Mention]) -> list[Bystander]:
    """What may have to be blackened for the subject of these mentions, page by page; each text once a page."""
    found: list[Bystander] = []
    for number, text in enumerate(pages, 1):
        own = [(m.start, m.end) for m in mentions if m.page == number]
        seen: set[tuple[str, str]] = set()
        for kind, start, end in sorted(_places(text), key=lambda place: place[1]):
            said = " ".join(text[start:end].split())
            theirs = any(start < last and first < end for first, last in own) or (
                kind == "person" and bool(subject.mentions([said]))
            )
            if not theirs and (kind, said) not in seen:
                seen.add((kind, said))
                found.append(Bystander(kind=kind, text=said, page=number, passage=passage(text, start, end)))
    return found


def _places(text: str) -> Iterator[tuple[str, int, int]]:
    taken: list[tuple[int, int]] = []
    for match in _TITLED.finditer(text):
        taken.append(match.span(1))
        yield "person", *match.span(1)
    for match in _PAIR.finditer(text):
        first = fold(match[1]).split("-")[0]
        if first in GIVEN_NAMES and not any(match.start() < b and a < match.end() for a, b in taken):
            yield "person", *match.span()
    yield from (("e-mail", *match.span()) for match in _MAIL.finditer(text))
    yield from (("account", start, end) for start, end, _, _ in find_ibans(text))
    yield from (("phone", *match.span(1)) for match in _PHONE.finditer(text))
    yield from (("date of birth", *match.span(1)) for match in _BORN.finditer(text))
