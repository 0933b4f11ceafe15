"""Which letters name a person: exact, inflected, abbreviated or damaged by recognition, each with a confidence.

How alike a word is to a name, `resemblance` says. What stands before and after a surname says whose it is: the first
name, an initial, a title, somebody else's first name, a street, a company. A date of birth on the same page
corroborates, another one that is said to be one contradicts. Pure: texts in, mentions out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from poststelle.german import MONTHS, fold
from search.given_names import GIVEN_NAMES
from search.resemblance import SAME, likeness, plain, sound_alike, spelled

SURE = 0.85
"""From here on a letter is taken to name the person: measured by bench/subject.py."""
LEAST = 0.3
"""Below, a letter is not shown: another first name stands there, or a street, or hardly anything is alike."""

_FULL, _SURNAME_FIRST, _LISTED, _OVER_LINE, _APART, _INITIAL = 0.98, 0.96, 0.93, 0.95, 0.7, 0.78
_TITLED, _UNKNOWN_BEFORE, _ALONE, _COMPANY, _OTHER, _STREET = 0.55, 0.35, 0.4, 0.25, 0.1, 0.05
_SECOND_NAME = 0.62
_IN_A_LIST = 0.75
_MOST_WITHOUT_GIVEN = 0.6
_LOWER_CASE = 0.5
_DOUBLE_NAME = 0.45
_SAME_SURNAME_OTHER_PERSON = 0.5
_BORN_LEFT = 0.25
"""How much doubt a matching date of birth leaves."""
_BORN_OTHERWISE = 0.45
_BORN_ONLY = 0.35
_FAR_TOKENS, _NEAR_BIRTH = 8, 160
_WIDEST_CRACK = 2
"""Between two halves of a word: a blank, or the end of a line or paragraph that recognition saw in it."""
_PASSAGE = 70

_PARTICLES = frozenset(
    {"von", "van", "vom", "zu", "zum", "zur", "de", "der", "den", "del", "di", "da", "la", "le", "und"}
)
_DEGREES = frozenset({"dr", "prof", "med", "dent", "jur", "phil", "rer", "nat", "ing", "dipl", "mag", "lic", "hc"})
_TITLES = frozenset(
    fold(
        "Herr Herrn Hr Hrn Frau Fr Fräulein Familie Fam Eheleute Ehepaar Kollege Kollegin Kollegen Patient Patientin "
        "Versicherter Versicherte Mitarbeiter Mitarbeiterin Arbeitnehmer Arbeitnehmerin Kunde Kundin Mieter Mieterin "
        "Bewerber Bewerberin Schuldner Schuldnerin Gläubiger Gläubigerin Kläger Klägerin Beklagter Beklagte Mandant "
        "Mandantin Rechtsanwalt Rechtsanwältin Steuerberater Steuerberaterin Arzt Ärztin Sachbearbeiter "
        "Sachbearbeiterin Ansprechpartner Ansprechpartnerin Geschäftsführer Geschäftsführerin gez gezeichnet"
    ).split()
)
_LABELS = frozenset(
    fold(
        "Name Nachname Familienname Vorname Vornamen Zuname Geburtsname Personalien Anrede Person Empfänger "
        "Kontoinhaber Kontoinhaberin Karteninhaber"
    ).split()
)
_FIRMS = frozenset({"gmbh", "kg", "ohg", "ag", "se", "gbr", "ug", "mbh", "ek", "ev", "sohne", "partner", "bau", "cie"})
_STREETS = ("strasse", "str", "platz", "weg", "allee", "gasse", "ring", "ufer", "damm", "stieg", "park", "haus")
_BORN_AS = re.compile(
    r"\b(?:geb\.|geborene[rn]?|verh\.|verheiratete[rn]?|genannt|alias|ehemals|früher)\s+", re.IGNORECASE
)

_TOKEN = re.compile(r"[^\W_][^\W_|!]*(?:[|!][^\W_|!]+)*|[|!][^\W_]+")
_BIRTH_LABEL = re.compile(r"\bgeb(?:\.|oren|urtsdatum|urtstag|\.?-?\s?dat)", re.IGNORECASE)
_ANY_DATE = re.compile(r"(\d{1,2})\s?[.,/]\s?(\d{1,2})\s?[.,/]\s?(\d{4}|\d{2})(?!\d)")

_STUCK_TITLE = re.compile("herrn?(?=...)|frau(?=...)")
_HYPHENS = ("-", "\u2010")
"""After which a double name goes on in the next line."""
_GENITIVE = frozenset({"s", "es", "ens", "schen"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name of a person, in small letters and with umlauts."""

    given: tuple[str, ...]
    surname: tuple[str, ...]
    """Both parts of a double name; without "von" and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whom to look for: every name somebody bears or bore, and their date of birth."""

    names: tuple[Name, ...]
    born_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place where the person may be meant."""

    confidence: float
    """0.0–1.0 that it is this person."""
    how: str
    """What was found: "full name", "initial", "title", "surname", "date of birth" …"""
    page: int | None
    """1-based; None for a fact, which has no place."""
    start: int
    end: int
    passage: str
    """The words around it, in one line."""
    damaged: bool = False
    """Whether the name was read with wrong letters."""
    corroborated: bool = False
    """Whether the date of birth stands there too."""


def wanted(name: str, also: Sequence[str] = (), born_on: date | None = None) -> Wanted:
    """Whom a request is about: "Hans Müller", "Müller, Hans" or "Erika Müller geb. Schmidt", and other names.

    Another name of one word is another surname with the first names of the first.

    Raises:
        ValueError: there is no name in it.
    """
    names: list[Name] = []
    for written in (name, *also):
        first, *others = _BORN_AS.split(written)
        for number, part in enumerate((first, *others)):
            parsed = _parse(part)
            if parsed is None:
                continue
            if not parsed.given and names and (number or written is not name):
                parsed = Name(given=names[0].given, surname=parsed.surname)
            names.append(parsed)
    if not names:
        raise ValueError(name)
    return Wanted(names=tuple(dict.fromkeys(names)), born_on=born_on)


def _parse(written: str) -> Name | None:
    before, comma, after = written.partition(",")
    words = [[spelled(word) for word in _WORDS.findall(part)] for part in (before, after)]
    kept = [[word for word in part if plain(word) not in _TITLES | _DEGREES | _PARTICLES] for part in words]
    if comma and kept[1]:
        return Name(given=tuple(kept[1]), surname=tuple(kept[0])) if kept[0] else None
    if not kept[0]:
        return None
    double = re.search(r"([^\W\d_]+)\s?-\s?([^\W\d_]+)\s*$", before.strip())
    size = 2 if double and len(kept[0]) > 1 else 1
    return Name(given=tuple(kept[0][:-size]), surname=tuple(kept[0][-size:]))


_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    spelled: str
    folded: str
    start: int
    end: int
    stopped: bool
    """Whether a full stop or comma follows."""


@dataclass(frozen=True, slots=True)
class _Surname:
    """A surname found at tokens `first` to `last`."""

    first: int
    last: int
    likeness: float
    inflected: bool = False
    before: str = ""
    """What was written into the same word: "given" or "title"."""


class NameSearch:
    """Looks for one person in many letters; remembers how alike words are that it has seen."""

    def __init__(self, whom: Wanted) -> None:
        self._whom = whom
        self._likeness: dict[tuple[str, str], float] = {}
        self._born = None if whom.born_on is None else _date_pattern(whom.born_on)

    def mentions(self, pages: Sequence[str], facts: Iterable[str] = ()) -> list[Mention]:
        """Where a letter may name the person, the surest first; nothing below `LEAST`."""
        texts: list[tuple[int | None, str]] = list(enumerate(pages, 1))
        texts.append((None, "\n".join(facts)))
        found: list[Mention] = []
        others = False
        for page, text in texts:
            here, another = self._on_page(page, text)
            found += here
            others = others or another
        named = any(m.how in _OWN for m in found)
        if others and not named:
            # Somebody else of that surname is fully named: a mere "Frau Müller" is rather theirs.
            found = [_weaker(m, _SAME_SURNAME_OTHER_PERSON) if m.how in _VAGUE else m for m in found]
        return sorted((m for m in found if m.confidence >= LEAST), key=lambda m: (-m.confidence, m.page or 0, m.start))

    def _on_page(self, page: int | None, text: str) -> tuple[list[Mention], bool]:
        """Mentions on one page, weak ones too; and whether somebody else of that surname stands there."""
        tokens = [_token(match) for match in _TOKEN.finditer(_joined(text))]
        born = None if self._born is None else self._born.search(text)
        found: dict[int, Mention] = {}
        others = False
        for name in self._whom.names:
            for at in self._surnames(tokens, name.surname, name.given):
                score, how = self._context(text, tokens, at, name)
                score *= at.likeness
                others = others or (how == "other first name" and at.likeness > SURE)
                start, end = tokens[at.first].start, tokens[at.last].end
                if born is not None:
                    score = 1 - (1 - score) * _BORN_LEFT
                elif self._whom.born_on is not None and self._born_otherwise(text, end):
                    score *= _BORN_OTHERWISE
                mention = Mention(
                    confidence=round(score, 3),
                    how=how,
                    page=page,
                    start=start,
                    end=end,
                    passage=passage(text, start, end),
                    damaged=at.likeness < 1 and not at.inflected,
                    corroborated=born is not None,
                )
                if at.first not in found or found[at.first].confidence < mention.confidence:
                    found[at.first] = mention
        if born is not None and not found and _labelled(text, born.start()):
            start, end = born.span()
            return [
                Mention(
                    confidence=_BORN_ONLY, how="date of birth", page=page, start=start, end=end,
                    passage=passage(text, start, end), corroborated=True,
                )
            ], False  # fmt: skip
        return list(found.values()), others

    # Surnames -------------------------------------------------------------------------------------------------

    def _surnames(self, tokens: Sequence[_Token], surname: tuple[str, ...], given: tuple[str, ...]) -> list[_Surname]:
        found: list[_Surname] = []
        number = 0
        while number < len(tokens):
            at = self._surname_at(tokens, number, surname, given)
            if at is not None:
                found.append(at)
            number += 1 if at is None else at.last - at.first + 1
        return found

    def _surname_at(
        self, tokens: Sequence[_Token], number: int, surname: tuple[str, ...], given: tuple[str, ...]
    ) -> _Surname | None:
        first, whole = tokens[number], "".join(surname)
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if first.folded.startswith(plain(whole)) and first.folded.removeprefix(plain(whole)) in _GENITIVE:
            return _Surname(number, number, 0.97, inflected=True)
        if alike := self.likeness(whole, first.spelled):
            return _Surname(number, number, alike)
        if len(surname) == 2:
            if following and (
                both := min(self.likeness(surname[0], first.spelled), self.likeness(surname[1], following.spelled))
            ):
                return _Surname(number, number + 1, both)
            half = max(self.likeness(part, first.spelled) for part in surname)
            return _Surname(number, number, half * _DOUBLE_NAME) if half >= SURE else None
        rest = first.spelled.removesuffix(whole)
        if rest and rest != first.spelled:
            if plain(rest) in _TITLES:
                return _Surname(number, number, 0.97, before="title")
            named = any(self.likeness(one, rest) > SURE for one in given)
            return _Surname(number, number, 0.97, before="given") if named else None
        cracked = following and following.start - first.end <= _WIDEST_CRACK and not first.stopped
        if following and cracked and not self.likeness(whole, following.spelled):
            joined = first.spelled + following.spelled
            if abs(len(joined) - len(whole)) <= 1 and (alike := self.likeness(whole, joined)):
                return _Surname(number, number + 1, alike * 0.97)
        return None

    def likeness(self, name: str, read: str) -> float:
        """How sure it is that a folded word is this name, whole or damaged; 0.0 if it is not."""
        known = self._likeness.get((name, read))
        if known is None:
            known = self._likeness[name, read] = likeness(name, read)
        return known

    # What stands around ---------------------------------------------------------------------------------------

    def _context(self, text: str, tokens: Sequence[_Token], at: _Surname, name: Name) -> tuple[float, str]:
        """How much what stands around a surname speaks for the person, and what it is."""
        after = text[tokens[at.last].end : tokens[at.last].end + 2]
        following = tokens[at.last + 1] if at.last + 1 < len(tokens) else None
        gap = "" if following is None else text[tokens[at.last].end : following.start]
        if following is not None and _is_street(following.folded) and "\n" not in gap:
            return _STREET, "street"
        if (
            len(name.surname) == 1
            and at.last == at.first
            and _is_street(tokens[at.first].folded, plain(name.surname[0]))
        ):
            return _STREET, "street"
        score, how = self._who(text, tokens, at, name, gap, following)
        if how not in _OWN and (
            after.strip().startswith("&") or (following and following.folded in _FIRMS and len(gap) < 3)
        ):
            return _COMPANY, "company"
        if at.inflected and not (gap == " " and following is not None):
            # The genitive is of something; "Hans Peters" at the end of a line is another name than "Hans Peter".
            score *= 0.7
        if len(name.surname) == 1 and self._is_double(text, tokens, at, name):
            score, how = score * _DOUBLE_NAME, "double name"
        written = text[tokens[at.first].start : tokens[at.first].end]
        if written.islower():
            score *= _LOWER_CASE
        if not name.given:
            score = min(score, _MOST_WITHOUT_GIVEN)
        return score, how

    def _who(
        self, text: str, tokens: Sequence[_Token], at: _Surname, name: Name, gap: str, following: _Token | None
    ) -> tuple[float, str]:
        if at.before:
            return (_FULL, "full name") if at.before == "given" else (_TITLED, "title")
        before = self._before(text, tokens, at.first)
        if name.given:
            if (own := self._given_before(before, name.given)) is not None:
                return own
            # Where only the end of a line stands between.
            apart = before or not at.first or text[tokens[at.first - 1].end : tokens[at.first].start].strip()
            if not apart:
                line = [*self._before(text, tokens, at.first - 1), tokens[at.first - 1]]
                over = self._given_before(line, name.given)
                if over is not None and over[1] == "full name":
                    return over[0] * _OVER_LINE, "full name"
            if following is not None and len(gap.strip()) <= 1:
                comma = gap.strip().startswith(",")
                alike = self._first_name(name.given, following)
                if alike and comma:
                    if _goes_on(text, tokens, at.last + 1):
                        # "Schröder, Jürgen Lange": rather two people of a list.
                        return _IN_A_LIST * alike, "surname first"
                    return (_OVER_LINE if "\n" in gap else _SURNAME_FIRST) * alike, "surname first"
                if alike and "\n" not in gap and not gap.strip():
                    return _LISTED * alike, "surname first"
                if comma and _is_initial(text, following) and following.folded == plain(name.given[0][:1]):
                    return _INITIAL, "initial"
                if comma and "\n" not in gap and following.folded in GIVEN_NAMES:
                    return _OTHER, "other first name"
        previous = before[-1] if before else None
        if previous is not None:
            if _is_initial(text, previous) and previous.folded not in _DEGREES:
                return (_OTHER, "other first name") if name.given else (_ALONE, "surname")
            titled = len(before) > 1 and before[-2].folded in _TITLES and previous.text[:1].isupper()
            if previous.folded in GIVEN_NAMES or (titled and previous.folded not in _TITLES | _DEGREES):
                return (_OTHER, "other first name") if name.given else (_MOST_WITHOUT_GIVEN, "surname")
        if name.given and (near := self._given_near(tokens, at, name.given)):
            return near
        if previous is not None:
            if previous.folded in _TITLES or previous.folded in _DEGREES:
                return _TITLED, "title"
            if previous.text[:1].isupper() and len(previous.folded) > 2 and previous.folded not in _LABELS:
                return _UNKNOWN_BEFORE, "surname"
        return _ALONE, "surname"

    def _before(self, text: str, tokens: Sequence[_Token], number: int) -> list[_Token]:
        """Up to four words in the same line before a word, particles left out; nothing before a full stop of a word."""
        found: list[_Token] = []
        position = tokens[number].start
        for token in reversed(tokens[max(0, number - 6) : number]):
            gap = text[token.end : position]
            if (
                ("\n" in gap and gap.strip() not in _HYPHENS)
                or any(sign in gap for sign in ",;:()/")
                or ("." in gap and len(token.text) > 4)
            ):
                break
            position = token.start
            if token.folded not in _PARTICLES:
                found.append(token)
        return list(reversed(found[:4]))

    def _given_before(self, before: Sequence[_Token], given: tuple[str, ...]) -> tuple[float, str] | None:
        # "Hans P. Müller", "Hans-Peter Müller": other first names and initials may stand between.
        for place, token in enumerate(reversed(before[-3:])):
            alike = self._first_name(given, token)
            if alike:
                return _FULL * alike, "full name"
            if len(token.folded) == 1:
                if token.folded == plain(given[0][:1]):
                    return _INITIAL, "initial"
                continue
            if any(self.likeness(other, token.spelled) > 0.9 for other in given[1:]):
                further = [self._first_name(given, t) for t in before[: len(before) - place - 1][-2:]]
                return (_FULL * max(further), "full name") if any(further) else (_SECOND_NAME, "second first name")
            return None
        return None

    def _first_name(self, given: tuple[str, ...], read: _Token) -> float:
        """How alike a word is to the first name, or to all of them in one word."""
        whole = self.likeness("".join(given), read.spelled) if len(given) > 1 else 0.0
        alike = max(self.likeness(given[0], read.spelled), whole)
        if not alike and (stuck := _STUCK_TITLE.match(read.spelled)):
            alike = self.likeness(given[0], read.spelled[stuck.end() :])
        if alike < SAME and read.folded in GIVEN_NAMES and not sound_alike(given[0], read.spelled):
            # Jens is no damaged Jörg; but Stephan may be a Stefan whose name was heard.
            return 0.0
        return alike

    def _given_near(self, tokens: Sequence[_Token], at: _Surname, given: tuple[str, ...]) -> tuple[float, str] | None:
        near = [*tokens[max(0, at.first - _FAR_TOKENS) : at.first], *tokens[at.last + 1 : at.last + 1 + _FAR_TOKENS]]
        alike = max((self._first_name(given, t) for t in near), default=0.0)
        if not alike:
            return None
        return (0.93 if any(t.folded in _LABELS for t in near) else _APART) * alike, "first name near"

    def _is_double(self, text: str, tokens: Sequence[_Token], at: _Surname, name: Name) -> bool:
        before, after = text[: tokens[at.first].start], text[tokens[at.last].end :]
        known = {part for other in self._whom.names for part in other.surname}
        if after.startswith("-") and after[1:2].isalpha():
            return at.last + 1 < len(tokens) and tokens[at.last + 1].spelled not in known
        if before.endswith("-") and before[-2:-1].isalpha() and at.first:
            return tokens[at.first - 1].spelled not in known | set(name.given)
        return False

    def _born_otherwise(self, text: str, position: int) -> bool:
        """Whether another date is said to be the date of birth soon after a name."""
        label = _BIRTH_LABEL.search(text, position, position + _NEAR_BIRTH)
        return label is not None and _ANY_DATE.search(text, label.end(), label.end() + 30) is not None


_OWN = frozenset({"full name", "surname first", "first name near", "initial", "second first name"})
_VAGUE = frozenset({"title", "surname"})


def passage(text: str, start: int, end: int) -> str:
    """The words around a place, in one line."""
    first = max(0, text.rfind(" ", 0, max(0, start - _PASSAGE)) + 1) if start > _PASSAGE else 0
    last = text.find(" ", end + _PASSAGE)
    last = len(text) if last < 0 else last
    return " ".join(text[first:last].split())


def _token(match: re.Match[str]) -> _Token:
    word = spelled(match[0])
    stopped = match.string[match.end() : match.end() + 1] in (".", ",", ";", ":")
    return _Token(match[0], word, plain(word), match.start(), match.end(), stopped)


def _joined(text: str) -> str:
    """The text with words that were cut at a line's end put together; as long as it was."""
    return _CUT.sub(lambda m: m[1] + m[3] + " " * len(m[2]), text)


