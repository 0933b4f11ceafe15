"""Properties of search that must hold for every text and every query."""

import contextlib
import tempfile
import unicodedata
from datetime import date
from functools import reduce
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from search_letters import TODAY, letter, open_index, search

from poststelle.errors import QueryError
from poststelle.german import fold
from search import parse_query
from search.analysis import Analyser
from search.leaves import Leaves
from search.parser import parse_plain
from search.passages import best_passage
from search.query import Query, wanted_leaves
from search.syntax import parse_syntax

WORDS = ("Haus", "Baum", "Fisch", "Wolke", "Stein")
_any_text = st.text(alphabet=st.characters(codec=None), max_size=80)
_letterlike = st.text(alphabet=st.sampled_from("abäöüßÄeinrtgu ue-\n.,/0123456789€\u0308\u00ad\"'*& "), max_size=60)

_leaf = st.sampled_from(WORDS)
_tree = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["AND", "OR"]), inner, inner),
        st.tuples(st.just("NOT"), inner),
    ),
    max_leaves=6,
)


def _typed(tree: object) -> str:
    match tree:
        case str():
            return tree
        case ("NOT", inner):
            return f"(NOT ({_typed(inner)}))"
        case (operator, left, right):
            return f"({_typed(left)} {operator} {_typed(right)})"
    raise AssertionError(tree)


def _holds(tree: object, words: frozenset[str]) -> bool:
    match tree:
        case str():
            return tree in words
        case ("NOT", inner):
            return not _holds(inner, words)
        case ("AND", left, right):
            return _holds(left, words) and _holds(right, words)
        case ("OR", left, right):
            return _holds(left, words) or _holds(right, words)
    raise AssertionError(tree)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.frozensets(st.sampled_from(WORDS)), min_size=1, max_size=6), st.lists(_tree, min_size=4, max_size=8))
def test_and_or_not_agree_with_plain_set_logic(contents: list[frozenset[str]], trees: list[object]) -> None:
    """Whoever combines words must get exactly the letters that logic says."""
    with tempfile.TemporaryDirectory() as folder:
        database, index = open_index(Path(folder))
        with database:
            index.add_many(letter(number, " ".join(sorted(words))) for number, words in enumerate(contents))
            for tree in trees:
                result = search(index, _typed(tree), limit=100)
                expected = {number for number, words in enumerate(contents) if _holds(tree, words)}
                assert {int(hit.document_id, 16) for hit in result.hits} == expected, _typed(tree)
                assert result.total == len(expected)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    st.lists(st.sampled_from(["", "OR", "AND"]), min_size=4, max_size=4),
)
def test_or_binds_tighter_than_side_by_side_and_looser_than_and(words: list[str], operators: list[str]) -> None:
    """The documented reading of a query without brackets, written down as brackets."""
    plain = words[0] + "".join(
        f" {operator} {word}".replace("  ", " ") for operator, word in zip(operators, words[1:], strict=False)
    )
    groups: list[list[list[str]]] = [[[words[0]]]]
    for operator, word in zip(operators, words[1:], strict=False):
        if operator == "AND":
            groups[-1][-1].append(word)
        elif operator == "OR":
            groups[-1].append([word])
        else:
            groups.append([[word]])
    bracketed = " AND ".join("(" + " OR ".join("(" + " AND ".join(ands) + ")" for ands in ors) + ")" for ors in groups)
    contents = [frozenset(word for bit, word in enumerate(WORDS) if number >> bit & 1) for number in range(32)]

    assert _numbers(plain, contents) == _numbers(bracketed, contents), (plain, bracketed)


def _numbers(typed: str, contents: list[frozenset[str]]) -> set[int]:
    """Which of these letters the parsed tree admits, without an index."""
    from search.query import And, Node, Not, Or, Word

    terms = {Analyser().word(word)[0]: word for word in WORDS}

    def holds(node: Node, words: frozenset[str]) -> bool:
        match node:
            case Word(term=term):
                return terms[term] in words
            case And(nodes=nodes):
                return all(holds(child, words) for child in nodes)
            case Or(nodes=nodes):
                return any(holds(child, words) for child in nodes)
            case Not(node=child):
                return not holds(child, words)
        raise AssertionError(node)

    root = parse_query(typed, TODAY).root
    return {number for number, words in enumerate(contents) if holds(root, words)}


@settings(max_examples=400, derandomize=True, deadline=None)
@given(_letterlike)
def test_the_short_way_and_whooshs_parser_make_the_same_tree(text: str) -> None:
    """A query must not mean something else because it happened to be simple."""
    leaves = Leaves(Analyser())
    try:
        short = parse_plain(text, leaves)
    except QueryError as refused:
        short = refused.position  # type: ignore[assignment]
    if short is None:
        return
    try:
        long = parse_syntax(text, leaves)
    except QueryError as refused:
        long = refused.position  # type: ignore[assignment]
    assert short == long


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.one_of(_any_text, st.text(alphabet="ab()[]{}:*?~^\"'- ANDORT\n<>=\\", max_size=40)))
def test_every_query_is_answered_or_refused_with_a_place_in_it(text: str) -> None:
    """Whatever is pasted into the search field, nothing else may come out."""
    try:
        parse_query(text, TODAY)
    except QueryError as refused:
        assert refused.position is not None
        assert 0 <= refused.position <= len(text)


