"""Which phrases of the rules a letter holds, where, and how much each counts there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from classifiers.layout import FOOT_FROM, HEAD_TO, Letter
from classifiers.lines import Flow, token, tokens_of
from classifiers.settings import Phrase

HEADLINE, HEADLINE_BESIDE_SUBJECT = 0.75, 0.35
"""A short line near the top may be the subject line; less so where that was told apart."""
LATER_IN_SUBJECT = 0.55
""""Mahnung zur Rechnung" is a reminder: what follows a preposition says what the letter is about, not what it is."""
SUBJECT_FACTOR = 1.5
"""A phrase that counts anywhere counts more in the subject line."""
HEAD_FACTOR, LATER_PAGE_FACTOR, FOOT_FACTOR = 0.8, 0.5, 0.25

_TURNS = frozenset((
    "zu", "zur", "zum", "fur", "des", "der", "dem", "den", "von", "vom", "wegen", "uber", "gegen", "auf", "aus", "ihre",
    "ihrer", "ihrem", "unsere", "unserer", "unserem", "meines", "meiner", "gemass", "betreffend", "mit", "nach",
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that speaks for or against a class, in words."""

    text: str
    weight: float
    zone: str = ""
    span: tuple[int, int] = (0, 0)
    """Where in its zone the words stand; (0, 0) for what is not words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A part of the letter as phrases are looked up in it."""

    name: str
    text: str
    """As recognised, for regular expressions."""
    spaced: str
    """Folded words between single blanks, one blank at each end."""
    factor: float = 1.0
    """How much what is found here counts for a rule that looks in the subject line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """The letter cut into the parts that rules distinguish."""

    subject: Zone
    headlines: Zone
    head: Zone
    body: Zone
    later: Zone
    foot: Zone
    sender: Zone


class Matcher:
    """One phrase, compiled."""

    def __init__(self, phrase: Phrase) -> None:
        self._phrase = phrase
        self.words: frozenset[str] = frozenset()
        if phrase.regex:
            self._pattern = re.compile(phrase.text, re.IGNORECASE)
            self._needle = ""
            return
        words = tokens_of(phrase.text)
        if not words:
            raise ValueError(f"the phrase {phrase.text!r} holds no word")
        opened, closed = phrase.text.lstrip().startswith("*"), phrase.text.rstrip().endswith("*")
        # Only whole words can be put right when misread; of an open word, the rest is unknown.
        self.words = frozenset(words[opened : len(words) - closed or None] if closed else words[opened:])
        self._needle = ("" if opened else " ") + " ".join(words) + ("" if closed else " ")

    def weigh(self, zones: Zones) -> Evidence | None:
        """The phrase's evidence where it counts most, or None if the letter does not hold it."""
        best: Evidence | None = None
        for zone, factor in self._places(zones):
            span = self._find(zone)
            if span is None:
                continue
            if zone is zones.subject or zone is zones.headlines:
                factor *= _position_factor(zone.spaced, span[0])
            weight = self._phrase.weight * factor
            if best is None or abs(weight) > abs(best.weight):
                best = Evidence(text=self._in_words(zone, weight), weight=weight, zone=zone.name, span=span)
        return best

    def _places(self, zones: Zones) -> Iterable[tuple[Zone, float]]:
        match self._phrase.where:
            case "subject":
                return ((zones.subject, 1.0), (zones.headlines, zones.headlines.factor))
            case "head":
                return ((zones.head, 1.0),)
            case "foot":
                return ((zones.foot, 1.0),)
            case "sender":
                return ((zones.sender, 1.0),)
        return (
            (zones.subject, SUBJECT_FACTOR),
            (zones.body, 1.0),
            (zones.head, HEAD_FACTOR),
            (zones.later, LATER_PAGE_FACTOR),
            (zones.foot, FOOT_FACTOR),
        )

    def _find(self, zone: Zone) -> tuple[int, int] | None:
        if not self._needle:
            match = self._pattern.search(zone.text)
            return None if match is None else match.span()
        position = zone.spaced.find(self._needle)
        # The blank behind the last word belongs to the next word as well.
        return None if position < 0 else (position, position + len(self._needle) - 1)

    def _in_words(self, zone: Zone, weight: float) -> str:
        shown = f"matches {self._phrase.text}" if self._phrase.regex else f'says "{self._phrase.text}"'
        return f"{'speaks against: ' if weight < 0 else ''}{zone.name} {shown}"


