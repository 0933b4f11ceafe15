"""Log entries of committed letters reach the log once, however long ago that was."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from poststelle.access.audit import TAIL_BYTES, AuditLog, Entry
from poststelle.access.sealing import SealingPrivateKey
from poststelle.durable import Disk

AT = datetime(2026, 3, 17, 8, 0, tzinfo=UTC)


def entry(kind: str, outbox: int | None = None) -> Entry:
    return Entry(kind=kind, by="0" * 32, at=AT, details={}, outbox=outbox)


@pytest.mark.parametrize("searches_between", [0, 80])
def test_an_outbox_entry_is_written_once_whatever_came_after_it(tmp_path: Path, searches_between: int) -> None:
    """An auditor must not count a letter twice because a crash came before the outbox was emptied."""
    log = AuditLog(tmp_path / "audit.jsonl", Disk(), "ab" * 16, SealingPrivateKey.generate().public)
    log.append([entry("filed", 1), entry("filed", 2)])
    log.append([entry("search") for _ in range(searches_between)])
    assert ((tmp_path / "audit.jsonl").stat().st_size > 2 * TAIL_BYTES) == (searches_between > 0)

    log.append([entry("filed", 1), entry("filed", 2), entry("filed", 3)])

    assert [line["ob"] for _, line in log.lines() if line["kind"] == "filed"] == [1, 2, 3]
