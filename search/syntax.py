"""Reads queries with operators, fields, brackets and ranges: Whoosh tags and groups, we check and translate.

Whoosh repairs what it does not understand: it drops a dangling AND, closes an open bracket, takes an unknown
field for a word. Nobody would see that the answer belongs to another question. So the tagged text is checked
piece by piece before Whoosh groups it, and whatever cannot be done as written is refused with its place.
"""

from typing import Any

from whoosh.qparser import QueryParser, plugins, syntax

from poststelle.errors import QueryError
from search.atoms import atoms
from search.leaves import FIELDS, Leaves
from search.parser import OPERATORS, no_word
from search.query import And, Node, Not, all_of, any_of

_BOUNDARY_BEFORE, _BOUNDARY_AFTER = r"(?<![^\s()])", r"(?![^\s()])"
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
    pieces = [piece for node in _joined_words(text, tagged) for piece in _pieces(text, node)]
    pieces = _with_beginnings(text, pieces)
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
            plugins.RangePlugin(),
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


def _pieces(text: str, node: Any) -> list[Any]:
    """A run of words cut into atoms; everything else as it is."""
    if not isinstance(node, syntax.WordNode):
        return [node]
    _check_characters(node)
    # Blanked, not cut: what stands before a word decides whether a number is one.
    within = " " * node.startchar + text[node.startchar : node.endchar]
    words: list[Any] = []
    position = node.startchar
    for atom in atoms(within):
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
                raise QueryError("Similar words (~) cannot be searched for yet.", position + offset)
            if character in "^\\|":
                raise QueryError(
                    f"The sign {character} means nothing here; put it in quotation marks.", position + offset
                )
            if character in "<>=":
                raise QueryError("Comparisons are written as ranges: date:[2026-01 TO 2026-03].", position + offset)
        if part in OPERATORS:
            raise QueryError(f"{part} cannot be used; there are AND, OR and NOT.", position)
        if len(part) > 1 and part[0] == "-" and part[1].isalpha():
            raise QueryError(f"To leave out letters with a word, write NOT {part[1:]}.", position)
        position += len(part) + 1


def _with_beginnings(text: str, pieces: list[Any]) -> list[Any]:
    """Words with an asterisk behind become beginnings; any other placeholder is refused."""
    kept: list[Any] = []
    for index, piece in enumerate(pieces):
        if not isinstance(piece, plugins.WildcardPlugin.WildcardNode):
            kept.append(piece)
            continue
        follower = pieces[index + 1] if index + 1 < len(pieces) else None
        ends = follower is None or _is_close(follower) or text[follower.startchar].isspace()
        if piece.text != "*":
            raise QueryError(
                "A placeholder for one character (?) cannot be used yet; use * at the end.", piece.startchar
            )
        if not ends or not kept or not isinstance(kept[-1], syntax.WordNode) or kept[-1].endchar != piece.startchar:
            raise QueryError("An asterisk can stand only at the end of a word: Rechn*.", piece.startchar)
        word = kept.pop()
        beginning = plugins.PrefixPlugin.PrefixNode(word.text)
        kept.append(beginning.set_range(word.startchar, piece.endchar))
    return kept


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
            return self._leaves.of_range(field or "", node.start, node.end, node.startchar)
        if isinstance(node, plugins.PhrasePlugin.PhraseNode):
            start = node.textstartchar
            return self._leaves.of_field(field, node.text, start) if field else self._leaves.of_phrase(node.text, start)
        is_beginning = isinstance(node, plugins.PrefixPlugin.PrefixNode)
        if field is not None:
            return self._leaves.of_field(field, node.text, node.startchar, is_beginning)
        if is_beginning:
            return self._leaves.of_beginning(node.text, node.startchar)
        return self._word(node)

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
        found = (self._leaves.of_atom(atom, within) for atom in atoms(within))
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
