"""What a vault keeps of destroyed letters: certificates and lists of ids, and whether the log still knows of them.

Both are statements of the service, and name the entry of the log that was its last when they were signed. A log that
was put back to an earlier state, or rewritten, no longer contains that entry.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.layout import VaultLayout
from poststelle.access.checkpoints import Chain
from poststelle.access.keybook import KeyBook
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.durable import TEMP_SUFFIX

CERTIFICATE, LIST = "certificate-of-destruction", "disposal-list"
"""Kinds of the statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file or line that should be such a statement."""

    name: str
    """Of the file, and of the line in it."""
    statement: Statement | None
    fault: str = ""
    """Why it is none."""


def certificates(layout: VaultLayout, book: KeyBook) -> Iterator[Found]:
    """Every certificate of destruction, genuine or not."""
    for path in sorted(layout.certificates.glob("*")):
        if path.name.endswith(TEMP_SUFFIX):
            continue  # a crash cut its writing short; the next purge removes it
        try:
            content = path.read_bytes()
            statement = _by_service(content.removesuffix(b"\n"), book, CERTIFICATE)
            if not content.endswith(b"\n"):
                raise InvalidStatement("its end is missing")
            if f"{statement.statement_id}.json" != path.name:
                raise InvalidStatement("its name is not its hash")
            yield Found(name=path.name, statement=statement)
        except (InvalidStatement, OSError) as err:
            yield Found(name=path.name, statement=None, fault=str(err))


def disposal_lists(layout: VaultLayout, book: KeyBook) -> Iterator[Found]:
    """Every line of the list of disposed ids, genuine or not."""
    lines = layout.disposals.read_bytes().split(b"\n")[:-1] if layout.disposals.exists() else []
    for number, line in enumerate(lines, 1):
        name = f"{layout.disposals.name}:{number}"
        try:
            yield Found(name=name, statement=_by_service(line, book, LIST))
        except InvalidStatement as err:
            yield Found(name=name, statement=None, fault=str(err))


def listed_documents(layout: VaultLayout, book: KeyBook) -> set[str]:
    """Ids of destroyed letters and discarded files on genuine lists: a line that anybody wrote destroys nothing."""
    found = (listed.statement for listed in disposal_lists(layout, book))
    return {document for statement in found if statement is not None for document in statement.body["documents"]}


def unknown_to(chain: Chain, layout: VaultLayout, book: KeyBook, restores: Sequence[Statement]) -> list[str]:
    """Certificates and lists that name an entry of the log which this log does not contain; sentences.

    `restores` are what owners signed: a certificate of before one of them may name an entry that was lost with what
    was not in the backup.
    """
    sentences = []
    for found in (*certificates(layout, book), *disposal_lists(layout, book)):
        if found.statement is None or (number := _lost_entry(found.statement, chain, restores)) is None:
            continue
        sentences.append(
            f"{found.name} was signed when the log had an entry {number} that this log does not contain: the log was "
            "rolled back, rewritten, or forked from an earlier state. Tell an owner; a restored backup must be "
            "declared with a signed restore entry."
        )
    return sentences


def _lost_entry(statement: Statement, chain: Chain, restores: Sequence[Statement]) -> int | None:
    """Number of the log entry that a statement names, if the log lacks it and no restore explains that."""
    position = statement.body["log"]
    if position is None or chain.contains(position["n"], position["hash"]):
        return None
    explained = any(
        restore.made_at > statement.made_at
        and restore.body["audit"]["number"] < position["n"]
        and chain.contains(restore.body["audit"]["number"], restore.body["audit"]["hash"])
        for restore in restores
    )
    return None if explained else int(position["n"])


def _by_service(line: bytes, book: KeyBook, kind: str) -> Statement:
    statement = check_statement(line, book, kind, or_removed=True)
    if book.people[statement.person_id].kind != "service":
        raise InvalidStatement("it is not by the service")
    return statement
