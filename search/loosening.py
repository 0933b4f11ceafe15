"""Widens a query for one index: wildcards and ~ into the words they stand for, plain words into what is near them.

Wildcards and ~ are part of the question, so their words are exact matches. Near words are not: compounds that
contain a word, and words that look like it if a finger or a recognition engine slipped. They are found in one
look through the vocabulary, and only where exact matches do not fill the page.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from poststelle.errors import QueryError
from search.analysis import word_key
from search.index import CompartmentIndex
from search.matching import leaf_expression
from search.query import And, Beginning, Column, Key, Leaf, Node, Not, Or, Pattern, Similar, Word, any_of
from search.spelling import edit_distance, most_alike, skeleton, slips_allowed
from search.vocabulary import NUMBER_KEY

MOST_WORDS_OF_A_PATTERN = 400
MOST_NEAR_WORDS = 150
"""For one word of the query; the nearest are taken."""
SHORTEST_PART = 4
"""Letters of a stem; a shorter one is part of too many words that have nothing to do with it."""
SHORTEST_BLURRED_PART = 7
_RARE_LETTERS = 2
_RARER = 20
"""A misspelling stands in at most so many letters, or in a twentieth of those that spell the word right."""
_SHORTEST_REST = 3
_LONGEST_ENDING = 2
"""Letters that inflection adds: a slip in "Rechnung" leads to "Rechnungen" too."""
_PARTICIPLE = "ge"
"""What a stem may have lost in its middle."""
_NOTHING = Key(key="_nothing")
"""No index holds this key."""


class Nearness(Enum):
    """In which way a word is near."""

    PART = "part"
    """A compound that contains it."""
    SLIP = "slip"


class NearWord(NamedTuple):
    """A word of the index that may stand for one of the query."""

    word: str
    nearness: Nearness
    closeness: float
    """Below 1, which is the word itself."""


Meanings = Mapping[Leaf, Node]
"""What each wildcard and ~ of a query stands for in one index."""


def meanings(node: Node, index: CompartmentIndex) -> Meanings:
    """The words of this index that the wildcards and ~ of a query stand for.

    Raises:
        QueryError: a wildcard stands for too many words.
    """
    return {leaf: _meaning(leaf, index) for leaf in _open_leaves(node)}


def _meaning(leaf: Pattern | Similar, index: CompartmentIndex) -> Node:
    match leaf:
        case Pattern(folded=pattern, column=column):
            words = index.words.like(pattern, MOST_WORDS_OF_A_PATTERN + 1)
            if column is None and any(map(str.isdigit, pattern)):
                words += index.words.numbers_like(pattern, MOST_WORDS_OF_A_PATTERN + 1)
            if len(words) > MOST_WORDS_OF_A_PATTERN:
                raise QueryError(
                    f"More than {MOST_WORDS_OF_A_PATTERN} different words fit this; write more of the word.",
                    leaf.start,
                )
            return any_of([_as_leaf(index, word, column) for word in words]) if words else _NOTHING
        case Similar(folded=folded, term=term, slips=slips, column=column):
            found = near_words(index, [(folded, term, slips)])[folded]
            slipped = (index.analyser.stem(near.word) for near in found if near.nearness is Nearness.SLIP)
            return any_of([Word(term=stem, column=column) for stem in dict.fromkeys((term, *slipped))])


def resolve(node: Node, meant: Meanings) -> Node:
    """The same query with wildcards and ~ replaced by the words that they stand for."""
    if not meant:
        return node
    return _mapped(node, lambda leaf: meant.get(leaf, leaf), lambda child: resolve(child, meant))


def _open_leaves(node: Node) -> Iterable[Pattern | Similar]:
    """The wildcards and ~ of a query, which mean other words in every index."""
    match node:
        case And(nodes=nodes) | Or(nodes=nodes):
            for child in nodes:
                yield from _open_leaves(child)
        case Not(node=child):
            yield from _open_leaves(child)
        case Pattern() | Similar():
            yield node


class Loosened(NamedTuple):
    """A query widened by near words."""

    root: Node
    groups: tuple[tuple[tuple[float, Node], ...], ...]
    """For every word that was widened or might have been: what stands for it, and how well (1 is itself)."""
    found: dict[str, list[NearWord]]
    """What is near each folded word of the query."""


def loosen(node: Node, index: CompartmentIndex, meant: Meanings) -> Loosened:
    """The query with every plain word widened; what is excluded or quoted stays as it is, wildcards mean `meant`."""
    words = {leaf.term: leaf for leaf in _plain_words(node)}
    asked = {term: (_folded(index, leaf), term, slips_allowed(_folded(index, leaf))) for term, leaf in words.items()}
    found = near_words(index, asked.values())
    groups: list[tuple[tuple[float, Node], ...]] = []

    def replaced(leaf: Leaf) -> Node:
        match leaf:
            case Word(term=term, column=column, exact=False) if term in asked:
                # Whatever form of the near word a letter has; the nearest form counts.
                near = _near_stems(index, term, found[asked[term][0]])
                others = ((close, Word(term=stem, column=column, exact=True)) for stem, close in near.items())
                groups.append(((1.0, leaf), *others))
                return any_of([alternative for _, alternative in groups[-1]])
            case Key(key=key, is_beginning=False) if (
                key.startswith(NUMBER_KEY) and not key.removeprefix(NUMBER_KEY).isdigit()
            ):
                alike = [Key(key=other) for other in index.words.numbers_resembling(key)]
                return any_of([leaf, *(other for other in alike if other != leaf)])
            case Word() | Beginning():
                groups.append(((1.0, leaf),))
                return leaf
            case Pattern() | Similar():
                # One group, whatever it stands for here: the groups of all indexes are compared one by one.
                groups.append(((1.0, meant[leaf]),))
                return meant[leaf]
            case _:
                return leaf

    root = _mapped(node, replaced, lambda child: resolve(child, meant))
    return Loosened(root=root, groups=tuple(groups), found=found)


def _near_stems(index: CompartmentIndex, term: str, words: Iterable[NearWord]) -> dict[str, float]:
    """The stems of near words, without those that are rather words of their own."""
    # A word that the letters know has misspellings that are rare; what is common beside it is another word. For
    # one that they do not know, the finger slipped, and any word may be meant.
    own = index.count(leaf_expression(Word(term=term)))
    common = max(_RARE_LETTERS, own // _RARER) if own else None
    near: dict[str, float] = {}
    for word in words:
        stem = index.analyser.stem(word.word)
        if stem == term or stem in near:
            continue
        if word.nearness is Nearness.SLIP and common is not None and index.is_in_more_than(common, stem):
            continue
        near[stem] = word.closeness
    return near


def near_words(index: CompartmentIndex, asked: Iterable[tuple[str, str, int]]) -> dict[str, list[NearWord]]:
    """What is near each of the (folded word, stem, slips), nearest first."""
    return {folded: _nearest(index, folded, stem, slips) for folded, stem, slips in asked}


def _nearest(index: CompartmentIndex, folded: str, stem: str, slips: int) -> list[NearWord]:
    words, stemmed = index.words.everything(), index.analyser.stem
    near: dict[str, NearWord] = {}
    if slips:
        for word in words.resembling(folded):
            if word != folded and skeleton(word) == skeleton(folded):
                near[word] = NearWord(word, Nearness.SLIP, 0.8)
        for word in most_alike(folded, words.each, slips + _LONGEST_ENDING):
            if word != folded and word not in near and (closeness := _slipped(folded, word, slips, stemmed)):
                near[word] = NearWord(word, Nearness.SLIP, closeness)
    for part in _parts(index, folded, stem):
        blurred = len(part) >= SHORTEST_BLURRED_PART
        for word in words.resembling(part) if blurred else words.containing(part):
            closeness = _part(part, word, stemmed)
            before = near.get(word)
            if closeness and (before is None or (before.nearness is Nearness.PART and before.closeness < closeness)):
                near[word] = NearWord(word, Nearness.PART, closeness)
    nearest = sorted(near.values(), key=lambda found: (-found.closeness, len(found.word), found.word))
    return nearest[:MOST_NEAR_WORDS]


def _parts(index: CompartmentIndex, folded: str, stem: str) -> list[str]:
    """What compounds of a word have in them: "abschluss", though its stem is that of abschließen."""
    return [
        part
        for part in dict.fromkeys((stem, index.analyser.plain_stem(folded)))
        if len(part) >= SHORTEST_PART and part.isalpha()
    ]


def _slipped(folded: str, word: str, slips: int, stemmed: Callable[[str], str]) -> float:
    """How close a misspelling is; 0 if it is none."""
    distance = edit_distance(folded, word, slips)
    if distance <= slips:
        return 0.7 if distance == 1 else 0.5
    stem = stemmed(word)
    return 0.6 if len(stem) >= SHORTEST_PART and edit_distance(folded, stem, slips) <= slips else 0.0


def _part(stem: str, word: str, stemmed: Callable[[str], str]) -> float:
    """How close a compound is that contains the stem, or something that looks like it; 0 if it is none."""
    if len(word) < len(stem) + _SHORTEST_REST:
        return 0.0
    at = word.find(stem)
    if at < 0:
        # Recognised with a slip: the place is that of the blurred part, as far as lengths agree.
        return 0.4
    whole = stemmed(word)
    before, after = at, len(whole) - at - len(stem)
    if after <= 0 and whole.endswith(stem):
        # Three letters before it are rather a syllable than a word: "einzahlung".
        return 0.75 if before > _SHORTEST_REST else 0.55 if before == _SHORTEST_REST else 0.0
    if before == 0:
        return 0.65 if after >= _SHORTEST_REST else 0.0
    return 0.45 if len(stem) > SHORTEST_PART and before >= _SHORTEST_REST else 0.0


def _as_leaf(index: CompartmentIndex, word: str, column: Column | None) -> Node:
    """Letters with exactly this word; in a column, letters with its stem there."""
    if word.startswith(NUMBER_KEY):
        return Key(key=word)
    stem = index.analyser.stem(word)
    if column is not None:
        return Word(term=stem, column=column, exact=True)
    return Word(term=word, exact=True) if stem == word else Key(key=word_key(word))


def _folded(index: CompartmentIndex, leaf: Word) -> str:
    return index.analyser.word(leaf.typed)[1] or leaf.term


def _plain_words(node: Node) -> Iterable[Word]:
    match node:
        case And(nodes=nodes) | Or(nodes=nodes):
            for child in nodes:
                yield from _plain_words(child)
        case Word(exact=False):
            if not node.term.startswith("_") and not node.term.isdecimal():
                yield node
        case _:
            return


def _mapped(node: Node, change: Callable[[Leaf], Node], change_excluded: Callable[[Node], Node]) -> Node:
    """The same tree with other leaves; what is left out is left out as it was typed, but wildcards in it mean words."""
    match node:
        case And(nodes=nodes):
            return And(nodes=tuple(_mapped(child, change, change_excluded) for child in nodes))
        case Or(nodes=nodes):
            return any_of([_mapped(child, change, change_excluded) for child in nodes])
        case Not(node=child):
            return Not(node=change_excluded(child))
        case _:
            return change(node)
