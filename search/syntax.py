"""Reads queries with operators, fields, brackets and ranges: Whoosh tags and groups, we check and translate.

Whoosh repairs what it does not understand: it drops a dangling AND, closes an open bracket, takes an unknown
field for a word. Nobody would see that the answer belongs to another question. So the tagged text is checked
piece by piece before Whoosh groups it, and whatever cannot be done as written is refused with its place.
"""

import re
from typing import Any

from whoosh.qparser import QueryParser, plugins, syntax

from poststelle.errors import QueryError
from search.atoms import asked_atoms, atoms
from search.leaves import COLUMNS, COMPARISON, FIELDS, Leaves
from search.parser import OPERATORS, no_word
from search.periods import SEVERAL_WORDS
from search.query import And, Node, Not, all_of, any_of

_BOUNDARY_BEFORE, _BOUNDARY_AFTER = r"(?<![^\s()])", r"(?![^\s()])"
_SIMILAR = re.compile(r"([^\W\d_]+)~([12]?)")
_RANGE = re.compile(
    r"(?P<open>[{\[])(?P<start>[^\]}]*?)(?:(?<=[\s{\[])(?:to|bis)(?=[\s\]}]))(?P<end>[^\]}]*)(?P<close>[}\]])",
    re.IGNORECASE,
)
"""Ours, for to Whoosh "Oktober 2025 TO 2026" ends behind "Ok"."""
_NOT_BLANKS = re.compile(r"\S*")
_CURRENCY = r"(?:€|EUR\b|Euro\b)"
_CURRENCY_BEFORE = re.compile(rf"{_CURRENCY}\s?", re.IGNORECASE)
_CURRENCY_BEHIND = re.compile(rf"\s?{_CURRENCY}", re.IGNORECASE)
_UNDERSTOOD = frozenset({"AND", "UND", "OR", "ODER", "NOT", "NICHT"})
MOST_LEAVES = 64
DEEPEST_NESTING = 20


def parse_syntax(text: str, leaves: Leaves) -> Node:
    """The tree of any query.

    Raises:
        QueryError: it cannot be done as written; the position is an offset in `text`.
    """
    parser = _parser()
    tagged = list(parser.tag(text))
    _check_quotes(text, tagged)
    pieces: list[Any] = []
    for node in _joined_words(text, tagged):
        pieces += _pieces(text, node, pieces[-1] if pieces else None)
    pieces = _with_placeholders(text, pieces)
    _check_brackets(pieces)
    _check_fields(pieces)
    _check_order(text, pieces)
    if sum(_is_operand(piece) for piece in pieces) > MOST_LEAVES:
        raise QueryError(f"More than {MOST_LEAVES} words and values in one query; leave some out.", 0)
    tree = _Translation(text, leaves).node(parser.filterize(parser.group(pieces)))
    if tree is None:
        raise no_word(0)
    return tree


def _parser() -> Any:
    """Whoosh's parser with the parts of its language that we translate."""

    def operator(words: str) -> str:
        return f"{_BOUNDARY_BEFORE}(?:{words}){_BOUNDARY_AFTER}"

    return QueryParser(
        None,
        None,
        plugins=[
            plugins.FieldsPlugin(r"(?P<text>[^\W\d_]\w*):(?!//)"),
            plugins.WildcardPlugin(),
            plugins.PhrasePlugin('"(?P<text>[^"]*)"(?P<slop>(?!))?'),
            plugins.RangePlugin(_RANGE),
            plugins.GroupPlugin(),
            plugins.OperatorsPlugin(
                Not=operator("NOT|NICHT"),
                And=operator("AND|UND"),
                Or=operator("OR|ODER"),
                AndNot=None,
                AndMaybe=None,
                Require=None,
            ),
        ],
    )


def _check_quotes(text: str, tagged: list[Any]) -> None:
    for node in tagged:
        if isinstance(node, syntax.WordNode) and '"' in node.text:
            raise QueryError('A quotation mark (") has no partner.', node.startchar + node.text.index('"'))


def _check_brackets(pieces: list[Any]) -> None:
    open_at: list[int] = []
    for index, node in enumerate(pieces):
        if _is_open(node):
            open_at.append(node.startchar)
            if len(open_at) > DEEPEST_NESTING:
                raise QueryError("Brackets are nested too deeply.", node.startchar)
        elif _is_close(node):
            if not open_at:
                raise QueryError("This closing bracket has no opening one.", node.startchar)
            started = open_at.pop()
            if not any(_is_operand(other) for other in pieces[:index] if other.startchar > started):
                raise QueryError("There is nothing between these brackets.", started)
    if open_at:
        raise QueryError("This opening bracket is never closed.", open_at[-1])


