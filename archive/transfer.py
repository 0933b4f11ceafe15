"""Transfer notes: the signed account of what became of every page of a stack that was cut into letters.

The note is written before the first letter of the stack is committed, so that a restart carries out what was decided
instead of deciding anew: recognition may see a page differently the second time. Each letter's id follows from the
stack's claim and its place in the stack, so that a letter that was committed is known again. The stack's source goes
when every letter that the note names is committed and was read back.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from archive.ledger import Ledger
from poststelle.access.audit import Head
from poststelle.access.identities import Identity
from poststelle.access.keybook import KeyBook
from poststelle.access.sealing import duplicate_mark, purpose
from poststelle.access.statements import check_statement, make_statement

KIND = "transfer-note"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferredLetter:
    """One letter of a stack."""

    document_id: str
    pages: tuple[int, ...]
    """Its pages' numbers in the stack, 1-based."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferNote:
    """What a note says."""

    stack_id: str
    """Id of the stack's claim; never a document's."""
    pages: int
    """How many pages the stack had."""
    letters: tuple[TransferredLetter, ...]
    separators: tuple[int, ...]
    blanks: tuple[int, ...]
    mark: str
    """Keyed hash of the stack's bytes, bound to this claim: whether a source found after a crash is what was cut."""
    statement_id: str


def letter_id(stack_id: str, place: int) -> str:
    """The document id of a stack's letter, 0-based: whoever does not know the claim cannot tell siblings."""
    return hashlib.sha256(purpose("stack letter v1", stack_id, place)).hexdigest()[:32]


class Transfers:
    """Writes and finds the notes of one vault, as the service."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        book: KeyBook,
        service: Identity,
        head: Callable[[], Head | None],
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._service = service
        self._head = head
        self._now = now

    def write(
        self,
        stack_id: str,
        content: Iterable[bytes],
        *,
        letters: Sequence[tuple[int, ...]],
        separators: tuple[int, ...],
        blanks: tuple[int, ...],
    ) -> TransferNote:
        """Sign and commit the note of a stack, with its entry for the log; durable when it returns.

        Raises:
            ValueError: the pages are not 1, 2, 3 … each exactly once.
        """
        pages = sorted([page for letter in letters for page in letter] + [*separators, *blanks])
        if not letters or pages != list(range(1, len(pages) + 1)):
            raise ValueError("a transfer note accounts for every page of the stack exactly once")
        account = {
            "stack": stack_id,
            "pages": len(pages),
            "letters": [[letter_id(stack_id, place), list(numbers)] for place, numbers in enumerate(letters)],
            "separators": list(separators),
            "blanks": list(blanks),
        }
        mark = self.mark_of(stack_id, content)
        statement = make_statement(
            self._service, self._book.vault_id, KIND, account | {"mark": mark}, at=self._now(), head=self._head()
        )
        with self._ledger.transaction():
            self._ledger.add_statement(statement)
            details = account | {"statement": statement.statement_id}
            self._ledger.post("stack-cut", statement.person_id, statement.made_at, details, statement.statement_id)
        return _note(statement.body, statement.statement_id)

    def note_of(self, stack_id: str) -> TransferNote | None:
        """The note of a stack, checked; None if it was never cut.

        Raises:
            InvalidStatement: what lies there was not written by this vault's service.
        """
        for line in self._ledger.lines_of(KIND, stack_id):
            statement = check_statement(line, self._book, KIND, or_removed=True)  # by a service that was replaced
            if statement.person_id == self._service.person_id and statement.body["stack"] == stack_id:
                return _note(statement.body, statement.statement_id)
        return None

    def mark_of(self, stack_id: str, content: Iterable[bytes]) -> str:
        """The keyed hash of a stack's bytes; differs from stack to stack even for the same bytes."""
        return duplicate_mark(self._service.duplicate_seed, f"stack {stack_id}", content).hex()


def _note(body: dict[str, object], statement_id: str) -> TransferNote:
    letters, separators, blanks = body["letters"], body["separators"], body["blanks"]
    assert isinstance(letters, list) and isinstance(separators, list) and isinstance(blanks, list)
    return TransferNote(
        stack_id=str(body["stack"]),
        pages=int(str(body["pages"])),
        letters=tuple(TransferredLetter(document_id=document, pages=tuple(numbers)) for document, numbers in letters),
        separators=tuple(separators),
        blanks=tuple(blanks),
        mark=str(body["mark"]),
        statement_id=statement_id,
    )
