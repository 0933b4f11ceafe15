"""What a person asks for, as a tree of frozen values: what the parser makes and everything else reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Column(StrEnum):
    """A part of the letter that a search can be confined to."""

    TITLE = "title"
    SENDER = "sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Letters with this term; what was typed is kept for suggestions."""

    term: str
    column: Column | None = None
    typed: str = ""
    start: int = 0
    """Offset of `typed` in the query."""
    exact: bool = False
    """Whether it stood in quotation marks: then neither slips nor parts of compounds are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Letters with these terms side by side, in this order."""

    terms: tuple[str, ...]
    column: Column | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Letters with a word that begins like this."""

    folded: str
    stem: str
    """Stem of the typed beginning: where it is shorter, the stream alone would not find "Rechnungen*"."""
    column: Column | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Letters with a key, or with a key that begins like this."""

    key: str
    is_beginning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Letters with a word that fits: * stands for any letters, ? for one."""

    folded: str
    column: Column | None = None
    start: int = 0
    """Offset in the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """Letters with a word that is spelled like this or nearly so."""

    folded: str
    term: str
    """Its stem."""
    slips: int
    """The most that may lie between."""
    column: Column | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """Letters dated within, both days included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRange:
    """Letters about an amount within, both ends included; in cents."""

    lowest: int
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All of these."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """At least one of these."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Every letter but these."""

    node: "Node"


Leaf = Word | Phrase | Beginning | Key | Pattern | Similar | DateRange | AmountRange
Node = Leaf | And | Or | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed query."""

    text: str
    """As typed."""
    root: Node


def wanted_leaves(node: Node) -> Iterator[Leaf]:
    """The leaves that make a letter match, without what is excluded: what is highlighted and ranked."""
    match node:
        case And(nodes=nodes) | Or(nodes=nodes):
            for child in nodes:
                yield from wanted_leaves(child)
        case Not():
            return
        case _:
            yield node


def all_of(nodes: list[Node]) -> Node:
    """AND without needless nesting."""
    return nodes[0] if len(nodes) == 1 else And(nodes=tuple(nodes))


def any_of(nodes: list[Node]) -> Node:
    """OR without needless nesting."""
    return nodes[0] if len(nodes) == 1 else Or(nodes=tuple(nodes))