def without_echoes(found: Iterable[Evidence]) -> list[Evidence]:
    """Each word of the letter speaks once: of phrases that overlap, the one with the most weight stays."""
    kept: list[Evidence] = []
    for item in sorted(found, key=lambda item: -abs(item.weight)):
        start, end = item.span
        if not any(
            other.zone == item.zone
            and start < other.span[1]
            and other.span[0] < end
            and (other.weight > 0) == (item.weight > 0)
            for other in kept
        ):
            kept.append(item)
    return kept


def _position_factor(spaced: str, position: int) -> float:
    """1.0 for the noun that a heading begins with, less for what follows "zu", "für" or "vom"."""
    line = spaced[spaced.rfind("|", 0, position) + 1 : position + 1]
    return LATER_IN_SUBJECT if _TURNS.intersection(line.split()) else 1.0


def read_zones(letter: Letter, sender: str) -> Zones:
    """Cut a letter into zones; the recipient's address is evidence of nothing and left out."""
    subject_words = {id(word) for segment in letter.subject for word in segment.words}
    address_words = {id(word) for segment in letter.address for word in segment.words}
    first = letter.first
    head: list[int] = []
    body: list[int] = []
    foot: list[int] = []
    for index, word in enumerate(first.flow.words):
        if id(word) in address_words or id(word) in subject_words:
            continue
        place = word.top / first.height_px
        (head if place < HEAD_TO else foot if place > FOOT_FROM else body).append(index)
    later = " ".join(page.flow.text for page in letter.pages[1:])
    later_spaced = "".join(_spaced(page.flow, range(len(page.flow.words))) for page in letter.pages[1:])
    return Zones(
        subject=Zone(
            name="the subject line",
            text=letter.subject_text,
            spaced=_joined(letter.subject_text.split()),
        ),
        headlines=_headlines(letter),
        head=_zone("the head of the letter", first.flow, head),
        body=_zone("the letter", first.flow, body),
        later=Zone(name="a later page", text=later, spaced=later_spaced),
        foot=_zone("the footer", first.flow, foot),
        sender=Zone(name="the sender's name", text=sender, spaced=_joined(sender.split())),
    )


def _zone(name: str, flow: Flow, indices: list[int]) -> Zone:
    text = " ".join(flow.words[index].text for index in indices)
    return Zone(name=name, text=text, spaced=_spaced(flow, indices))


def _spaced(flow: Flow, indices: Iterable[int]) -> str:
    """Folded words; a word cut by a hyphen at the end of its line is one word again."""
    parts: list[str] = []
    carried = ""
    line = -1
    for index in indices:
        word, folded = flow.words[index], flow.tokens[index]
        if carried and word.line != line and word.text[:1].islower():
            parts[-1] = carried + folded
        elif folded:
            parts.append(folded)
        carried = parts[-1] if parts and len(word.text) > 2 and word.text[-1] in "-­" else ""
        line = word.line
    return f" {' '.join(parts)} " if parts else " "


def _joined(words: Iterable[str]) -> str:
    parts = [part for part in (token(word) for word in words) if part]
    return f" {' '.join(_unspread(parts))} "


def _unspread(parts: list[str]) -> list[str]:
    """ "R E C H N U N G" is one word."""
    if len(parts) >= 5 and all(len(part) == 1 for part in parts):
        return ["".join(parts)]
    return parts


def _headlines(letter: Letter) -> Zone:
    """Short lines of the first page that stand alone between the address and the middle: one may name the letter."""
    start = letter.address[-1].bottom if letter.address else 0.05
    skipped = {id(segment) for segment in (*letter.subject, *letter.address)}
    lines = [
        row[0]
        for row in letter.first.rows
        if len(row) == 1 and start <= row[0].top < 0.58 and len(row[0].words) <= 8 and id(row[0]) not in skipped
    ]
    # With a salutation, the line over it was found and is the subject; elsewhere any of these may be.
    found = letter.salutation is not None and letter.subject
    return Zone(
        name="a heading",
        text="\n".join(line.text for line in lines),
        spaced=" | ".join(_joined(line.tokens) for line in lines),
        factor=HEADLINE_BESIDE_SUBJECT if found else HEADLINE,
    )
