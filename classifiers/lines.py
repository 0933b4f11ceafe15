"""Recognised words become lines: rows as the eye sees them, cut into segments at wide gaps.

Recognition numbers lines per block, so that a label and its value in the next column are strangers. A row
joins what stands at one height; a segment is a run of words without a gap as wide as a column's.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from classifiers.spelling import Vocabulary
from poststelle.german import fold
from poststelle.records import RecognisedPage, Word

COLUMN_GAP = 2.0
"""A gap of this many word heights starts a new segment."""

_NOT_WORD = re.compile(r"[\W_]+")
_GLUED = re.compile(r"^([^\W\d_][^\d:]*[:.])(?=[\w€])(.*\d.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of words on one row. Places are fractions of the page, 0.0 top left to 1.0 bottom right."""

    page: int
    row: int
    left: float
    top: float
    right: float
    bottom: float
    height: float
    """Height of the taller words; larger print has larger words."""
    text: str
    words: tuple[Word, ...]
    tokens: tuple[str, ...]
    """One per word: folded, letters and digits only, misread rule words put right; empty for a dash."""

    @property
    def confidence(self) -> float:
        """Mean confidence of the words."""
        return sum(word.confidence for word in self.words) / len(self.words)

    def confidence_between(self, start: int, end: int) -> float:
        """Lowest confidence of the words that `text[start:end]` touches."""
        offset, lowest = 0, 1.0
        for word in self.words:
            if offset < end and offset + len(word.text) > start:
                lowest = min(lowest, word.confidence)
            offset += len(word.text) + 1
        return lowest

    def offset_of(self, index: int) -> int:
        """Where in `text` the word of that index begins."""
        return sum(len(word.text) + 1 for word in self.words[:index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Running text that knows its words: sentences go on over the end of a line."""

    text: str
    words: tuple[Word, ...]
    starts: tuple[int, ...]
    """Offset in `text` of each word."""
    tokens: tuple[str, ...]

    def confidence_between(self, start: int, end: int) -> float:
        """Lowest confidence of the words that `text[start:end]` touches."""
        first = max(bisect_right(self.starts, start) - 1, 0)
        last = bisect_left(self.starts, end)
        return min((word.confidence for word in self.words[first:last]), default=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLines:
    """A page as rows of segments, top to bottom, each row left to right."""

    number: int
    rows: tuple[tuple[Segment, ...], ...]
    segments: tuple[Segment, ...]
    """All segments, row by row."""
    flow: "Flow"
    """The whole page as running text, in reading order."""
    height_px: int

    def right_of(self, segment: Segment) -> Segment | None:
        """The next segment of the same row."""
        return next((other for other in self.rows[segment.row] if other.left > segment.left), None)

    def left_of(self, segment: Segment) -> Segment | None:
        """The segment before it on the same row."""
        return next((other for other in reversed(self.rows[segment.row]) if other.left < segment.left), None)

    def below(self, segment: Segment, left: float | None = None) -> Segment | None:
        """The nearest segment under it, at most about two empty lines away."""
        left = segment.left if left is None else left
        reach = segment.bottom + 3.5 * max(segment.height, 0.006)
        for row in self.rows[segment.row + 1 : segment.row + 4]:
            for other in row:
                if other.top > reach:
                    return None
                if other.left - 0.02 <= left <= other.right or abs(other.left - left) < 0.03:
                    return other
        return None

    def above(self, segment: Segment) -> Segment | None:
        """The nearest segment over it, at most about two empty lines away."""
        for row in reversed(self.rows[max(segment.row - 3, 0) : segment.row]):
            for other in row:
                if segment.top - other.bottom > 3.5 * max(segment.height, 0.006):
                    return None
                if other.left - 0.02 <= segment.left <= other.right or abs(other.left - segment.left) < 0.03:
                    return other
        return None


EMPTY_PAGE = PageLines(number=1, rows=(), segments=(), flow=Flow(text="", words=(), starts=(), tokens=()), height_px=1)
"""Stands for the page of a document that has none."""


def token(text: str) -> str:
    """A word as rules compare it: folded, letters and digits only."""
    return _NOT_WORD.sub("", fold(text))


def tokens_of(text: str) -> tuple[str, ...]:
    """The words of a phrase as rules compare them."""
    return tuple(part for part in (token(word) for word in text.split()) if part)


def read_lines(page: RecognisedPage, vocabulary: Vocabulary) -> PageLines:
    """Arrange a page's words; a page that has text but no boxes is laid out as if typed."""
    width, height, words = page.width_px, page.height_px, page.words
    if not words and page.text.strip():
        width, height, words = _typed(page.text)
    words = tuple(_unglued(word for word in words if word.text.strip()))
    tokens = {id(word): vocabulary.read(token(word.text), word.confidence) for word in words}
    size = max(width, 1), max(height, 1)
    gap = COLUMN_GAP * median(word.bottom - word.top for word in words) if words else 0.0
    rows = tuple(
        tuple(_segment(run, tokens, page.number, number, size) for run in _cut(row, gap))
        for number, row in enumerate(_rows(words))
    )
    return PageLines(
        number=page.number,
        rows=rows,
        segments=tuple(segment for row in rows for segment in row),
        flow=_flow(words, tuple(tokens[id(word)] for word in words)),
        height_px=size[1],
    )


def _flow(words: tuple[Word, ...], tokens: tuple[str, ...]) -> Flow:
    starts, offset = [], 0
    for word in words:
        starts.append(offset)
        offset += len(word.text) + 1
    return Flow(text=" ".join(word.text for word in words), words=words, starts=tuple(starts), tokens=tokens)


def _typed(text: str) -> tuple[int, int, tuple[Word, ...]]:
    """Boxes for plain text: 10 × 20 pixels a character, a page of at least 60 lines of 90 characters."""
    lines = text.splitlines()
    words = tuple(
        Word(
            text=match.group(),
            left=match.start() * 10,
            right=match.end() * 10,
            top=number * 24,
            bottom=number * 24 + 14,
            confidence=1.0,
            line=number,
        )
        for number, line in enumerate(lines)
        for match in re.finditer(r"\S+", line.expandtabs(8))
    )
    return max(900, *(word.right for word in words)), max(60, len(lines)) * 24, words


def _unglued(words: Iterable[Word]) -> Iterable[Word]:
    """Part "Datum:05.03.2026" into label and value, which some text layers run together."""
    for word in words:
        match = _GLUED.match(word.text)
        if match is None:
            yield word
            continue
        label, value = match.groups()
        middle = word.left + (word.right - word.left) * len(label) // len(word.text)
        for text, left, right in ((label, word.left, middle), (value, middle, word.right)):
            yield Word(
                text=text, left=left, right=right, top=word.top, bottom=word.bottom,
                confidence=word.confidence, line=word.line, block=word.block,
            )  # fmt: skip


def _rows(words: tuple[Word, ...]) -> list[list[Word]]:
    lines: dict[tuple[int, int], list[Word]] = {}
    for word in words:
        lines.setdefault((word.block, word.line), []).append(word)
    placed = sorted(
        ((median(w.top for w in line), median(w.bottom for w in line), line) for line in lines.values()),
        key=lambda item: item[0] + item[1],
    )
    rows: list[tuple[float, float, list[Word]]] = []
    for top, bottom, line in placed:
        middle = (top + bottom) / 2
        # Columns set in different pitch overlap in height: the line belongs to the nearest row with room for it.
        beside = [
            row
            for row in rows[-3:]
            if row[0] <= middle <= row[1] and top < (row[0] + row[1]) / 2 < bottom and _has_room(row[2], line)
        ]
        if beside:
            min(beside, key=lambda row: abs(row[0] + row[1] - top - bottom))[2].extend(line)
        else:
            rows.append((top, bottom, list(line)))
    return [sorted(row, key=lambda word: word.left) for _, _, row in rows]


def _has_room(row: list[Word], line: list[Word]) -> bool:
    return not any(word.left < other.right and other.left < word.right for word in line for other in row)


def _cut(row: list[Word], gap: float) -> list[list[Word]]:
    runs = [[row[0]]]
    for word in row[1:]:
        if word.left - runs[-1][-1].right > gap:
            runs.append([])
        runs[-1].append(word)
    return runs


def _segment(words: list[Word], tokens: dict[int, str], page: int, row: int, size: tuple[int, int]) -> Segment:
    width, height = size
    tall = sorted(word.bottom - word.top for word in words)
    return Segment(
        page=page,
        row=row,
        left=words[0].left / width,
        right=max(word.right for word in words) / width,
        top=min(word.top for word in words) / height,
        bottom=max(word.bottom for word in words) / height,
        height=tall[len(tall) * 3 // 4] / height,
        text=" ".join(word.text for word in words),
        words=tuple(words),
        tokens=tuple(tokens[id(word)] for word in words),
    )
