"""Who wrote the letter: letterhead, return line, signature and footer agree on a name."""

import re
from dataclasses import dataclass

from classifiers.layout import FOOT_FROM, POSTCODE, Letter
from classifiers.lines import Segment, tokens_of
from poststelle.records import Fact

RETURN_LINE, LETTERHEAD, OWN_ADDRESS, SIGNATURE, FOOTER = 3.0, 1.8, 1.6, 1.0, 1.0
"""How much each place counts."""

_LEGAL_FORM = re.compile(
    r"\b(?:g?GmbH|AG|KGaA|KG|OHG|GbR|UG|SE|eG|e\. ?G\.|e\. ?K\.|eK|e\. ?V\.|mbH|PartG\S*|VVaG|Ltd|Inc"
    r"|S\.?à\.?r\.?l|B\.V\.)(?!\w)"
)
_INSTITUTION = re.compile(
    r"(?:amt\b|amtsgericht|gericht\b|sparkasse|volksbank|bank\b|krankenkasse|\bAOK\b|\bBKK\b|\bIKK\b|versicherung\w*\b"
    r"|berufsgenossenschaft|kanzlei|rechtsanw|steuerberat|notar|praxis\b|\bDr\. med|klinik|stadt\b|gemeinde\b"
    r"|landkreis|ministerium|kammer\b|verein\b|verband\b|stadtwerke|agentur für arbeit|stiftung\b|universität"
    r"|hochschule)",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s*[·•|,;+*]\s*|\s+[-–—:]\s+|\s{3,}")
_NOT_A_NAME = re.compile(
    r"@|www\.|https?:|\btel\b|telefon|telefax|\bfax\b|\bseite\b|\bdatum\b|e-?mail|\biban\b|\bbic\b|\bust\b|ust-?id"
    r"|steuer-?n|\bhr[ab]\b|\bkonto\b|\bgrüßen?\b|bankverbindung|geschäftsführ"
    r"|^\W*(?:firma|herrn?|frau|an|per|einschreiben|persönlich|vertraulich|eingegangen|betreff|postfach)\W*$"
    r"|^\W*(?:anlagen?|beilagen?|anhang|beigefügt)\b",
    re.IGNORECASE,
)
_STREET = re.compile(r"(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|damm|ufer|hof)\s*\d+", re.IGNORECASE)
_PART_OF = re.compile(
    r"^(?:[A-ZÄÖÜ][\w-]*(?:abteilung|amt|büro|schutz|stelle|dezernat|referat|dienst|kasse|aufsicht|wesen|recht|medizin|kunde"
    r"|heilkunde|chirurgie|steuern?|gericht)\b.{0,30}|(?:Fach(?:arzt|ärztin|anwalt|anwältin)|Rechtsanw\w+|Notar\w*"
    r"|Steuerberat\w+|Zweigstelle|Außenstelle|Dezernat|Referat|Abteilung|Fachbereich|Amt für)\b.{0,50}"
    r"|(?:[A-ZÄÖÜ][a-zäöü]+ )?(?:Medizin|Innere Medizin)|(?:Prof\. )?Dr\. .{3,40}"
    r"|(?:Innere|Orthopädie|Chirurgie|Pädiatrie|Kardiologie|Neurologie|Dermatologie|Urologie|Gynäkologie)\b.{0,30})$"
)
_NARROW = re.compile(r"\b(e)\.([VKG])\.(?!\w)")
_ROMAN = re.compile(r"(?<= )[Il|]{2,3}$")
_STREET_BEHIND = re.compile(
    r"(?:\b(?:GmbH|AG|KG|OHG|GbR|UG|eG|mbH|mbB|VVaG|SE|KGaA|e\. ?V\.|e\. ?K\.))([.,;:-] ?[A-ZÄÖÜ][^.,;]*\d.*)$"
)
_NAME_WORD = re.compile(r"[A-ZÄÖÜ][\wäöüß&.-]*")
_CLEAN = re.compile(r"^[^\w]+|[^\w.)]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    name: str
    tokens: frozenset[str]
    weight: float
    confidence: float


class SenderReader:
    """Finds the sender; our own names are never it."""

    def __init__(self, office_names: tuple[str, ...]) -> None:
        self._office = tuple(frozenset(tokens_of(name)) for name in office_names)

    def read(self, letter: Letter) -> Fact | None:
        """The name that most places of the letter agree on, or None."""
        candidates = [c for c in self._candidates(letter) if not self._is_recipient(c, letter)]
        if not candidates:
            return None
        groups = [[other for other in candidates if _same(one, other)] for one in candidates]
        group = max(groups, key=lambda found: sum(candidate.weight for candidate in found))
        best = max(group, key=lambda candidate: candidate.weight * candidate.confidence)
        total = sum(candidate.weight for candidate in group)
        certainty = best.confidence * (1 - 0.5 ** (total / 1.5))
        name = " ".join(_spelt(word, group) for word in _spaced(best, group).split())
        name = _in_print(self._with_second_line(letter, name))
        return Fact(name="sender", value=name, confidence=round(certainty, 3), page=letter.first.number)

    def _with_second_line(self, letter: Letter, name: str) -> str:
        """Offices, practices and chambers say in a second line of the letterhead which part of them, or who, writes."""
        if _LEGAL_FORM.search(name):
            return name
        for line in letter.first.segments:
            if line.top > 0.15 or line is letter.return_line or tokens_of(_CLEAN.sub("", line.text)) != tokens_of(name):
                continue
            for below in (segment for row in letter.first.rows[line.row + 1 : line.row + 3] for segment in row):
                second = _CLEAN.sub("", below.text)
                near = below.top - line.bottom < 2 * line.height and below.left < line.right and line.left < below.right
                if near and _PART_OF.search(second) and not any(c.isdigit() for c in second):
                    return f"{name}, {second}"
        return name

    def _candidates(self, letter: Letter) -> list[_Candidate]:
        recipient = {id(segment) for segment in letter.address}
        found: list[_Candidate | None] = []
        if (line := letter.return_line) is not None:
            found.append(_candidate(line, RETURN_LINE))
        head_end = letter.address[0].top if letter.address else 0.2
        found += self._letterhead(letter, head_end, recipient)
        found += [_candidate(block[0], OWN_ADDRESS) for block in letter.other_addresses]
        if (closing := letter.closing) is not None:
            page = next(page for page in letter.pages if page.number == closing.page)
            below = [s for row in page.rows[closing.row + 1 : closing.row + 6] for s in row if s.left < 0.5]
            found += [_candidate(segment, SIGNATURE) for segment in below[:4]]
        for page in letter.pages[:2]:
            found += [_candidate(s, FOOTER, company=True) for s in page.segments if s.top > FOOT_FROM - 0.06]
        return [candidate for candidate in found if candidate is not None]

    def _letterhead(self, letter: Letter, head_end: float, recipient: set[int]) -> list[_Candidate | None]:
        """What is printed above the address, larger print counting more, the first lines most."""
        lines = [
            s for s in letter.first.segments
            if s.top < min(head_end, 0.25) and id(s) not in recipient and s is not letter.return_line
        ]  # fmt: skip
        if not lines:
            return []
        usual = sorted(s.height for s in letter.first.segments)[len(letter.first.segments) // 2] or 1.0
        found = []
        for index, segment in enumerate(lines[:10]):
            size = min(segment.height / usual, 2.0)
            found.append(_candidate(segment, LETTERHEAD * (0.35 + 0.5 * size) * (1.0 if index < 2 else 0.7)))
        return found

    def _is_recipient(self, candidate: _Candidate, letter: Letter) -> bool:
        office = any(own and len(own & candidate.tokens) >= 0.7 * len(own) for own in self._office)
        addressed = (frozenset(t for t in segment.tokens if t) for segment in letter.address[:-1])
        return office or any(
            line and len(line & candidate.tokens) >= 0.6 * max(len(line), len(candidate.tokens)) for line in addressed
        )


def _candidate(segment: Segment, weight: float, *, company: bool = False) -> _Candidate | None:
    """The name at the beginning of a line, cut before street and town; None if it is no name."""
    name = _name_part(segment.text)
    words = name.split()
    if not 1 <= len(words) <= 9 or _NOT_A_NAME.search(name) or len(_CLEAN.sub("", name)) < 4:
        return None
    if not _NAME_WORD.match(words[0]) or sum(c.isalpha() for c in name) < 0.7 * len(name.replace(" ", "")):
        return None
    marked = bool(_LEGAL_FORM.search(name)) or bool(_INSTITUTION.search(name))
    if not marked and (company or len(words) == 1 or any(char.isdigit() for char in name)):
        return None
    # The footer names the bank and the register court, too; only a legal form makes its line the sender's.
    if company and not _LEGAL_FORM.search(name):
        weight *= 0.3
    end = segment.text.find(words[-1]) + len(words[-1])
    return _Candidate(
        name=name,
        tokens=frozenset(tokens_of(name)),
        weight=weight * (1.5 if marked else 1.0),
        confidence=segment.confidence_between(0, max(end, 1)),
    )


def _name_part(text: str) -> str:
    pieces: list[tuple[str, str]] = []
    position = 0
    for match in _SEPARATOR.finditer(text):
        pieces.append((text[position : match.start()], match.group()))
        position = match.end()
    pieces.append((text[position:], ""))
    name = ""
    for index, (piece, separator) in enumerate(pieces):
        if index and (any(c.isdigit() for c in piece) or POSTCODE.search(piece) or _STREET.search(piece)):
            break
        name += piece + separator
        if index == 0 and any(c.isdigit() for c in piece) and _STREET.search(piece):
            return ""
    if any(char.isdigit() for char in name) and (cut := _STREET_BEHIND.search(name)) is not None:
        # A separator that was read as a point: "Muster GmbH. Hauptstr. 7".
        name = name[: cut.start(1)]
    return _CLEAN.sub("", name)


def _spaced(best: _Candidate, group: list[_Candidate]) -> str:
    """The same letters with the blanks that most places put between them."""
    letters = best.name.replace(" ", "")
    votes: dict[str, float] = {}
    for candidate in group:
        if candidate.name.replace(" ", "") == letters:
            # A blank is rather lost than found.
            votes[candidate.name] = votes.get(candidate.name, 0.0) + candidate.weight * (1 + candidate.name.count(" "))
    return max(votes, key=lambda name: votes[name], default=best.name)


def _in_print(name: str) -> str:
    """As a printer sets it, where recognition loses narrow blanks and mistakes a Roman number."""
    name = _NARROW.sub(r"\1. \2.", name)
    return _ROMAN.sub(lambda match: "I" * len(match.group()), name)


def _spelt(word: str, group: list[_Candidate]) -> str:
    """The spelling of a word that most places agree on: recognition seldom errs twice in the same way."""
    votes: dict[str, float] = {}
    for candidate in group:
        for other in candidate.name.split():
            if len(other) == len(word) and sum(a != b for a, b in zip(word, other, strict=True)) <= len(word) // 5:
                votes[other] = votes.get(other, 0.0) + candidate.weight * candidate.confidence
    return max(votes, key=lambda other: (votes[other], other == word), default=word)


def _same(one: _Candidate, other: _Candidate) -> bool:
    shared = len(one.tokens & other.tokens)
    return (
        shared > 0
        and shared >= 0.6 * min(len(one.tokens), len(other.tokens))
        and (shared >= 2 or min(len(one.tokens), len(other.tokens)) == 1)
    )
