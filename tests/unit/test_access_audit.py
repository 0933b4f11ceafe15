"""The audit log: nothing in it changes unseen, nothing is counted twice, and a rollback is noticed."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from poststelle.access.audit import FIRST, AuditLog, BrokenLog, Entry, Head, open_details
from poststelle.access.keybook import canonical
from poststelle.access.sealing import SealingPrivateKey
from poststelle.durable import Disk

VAULT = "ab" * 16
KEY = SealingPrivateKey.generate()
AT = datetime(2026, 3, 17, 8, 0, tzinfo=UTC)


def entry(kind: str, outbox: int | None = None, **details: Any) -> Entry:
    return Entry(kind=kind, by="0" * 32, at=AT, details=details, outbox=outbox)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def log(path: Path) -> AuditLog:
    """A log of five entries."""
    log = AuditLog(path, Disk(), VAULT, KEY.public)
    log.append([entry("founded"), entry("filed", 1, document="a"), entry("filed", 2)])
    log.append([entry("search", query="Safranfadenzieher"), entry("show")])
    return log


def test_entries_stand_in_order_and_their_details_are_sealed(log: AuditLog, path: Path) -> None:
    """An auditor reads what happened; whoever has only the file learns that, when and by whom, not what was asked."""
    lines = [line for _, line in log.lines()]

    assert [line["n"] for line in lines] == [0, 1, 2, 3, 4]
    assert [line["kind"] for line in lines] == ["founded", "filed", "filed", "search", "show"]
    assert lines[0]["prev"] == FIRST
    assert open_details(lines[3], VAULT, KEY) == {"query": "Safranfadenzieher"}
    assert b"Safranfadenzieher" not in path.read_bytes()
    for key, vault in ((SealingPrivateKey.generate(), VAULT), (KEY, "cd" * 16)):
        with pytest.raises(BrokenLog):
            open_details(lines[3], vault, key)


def test_an_entry_of_the_outbox_is_appended_once(log: AuditLog) -> None:
    """A crash between log and catalogue makes the outbox come again: one letter must not be filed twice in the log."""
    before = log.head()

    assert log.append([entry("filed", 1), entry("filed", 2)]) == before
    log.append([entry("filed", 2), entry("filed", 3), entry("search")])

    assert [line["ob"] for _, line in log.lines()] == [None, 1, 2, None, None, 3, None]


def test_a_line_cut_by_a_crash_is_removed_before_the_next(log: AuditLog, path: Path) -> None:
    """Half a line was never acknowledged: it must neither stop the log for ever nor swallow the next entry."""
    whole = path.read_bytes()
    for cut in (1, 20, len(whole.splitlines()[-1]) - 1):
        path.write_bytes(whole[:-cut])
        with pytest.raises(BrokenLog, match="cut"):
            log.head()

        log.append([entry("filed", 9)])

        kinds = [line["kind"] for _, line in log.lines()]
        assert kinds == ["founded", "filed", "filed", "search", "filed"]


LONG = {"documents": [f"{number:032x}" for number in range(3_000)]}


def test_an_entry_about_thousands_of_letters_keeps_the_chain(log: AuditLog, path: Path) -> None:
    """A purge of ten thousand letters names each: what comes after such a line must still follow it."""
    log.append([entry("disposed", 3, **LONG)])
    assert log.last_time() == AT
    head = log.append([entry("search")])

    lines = [line for _, line in log.lines()]
    assert [line["n"] for line in lines] == list(range(7))
    assert log.head() == head
    log.append([entry("disposed", 3, **LONG), entry("show")])
    assert [line["kind"] for _, line in log.lines()][-3:] == ["disposed", "search", "show"]


@pytest.mark.parametrize("long_before", [False, True])
def test_a_long_line_cut_by_a_crash_is_removed_before_the_next(long_before: bool, log: AuditLog, path: Path) -> None:
    """Not a piece of it may stay, and nothing that was acknowledged may go with it."""
    if long_before:
        log.append([entry("disposed", **LONG)])
    whole = path.read_bytes()
    log.append([entry("disposed", **LONG)])
    path.write_bytes(path.read_bytes()[:-1])

    log.append([entry("search")])

    assert path.read_bytes().startswith(whole)
    assert [line["kind"] for _, line in log.lines()][-1] == "search"
    assert len(list(log.lines())) == 6 + long_before


def test_many_entries_keep_one_chain(path: Path) -> None:
    """Longer than what is read back at once: the chain goes on from the right line."""
    log = AuditLog(path, Disk(), VAULT, KEY.public)
    for batch in range(5):
        log.append([entry("search", query=f"{batch}-{i}" * 100) for i in range(12)])
    head = log.head()

    assert path.stat().st_size > 2 * 64 * 1024
    assert head is not None
    assert head.number == 59
    assert log.contains(head)


DAMAGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a line left out": lambda lines: [*lines[:2], *lines[3:]],
    "the first left out": lambda lines: lines[1:],
    "two swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "one repeated": lambda lines: [*lines[:3], lines[2], *lines[3:]],
    "a kind changed": lambda lines: [*lines[:3], lines[3].replace(b'"search"', b'"filed"'), lines[4]],
    "a time changed": lambda lines: [*lines[:3], lines[3].replace(b"08:00", b"09:00"), lines[4]],
    "other details put in": lambda lines: [
        *lines[:3], canonical(json.loads(lines[3]) | {"sealed": json.loads(lines[4])["sealed"]}), lines[4],
    ],
    "details that only look expired": lambda lines: [
        *lines[:3], canonical(json.loads(lines[3]) | {"sealed": ["-"]}), lines[4],
    ],
    "an empty line": lambda lines: [*lines[:3], b"", *lines[3:]],
    "blanks": lambda lines: [*lines[:3], lines[3].replace(b",", b", ", 1), lines[4]],
    "no JSON": lambda lines: [*lines[:3], b"x", *lines[3:]],
    "not an object": lambda lines: [*lines[:3], b"[]", *lines[3:]],
    "fields missing": lambda lines: [*lines[:3], b"{}", *lines[3:]],
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_changed_log_is_noticed(damage: str, log: AuditLog, path: Path) -> None:
    """Whoever looked at a colleague's sick note must not be able to take the line out again."""
    lines = path.read_bytes().splitlines()
    changed = DAMAGES[damage](lines)
    assert changed != lines, "the control: something was changed"
    path.write_bytes(b"\n".join(changed) + b"\n")

    with pytest.raises(BrokenLog) as found:
        log.head()
    assert found.value.code == "L013"


