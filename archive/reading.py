"""Reading: what a holder of a compartment's keys gets of a letter, and the same refusal for all others."""

import re
from collections.abc import Iterator

from archive.filing import UNSORTED, accession, quarantine_number
from archive.keystore import CONTENT, LETTER, QUARANTINE, TEXT, DocumentWrap, KeyStore, Registered
from archive.objects import MissingPart, ObjectStore, PartName
from archive.textpart import LetterText, QuarantineText, decode_letter, decode_quarantine
from poststelle.access.keybook import COMPARTMENTS, KeyBook, content_scope, index_scope
from poststelle.access.keyring import Keyring, document_purpose
from poststelle.access.sealing import KEY_BYTES, DamagedPart, DoesNotOpen, open_sealed, part_context
from poststelle.errors import Damaged, NoRendition, NotPermitted, UnknownDocument
from poststelle.records import Part

_DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")
_ACCESSION = re.compile(r"([A-Z]+)-(\d{4})-(\d{6,15})")
"""At most as many digits as a database can count."""


class Reading:
    """The sealed archive through one identity's keyring."""

    def __init__(self, *, objects: ObjectStore, keys: KeyStore, keyring: Keyring) -> None:
        self._objects = objects
        self._keys = keys
        self._keyring = keyring
        self._book: KeyBook = keyring.book

    def compartments(self) -> tuple[str, ...]:
        """Compartments whose text this identity can open, in the fixed order; then what was shared with it."""
        shares = [share.name for share in self._book.shared_with(self._keyring.person_id)]
        return tuple(c for c in (*COMPARTMENTS, *shares) if self._keyring.holds(index_scope(c)))

    def resolve(self, name: str) -> tuple[Registered, str]:
        """(register row, compartment) of a letter by id or number.

        Raises:
            UnknownDocument: no such letter, or not in a compartment of this identity.
        """
        registered = self._find(name, LETTER)
        if registered is None or registered.kind != LETTER:
            raise UnknownDocument
        held = self.compartments()
        compartment = self._compartment(registered)
        if compartment in held:
            return registered, compartment
        for share in held:
            for shared in self._shared(share, registered.document_id):
                return shared, share
        raise UnknownDocument

    def _shared(self, compartment: str, document_id: str | None = None) -> list[Registered]:
        """Letters of a share, or one of them; empty for a compartment."""
        scope = index_scope(compartment)
        if self._book.share_of(scope) is None:
            return []
        return self._keys.shared(self._book.current(scope).scope_id, document_id)

    def resolve_quarantined(self, name: str) -> Registered:
        """The register row of a quarantined file by id or number (Q-…); UnknownDocument as in resolve."""
        registered = self._find(name, QUARANTINE)
        if registered is None or registered.kind != QUARANTINE or UNSORTED not in self.compartments():
            raise UnknownDocument
        return registered

    def _find(self, name: str, kind: str) -> Registered | None:
        if _DOCUMENT_ID.fullmatch(name):
            return self._keys.find(name)
        match = _ACCESSION.fullmatch(name.upper())
        if match is None:
            return None
        series, year, number = match[1], int(match[2]), int(match[3])
        prefixes = {v["series"]: c for c, v in self._book.office["compartments"].items()}
        compartment = UNSORTED if kind == QUARANTINE and series == "Q" else prefixes.get(series)
        if compartment is None:
            return None
        return self._keys.find_number(self._book.current(index_scope(compartment)).scope_id, kind, year, number)

    def _compartment(self, registered: Registered) -> str | None:
        scope = self._book.scope_of(registered.scope_id)
        return None if scope is None else scope.removeprefix("index:")

    def letters(self, compartment: str) -> list[Registered]:
        """Committed letters of a compartment or share, oldest first."""
        if self._book.share_of(index_scope(compartment)) is not None:
            return self._shared(compartment)
        return self._keys.registered([self._book.current(index_scope(compartment)).scope_id])

    def is_current(self, compartment: str, registered: Registered) -> bool:
        """Whether a letter still is as `letters` said: neither destroyed nor moved nor revised since."""
        if self._book.share_of(index_scope(compartment)) is not None:
            return registered in self._shared(compartment, registered.document_id)
        return self._keys.find(registered.document_id) == registered

    def position(self, compartment: str) -> tuple[int, int]:
        """(number of letters, highest sequence) of a compartment or share."""
        if self._book.share_of(index_scope(compartment)) is not None:
            letters = self._shared(compartment)
            return len(letters), max((letter.sequence for letter in letters), default=0)
        return self._keys.position(self._book.current(index_scope(compartment)).scope_id)

    def accession(self, registered: Registered) -> str:
        """The letter's number; in a share, the one it has in its compartment."""
        if self._book.share_of(self._book.scope_of(registered.scope_id) or "") is not None:
            registered = self._keys.find(registered.document_id) or registered
        return accession(self._book, self._compartment(registered) or UNSORTED, registered.year, registered.number)

    def text(self, registered: Registered) -> LetterText:
        """Recognised text, facts and reasons."""
        return decode_letter(self._open(registered, Part.TEXT, registered.text_version))

    def quarantine_text(self, registered: Registered) -> QuarantineText:
        """File name and reason of a quarantined file."""
        return decode_quarantine(self._open(registered, Part.TEXT, registered.text_version))

    def quarantined(self) -> Iterator[tuple[Registered, str]]:
        """(register row, number) of every file in quarantine."""
        scope_id = self._book.current(index_scope(UNSORTED)).scope_id
        for registered in self._keys.registered([scope_id], QUARANTINE):
            yield registered, quarantine_number(registered.year, registered.number)

    def original(self, registered: Registered) -> bytes:
        """The bytes as received.

        Raises:
            NotPermitted: the identity may read the text but not the original.
        """
        self._require_content(registered)
        return self._open(registered, Part.ORIGINAL, 1)

    def rendition(self, registered: Registered) -> bytes:
        """The searchable PDF.

        Raises:
            NoRendition: none was made (`verify` knows the difference to one that was lost).
            NotPermitted: the identity may read the text but not the pages.
        """
        self._require_content(registered)
        try:
            return self._open(registered, Part.RENDITION, 1)
        except MissingPart as err:
            raise NoRendition from err

    def _require_content(self, registered: Registered) -> None:
        scope = self._book.scope_of(registered.scope_id)
        compartment = (scope or "").removeprefix("index:")
        if not self._keyring.holds(content_scope(compartment)):
            raise NotPermitted("Your role may find and read the text of this letter, but not open its pages.")

    def _open(self, registered: Registered, part: Part, version: int) -> bytes:
        document_id = registered.document_id
        keys = self.unwrap(self._wrap(registered, part))
        key = keys[KEY_BYTES:] if part is Part.RENDITION else keys[:KEY_BYTES]
        name = PartName(document_id=document_id, part=part, version=version)
        context = part_context(self._book.vault_id, document_id, part, version)
        try:
            return open_sealed(key, context, self._objects.read(name))
        except DoesNotOpen as err:
            raise DamagedPart(document_id, part) from err

    def _wrap(self, registered: Registered, part: Part) -> DocumentWrap:
        """The wrap for the letter's place and version; a move that a crash cut short left others beside it."""
        if part is Part.TEXT:
            wanted = (TEXT, registered.text_version, registered.scope_id)
        else:
            scope = content_scope(self._compartment(registered) or UNSORTED)
            wanted = (CONTENT, 1, self._book.current(scope).scope_id)
        is_shared = self._book.share_of(self._book.scope_of(registered.scope_id) or "") is not None
        wraps = self._keys.shares_of if is_shared else self._keys.wraps_of
        for wrap in wraps(registered.document_id):
            if (wrap.part_set, wrap.version, wrap.scope_id) == wanted:
                return wrap
        raise Damaged(f"The keys of letter {registered.document_id} are missing. Run `poststelle verify`.")

    def unwrap(self, wrap: DocumentWrap) -> bytes:
        """The part keys inside a document's wrap.

        Raises:
            NotPermitted: the identity does not hold the scope.
            Damaged: the wrap was changed.
        """
        scope = self._book.scope_of(wrap.scope_id)
        if scope is None:
            raise Damaged(f"A key of letter {wrap.document_id} names an unknown scope. Run `poststelle verify`.")
        info = document_purpose(
            self._book.vault_id, wrap.document_id, wrap.part_set, wrap.version, wrap.scope_id, wrap.epoch
        )
        try:
            return self._keyring.key(scope, wrap.epoch).unwrap(wrap.wrap, info)
        except DoesNotOpen as err:
            raise Damaged(f"A key of letter {wrap.document_id} was changed. Run `poststelle verify`.") from err
