"""What is signed about the log: checkpoints, by which a roll-back or a fork is found, and the expiry of details.

A **checkpoint** is a statement `audit-checkpoint` over the number of entries (`entries`) and the hash of the last of
them (`head`). It stands in the log itself as an entry of kind `checkpoint`; a copy on paper or another disk is what
shows that a log was put back or rewritten. Its **paper form** is the number and the hash in groups, without the
signature: paper that nobody else wrote on needs none.

An **expiry** is a statement `audit-expire` of a person who holds the right `audit`, in an entry of kind
`audit-expired`: details of entries before a moment (`before`) and up to a number (`last`) may be gone. What is
younger than a year is never covered, nor what came after the statement. Entries that came from the catalogue keep
theirs: a lost catalogue is made again from them.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from poststelle.access.audit import AuditLog, BrokenLog, Head, has_expired
from poststelle.access.identities import Identity
from poststelle.access.keybook import AUDIT, KeyBook
from poststelle.access.statements import InvalidStatement, Statement, check_statement, make_statement

CHECKPOINT, EXPIRY = "audit-checkpoint", "audit-expire"
"""Kinds of the statements."""
CHECKPOINTED, EXPIRED_ENTRY = "checkpoint", "audit-expired"
"""Kinds of the log entries that carry them."""
PAPER_TITLE = "POSTSTELLE LOG CHECKPOINT"
LEAST_AGE = timedelta(days=365)
"""Younger details may not expire, whoever signs it: configuration keeps one whole calendar year at least."""
LEAST_DIGITS = 32
"""So much of a hash must be typed from paper at least."""
_PAPER = re.compile(r"entries\s*:?\s*(\d+)\s+head\s*:?\s*((?:[0-9a-f]{4}\s*)+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How many entries the log had at a moment, and the hash of the last."""

    entries: int
    head: str
    """Its hash, or the beginning of it that was typed from paper."""
    made_at: datetime | None = None
    by: str | None = None
    """Person id; None from paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A log, read through."""

    head: Head | None
    hashes: tuple[str, ...]
    """Of every entry."""
    expired: int
    """Entries whose details have expired."""
    checkpoints: int
    problems: tuple[str, ...]
    """Sentences."""

    def contains(self, number: int, entry_hash: str) -> bool:
        """Whether the entry of this number is the one with this hash."""
        return 0 <= number < len(self.hashes) and self.hashes[number] == entry_hash

    def compare(self, seen: Checkpoint) -> str | None:
        """Why the log is not the one that a checkpoint was made of, or None if it is, perhaps with more entries."""
        if seen.entries > len(self.hashes):
            return (
                f"The checkpoint was made of a log with {seen.entries} entries; this one has {len(self.hashes)}: it "
                "was rolled back, or its end was cut off. Tell an owner; a restored backup must be declared."
            )
        if not self.hashes[seen.entries - 1].startswith(seen.head):
            return (
                f"Entry {seen.entries - 1} is another one than the checkpoint was made of: the log was rewritten, or "
                "forked from an earlier state and went another way. Tell an owner."
            )
        return None


def make_checkpoint(identity: Identity, vault_id: str, head: Head, at: datetime) -> Statement:
    """Sign that the log ends with this entry now."""
    content = {"entries": head.number + 1, "head": head.hash}
    return make_statement(identity, vault_id, CHECKPOINT, content, at=at, head=head)


def on_paper(checkpoint: Checkpoint, vault_id: str) -> str:
    """What is printed and put away, or read out over the telephone."""
    groups = [checkpoint.head[i : i + 4] for i in range(0, len(checkpoint.head), 4)]
    rows = [" ".join(groups[i : i + 8]) for i in range(0, len(groups), 8)]
    made = "" if checkpoint.made_at is None else f"made    {checkpoint.made_at.isoformat(timespec='seconds')}\n"
    return f"{PAPER_TITLE}\nvault   {vault_id}\n{made}entries {checkpoint.entries}\nhead    " + "\n        ".join(rows)


