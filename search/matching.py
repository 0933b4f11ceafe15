"""Compiles a query tree for SQLite: full-text expressions where terms decide, conditions on rows for the rest."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from search.analysis import heading_key, word_key
from search.query import (
    AmountRange,
    And,
    Beginning,
    Column,
    DateRange,
    Key,
    Node,
    Not,
    Or,
    Phrase,
    Word,
    any_of,
    wanted_leaves,
)


class Plan(NamedTuple):
    """How to find and rank the letters of one index."""

    ranked_by: str | None
    """Full-text expression that scores letters, or None if nothing in the query can rank."""
    must_match: bool
    """Whether letters outside `ranked_by` are out; otherwise it only scores what `condition` admits."""
    condition: str | None
    """SQL condition on the table `letters`, or None if `ranked_by` says all."""
    bindings: tuple[Any, ...]
    """For the condition's placeholders."""
    headed: tuple[str, ...] = ()
    """Full-text expressions for the best of very many letters: with all the words in subject or sender, with one."""


def plan(node: Node) -> Plan:
    """Split a query into the part that full text answers and the part that rows answer."""
    parts = list(node.nodes) if isinstance(node, And) else [node]
    textual = [part for part in parts if _is_textual(part)]
    wanted = [part for part in textual if not isinstance(part, Not)]
    others = [part for part in parts if not _is_textual(part)]
    if wanted:
        conditions = [_condition(part) for part in others]
        ranked_by = _expression(And(nodes=tuple(textual)))
        words = [_wanted(part) for part in wanted if not isinstance(part, Key)]
        return Plan(
            ranked_by=ranked_by,
            must_match=True,
            condition=" AND ".join(sql for sql, _ in conditions) or None,
            bindings=tuple(value for _, values in conditions for value in values),
            headed=tuple(_headed(words, ranked_by, says_all=len(words) == len(textual))) if words else (),
        )
    sql, bindings = _condition(node)
    scoring = [leaf for leaf in wanted_leaves(node) if not isinstance(leaf, DateRange | AmountRange)]
    return Plan(
        ranked_by=_expression(any_of(list(scoring))) if scoring else None,
        must_match=False,
        condition=sql,
        bindings=tuple(bindings),
    )


def leaf_expression(node: Word | Phrase | Beginning | Key) -> str:
    """The full-text expression of one leaf."""
    match node:
        case Word(term=term, column=column):
            return _in(column, _quoted(term))
        case Phrase(terms=terms, column=column):
            return _in(column, _quoted(" ".join(terms)))
        case Key(key=key, is_beginning=is_beginning):
            # Anywhere: the dates of a text stand in its stream, not beside it.
            return _quoted(key) + ("*" if is_beginning else "")
        case Beginning(folded=folded, stem=stem, column=None):
            return f"({_quoted(folded)}* OR keys : {_quoted(word_key(folded))}*)"
        case Beginning(folded=folded, stem=stem, column=column):
            # Inflected forms are keys of the whole letter; the stem says that the word stands in this column.
            inflected = f"({_in(column, _quoted(stem))} AND keys : {_quoted(word_key(folded))}*)"
            return f"({_in(column, _quoted(folded) + '*')} OR {inflected})"


def _headed(words: list[Node], ranked_by: str, *, says_all: bool) -> Iterator[str]:
    """Expressions for letters with all of the words in subject or sender, then for those with one of them there."""
    if len(words) > 1:
        together = " AND ".join(_heading(word) for word in words)
        yield together if says_all else f"{ranked_by} AND ({together})"
    one = heading_of(words)
    yield one if says_all and len(words) == 1 else f"{ranked_by} AND {one}"


def _wanted(node: Node) -> Node:
    """A part of the query without what it excludes."""
    match node:
        case And(nodes=nodes):
            return And(nodes=tuple(_wanted(child) for child in nodes if not isinstance(child, Not)))
        case _:
            return node


def expression_of(nodes: list[Node]) -> str:
    """The full-text expression for letters with any of these words, wherever they stand."""
    return _expression(any_of(nodes))


def heading_of(nodes: list[Node]) -> str:
    """The full-text expression for letters with any of these words in subject or sender."""
    return _heading(any_of(nodes))


def _heading(node: Node) -> str:
    match node:
        case And() | Or():
            return _joined(node, _heading)
        case Word(term=term, column=column):
            stands = _quoted(heading_key(term))
            return stands if column is None else f"({stands} AND {_in(column, _quoted(term))})"
        case Phrase(terms=terms, column=column):
            # Whether the words stand there at all is quickly told.
            stands = " AND ".join(_quoted(heading_key(term)) for term in dict.fromkeys(terms))
            return f"({stands} AND {column or '{title sender}'} : {_quoted(' '.join(terms))})"
        case Key(key=key, is_beginning=is_beginning):
            return _quoted(heading_key(key)) + ("*" if is_beginning else "")
        case Beginning(folded=folded, column=column):
            stands = _quoted(heading_key(folded)) + "*"
            return stands if column is None else f"({stands} AND {_in(column, _quoted(folded) + '*')})"
        case _:
            raise ValueError("rows decide this, not full text")


def _is_textual(node: Node) -> bool:
    """Whether full text alone can answer: no dates or amounts, and NOT only beside something wanted."""
    match node:
        case DateRange() | AmountRange():
            return False
        case And(nodes=nodes):
            return all(map(_is_textual, nodes)) and any(not isinstance(child, Not) for child in nodes)
        case Or(nodes=nodes):
            return all(_is_textual(child) and not isinstance(child, Not) for child in nodes)
        case Not(node=child):
            return _is_textual(child) and not isinstance(child, Not)
        case _:
            return True


def _expression(node: Node) -> str:
    match node:
        case And() | Or():
            return _joined(node, _expression)
        case Word() | Phrase() | Beginning() | Key():
            return leaf_expression(node)
        case _:
            raise ValueError("rows decide this, not full text")


def _joined(node: And | Or, expression: Callable[[Node], str]) -> str:
    if isinstance(node, Or):
        return "(" + " OR ".join(map(expression, node.nodes)) + ")"
    wanted = " AND ".join(expression(child) for child in node.nodes if not isinstance(child, Not))
    excluded = [expression(child.node) for child in node.nodes if isinstance(child, Not)]
    return f"(({wanted}) NOT ({' OR '.join(excluded)}))" if excluded else f"({wanted})"


def _condition(node: Node) -> tuple[str, list[Any]]:
    if isinstance(node, DateRange):
        return "dated_on BETWEEN ? AND ?", [node.first.isoformat(), node.last.isoformat()]
    if isinstance(node, AmountRange):
        within = "(number IN (SELECT letter FROM amounts WHERE cents BETWEEN ? AND ?))"
        return within, [node.lowest, node.highest]
    if isinstance(node, Not):
        sql, bindings = _condition(node.node)
        return f"NOT {sql}" if sql.startswith("(") else f"NOT ({sql})", bindings
    if _is_textual(node):
        return "(number IN (SELECT rowid FROM terms WHERE terms MATCH ?))", [_expression(node)]
    if isinstance(node, And | Or):
        parts = [_condition(child) for child in node.nodes]
        joined = (" AND " if isinstance(node, And) else " OR ").join(sql for sql, _ in parts)
        return f"({joined})", [value for _, values in parts for value in values]
    raise ValueError("a leaf that neither text nor rows can answer")


def _in(column: Column | None, expression: str) -> str:
    return expression if column is None else f"{column} : {expression}"


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
