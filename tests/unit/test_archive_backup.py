"""The small rules of a backup: what its lists may say, where its log ends, what a key store must hold."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters
from simulators import Office, environment_of

from archive.backup import log_until, missing_wraps
from archive.generation import DamagedBackup, Target, Tombstones, decode_object, encode_object
from archive.objects import PartName, StoredPart
from archive.restoring import newest_tombstones
from poststelle.access.identities import read_kit
from poststelle.durable import TOGETHER, Disk
from poststelle.errors import ConfigurationError
from poststelle.records import Part
from poststelle.wiring import open_service

LETTER = "0123456789abcdef" * 2


def line(number: int, outbox: int | None) -> bytes:
    """An entry of a log, as far as its outbox number matters."""
    return json.dumps({"n": number, "ob": outbox}).encode() + b"\n"


def test_the_copied_log_ends_where_the_copied_catalogue_does() -> None:
    """A restored log that tells of a letter the catalogue does not know would accuse somebody of having removed it."""
    log = b"".join([line(0, None), line(1, 1), line(2, None), line(3, 2), line(4, None), line(5, 3), line(6, None)])

    assert log_until(log, 3) == log
    assert log_until(log, 2) == log[: log.index(line(5, 3))]
    assert log_until(log, 0) == line(0, None)
    assert log_until(log + b'{"n":7', 9) == log, "half a line is not copied"


@pytest.mark.parametrize(
    "entry", ["../../etc/passwd.text.1 " + "0" * 64 + " 5", f"{LETTER}.text.1 {'0' * 63} 5", f"{LETTER}.keys.1 x 5", ""]
)
def test_a_list_of_parts_names_parts_only(entry: str) -> None:
    """A path in it would let a forged backup write anywhere on the machine that restores it."""
    with pytest.raises(DamagedBackup):
        decode_object(entry)


def test_two_lives_of_a_letter_do_not_collide(tmp_path: Path) -> None:
    """After a restore the same letter may get another version 2; both generations must stay restorable."""
    name = PartName(document_id=LETTER, part=Part.TEXT, version=2)
    one, two = (StoredPart(name=name, sha256=digit * 64, size_bytes=5) for digit in "ab")
    target = Target(tmp_path, Disk())

    assert target.object_path(one) != target.object_path(two)
    assert decode_object(encode_object(one)) == one


def test_all_lists_of_destroyed_letters_count() -> None:
    """Two backups, told of different purges: what either names stays destroyed, and the newer day is the one."""
    old = Tombstones(documents=frozenset({"a", "b"}), as_of=datetime(2026, 1, 1, tzinfo=UTC), lists=(b"1", b"2"))
    new = Tombstones(documents=frozenset({"c"}), as_of=datetime(2026, 2, 1, tzinfo=UTC), lists=(b"2", b"3"))

    found = newest_tombstones([new, old])
    assert (found.documents, found.as_of, found.lists) == ({"a", "b", "c"}, new.as_of, (b"1", b"2", b"3"))


def test_a_letter_without_its_keys_is_found_before_an_older_generation_is_dropped(office: Office) -> None:
    """The keys of yesterday are dropped because today's are there. If they are not, yesterday's are the last."""
    one, two = file_letters(
        office, [Sample(record_class="invoice", received_on=date(2026, 3, day), word="Moor") for day in (1, 2)]
    )
    with open_service(environment_of(office)) as service:
        assert missing_wraps(service.catalogue, service.mirrored_keys) == []
        service.mirrored_keys.apply([("DELETE FROM wraps WHERE document = ? AND part_set = 'text'", (one,))])
        assert missing_wraps(service.catalogue, service.mirrored_keys) == [one]
        service.mirrored_keys.forget(two)
        assert missing_wraps(service.catalogue, service.mirrored_keys) == sorted([one, two])


def test_a_mistyped_kit_says_so(office: Office, tmp_path: Path) -> None:
    """Typed from paper at night: a wrong letter must not look like a wrong backup."""
    assert read_kit(office.kit).vault_id, "the control"
    text = office.kit.read_text(encoding="utf-8")
    first = next(row for row in text.splitlines() if row.startswith("  "))
    typed = tmp_path / "kit.txt"
    typed.write_text(text.replace(first, first[:4] + ("B" if first[4] == "A" else "A") + first[5:]), encoding="utf-8")

    with pytest.raises(ConfigurationError, match="mistyped"):
        read_kit(typed)


def test_many_files_are_whole_or_not_there(tmp_path: Path) -> None:
    """A disk that fills up in the middle leaves no half file under a name, and no temporary one."""

    class Filling(Disk):
        written = 0

        def step(self, action: str, target: str) -> None:
            self.written += action == "write"
            if self.written > TOGETHER + 3:
                raise OSError(28, "No space left on device")

    files = [(tmp_path / f"{number:04}", [b"x", b"y"]) for number in range(TOGETHER + 9)]
    with pytest.raises(OSError, match="No space"):
        Filling().write_many(files)
    assert len(list(tmp_path.iterdir())) == TOGETHER, "those that were waited for"
    Disk().write_many(files)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"xy"}
    assert len(list(tmp_path.iterdir())) == len(files)