def read_checkpoint(content: bytes, book: KeyBook) -> Checkpoint:
    """A checkpoint from a file: signed, or the paper form as somebody typed it.

    Raises:
        InvalidStatement: it is neither, or of another vault, or its signature does not hold.
    """
    text = content.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        return checkpoint_of(check_statement(text.encode(), book, CHECKPOINT, or_removed=True))
    if (found := _PAPER.search(text)) is None:
        raise InvalidStatement("it is neither signed nor typed from paper")
    vault = re.search(r"vault\s*:?\s*([0-9a-f]{32})", text, re.IGNORECASE)
    if vault is not None and vault[1].lower() != book.vault_id:
        raise InvalidStatement("the checkpoint was made for another vault")
    digits = "".join(found[2].split()).lower()[:64]
    if len(digits) < LEAST_DIGITS or int(found[1]) < 1:
        raise InvalidStatement(f"of the checkpoint's hash at least {LEAST_DIGITS} digits are needed")
    return Checkpoint(entries=int(found[1]), head=digits)


def checkpoint_of(statement: Statement) -> Checkpoint:
    """What a checked statement says.

    Raises:
        InvalidStatement: it says nothing of the kind.
    """
    entries, head = statement.body.get("entries"), statement.body.get("head")
    if not isinstance(entries, int) or entries < 1 or not isinstance(head, str) or len(head) != 64:
        raise InvalidStatement("a checkpoint does not say how many entries the log had")
    return Checkpoint(entries=entries, head=head, made_at=statement.made_at, by=statement.person_id)


def read_chain(log: AuditLog, book: KeyBook) -> Chain:
    """Read the whole log: link by link, every checkpoint in it, and whether what has expired was allowed to."""
    hashes: list[str] = []
    gone: list[tuple[int, datetime, bool]] = []
    problems: list[str] = []
    allowed: list[tuple[datetime, int]] = []
    head, checkpoints = None, 0
    try:
        for offset, line in log.lines():
            hashes.append(line["hash"])
            head = Head(number=line["n"], hash=line["hash"], offset_bytes=offset)
            if has_expired(line):
                gone.append((line["n"], datetime.fromisoformat(line["at"]), line["ob"] is None))
            if line["kind"] == CHECKPOINTED:
                checkpoints += 1
                problems += _wrong_checkpoint(line, hashes, book)
            elif line["kind"] == EXPIRED_ENTRY:
                allowed += _allowed(line, book)
    except BrokenLog as err:
        problems.append(str(err))
    unexplained = [
        n for n, at, own in gone if not own or not any(at < before and n <= last for before, last in allowed)
    ]
    if unexplained:
        problems.append(
            f"The audit log lacks the details of entry {unexplained[0]}"
            + (f" and of {len(unexplained) - 1} others" if unexplained[1:] else "")
            + ", and nobody who may has signed that they expired: they were taken out or damaged. Tell an owner."
        )
    return Chain(head=head, hashes=tuple(hashes), expired=len(gone), checkpoints=checkpoints, problems=tuple(problems))


def may_expire(line: dict[str, Any], before: datetime) -> bool:
    """Whether a line's details may expire: older than that, and not what a lost catalogue is made again from."""
    return line["ob"] is None and datetime.fromisoformat(line["at"]) < before


def _wrong_checkpoint(line: dict[str, Any], hashes: list[str], book: KeyBook) -> Iterator[str]:
    try:
        statement = check_statement(_statement(line), book, CHECKPOINT, or_removed=True)
        said = checkpoint_of(statement)
    except InvalidStatement as err:
        yield f"The audit log holds a checkpoint, entry {line['n']}, that does not hold: {err}"
        return
    if said.entries > line["n"] or hashes[said.entries - 1] != said.head:
        yield f"The audit log was put together from two: entry {line['n']} is a checkpoint of another log."


def _allowed(line: dict[str, Any], book: KeyBook) -> Iterator[tuple[datetime, int]]:
    with contextlib.suppress(InvalidStatement, ValueError, KeyError, TypeError):
        statement = check_statement(_statement(line), book, EXPIRY, or_removed=True)
        before, last = datetime.fromisoformat(statement.body["before"]), int(statement.body["last"])
        # Both times: the entry's needs no key to be written, the statement's is the signer's own.
        old = before <= min(statement.made_at, datetime.fromisoformat(line["at"])) - LEAST_AGE
        if old and last < line["n"] and _held(book, statement.person_id):
            yield before, last


def _held(book: KeyBook, person_id: str) -> bool:
    """Whether a person holds the right to read the log, or held it when they left."""
    person = book.people[person_id]
    if person.removed:
        return any(AUDIT in book.roles[code].rights for code in person.roles if code in book.roles)
    return book.holds_right(person_id, AUDIT)


def _statement(line: dict[str, Any]) -> bytes:
    statement = line.get("statement")
    return statement.encode() if isinstance(statement, str) else json.dumps(None).encode()