def _joined_words(text: str, tagged: list[Any]) -> list[Any]:
    """Words with only blanks between them become one run: a date or an account number may span several."""
    joined: list[Any] = []
    for node in tagged:
        follows = joined and isinstance(joined[-1], syntax.WordNode)
        if follows and (isinstance(node, syntax.WordNode) or node.is_ws()):
            joined[-1] = _word(text, joined[-1].startchar, node.endchar)
        else:
            joined.append(node)
    return joined


class _SimilarNode(syntax.TextNode):  # type: ignore[misc]
    """A word with ~ behind it."""

    slips: int | None = None


def _pieces(text: str, node: Any, before: Any) -> list[Any]:
    """A run of words cut into atoms, comparisons and similar words; everything else as it is."""
    if not isinstance(node, syntax.WordNode):
        return [node]
    if not isinstance(before, syntax.FieldnameNode) or before.endchar != node.startchar:
        return _words(text, node)
    end = _end_of_value(text, node, FIELDS.get(before.fieldname.lower(), ""))
    if end is None:
        return _words(text, node)
    rest = _words(text, _word(text, end, node.endchar)) if end < node.endchar else []
    return [_word(text, node.startchar, end), *rest]


def _end_of_value(text: str, node: Any, field: str) -> int | None:
    """Where the value of a field ends that such a run of words begins with; None if its first atom is the value."""
    start, stop = node.startchar, node.endchar
    if field in COLUMNS:
        run = _word(text, start, _end_of_match(_NOT_BLANKS, text, start, stop))
        if "~" in run.text or not run.text[:1].isalnum():
            return None
        _check_characters(run)
        return _end_of_word(text, start, stop)
    sign = COMPARISON.match(text, start, stop) if field in ("date", "amount") else None
    at = sign.end() if sign else start
    if sign and at == stop:
        raise QueryError("Write the value right behind the comparison, without quotation marks: date:>2026-01.", start)
    if field == "date" and (several := SEVERAL_WORDS.match(text, at, stop)):
        return _without_rest(text, several.end(), stop)
    if field == "amount":
        at = _end_of_match(_CURRENCY_BEFORE, text, at, stop)
    first = next(atoms(" " * at + text[at:stop]), None)
    if first is None:
        return None
    if field == "amount":
        return _without_rest(text, _end_of_match(_CURRENCY_BEHIND, text, first.end, stop), stop)
    return _without_rest(text, first.end, stop) if sign or first.start == start else None


def _end_of_word(text: str, start: int, stop: int) -> int:
    """Where the next blank is, or what only ends a sentence."""
    end = _end_of_match(_NOT_BLANKS, text, start, stop)
    while end > start + 1 and not text[end - 1].isalnum():
        end -= 1
    return end


def _end_of_match(pattern: re.Pattern[str], text: str, start: int, stop: int) -> int:
    match = pattern.match(text, start, stop)
    return match.end() if match else start


def _without_rest(text: str, end: int, stop: int) -> int:
    """The end of a value behind which nothing is left that belongs to it.

    Raises:
        QueryError: something stands there without a blank, "2026-01..2026-03".
    """
    for position in range(end, _end_of_word(text, end, stop)):
        if text[position].isalnum():
            raise QueryError(
                "Leave a blank behind the value; a range is written date:[2026-01 TO 2026-03] or amount:[10 TO 20].",
                end,
            )
    return end


def _words(text: str, node: Any) -> list[Any]:
    words: list[Any] = []
    position = node.startchar
    for match in _SIMILAR.finditer(text, position, node.endchar):
        if _is_joined(text, match.start() - 1, node.startchar) or _is_joined(text, match.end(), 0, node.endchar):
            continue
        if position < match.start():
            words += _atoms(text, _word(text, position, match.start()))
        similar = _SimilarNode(match.group(1)).set_range(match.start(), match.end())
        similar.slips = int(match.group(2)) if match.group(2) else None
        words.append(similar)
        position = match.end()
    return words + (_atoms(text, _word(text, position, node.endchar)) if position < node.endchar else [])


def _is_joined(text: str, position: int, first: int, end: int | None = None) -> bool:
    """Whether the run of words goes on there without a blank."""
    return first <= position < (len(text) if end is None else end) and not text[position].isspace()


def _atoms(text: str, node: Any) -> list[Any]:
    _check_characters(node)
    # Blanked, not cut: what stands before a word decides whether a number is one.
    within = " " * node.startchar + text[node.startchar : node.endchar]
    words: list[Any] = []
    position = node.startchar
    for atom in asked_atoms(within):
        if position < atom.start:
            words.append(_blank(text, position, atom.start))
        words.append(_word(text, atom.start, atom.end))
        position = atom.end
    if position < node.endchar:
        words.append(_blank(text, position, node.endchar))
    return words


