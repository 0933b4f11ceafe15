"""What the service reads of a file that recognition refused."""

import os
from pathlib import Path

import pytest

from poststelle.errors import StorageError
from poststelle.pipeline import _FileContent


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
