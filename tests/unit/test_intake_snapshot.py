"""The snapshot: everybody sees the same bytes, whoever writes to the file or holds the descriptor."""

import hashlib
import os
from pathlib import Path

import pytest

from intake import Snapshot
from poststelle.errors import UnreadableFile

LIMIT = 1_000_000


def test_a_snapshot_does_not_follow_the_file(tmp_path: Path) -> None:
    """Hash, sealing and recognition must not disagree because the scanner wrote once more."""
    path = tmp_path / "brief.pdf"
    path.write_bytes(b"first" * 1000)

    with Snapshot.read(path, LIMIT, tmp_path) as snapshot:
        path.write_bytes(b"second")

        assert b"".join(snapshot.chunks(7)) == b"first" * 1000
        assert snapshot.sha256 == hashlib.sha256(b"first" * 1000).hexdigest()
        assert snapshot.size_bytes == 5000


def test_nobody_who_holds_the_descriptor_can_change_the_bytes(tmp_path: Path) -> None:
    """A worker taken over by hostile mail must not change what is sealed."""
    with Snapshot.from_bytes(b"the original", tmp_path) as snapshot:
        with pytest.raises(OSError):
            os.pwrite(snapshot.fileno(), b"forged", 0)
        with pytest.raises(OSError):
            again = os.open(f"/proc/self/fd/{snapshot.fileno()}", os.O_RDWR)
            os.pwrite(again, b"forged", 0)

        assert b"".join(snapshot.chunks()) == b"the original"


def test_no_plaintext_is_left_where_memory_files_do_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fallback file has no name, so that a crash leaves nothing to find."""

    def refuse(*_: object) -> int:
        raise OSError("no memfd on this kernel")

    monkeypatch.setattr(os, "memfd_create", refuse)

    with Snapshot.from_bytes(b"the original", tmp_path) as snapshot:
        assert list(tmp_path.iterdir()) == []
        assert b"".join(snapshot.chunks()) == b"the original"
        with pytest.raises(OSError):
            os.pwrite(snapshot.fileno(), b"forged", 0)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.touch(), "empty"),
        (lambda path: path.write_bytes(b"x" * (LIMIT + 1)), "too-large"),
        (lambda path: path.mkdir(), "not-a-file"),
        (lambda path: os.mkfifo(path), "not-a-file"),
        (lambda path: path.symlink_to("/etc/hostname"), "not-a-file"),
        (lambda path: None, "unreachable"),
    ],
)
def test_what_cannot_be_a_scan_is_refused_with_its_reason(tmp_path: Path, make, code: str) -> None:  # type: ignore[no-untyped-def]
    """The clerk reads why; the mail room neither hangs on a pipe nor follows a link."""
    path = tmp_path / "drop"
    make(path)

    with pytest.raises(UnreadableFile) as refused:
        Snapshot.read(path, LIMIT, tmp_path)

    assert refused.value.reason_code == code
    assert refused.value.reason.endswith(".")
