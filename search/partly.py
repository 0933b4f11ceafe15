"""Widens a query that no letter satisfies: all its words but one, then all but two, down to any of them."""

from itertools import combinations
from math import comb

from search.query import And, Beginning, Node, Or, Word, all_of, any_of

MOST_COMBINATIONS = 40


def partly_matching(root: Node) -> list[Node]:
    """Queries for letters with most of the words, the most demanding first; fields, quotes and NOT stay as they are."""
    if not isinstance(root, And):
        return []
    bare = [node for node in root.nodes if _is_bare(node)]
    others = [node for node in root.nodes if not _is_bare(node)]
    return [
        all_of([*others, any_of([all_of(list(several)) for several in combinations(bare, count)])])
        for count in range(len(bare) - 1, 0, -1)
        if comb(len(bare), count) <= MOST_COMBINATIONS
    ]


def _is_bare(node: Node) -> bool:
    """A word as it was typed, or the spellings of a number or date."""
    match node:
        case Word(column=None, exact=False) | Beginning(column=None):
            return True
        case Or(nodes=nodes):
            return any(isinstance(child, Word) and _is_bare(child) for child in nodes)
        case _:
            return False
