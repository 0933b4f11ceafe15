"""Removes what deleted terms leave behind in the full-text table's own page directory.

FTS5 removes postings and terms physically under `secure-delete`, but the table `terms_idx`, which says where each
index page begins, keeps the term (or its beginning) that once separated two pages, although the term is
gone from both. Such a separator may be replaced by any term that sorts between the pages: the smallest
living term that is not smaller does, because nothing living lies between the two.
"""

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poststelle.access.database import Database

TELLING_CHARACTERS = 6
"""Shorter removed terms are not looked for: by chance they are part of something that lives."""
FEW_TERMS = 256
"""Up to so many terms it is quicker to look for each than to take the image apart."""
_SPELLED = re.compile(rb"[0-9a-z_\x80-\xff]{%d,}" % TELLING_CHARACTERS)

_MAIN_INDEX = b"0"
"""First byte of every separator: FTS5 numbers its main index 0 and prefix indexes from 1."""

_NEXT_SEGMENT = "SELECT min(segid) FROM terms_idx WHERE segid > ?"
_SEPARATORS = """
SELECT segment, separator FROM (
    SELECT segments.value AS segment, spelled, (
        SELECT term FROM terms_idx WHERE segid = segments.value AND term <= spelled ORDER BY term DESC LIMIT 1
    ) AS separator
    FROM json_each(?) AS segments, (SELECT CAST('0' || value AS BLOB) AS spelled FROM json_each(?))
) WHERE substr(spelled, 1, length(separator)) = separator
"""


def forget_separators(database: "Database", removed: set[str]) -> bool:
    """Replace every separator that spells a removed term, or the beginning of one, and no living term.

    False if one had to be left because no living term may take its place: then the terms must be written anew.
    """
    # One row a posting: unlike the table of whole terms, it need not read all postings of a term to name it.
    database.run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.postings USING fts5vocab('main', 'terms', 'instance')")
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


def is_living(database: "Database", term: str) -> bool:
    """Whether any letter holds the term."""
    # One row a posting: unlike the table of whole terms, it need not read all postings of a term to name it.
    database.run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.postings USING fts5vocab('main', 'terms', 'instance')")
    return database.row("SELECT 1 FROM temp.postings WHERE term = ? LIMIT 1", (term,)) is not None


def still_spelled(database: "Database", removed: set[str]) -> bool:
    """Whether a term that no letter holds any more is still spelled on a decrypted page, freed pages included."""
    dead = {term.encode() for term in removed if len(term) >= TELLING_CHARACTERS and not is_living(database, term)}
    image = b"".join(database.pages())
    found = _spelled(image, dead)
    if not found:
        return False
    # A longer living word may spell a dead one; the vocabulary knows most of them without reading any posting.
    found = {term for term in found if not _within_a_word(database, term.decode())}
    if not found:
        return False
    database.run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.living USING fts5vocab('main', 'terms', 'row')")
    living = "\n".join(term for (term,) in database.rows("SELECT term FROM temp.living")).encode()
    return any(term not in living for term in found)


def _within_a_word(database: "Database", term: str) -> bool:
    return database.row("SELECT 1 FROM words WHERE instr(word, ?) LIMIT 1", (term,)) is not None


def _spelled(image: bytes, dead: set[bytes]) -> set[bytes]:
    """Those of the terms that stand anywhere in the image."""
    if len(dead) <= FEW_TERMS:
        return {term for term in dead if term in image}
    lengths = sorted({len(term) for term in dead})
    return {
        piece
        for spelled in set(_SPELLED.findall(image))
        # Terms stand side by side without a blank: look at every place where one could begin.
        for start in range(len(spelled) - TELLING_CHARACTERS + 1)
        for length in lengths
        if (piece := spelled[start : start + length]) in dead
    }