def rewritten(path: Path) -> None:
    """The whole log made anew without its fourth entry, with a chain that holds by itself."""
    previous, lines = FIRST, []
    for raw in path.read_bytes().splitlines():
        line = json.loads(raw)
        if line["kind"] == "search":
            continue
        line |= {"n": len(lines), "prev": previous}
        plain = {k: v for k, v in line.items() if k not in ("sealed", "hash")}
        previous = line["hash"] = hashlib.sha256(canonical(plain)).hexdigest()
        lines.append(canonical(line))
    path.write_bytes(b"\n".join(lines) + b"\n")


def test_a_rollback_or_rewrite_is_noticed_by_who_remembers_the_head(log: AuditLog, path: Path) -> None:
    """A log rewritten from its beginning holds by itself: only the memory outside the vault gives it away."""
    seen = log.head()
    assert seen is not None
    log.require(seen)
    log.append([entry("later")])
    log.require(seen)

    rewritten(path)
    assert log.head() is not None, "the control: the rewritten chain does hold by itself"
    with pytest.raises(BrokenLog, match="no longer contains"):
        log.require(seen)

    path.unlink()
    with pytest.raises(BrokenLog):
        log.require(seen)
    log.require(None)


def test_a_head_survives_its_file() -> None:
    """What a person's own folder remembers is read back as it was."""
    head = Head(number=3, hash="ab" * 32, offset_bytes=1234)
    assert Head.decode(head.encode()) == head


def test_the_time_of_the_last_entry_is_told(log: AuditLog, path: Path) -> None:
    """`status` says since when nothing happened."""
    assert log.last_time() == AT
    log.append([Entry(kind="x", by="0" * 32, at=AT + timedelta(hours=1), details={})])
    assert log.last_time() == AT + timedelta(hours=1)
    path.unlink()
    assert log.last_time() is None
