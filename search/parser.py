"""Reads what a person typed: plain words and phrases at once, everything else through Whoosh's parser.

Whoosh's parser takes longer to load than a whole search; a query without operators, fields or brackets does not
need it. Both ways make the same tree, which a property test holds.
"""

import re
from collections.abc import Mapping
from datetime import date

from poststelle.errors import QueryError
from search.analysis import Analyser
from search.atoms import asked_atoms, with_bare_area_codes
from search.leaves import Leaves
from search.query import Node, Query, all_of

LONGEST_QUERY = 1_000
"""Characters."""

OPERATORS = frozenset({"AND", "UND", "OR", "ODER", "NOT", "NICHT", "ANDNOT", "ANDMAYBE", "REQUIRE"})
# Anything that means something to the parser, or that must be refused with its position.
_NOT_PLAIN = re.compile(r"[()\[\]{}:*?~^<>=\\|]|(?<!\S)[-!]\w|&&")
_QUOTATION_MARKS = str.maketrans(dict.fromkeys("„“”‟«»〝〞", '"'))
"""As word processors and phones write them; each stays one character, so that places stay what they are."""
_BEGINNING = re.compile(r"(?<!\S)([^\W\d_]+)\*(?!\S)")
_PART = re.compile(rf'"(?P<phrase>[^"]*)"|{_BEGINNING.pattern}|(?P<words>(?:(?!{_BEGINNING.pattern})[^"])+)')


def parse_query(text: str, today: date, classes: Mapping[str, str] | None = None) -> Query:
    """Read a query in the language of docs/query-language.md.

    `today` is what relative dates count from; `classes` are the office's record classes, codes by code and label.

    Raises:
        QueryError: it cannot be done as written; the position is an offset in `text`.
    """
    if len(text) > LONGEST_QUERY:
        raise QueryError(f"The query is longer than {LONGEST_QUERY} characters; leave words out.", LONGEST_QUERY)
    leaves = Leaves(Analyser(), today=today, classes=classes)
    marked = with_bare_area_codes(text.translate(_QUOTATION_MARKS))
    root = parse_plain(marked, leaves)
    if root is None:
        from search.syntax import parse_syntax

        root = parse_syntax(marked, leaves)
    return Query(text=text, root=root)


def parse_plain(text: str, leaves: Leaves) -> Node | None:
    """The tree of a query that is only words and phrases; None if it is more than that.

    Raises:
        QueryError: there is no word in it.
    """
    if _NOT_PLAIN.search(_BEGINNING.sub("", text)) or text.count('"') % 2 or not OPERATORS.isdisjoint(text.split()):
        return None
    nodes: list[Node] = []
    for part in _PART.finditer(text):
        if part["phrase"] is not None:
            if _touches_word(text, part.start() - 1) or _touches_word(text, part.end()):
                return None
            nodes.append(leaves.of_phrase(part["phrase"], part.start("phrase")))
        elif part["words"] is not None:
            nodes += words_between(text, part.start(), part.end(), leaves)
        else:
            nodes.append(leaves.of_beginning(part.group(2), part.start()))
    if not nodes:
        raise no_word(0)
    return all_of(nodes)


def words_between(text: str, start: int, end: int, leaves: Leaves) -> list[Node]:
    """The leaves for unquoted words of the query."""
    # Blanked, not cut, so that offsets and what stands before a word stay as they are.
    within = " " * start + text[start:end]
    found = (leaves.of_atom(atom, within) for atom in asked_atoms(within))
    return [node for node in found if node is not None]


def no_word(position: int) -> QueryError:
    """The error for a place where something to search for is missing."""
    return QueryError("There is no word to search for here.", position)


def _touches_word(text: str, position: int) -> bool:
    return 0 <= position < len(text) and not text[position].isspace()