_CUT = re.compile(r"([^\W\d_]{2,})([-\u00ad\u2010]\n[ \t]*)([a-zäöüß]+)")


def _goes_on(text: str, tokens: Sequence[_Token], number: int) -> bool:
    """Whether another word with a capital letter follows a word in its line, with only a blank between."""
    if number + 1 >= len(tokens):
        return False
    following = tokens[number + 1]
    return text[tokens[number].end : following.start] == " " and following.text[:1].isupper()


def _is_initial(text: str, token: _Token) -> bool:
    return len(token.text) == 1 and token.text.isupper() and text[token.end : token.end + 1] in (".", " ")


def _is_street(folded: str, surname: str = "") -> bool:
    """Whether a word is, or ends in, what streets are called by."""
    rest = folded.removeprefix(surname) if surname else folded
    return rest != folded and rest in _STREETS if surname else folded in _STREETS


def _weaker(mention: Mention, factor: float) -> Mention:
    return replace(mention, confidence=round(mention.confidence * factor, 3))


def _labelled(text: str, position: int) -> bool:
    return _BIRTH_LABEL.search(text, max(0, position - 40), position) is not None


def _date_pattern(day: date) -> re.Pattern[str]:
    """A date as letters write it: 05.03.1980, 5. März 1980, 5.3.80, 1980-03-05."""
    d, m, y = f"0?{day.day}" if day.day < 10 else str(day.day), f"0?{day.month}", f"(?:{day.year}|{day.year % 100:02})"
    names = "|".join(re.escape(name) for name, number in MONTHS.items() if number == day.month)
    month = f"(?:{m}\\s?[.,/]|(?:{names})\\.?)"
    written = rf"(?<!\d){d}\s?[.,/]\s?{month}\s?{y}(?!\d)|(?<!\d){day.isoformat()}(?!\d)"
    return re.compile(written, re.IGNORECASE)
