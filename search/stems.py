"""Reduces a German word to the stem that its inflected forms and participles share.

The Snowball stemmer keeps participles apart from their verb and noun (gekündigt, überwiesen, gemahnt; Kündigung,
Überweisung, Mahnung); a few rules lead them back. They work on stems, after inflection is gone, so they treat all forms
of a word alike, and they only have to be consistent: both letters and queries pass through them.
"""

import re
from collections.abc import Callable

_PREFIX = r"(?:ab|an|auf|aus|bei|durch|ein|fest|fort|her|hin|los|mit|nach|statt|um|vor|weg|weiter|wieder|zu|zuruck)"
SEPARABLE = re.compile(f"^{_PREFIX}")
"""What stands before the ge- of a participle."""
SHORTEST_VERB = 3
"""Letters of its root, without prefix and ge-."""
_FIXED_PREFIX = r"(?:be|ent|er|hinter|uber|unter|ver|voll|wider|zer)"
_WITH_GE = re.compile(rf"^({_PREFIX}?)ge(\w{{{SHORTEST_VERB},}})$")
_PARTICIPLE_WITHOUT_GE = re.compile(
    r"^(?:be|ent|er|uber|ver|zer)(?:\w{4,}|bau|fug|hoh|hol|leb|leg|muh|weg)t$|^\w{3,}iert$"
)
_VERBS_OF_GE = frozenset(
    {"gebraucht", "gebuhrt", "gehort", "genehmigt", "genugt", "gestattet", "gestatt", "gewahrleistet"}
    | {"gewahrleist", "gewahrt", "gewohnt", "geeignet"}
)
"""Their ge- is part of the verb: genehmigt → genehmigen, not "nehmigen"."""
_NOUNS = frozenset(
    {"gebiet", "gebot", "geburt", "gedicht", "gehalt", "gemut", "gerat", "gericht", "gesamt", "geschaft"}
    | {"geschlecht", "gesellschaft", "gesicht", "gestalt", "gewalt", "gewerkschaft", "gewicht", "angebot", "aufgebot"}
    | {"angesicht", "angestellt", "ausgestalt", "zugehor", "eingabegerat", "bericht", "beitritt", "bereit", "berecht"}
    | {"verlust", "verzicht", "vermacht", "erbschaft", "ersatzgerat", "ubersicht", "uberschrift", "verwandt"}
    | {"ubermacht", "verwandtschaft", "gemeinschaft", "gegenwart", "geehrt"}
)
"""Words that only look like participles, as stems."""
_ABLAUT = {
    "gab": "geb", "glich": "gleich", "hob": "heb", "lieh": "leih", "lor": "lier", "nahm": "nehm", "nomm": "nehm",
    "schied": "scheid", "schloss": "schliess", "schluss": "schliess", "schob": "schieb", "schrieb": "schreib",
    "sproch": "sprech", "strich": "streich", "wies": "weis", "worb": "werb", "zog": "zieh", "bund": "bind",
}  # fmt: skip
"""Vowels that change in participles, and in nouns that belong to them: überwiesen, abgeschlossen, Abschluss."""
_STRONG = re.compile(rf"^({_PREFIX}|{_FIXED_PREFIX})?(ge)?({'|'.join(_ABLAUT)})$")
_STRONG_WITH_GE = re.compile(
    rf"^({_PREFIX})ge(fahr|fall|fang|gang|geb|griff|halt|komm|lad|lass|lauf|mess|ruf|schlag|schnitt|seh|trag|tret)$"
)
"""Their vowel stays, or is that of the noun: eingetragen, Eintrag; eingegangen, Eingang."""
_WITH_NOUN = frozenset(
    {"heiz", "impf", "leist", "losch", "mahn", "meld", "nutz", "offn", "pruf", "send", "sperr", "tilg", "trenn"}
    | {"warn", "werb", "zahl", "zeichn"}
)
"""Verbs whose noun the stemmer leaves as it is because it is short: mahnen, gemahnt, Mahnung."""
_PARTICIPLE_WITH_NOUN = _WITH_NOUN | {"buch", "klar", "kurz", "pfand", "plan", "schatz", "schul", "stund", "wart"}
"""The same where only the participle is meant for sure: gebucht, Buchung; not Buch."""
_INFINITIVES = frozenset({"buchen", "pfanden", "planen", "schatzen", "warten"})
"""Of these, the forms that are hardly ever anything else."""


class Stemmer:
    """German stems, remembered. Not shared between threads."""

    def __init__(self) -> None:
        # Loaded here: a command that does not search must not pay for it.
        import Stemmer as Snowball

        self._snowball: Callable[[str], str] = Snowball.Stemmer("german", 0).stemWord

    def plain(self, folded: str) -> str:
        """What the stemmer alone makes of a word: what a compound of it has in it."""
        return self._snowball(folded) if folded.isalpha() else folded

    def stem(self, folded: str) -> str:
        """The stem of a folded word; words with digits in them are left alone."""
        if not folded.isalpha():
            return folded
        stem = self._snowball(folded)
        if stem in _WITH_NOUN or folded in _INFINITIVES:
            return f"{stem}ung"
        # A noun in -ung has the vowel of the infinitive: "Überwiesung" is a slip, not a participle.
        if not folded.endswith(("ung", "ungen")) and (strong := self._of_strong_verb(stem)) is not None:
            return strong
        if folded.startswith(stem + "et") and (match := _WITH_GE.match(stem)):
            # Snowball has already taken the -et: abgerechnet → "abgerechn".
            return self._of_verb(match.group(1) + match.group(2))
        if not stem.endswith("t") or stem in _NOUNS:
            return stem
        root = stem.removesuffix("t").removesuffix("e")
        if root in _WITH_NOUN:
            return f"{root}ung"
        if stem in _VERBS_OF_GE or _PARTICIPLE_WITHOUT_GE.match(stem):
            return self._of_verb(root)
        if match := _WITH_GE.match(root):
            return self._of_verb(match.group(1) + match.group(2))
        return stem

    def _of_strong_verb(self, stem: str) -> str | None:
        if stem in _NOUNS:
            return None
        if match := _STRONG_WITH_GE.match(stem):
            return match.group(1) + _ABLAUT.get(match.group(2), match.group(2))
        match = _STRONG.match(stem)
        if match is None or not (match.group(1) or match.group(2)):
            return None
        return self._of_verb((match.group(1) or "") + _ABLAUT[match.group(3)])

    def _of_verb(self, root: str) -> str:
        """The stem of the infinitive, or of the noun where the stemmer would cut too much off one of them."""
        if root in _PARTICIPLE_WITH_NOUN:
            return f"{root}ung"
        return self._snowball(root + ("ung" if root.endswith(("er", "el")) else "en"))


def stemmer_version() -> str:
    """Version of the stemming rules below ours: another one gives other stems, so the index must be rebuilt."""
    import Stemmer as Snowball

    return str(Snowball.version())
