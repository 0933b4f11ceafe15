"""The audit log: append-only lines, each chained to the one before, personal fields sealed.

A line is canonical JSON: `n` (0, 1, …), `at`, `kind`, `by` (person id), `ob` (outbox number or null), `prev`
(hash of the line before), `commit` (SHA-256 of the sealed details), `sealed` (HPKE wrap of the details to the
audit key), `hash` (SHA-256 of the canonical line without `sealed` and `hash`), and `of` where the entry follows from a
signed statement in the catalogue (its id). The chain runs over hashes that leave `sealed` out, so details can expire
later without breaking it: `-` is written over them in place, and no line moves. Some entries carry a signed `statement`
in the clear (see checkpoints.py). A log that was rewritten from the start still verifies by itself; that is why every
command remembers the last head it saw (`Head`), and why heads go into certificates, backups, checkpoints and the kit.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from poststelle.access.keybook import canonical
from poststelle.access.sealing import DoesNotOpen, SealingPrivateKey, SealingPublicKey, purpose
from poststelle.durable import Disk
from poststelle.errors import Damaged

FIRST = "0" * 64
TAIL_BYTES = 64 * 1024
EXPIRED = "-"
"""Stands in place of every letter of details that have expired; base64 has no such letter."""
_SEALED = b'"sealed":"'


class BrokenLog(Damaged):
    """The audit log's chain does not hold, or it no longer contains what was seen before."""

    code = "L013"


