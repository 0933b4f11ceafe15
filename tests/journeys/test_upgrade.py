"""A new version of the program meets a vault of the one before: it says so, and one command brings the vault along."""

import json
from datetime import date
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters
from simulators import FullDisk, Office, environment_of

from archive.catalogue import NAME
from poststelle.access.database import open_database
from poststelle.access.keybook import RECORDS
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, OutdatedVault
from poststelle.verbs.upgrading import upgrade
from poststelle.verbs.verifying import verify
from poststelle.wiring import locked, open_service

LETTER = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
ADDED = {"keys.db: shares", "keys.db: shares_by_scope", "catalogue.db: gaps", "catalogue.db: targets", "recover.py"}


@pytest.fixture
def old(tmp_path: Path, empty_office: Office) -> Office:
    """An office whose vault lacks what vaults of the first version lacked."""
    office = empty_office.copy_to(tmp_path / "root")
    file_letters(office, [LETTER])
    with open_service(environment_of(office)) as session:
        key, layout = session.keyring.database_key(NAME, RECORDS), session.layout
    for path in (layout.keys, layout.mirror_keys):
        with open_database(path, Disk(), key=None) as store:
            store.run("DROP TABLE shares")
    with open_database(layout.catalogue, Disk(), key=key) as catalogue:
        catalogue.run("DROP TABLE gaps")
        catalogue.run("DROP TABLE targets")
    layout.recover.write_bytes(b"# an earlier recover.py\n")
    return office


def problems(office: Office) -> list[str]:
    """What verify finds."""
    with open_service(environment_of(office)) as session:
        return [p.code for p in verify(session, with_data=False, progress=lambda done, total: None).problems]


def test_a_vault_of_the_version_before_is_named_and_brought_along(old: Office) -> None:
    """After an update the clerk must read what to do, not a traceback; and every letter must be there as it was."""
    refused = old.run("search", LETTER.word, user="accounting")
    assert refused.status == 2
    assert "poststelle upgrade" in refused.err
    assert refused.out == b""

    assert set(old.done("upgrade").json["added"]) == ADDED
    assert old.done("upgrade").json["added"] == []

    assert old.done("search", LETTER.word, user="accounting").json["total"] == 1
    assert old.done("backup", old.root / "backup").json["letters"] == 1
    assert problems(old) == []


def test_a_stop_anywhere_in_an_upgrade_is_repeated(tmp_path: Path, old: Office) -> None:
    """A power cut during the update must leave a vault that the next try brings along, not one that nobody opens."""
    step = 0
    while True:
        step += 1
        office = old.copy_to(tmp_path / f"try-{step}")
        disk = FullDisk(step)
        try:
            upgrade(environment_of(office, disk))
        except OSError:
            upgrade(environment_of(office))
            assert problems(office) == []
        else:
            break
    assert step > 5


def test_nothing_is_upgraded_while_mail_is_taken_in(old: Office) -> None:
    """A watch of the old version does not know the new tables: it must not go on beside the new one."""
    with locked(old.vault / "intake.lock", "busy"), pytest.raises(ConfigurationError, match="stop it"):
        upgrade(environment_of(old))

    with pytest.raises(OutdatedVault), open_service(environment_of(old)):
        pass


def test_a_newer_vault_is_refused(old: Office) -> None:
    """An old program on a new vault would guess; it must stop before it touches anything."""
    descriptor = old.vault / "VAULT.json"
    content = json.loads(descriptor.read_bytes())
    descriptor.write_bytes(json.dumps(content | {"format": "poststelle vault 2"}).encode())

    refused = old.run("upgrade")

    assert refused.status == 2
    assert "poststelle vault 2" in refused.err
