"""Labels such as "Rechnungsdatum" and the values that stand behind, beside or under them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from classifiers.lines import PageLines, Segment, tokens_of

_SHORTEST_GLUED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLabel:
    """A label in a segment: which words it covers and how surely it announces what is looked for."""

    segment: Segment
    start: int
    end: int
    """Words `start` to `end`, exclusive."""
    certainty: float


class Labels:
    """A set of labels, each with how surely it announces the value, compiled for finding."""

    def __init__(self, certainties: Mapping[str, float]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for label, certainty in certainties.items():
            tokens = tokens_of(label)
            self._by_first.setdefault(tokens[0], []).append((tokens, certainty))
            if len(tokens) > 1 and len("".join(tokens)) >= _SHORTEST_GLUED:
                # A narrow gap is easily lost: "MahnungNr.", "Fälligam".
                self._by_first.setdefault("".join(tokens), []).append((("".join(tokens),), certainty))
        for candidates in self._by_first.values():
            candidates.sort(key=lambda item: -len(item[0]))

    @property
    def words(self) -> frozenset[str]:
        """Every word of every label, folded."""
        return frozenset(word for several in self._by_first.values() for tokens, _ in several for word in tokens)

    def find(self, segment: Segment) -> list[FoundLabel]:
        """The labels in a segment, in order; the longest where several begin at one word, none within another."""
        found: list[FoundLabel] = []
        start = 0
        while start < len(segment.tokens):
            label = self._at(segment, start)
            if label is not None:
                found.append(label)
            start = start + 1 if label is None else label.end
        return found

    def _at(self, segment: Segment, start: int) -> FoundLabel | None:
        for wanted, certainty in self._by_first.get(segment.tokens[start], ()):
            end = start + len(wanted)
            if segment.tokens[start:end] == wanted:
                return FoundLabel(segment=segment, start=start, end=end, certainty=certainty)
        return None

    def ends_at(self, tokens: tuple[str, ...]) -> float | None:
        """Certainty of the label that these words end with, or None."""
        for start in range(max(0, len(tokens) - 4), len(tokens)):
            for wanted, certainty in self._by_first.get(tokens[start], ()):
                if tokens[start:] == wanted:
                    return certainty
        return None


def value_places(page: PageLines, label: FoundLabel) -> Iterator[tuple[Segment, int, float]]:
    """Where the value of a label may stand: (segment, offset in its text, how usual that is)."""
    segment = label.segment
    if label.end < len(segment.words):
        yield segment, segment.offset_of(label.end), 1.0
    if (right := page.right_of(segment)) is not None:
        yield right, 0, 0.97
    left = segment.words[label.start].left / max(segment.words[0].left, 1) * segment.left
    if (under := page.below(segment, left)) is not None:
        yield under, 0, 0.9
