"""Removes what deleted terms leave behind in the full-text table's own page directory.

FTS5 removes postings and terms physically under `secure-delete`, but the table `terms_idx`, which says where each
index page begins, keeps the term (or its beginning) that once separated two pages, although the term is
gone from both. Such a separator may be replaced by any term that sorts between the pages: the smallest
living term that is not smaller does, because nothing living lies between the two.
"""

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from poststelle.anyof import AnyOf

if TYPE_CHECKING:
    from poststelle.access.database import Database

TELLING_CHARACTERS = 6
"""Shorter removed terms are not looked for: by chance they are part of something that lives."""
TELLING_DIGITS = 9
"""The same for terms without letters: ids and longer numbers are full of short ones."""

_MARK = re.compile(r"^(_t)?(_[winr])?")
"""Of keys that spell what a letter says."""

_TRACE_BYTES = 24

_MAIN_INDEX = b"0"
"""First byte of every separator: FTS5 numbers its main index 0 and prefix indexes from 1."""

_NEXT_SEGMENT = "SELECT min(segid) FROM terms_idx WHERE segid > ?"
_SEPARATORS = """
WITH found AS MATERIALIZED (
    SELECT segments.value AS segment, spelled, (
        SELECT term FROM terms_idx WHERE segid = segments.value AND term <= spelled ORDER BY term DESC LIMIT 1
    ) AS separator
    FROM json_each(?) AS segments CROSS JOIN (SELECT CAST('0' || value AS BLOB) AS spelled FROM json_each(?))
)
SELECT segment, separator FROM found WHERE substr(spelled, 1, length(separator)) = separator
"""

_LIVING = (
    # A longer living word may spell a dead one. The skeleton of a number stands next to it without a gap, and both
    # together may spell one too.
    "SELECT group_concat(word, char(10)) FROM words",
    # Words of the tables themselves, and parts of other letters' ids and classes.
    "SELECT group_concat(lower(sql), char(10)) FROM sqlite_master",
    "SELECT group_concat(word || skeleton, char(10)) FROM numbers",
    "SELECT group_concat(document_id || char(10) || record_class, char(10)) FROM letters",
    # Everything else, and slower: it reads every posting.
    "SELECT group_concat(term, char(10)) FROM temp.living",
)
"""Each as one text: fetching row by row takes longer than reading."""


def forget_separators(database: "Database", removed: set[str]) -> bool:
    """Replace every separator that spells a removed term, or the beginning of one, and no living term.

    False if one had to be left because no living term may take its place: then the terms must be written anew.
    """
    _open_postings(database)
    return all(_replace(database, segment, separator) for segment, separator in _separators_at(database, removed))


def _separators_at(database: "Database", removed: set[str]) -> list[tuple[int, bytes]]:
    """(segment, separator) of every separator that spells a removed term or the beginning of one."""
    segments: list[int] = []
    while (segment := database.value(_NEXT_SEGMENT, (segments[-1] if segments else -1,))) is not None:
        segments.append(segment)
    rows = database.rows(_SEPARATORS, (json.dumps(segments), json.dumps(sorted(removed))))
    return sorted({(segment, separator) for segment, separator in rows if separator})


def _replace(database: "Database", segment: int, separator: bytes) -> bool:
    living = _next_living_term(database, separator)
    if living is not None and living.startswith(separator):
        return True  # A living term is spelled alike: the separator tells nothing that the index does not hold.
    following = database.value(
        "SELECT term FROM terms_idx WHERE segid = ? AND term > ? ORDER BY term LIMIT 1", (segment, separator)
    )
    if living is None or (following is not None and living >= following):
        return False
    database.run("UPDATE terms_idx SET term = ? WHERE segid = ? AND term = ?", (living, segment, separator))
    return True


def _next_living_term(database: "Database", separator: bytes) -> bytes | None:
    """The smallest term of the index that does not sort before the separator, as the page directory spells it."""
    # A separator may end inside a letter of several bytes: cut back to whole ones, then skip what sorts before.
    whole = separator[len(_MAIN_INDEX) :].decode("utf-8", "ignore")
    for (term,) in database.rows("SELECT term FROM temp.postings WHERE term >= ? ORDER BY term", (whole,)):
        spelled = _MAIN_INDEX + str(term).encode()
        if spelled >= separator:
            return spelled
    return None


def trace_of(content: bytes) -> bytes:
    """A piece of a letter's stored content by which it is told from all others but a second copy; near its beginning,
    which is never moved off the row's own page."""
    start = min(_TRACE_BYTES * 2, len(content) // 2)
    return content[start : start + _TRACE_BYTES]


def _living_traces(database: "Database", traces: set[bytes]) -> set[bytes]:
    """Those of the traces that a letter of the index has: the same paper came twice, and the other one stays."""
    stored = database.rows("SELECT letter FROM contents JOIN letters USING(number)")
    return {trace for (content,) in stored if (trace := trace_of(content)) in traces}


def terms_without_letter(database: "Database", terms: set[str]) -> set[str]:
    """Those of the terms that no letter holds."""
    _open_postings(database)
    living = database.rows(
        "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM temp.postings WHERE term = value)",
        (json.dumps(sorted(terms)),),
    )
    return terms.difference(term for (term,) in living)


def _open_postings(database: "Database") -> None:
    # One row a posting: unlike the table of whole terms, it need not read all postings of a term to name it.
    database.run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.postings USING fts5vocab('main', 'terms', 'instance')")


class Removed(NamedTuple):
    """What must be on no page any more."""

    terms: set[str]
    """Terms and words that no other letter held, and the letters' ids."""
    contents: dict[int, bytes]
    """A piece of each letter as it was stored, compressed, by its number."""


def still_spelled(database: "Database", removed: Removed) -> bool:
    """Whether a removed letter, or a term that no letter holds any more, is still on a decrypted page, freed or not.

    Pages of `contents` hold compressed letters only, where no term is spelled; a page that is put to another use is
    overwritten first (`secure_delete`). So each page is looked through for what can be there.
    """
    # Keys are words with a short mark before them; without it, the word itself gives the letter away just as well.
    dead = {_MARK.sub("", term).encode() for term in removed.terms if _is_telling(term)}
    traces = set(removed.contents.values())
    in_contents, in_others = AnyOf(traces), AnyOf(traces | dead)
    for contents, others in database.pages_of_removed("contents", list(removed.contents)):
        if contents:
            in_contents.look_in(contents)
        if others:
            in_others.look_in(others)
    left = in_contents.found | in_others.found & traces
    found = in_others.found - traces
    if left and left - _living_traces(database, left):
        return True
    return bool(found and _not_living(database, found))


def _not_living(database: "Database", found: set[bytes]) -> set[bytes]:
    """Those of the terms that nothing spells which may stand in the index; what is read quickly is asked first."""
    database.run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.living USING fts5vocab('main', 'terms', 'row')")
    for rows in _LIVING:
        if found:
            spelled: str | None = database.value(rows)
            found = found - AnyOf(found).look_through([(spelled or "").encode()])
    return found


def _is_telling(term: str) -> bool:
    word = _MARK.sub("", term)
    least = TELLING_CHARACTERS if any(map(str.isalpha, word)) else TELLING_DIGITS
    return len(word) >= least