def _check_characters(node: Any) -> None:
    position = node.startchar
    for part in node.text.split(" "):
        for offset, character in enumerate(part):
            if character in "[]{}":
                raise QueryError(
                    "Square and curly brackets are for ranges: date:[2026-01 TO 2026-03].", position + offset
                )
            if character == "~":
                raise QueryError("~ stands right behind a word, with 1 or 2 behind it: Rechnuug~1.", position + offset)
            if character in "^\\|":
                raise QueryError(
                    f"The sign {character} means nothing here; put it in quotation marks.", position + offset
                )
            if character in "<>=":
                raise QueryError("Comparisons need date: or amount: before them: amount:>100.", position + offset)
        if part in _UNDERSTOOD:
            raise QueryError(f"{part} needs a blank on both sides, and its place before the field.", position)
        if part in OPERATORS:
            raise QueryError(f"{part} cannot be used; there are AND, OR and NOT.", position)
        if "&&" in part:
            raise QueryError("Write AND, not &&.", position + part.index("&&"))
        if len(part) > 1 and part[0] in "-!" and part[1].isalpha():
            raise QueryError(f"To leave out letters with a word, write NOT {part[1:]}.", position)
        position += len(part) + 1


def _with_placeholders(text: str, pieces: list[Any]) -> list[Any]:
    """Words and placeholders that touch become one: a beginning if only an asterisk ends it, else a pattern."""
    kept: list[Any] = []
    index = 0
    while index < len(pieces):
        end = index
        while end < len(pieces) and _is_of_a_pattern(
            text, pieces[end], pieces[index:end], pieces[end + 1] if end + 1 < len(pieces) else None
        ):
            end += 1
        touching = pieces[index:end]
        if not any(map(_is_placeholder, touching)):
            kept.append(pieces[index])
            index += 1
            continue
        kept.append(_pattern(text, touching))
        if end < len(pieces) and isinstance(pieces[end], _SimilarNode | plugins.PhrasePlugin.PhraseNode):
            raise QueryError("Leave a blank behind a word with * or ?.", pieces[end].startchar)
        index = end
    return kept


def _is_of_a_pattern(text: str, piece: Any, before: list[Any], after: Any) -> bool:
    if before and before[-1].endchar != piece.startchar:
        return False
    if piece.is_ws():
        # "RE-2026-*" is a beginning like "RE-2026*".
        ties = bool(before) and isinstance(before[-1], syntax.WordNode) and after is not None and _is_placeholder(after)
        return ties and not text[piece.startchar : piece.endchar].strip("-/.") and after.startchar == piece.endchar
    return isinstance(piece, syntax.WordNode) or _is_placeholder(piece)


def _is_placeholder(piece: Any) -> bool:
    return isinstance(piece, plugins.WildcardPlugin.WildcardNode)


def _pattern(text: str, touching: list[Any]) -> Any:
    start, end = touching[0].startchar, touching[-1].endchar
    written = text[start:end]
    if touching[-1].text == "*" and len(touching) > 1 and not any(map(_is_placeholder, touching[:-1])):
        return plugins.PrefixPlugin.PrefixNode(written[:-1]).set_range(start, end)
    for offset, character in enumerate(written):
        if not (character.isalnum() or character in "*?"):
            raise QueryError("* and ? stand in single words only: leave this sign out.", start + offset)
    return _PatternNode(written).set_range(start, end)


class _PatternNode(syntax.TextNode):  # type: ignore[misc]
    """A word with placeholders elsewhere than at its end."""


def _check_fields(pieces: list[Any]) -> None:
    for index, piece in enumerate(pieces):
        if isinstance(piece, syntax.RangeNode):
            before = pieces[index - 1] if index else None
            if not isinstance(before, syntax.FieldnameNode):
                raise QueryError("A range needs its field: date:[2026-01 TO 2026-03].", piece.startchar)
        if not isinstance(piece, syntax.FieldnameNode):
            continue
        if piece.fieldname.lower() not in FIELDS:
            raise _unknown_field(piece)
        value = pieces[index + 1] if index + 1 < len(pieces) else None
        if value is None or not (_is_operand(value) or _is_open(value)) or value.startchar != piece.endchar:
            raise QueryError(
                f"Write what {piece.fieldname}: should be right behind the colon, without a blank.", piece.startchar
            )