_ASKED = [
    "Rechnung", "Rechnuug", "Gibtesnicht", "Rechn*", "*nung", "R?chnung", "Zahlumg~", "sender:Berger", "sender:*rger",
    "subject:Mahnumg~", '"Erste Mahnung"', "class:invoice", "date:2026-03", "amount:>100", "has:iban", "0711/123456",
    "RE-2026*", "5. März 2026", "NOT", "AND", "OR", "(", ")", "NOT (*nung Zahlung)",
]  # fmt: skip


def test_whatever_is_combined_is_found_or_refused() -> None:
    """Near letters, wildcards, fields and NOT in one query must not trip over one another."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        indexes = []
        for name in ("finance", "hr"):
            database, index = open_index(Path(folder), name)
            opened.enter_context(database)
            indexes.append(index)
        indexes[0].add(
            letter(1, "Wir bitten um Zahlung der Rechnung RE-2026-417.", title="Erste Mahnung", sender="Berger")
        )
        indexes[0].add(letter(2, "Zahlung vom 5. März 2026, Telefon 0711 123456", facts={"amount": "120.00"}))
        indexes[1].add(letter(3, "Die Abrechnung und Rechnuug.", record_class="invoice", dated_on=date(2026, 3, 5)))

        @settings(max_examples=400, derandomize=True, deadline=None, database=None)
        @given(st.lists(st.sampled_from(_ASKED), min_size=1, max_size=5))
        def asked(pieces: list[str]) -> None:
            with contextlib.suppress(QueryError):
                result = search(indexes, " ".join(pieces))
                ids = [hit.document_id for hit in result.hits]
                assert len(set(ids)) == len(ids) == result.total >= result.exact

        asked()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(_letterlike, min_size=1, max_size=4))
def test_every_word_of_a_letter_finds_it(texts: list[str]) -> None:
    """What a clerk reads on the page is a way to the page."""
    with tempfile.TemporaryDirectory() as folder:
        database, index = open_index(Path(folder))
        with database:
            index.add(letter(1, *texts))
            for text in texts:
                for word in text.replace('"', " ").replace("*", " ").replace("-\n", "").split():
                    try:
                        result = search(index, f'"{word}"')
                    except QueryError as refused:
                        assert "no word" in str(refused)
                        continue
                    assert result.total == 1, (text, word)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.one_of(_any_text, _letterlike), st.one_of(_any_text, _letterlike), _letterlike)
def test_a_snippet_is_a_clean_line_with_its_marks_inside(before: str, after: str, word: str) -> None:
    """Half a letter, a stray accent or a mark beside the word makes people mistrust the rest."""
    analyser = Analyser()
    stream = analyser.analyse(word).stream
    if not stream:
        return
    leaves = tuple(wanted_leaves(parse_query(f"{stream[0].term}", TODAY).root)) if stream[0].term.isalpha() else ()
    passage = best_passage(letter(1, before * 5 + " " + word + " " + after * 5), leaves, analyser)

    assert len(passage.text) <= 202 + max(len(before), len(after), len(word)) * 5
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in passage.text)
    flat = [offset for pair in passage.highlights for offset in pair]
    assert flat == sorted(flat) and all(0 <= offset <= len(passage.text) for offset in flat)
    assert all(start < end for start, end in passage.highlights)
    for start, end in passage.highlights:
        assert not unicodedata.combining(passage.text[start])
        assert end == len(passage.text) or not unicodedata.combining(passage.text[end])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=30))
def test_terms_survive_the_index_tokenizer_in_one_piece(text: str) -> None:
    """A term that were cut again on its way into the index could neither be found nor removed."""
    analysis = Analyser().analyse(text)
    for mark in (*analysis.stream, *analysis.keys):
        assert mark.term
        assert all(character.isalnum() or character == "_" for character in mark.term)
        mark.term.encode()
        assert 0 <= mark.start < mark.end <= len(text)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(alphabet="aeiouäöüßAOUÄÖÜbgnrst", max_size=12))
def test_folding_gives_one_spelling_for_umlauts_and_their_substitutes(word: str) -> None:
    """Mueller, Müller and Muller are one person in the index."""
    plain = reduce(
        lambda text, pair: text.replace(*pair), [("ä", "a"), ("ö", "o"), ("ü", "u"), ("ß", "ss")], word.lower()
    )

    assert fold(word) == fold(word.upper()) == fold(unicodedata.normalize("NFD", word))
    if not any(pair in plain for pair in ("ae", "oe", "ue")):
        assert fold(word) == plain


def test_dates_in_a_period_are_the_dates_the_query_takes() -> None:
    """A month ends on its last day, in leap years too."""
    assert _dates("date:2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert _dates("date:[2023-02 TO 02.2023]") == (date(2023, 2, 1), date(2023, 2, 28))


def _dates(typed: str) -> tuple[date, date]:
    from search.query import DateRange

    query: Query = parse_query(typed, TODAY)
    assert isinstance(query.root, DateRange)
    return query.root.first, query.root.last