class ExpiredDetails(BrokenLog):
    """Somebody asked for details that have expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened. `details` are sealed; the other fields are readable by whoever has the file."""

    kind: str
    by: str
    at: datetime
    details: dict[str, Any]
    outbox: int | None = None
    """Number of the catalogue's outbox row; makes appending idempotent."""
    statement: bytes | None = None
    """A signed statement that whoever checks the log must be able to read without the audit key."""
    of: str | None = None
    """Id of the signed statement in the catalogue that the entry follows from: it says nothing, and cannot be guessed
    without the signature, so it stands in the clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last line of a log as somebody saw it."""

    number: int
    hash: str
    offset_bytes: int
    """Where that line begins in the file."""

    def encode(self) -> bytes:
        """JSON for a state file or a manifest."""
        return canonical(asdict(self)) + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The inverse of encode."""
        return cls(**json.loads(data))


class AuditLog:
    """One log file, shared by every process of the vault through a file lock."""

    def __init__(self, path: Path, disk: Disk, vault_id: str, seal_to: SealingPublicKey) -> None:
        self._path = path
        self._disk = disk
        self._vault_id = vault_id
        self._seal_to = seal_to

    def append(self, entries: Sequence[Entry]) -> Head | None:
        """Append entries in order and return the new head; outbox entries already in the log are skipped."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size, tail = self._whole_tail(descriptor)
            head = _head_of(tail, size)
            written = _last_outbox(descriptor, size) if any(e.outbox is not None for e in entries) else -1
            for entry in entries:
                if entry.outbox is not None and entry.outbox <= written:
                    continue
                line = self._line(entry, head)
                offset = self._disk.append(descriptor, self._path.name, canonical(line) + b"\n")
                head = Head(number=line["n"], hash=line["hash"], offset_bytes=offset)
            return head
        finally:
            os.close(descriptor)

    def _line(self, entry: Entry, head: Head | None) -> dict[str, Any]:
        sealed = self._seal_to.wrap(canonical(entry.details), purpose("audit v1", self._vault_id))
        line: dict[str, Any] = {
            "n": 0 if head is None else head.number + 1,
            "at": entry.at.isoformat(timespec="seconds"),
            "kind": entry.kind,
            "by": entry.by,
            "ob": entry.outbox,
            "prev": FIRST if head is None else head.hash,
            "commit": hashlib.sha256(sealed).hexdigest(),
        }
        if entry.of is not None:
            line["of"] = entry.of
        if entry.statement is not None:
            line["statement"] = entry.statement.decode()
        line["hash"] = _line_hash(line)
        line["sealed"] = base64.b64encode(sealed).decode()
        return line

    def _whole_tail(self, descriptor: int) -> tuple[int, list[dict[str, Any]]]:
        """(size, last lines). A line cut by a crash was never acknowledged: it is cut off before appending."""
        size = os.fstat(descriptor).st_size
        start, tail = _end_of(descriptor, size)
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            size = start + whole
            self._disk.truncate(descriptor, self._path.name, size)
            tail = tail[:whole]
        lines = tail.splitlines()[1 if start else 0 :]
        try:
            return size, [json.loads(line) for line in lines]
        except ValueError as err:
            raise BrokenLog(_broken("a line near its end cannot be read")) from err

    def last_time(self) -> datetime | None:
        """When the last entry was written; one short read."""
        try:
            with self._path.open("rb") as stream:
                lines = _end_of(stream.fileno(), os.fstat(stream.fileno()).st_size)[1].splitlines()
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            try:
                return datetime.fromisoformat(json.loads(line)["at"])
            except (ValueError, KeyError, TypeError):
                continue
        return None

    def contains(self, head: Head) -> bool:
        """Whether the line that was seen last is still where it was: one read."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(head.offset_bytes)
                line = json.loads(stream.readline())
        except (OSError, ValueError):
            return False
        return bool(isinstance(line, dict) and line.get("n") == head.number and line.get("hash") == head.hash)

    def require(self, head: Head | None) -> None:
        """Refuse a log that lost what was seen before.

        Raises:
            BrokenLog: rolled back, rewritten or forked.
        """
        if head is not None and not self.contains(head):
            raise BrokenLog(
                f"The audit log no longer contains entry {head.number} that you saw before: it was rolled back or "
                "rewritten. Tell an owner; a restored backup must be declared with a signed restore entry."
            )

    def lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(offset, line) of every entry, checked link by link.

        Whether details that have expired were allowed to is for checkpoints.py to say.

        Raises:
            BrokenLog: at the first line that does not hold.
        """
        previous, offset = FIRST, 0
        content = self._path.read_bytes() if self._path.exists() else b""
        if content and not content.endswith(b"\n"):
            raise BrokenLog(_broken("its last line is cut"))
        for number, raw in enumerate(content.splitlines()):
            try:
                line = json.loads(raw)
                holds = (
                    canonical(line) == raw
                    and line["n"] == number
                    and line["prev"] == previous
                    and line["hash"] == _line_hash(line)
                    and (has_expired(line) or line["commit"] == _commitment(line["sealed"]))
                )
            except (ValueError, KeyError, TypeError) as err:
                raise BrokenLog(_broken(f"entry {number} cannot be read")) from err
            if not holds:
                raise BrokenLog(_broken(f"entry {number} was changed"))
            yield offset, line
            previous, offset = line["hash"], offset + len(raw) + 1

    def expire(self, wanted: Callable[[dict[str, Any]], bool]) -> int:
        """Write over the details of the entries that are wanted; returns how many.

        In place, so that every remembered head is still found where it was; safe to repeat after a crash. The caller
        has a signed statement in the log already that says why.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            pieces, offset = [], 0
            for raw in self._path.read_bytes().splitlines(keepends=True):
                line = json.loads(raw) if raw.endswith(b"\n") else None
                if line is not None and line["sealed"].strip(EXPIRED) and wanted(line):
                    begin = raw.index(_SEALED) + len(_SEALED)
                    pieces.append((offset + begin, EXPIRED.encode() * len(line["sealed"])))
                offset += len(raw)
            if pieces:
                self._disk.overwrite(descriptor, self._path.name, pieces)
            return len(pieces)
        finally:
            os.close(descriptor)

    def head(self) -> Head | None:
        """The last entry, the whole chain checked."""
        last = None
        for offset, line in self.lines():
            last = Head(number=line["n"], hash=line["hash"], offset_bytes=offset)
        return last


def has_expired(line: dict[str, Any]) -> bool:
    """Whether a line's details were written over, wholly or, after a power cut, in part."""
    return isinstance(line["sealed"], str) and EXPIRED in line["sealed"]


def open_details(line: dict[str, Any], vault_id: str, *keys: SealingPrivateKey) -> dict[str, Any]:
    """The sealed details of a line, for a holder of the audit key; the log does not say which of its epochs it was."""
    if has_expired(line):
        raise ExpiredDetails(f"The details of entry {line['n']} of the log have expired.")
    sealed = base64.b64decode(line["sealed"])
    for key in keys:
        with contextlib.suppress(DoesNotOpen):
            return dict(json.loads(key.unwrap(sealed, purpose("audit v1", vault_id))))
    raise BrokenLog(_broken(f"the details of entry {line['n']} do not open"))


