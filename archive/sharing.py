"""Sharing: letters wrapped to the keys of a share, beside their own, for an auditor with limits and an end.

The same primitive as a move, without the deleting: a holder opens the part keys and wraps them to another scope. No
object is rewritten, and the letter stays where it is. What a share holds is one row more for each part set, which
goes with the letter when it is destroyed, and with the share when that ends.
"""

from collections.abc import Iterator

from archive.keystore import TEXT, DocumentWrap, KeyStore, wrap_keys
from archive.reading import Reading
from poststelle.access.keybook import KeyBook, content_scope, index_scope


def shared_wraps(
    book: KeyBook, reading: Reading, keys: KeyStore, document_id: str, share: str, text_version: int
) -> Iterator[DocumentWrap]:
    """A letter's keys wrapped to a share.

    Raises:
        NotPermitted: the identity does not hold the letter's keys.
    """
    for wrap in keys.wraps_of(document_id):
        if wrap.part_set == TEXT and wrap.version != text_version:
            continue  # of a revision that a crash cut off
        scope = index_scope(share) if wrap.part_set == TEXT else content_scope(share)
        yield wrap_keys(book, document_id, wrap.part_set, wrap.version, scope, reading.unwrap(wrap))
