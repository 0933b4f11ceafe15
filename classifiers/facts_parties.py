"""Whom a letter is addressed to: the firm or person of the address field, and at whose hands."""

import re

from classifiers.layout import POSTCODE, Letter
from classifiers.lines import Segment
from poststelle.records import Fact

IN_ADDRESS = 0.95
_PREFIX = re.compile(
    r"^\W*(?:(?:An\s+)?(?:die|den|das)?\s*(?:Firma|Fa\.)|An(?:\s+(?:die|den|das))?)(?:\s+|$)", re.IGNORECASE
)
_HANDS = re.compile(
    r"^\W*(?:z\.?\s?H(?:d|dn)?s?\.?|zu\s+H(?:ä|a)nden(?:\s+von)?|zHd\.?|c/o|att(?:n|ention)?\.?:?)\s*(?=\S)",
    re.IGNORECASE,
)
_PERSON = re.compile(r"^\W*(?:Herrn?|Frau)\s+(?=\S)", re.IGNORECASE)
_DISPATCH = re.compile(
    r"einschreiben|rückschein|persönlich|vertraulich|privat|eigenhändig|per\s+(?:e-?mail|telefax|fax|bote)|infopost|vorab"
    r"|nicht nachsenden|postzustellungs|dialogpost|deutsche post|dv \d|entgelt bezahlt",
    re.IGNORECASE,
)
_STREET = re.compile(r"\d+\s?[a-zA-Z]?(?:\s?[-–/]\s?\d+\s?[a-zA-Z]?)?\W*$|^\W*Postfach\b", re.IGNORECASE)
_POINT_BEHIND_FORM = re.compile(r"\b(GmbH|mbH|KG|AG|OHG|SE|eG|mbB)\.$")
_LIKE_A_NAME = re.compile(r"[A-ZÄÖÜ0-9](?=.*[^\W\d_]{2}).{2,}")
_FIRM = re.compile(r"^\W*F?irma\W*$", re.IGNORECASE)
_EDGES = re.compile(r"^[^\w(„\"]+|[^\w).\"“]+$")


def find_parties(letter: Letter) -> tuple[Fact, ...]:
    """The facts recipient and attention ("z. Hd."), as far as the address field names them."""
    lines = [line for line in letter.address if not POSTCODE.match(line.text) and not _DISPATCH.search(line.text)]
    named = [(line, text) for line in lines if (text := _named(line))]
    recipient = next(((line, text) for line, text in named if not _HANDS.match(line.text)), None)
    if recipient is None or _STREET.search(recipient[1]):
        return ()
    facts = [_fact("recipient", *recipient)]
    for line, text in named:
        if line is not recipient[0] and (_HANDS.match(line.text) or _PERSON.match(line.text)):
            facts.append(_fact("attention", line, text))
            break
    return tuple(facts)


def _named(line: Segment) -> str:
    """What the line names, without "Firma", "An die" or "z. Hd."; a person keeps nothing but the name."""
    text = _HANDS.sub("", _PREFIX.sub("", line.text, count=1), count=1)
    if not _HANDS.match(line.text):
        text = _PERSON.sub("", text, count=1)
    text = _POINT_BEHIND_FORM.sub(r"\1", _EDGES.sub("", text))
    # "irma" is what a stamp leaves of "Firma"; a line of specks begins with no capital.
    return text if _LIKE_A_NAME.match(text) and not _FIRM.match(text) else ""


def _fact(name: str, line: Segment, text: str) -> Fact:
    return Fact(name=name, value=text, confidence=round(IN_ADDRESS * line.confidence, 3), page=line.page)
