"""Sub-folders of the inbox as hints: who dropped a letter knew whose it is; that may narrow its readers, never widen.

Rules:
- A letter dropped into the folder of a compartment that fewer people read than the one it would be filed in goes
  there, and a person decides.
- A letter of which nobody can tell whose it is goes to the folder's compartment instead of the mail room's, and a
  person of that department decides. A compartment that everybody of the mail room's reads besides others is no help.
- In every other case what the letter itself says counts, and the reasons name the folder.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from poststelle.records import ClassifiedDocument, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What is known of letters that are dropped into one sub-folder."""

    compartment: str | None = None
    languages: tuple[str, ...] = ()
    """Empty: the office's."""


class Folders:
    """The sub-folders of an office's inbox. `names` go from a sub-folder's path to what it stands for."""

    def __init__(
        self,
        names: Mapping[str, Folder],
        *,
        narrowest_first: Sequence[str] = (),
        readers: Mapping[str, frozenset[str]] | None = None,
        unsure_compartment: str = "unsorted",
    ) -> None:
        self._names = {_plain(name): folder for name, folder in names.items()}
        self._narrowest_first = tuple(narrowest_first)
        self._readers = readers or {}
        self._unsure = unsure_compartment

    def find(self, hint: str | None) -> Folder:
        """What the nearest known folder on the way up stands for."""
        parts = [] if hint is None else _plain(hint).split("/")
        for length in range(len(parts), 0, -1):
            if (folder := self._names.get("/".join(parts[:length]))) is not None:
                return folder
        return Folder()

    def follow(self, classified: ClassifiedDocument) -> ClassifiedDocument:
        """The letter with its folder taken into account; see the rules above."""
        hint = classified.document.file.hint
        wanted, home = self.find(hint).compartment, classified.compartment
        if hint is None or wanted is None:
            return classified
        named = replace(
            classified,
            reasons=(*classified.reasons, Reason(text=f'dropped into the folder "{hint}" ({wanted})', weight=0.0)),
        )
        if wanted == home:
            return named
        narrower = self._narrowness(wanted) < self._narrowness(home)
        if narrower or (home == self._unsure and not self._is_wider(wanted, home)):
            doubt = f'It was dropped into the folder "{hint}": who may read {wanted} decides.'
            return replace(
                named,
                compartment=wanted,
                needs_review=True,
                review_reasons=(*classified.review_reasons, doubt) if narrower else classified.review_reasons,
            )
        if wanted in self._narrowest_first:
            doubt = f'It was dropped into the folder "{hint}", but fewer people may read what it seems to be.'
            return replace(named, needs_review=True, review_reasons=(*classified.review_reasons, doubt))
        return named

    def _narrowness(self, compartment: str) -> int:
        """0 for the compartment that fewest people read; all that are not confidential are equally wide."""
        if compartment in self._narrowest_first:
            return self._narrowest_first.index(compartment)
        return len(self._narrowest_first)

    def _is_wider(self, one: str, other: str) -> bool:
        """Whether everybody who reads the other reads this one, and somebody else too."""
        return self._readers.get(one, frozenset()) > self._readers.get(other, frozenset())


def _plain(name: str) -> str:
    """A folder's name however it was typed: shares and Macs write umlauts in two ways."""
    return unicodedata.normalize("NFC", name).casefold().strip("/")
