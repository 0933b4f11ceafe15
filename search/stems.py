"""Reduces a German word to the stem that its inflected forms and participles share.

The Snowball stemmer keeps participles apart from their verb and noun (gekündigt, Kündigung); a small rule
leads them back. The rule works on stems, after inflection is gone, so it treats all forms of a word alike,
and it only has to be consistent: both letters and queries pass through it.
"""

import re
from collections.abc import Callable

_PREFIX = r"(?:ab|an|auf|aus|bei|durch|ein|fest|fort|her|hin|los|mit|nach|statt|um|vor|weg|weiter|wieder|zu|zuruck)"
SEPARABLE = re.compile(f"^{_PREFIX}")
"""What stands before the ge- of a participle."""
SHORTEST_VERB = 3
"""Letters of its root, without prefix and ge-."""
_WITH_GE = re.compile(rf"^({_PREFIX}?)ge(\w{{{SHORTEST_VERB},}})$")
_PARTICIPLE_WITHOUT_GE = re.compile(r"^(?:be|ent|er|uber|ver|zer)\w{4,}t$|^\w{3,}iert$")
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


class Stemmer:
    """German stems, remembered. Not shared between threads."""

    def __init__(self) -> None:
        # Loaded here: a command that does not search must not pay for it.
        import Stemmer as Snowball

        self._snowball: Callable[[str], str] = Snowball.Stemmer("german", 0).stemWord

    def stem(self, folded: str) -> str:
        """The stem of a folded word; words with digits in them are left alone."""
        if not folded.isalpha():
            return folded
        stem = self._snowball(folded)
        if folded.startswith(stem + "et") and (match := _WITH_GE.match(stem)):
            # Snowball has already taken the -et: abgerechnet → "abgerechn".
            return self._of_verb(match.group(1) + match.group(2))
        if not stem.endswith("t") or stem in _NOUNS:
            return stem
        root = stem.removesuffix("t").removesuffix("e")
        if stem in _VERBS_OF_GE or _PARTICIPLE_WITHOUT_GE.match(stem):
            return self._of_verb(root)
        if match := _WITH_GE.match(root):
            return self._of_verb(match.group(1) + match.group(2))
        return stem

    def _of_verb(self, root: str) -> str:
        """The stem of the infinitive, or of the noun where the stemmer would cut too much off the infinitive."""
        return self._snowball(root + ("ung" if root.endswith(("er", "el")) else "en"))


def stemmer_version() -> str:
    """Version of the stemming rules below ours: another one gives other stems, so the index must be rebuilt."""
    import Stemmer as Snowball

    return str(Snowball.version())
