"""What the service reads, and removes, of a file in the inbox that somebody else may change."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from archive.filing import Filing
from archive.transfer import Transfers
from intake import Inbox, RecognitionPool
from poststelle.durable import Disk
from poststelle.errors import StorageError
from poststelle.pipeline import Classify, Pipeline, _FileContent


def test_a_link_in_the_inbox_does_not_choose_what_the_service_reads(tmp_path: Path) -> None:
    """A scanner account could else have the service's own keys sealed into quarantine, and ask for them there."""
    (tmp_path / "keys").write_bytes(b"swordfish")
    (tmp_path / "scan.pdf").symlink_to(tmp_path / "keys")
    assert b"".join(_FileContent(tmp_path / "keys").chunks()) == b"swordfish"

    with pytest.raises(StorageError):
        list(_FileContent(tmp_path / "scan.pdf").chunks())


def test_a_pipe_in_the_inbox_does_not_hang_the_mail_room(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "scan.pdf")

    assert b"".join(_FileContent(tmp_path / "scan.pdf").chunks()) == b""


class _Committed:
    """A letter that was committed as `sealed`; somebody writes `written` over its source right after the comparison."""

    def __init__(self, source: Path, sealed: bytes, written: bytes) -> None:
        self._source, self._sealed, self._written = source, sealed, written

    def is_committed(self, document_id: str) -> bool:
        return len(document_id) == 32

    def source_may_go(self, document_id: str, content: _FileContent) -> bool:
        same = b"".join(content.chunks()) == self._sealed
        self._source.write_bytes(self._written)
        return same


@pytest.mark.parametrize("written", [b"the next letter", b"the letter"])
def test_what_is_written_over_a_committed_source_after_a_crash_is_not_removed(tmp_path: Path, written: bytes) -> None:
    """A scanner that still holds the file writes its next page there: that page is in no archive yet."""
    inbox = Inbox(tmp_path, Disk(), 0.0, 3600.0, now=lambda: datetime.now(UTC))
    (tmp_path / "scan.pdf").write_bytes(b"the letter")
    claim = inbox.claim(tmp_path / "scan.pdf", "0" * 32)
    assert claim is not None
    pipeline = Pipeline(
        inbox=inbox,
        pool=cast("RecognitionPool", None),
        classifier=cast("Classify", None),
        filing=cast("Filing", _Committed(claim.path, b"the letter", written)),
        transfers=cast("Transfers", None),
        index=lambda filed: None,
        log=lambda: None,
        disk=Disk(),
        new_id=lambda: "1" * 32,
        max_bytes=1000,
        work_folder=tmp_path,
        workers=1,
    )

    assert pipeline._finish_committed(claim)

    left = [path.read_bytes() for path in inbox.scan()]
    # The control: where it was written over with the same bytes, it goes.
    assert left == ([] if written == b"the letter" else [written])
    assert not inbox.is_claimed(claim.document_id)
