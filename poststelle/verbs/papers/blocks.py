"""A paper as plain values, and as Markdown; sheets.py makes the PDF of the same values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A title below the paper's own; level 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows below a header; `widths` says how the columns share the page."""

    header: Cells
    rows: tuple[Cells, ...]
    widths: tuple[int, ...]


Block = Heading | Paragraph | Bullets | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper; `name` is that of its files without an ending."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def table(header: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]]) -> Table:
    """A table of rows as they come."""
    return Table(header=tuple(header), widths=tuple(widths), rows=tuple(tuple(row) for row in rows))


def to_markdown(paper: Paper) -> str:
    """The paper as Markdown."""
    return "\n\n".join([f"# {paper.title}", *("\n".join(_lines(block)) for block in paper.blocks)]) + "\n"


def sections(markdown: str) -> dict[str, str]:
    """Text by heading, to say which part of a paper differs."""
    found: dict[str, str] = {}
    title = ""
    for line in markdown.splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
        found[title] = found.get(title, "") + line + "\n"
    return found


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * block.level} {_plain(block.text)}"
    elif isinstance(block, Paragraph):
        yield _plain(block.text)
    elif isinstance(block, Bullets):
        yield from (f"- {_plain(item)}" for item in block.items)
    else:
        yield _row(block.header)
        yield "|" + "---|" * len(block.header)
        yield from (_row(row) for row in block.rows)


def _row(cells: Cells) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"


def _plain(text: str) -> str:
    return " ".join(text.split())
