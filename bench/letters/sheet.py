"""A page being filled: ink is placed, and its text kept in reading order."""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from bench.letters.faces import text_width
from bench.letters.values import Area, Colour, PageLayout, Run, Stroke

BLACK: Colour = (0, 0, 0)
LEFT = 70.9
"""25 mm: the text's left edge under DIN 5008; the right one is 190 mm."""
RIGHT = 538.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One piece of a line: its text, where it stands, and how it looks."""

    text: str
    x: float
    face: str
    size: float
    align: str = "left"
    """"left" or "centre" or "right" of `x`."""
    colour: Colour = BLACK


@dataclass(slots=True)
class Sheet:
    """Collects the ink of one page."""

    runs: list[Run] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def write(self, y: float, *cells: Cell, spoken: bool = True) -> None:
        """Put cells on one baseline; together they are one line of the page's text (unless not `spoken`)."""
        for cell in cells:
            if not cell.text:
                continue
            shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[cell.align]
            x = cell.x - shift * text_width(cell.face, cell.size, cell.text) if shift else cell.x
            self.runs.append(Run(text=cell.text, x=x, y=y, face=cell.face, size=cell.size, colour=cell.colour))
        if spoken and (text := " ".join(cell.text for cell in cells if cell.text)):
            self.lines.append(text)

    def rule(self, left: float, y: float, right: float, width: float = 0.6, colour: Colour = BLACK) -> None:
        """A horizontal line."""
        self.strokes.append(Stroke(points=((left, y), (right, y)), width=width, colour=colour))

    def frame(self, left: float, top: float, right: float, bottom: float, width: float = 0.5) -> None:
        """An empty box."""
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        self.strokes.append(Stroke(points=corners, width=width))

    def fill(self, left: float, top: float, right: float, bottom: float, colour: Colour, round: bool = False) -> None:
        """A coloured area beneath the text."""
        self.areas.append(Area(left=left, top=top, right=right, bottom=bottom, colour=colour, round=round))

    def sign(self, x: float, y: float, name: str) -> None:
        """A scribbled signature: always the same for a name."""
        random = Random(f"signature {name}")
        points = [(x, y)]
        for _ in range(8 + len(name) // 2):
            points.append((points[-1][0] + random.uniform(1.5, 6.5), y + random.uniform(-11, 5)))
        points.append((points[-1][0] + 26, y + random.uniform(-4, 2)))
        self.strokes.append(Stroke(points=_rounded(points), width=1.0, colour=(20, 30, 110)))

    def finished(self) -> PageLayout:
        """The page as a frozen value."""
        return PageLayout(
            runs=tuple(self.runs), strokes=tuple(self.strokes), areas=tuple(self.areas), text="\n".join(self.lines)
        )


def _rounded(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Cut corners twice (Chaikin), so that a zigzag looks written."""
    for _ in range(2):
        cut = [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            cut += [(x0 * 0.75 + x1 * 0.25, y0 * 0.75 + y1 * 0.25), (x0 * 0.25 + x1 * 0.75, y0 * 0.25 + y1 * 0.75)]
        points = [*cut, points[-1]]
    return tuple(points)
