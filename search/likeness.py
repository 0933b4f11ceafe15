"""Turns a letter into the query that finds letters like it: its telling words, any of them."""

from collections import Counter

from search.index import CompartmentIndex
from search.matching import leaf_expression
from search.query import Query, Word, any_of

WORDS = 12
_CANDIDATES = 40
_HEADING = 4
"""How much more often a word of subject or sender counts than one of the text."""
_SHORTEST = 4


def query_like(index: CompartmentIndex, document_id: str) -> Query | None:
    """The query for letters like this one, which is in the index; None if it has no word that tells anything."""
    entry = index.get(document_id)
    if entry is None:
        return None
    analyser = index.analyser
    counts: Counter[str] = Counter()
    for text, weight in ((entry.title, _HEADING), (entry.sender, _HEADING), *((page, 1) for page in entry.pages)):
        for mark in analyser.analyse(text).stream:
            if mark.term.isalpha() and len(mark.term) >= _SHORTEST:
                counts[mark.term] += weight
    letters = index.letters()
    often = sorted(counts, key=lambda term: (-counts[term], term))[:_CANDIDATES]
    holding = {term: index.count(leaf_expression(Word(term=term))) for term in often}
    # A word that only this letter has finds no other; one that most letters have tells nothing.
    telling = [term for term in often if 1 < holding[term] <= max(letters // 2, 2)]
    telling.sort(key=lambda term: (-counts[term] / holding[term] ** 0.5, term))
    if not telling:
        return None
    return Query(text="", root=any_of([Word(term=term, exact=True) for term in telling[:WORDS]]))