def _unknown_field(piece: Any) -> QueryError:
    from difflib import get_close_matches

    near = get_close_matches(piece.fieldname.lower(), FIELDS, n=1)
    hint = f"Did you mean {near[0]}:?" if near else "There are " + ", ".join(sorted(set(FIELDS.values()))) + "."
    return QueryError(
        f"There is no field {piece.fieldname}:. {hint} To search for the word itself, put it in quotation marks.",
        piece.startchar,
    )


def _check_order(text: str, pieces: list[Any]) -> None:
    """Every operator has something to work on."""
    shown = [piece for piece in pieces if not piece.is_ws()]
    for index, piece in enumerate(shown):
        if not isinstance(piece, syntax.Operator):
            continue
        before = shown[index - 1] if index else None
        after = shown[index + 1] if index + 1 < len(shown) else None
        is_not = isinstance(piece, syntax.PrefixOperator)
        if not is_not and (before is None or not (_is_operand(before) or _is_close(before))):
            raise QueryError(f"{piece.text} needs a word before it.", piece.startchar)
        if is_not and isinstance(after, syntax.PrefixOperator):
            raise QueryError(f"{piece.text} {after.text} cancels itself out; leave both away.", piece.startchar)
        if after is None or not (
            _is_operand(after)
            or _is_open(after)
            or isinstance(after, syntax.FieldnameNode)
            or (not is_not and isinstance(after, syntax.PrefixOperator))
        ):
            raise QueryError(f"{piece.text} needs a word behind it.", piece.startchar)


class _Translation:
    """Whoosh's grouped nodes into our tree."""

    def __init__(self, text: str, leaves: Leaves) -> None:
        self._text = text
        self._leaves = leaves

    def node(self, node: Any) -> Node | None:
        if isinstance(node, syntax.GroupNode):
            return self._group(node)
        field = None if node.fieldname is None else FIELDS[node.fieldname.lower()]
        if isinstance(node, syntax.RangeNode):
            excluded = (bool(node.startexcl), bool(node.endexcl))
            return self._leaves.of_range(field or "", node.start, node.end, node.startchar, excluded)
        if isinstance(node, plugins.PhrasePlugin.PhraseNode):
            start = node.textstartchar
            return self._leaves.of_field(field, node.text, start) if field else self._leaves.of_phrase(node.text, start)
        if isinstance(node, _PatternNode | _SimilarNode):
            return self._loose(node, field)
        is_beginning = isinstance(node, plugins.PrefixPlugin.PrefixNode)
        if field is not None:
            return self._leaves.of_field(field, node.text, node.startchar, is_beginning)
        if is_beginning:
            return self._leaves.of_beginning(node.text, node.startchar)
        return self._word(node)

    def _loose(self, node: Any, field: str | None) -> Node:
        """Words with placeholders or ~, which only text has."""
        if field is not None and field not in COLUMNS:
            sign = "~" if isinstance(node, _SimilarNode) else "A placeholder"
            raise QueryError(f"{sign} cannot be used with {field}:, write the whole value.", node.startchar)
        column = COLUMNS[field] if field else None
        if isinstance(node, _SimilarNode):
            return self._leaves.of_similar(node.text, node.slips, node.startchar, column)
        return self._leaves.of_pattern(node.text, node.startchar, column)

    def _group(self, group: Any) -> Node | None:
        children = [child for child in map(self.node, group) if child is not None]
        if isinstance(group, syntax.NotGroup):
            return Not(node=children[0])
        if not children:
            return None
        if len(children) == 1:
            return children[0]
        return any_of(children) if isinstance(group, syntax.OrGroup) else _flat(children)

    def _word(self, node: Any) -> Node | None:
        within = " " * node.startchar + self._text[node.startchar : node.endchar]
        found = (self._leaves.of_atom(atom, within) for atom in asked_atoms(within))
        words = [leaf for leaf in found if leaf is not None]
        return all_of(words) if words else None


def _flat(children: list[Node]) -> Node:
    """AND inside AND says the same as one AND, and ranks its words together."""
    nodes: list[Node] = []
    for child in children:
        nodes += child.nodes if isinstance(child, And) else [child]
    return all_of(nodes)


def _word(text: str, start: int, end: int) -> Any:
    return syntax.WordNode(text[start:end]).set_range(start, end)


def _blank(text: str, start: int, end: int) -> Any:
    return syntax.Whitespace().set_range(start, end)


def _is_open(node: Any) -> bool:
    return isinstance(node, plugins.GroupPlugin.OpenBracket)


def _is_close(node: Any) -> bool:
    return isinstance(node, plugins.GroupPlugin.CloseBracket)


def _is_operand(node: Any) -> bool:
    return isinstance(node, syntax.TextNode | syntax.RangeNode)