def _end_of(descriptor: int, size: int) -> tuple[int, bytes]:
    """(where it begins, last bytes) of a log, with one whole line at least: a purge of thousands writes a long one."""
    length = TAIL_BYTES
    while True:
        start = max(0, size - length)
        tail = os.pread(descriptor, size - start, start)
        # The first line may be cut by where we began, the last one by a crash.
        if start == 0 or tail.count(b"\n") > 1:
            return start, tail
        length *= 2


def _head_of(tail: list[dict[str, Any]], size: int) -> Head | None:
    if not tail:
        return None
    last = tail[-1]
    return Head(number=last["n"], hash=last["hash"], offset_bytes=size - len(canonical(last)) - 1)


def _last_outbox(descriptor: int, size: int) -> int:
    """Number of the last outbox entry, however many other lines came after it; -1 if there is none.

    Outbox numbers only grow, so the last one is the highest.
    """
    end, cut = size, b""
    while end > 0:
        start = max(0, end - TAIL_BYTES)
        block = os.pread(descriptor, end - start, start) + cut
        if start:
            # The first line may begin in the block before; it is read together with that one.
            cut, _, block = block.partition(b"\n")
        try:
            numbers = [json.loads(line)["ob"] for line in block.splitlines()]
        except (ValueError, KeyError, TypeError) as err:
            raise BrokenLog(_broken("a line cannot be read")) from err
        found = [number for number in numbers if number is not None]
        if found:
            return int(found[-1])
        end = start
    return -1


def _commitment(sealed: str) -> str:
    content = base64.b64decode(sealed, validate=True)
    # The last letter of base64 has bits that decode to nothing: changed there it would go unnoticed.
    if base64.b64encode(content).decode() != sealed:
        raise ValueError("base64 in another spelling")
    return hashlib.sha256(content).hexdigest()


def _line_hash(line: dict[str, Any]) -> str:
    return hashlib.sha256(canonical({k: v for k, v in line.items() if k not in ("sealed", "hash")})).hexdigest()


def _broken(what: str) -> str:
    return f"The audit log was changed after it was written: {what}. The letters themselves are not affected."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """What the clear fields of an entry say."""

    number: int
    kind: str
    by: str
    at: datetime
    """In whole seconds."""
    of: str | None
    """See Entry; None in entries of earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the clear fields of a log say, without checking the chain."""

    days: tuple[tuple[int, str], ...]
    """(entry, day) wherever the day is another one than in the entry before."""
    mentions: tuple[Mention, ...]
    """Entries of the kinds that were asked for, oldest first."""


def survey(path: Path, kinds: Sequence[str]) -> Survey:
    """Read through a log once: on which days it was written, and what its entries of some kinds say in the clear.

    Raises:
        BrokenLog: one of these entries cannot be read.
    """
    days: list[tuple[int, str]] = []
    mentions: list[Mention] = []
    number, last = 0, b""
    if path.exists():
        with path.open("rb") as stream:
            rest = b""
            while block := stream.read(4 << 20):
                lines, _, rest = (rest + block).rpartition(b"\n")
                for day in _DAY.findall(lines):
                    if day != last:
                        days.append((number, day.decode()))
                        last = day
                    number += 1
                for kind in kinds:
                    # Canonical JSON, and all else in the line is base64, hex, a time, or JSON in a string, whose quotes
                    # are escaped: this stands nowhere else. Only lines that have it are parsed.
                    mentions += _mentions(lines, b'"kind":"' + kind.encode() + b'"')
    mentions.sort(key=lambda mention: mention.number)
    return Survey(days=tuple(days), mentions=tuple(mentions))


def _mentions(lines: bytes, wanted: bytes) -> Iterator[Mention]:
    at = lines.find(wanted)
    while at >= 0:
        end = lines.find(b"\n", at)
        end = len(lines) if end < 0 else end
        try:
            line = json.loads(lines[lines.rfind(b"\n", 0, at) + 1 : end])
            when = datetime.fromisoformat(line["at"])
            yield Mention(number=line["n"], kind=line["kind"], by=line["by"], at=when, of=line.get("of"))
        except (ValueError, KeyError, TypeError) as err:
            raise BrokenLog(_broken("a line cannot be read")) from err
        at = lines.find(wanted, end)


_DAY = re.compile(rb'^\{"at":"(\d{4}-\d\d-\d\d)', re.MULTILINE)
