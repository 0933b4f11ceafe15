"""One passphrase, many searches: unlocked only for the person who did it, only as long as was said, never on disk."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import CANARIES
from simulators import Office, Ran

from poststelle.access.identities import read_identity
from poststelle.wiring import shipped_config

INVOICE = "rechnung-quarzsand.pdf"
DIGITAL = "per-mail-heidelbeer.pdf"
PASSPHRASE = "Kieselstein Lampe Donnerstag"


@dataclass(frozen=True)
class Guarded:
    """An office where accounting and hr have passphrases, and a private folder for sockets."""

    office: Office
    passphrase_file: Path
    runtime: Path

    def run(self, *arguments: str, user: str = "accounting", knows_it: bool = False) -> Ran:
        """Run a command as somebody who can give the passphrase, or cannot."""
        env = {"XDG_RUNTIME_DIR": str(self.runtime)}
        if knows_it:
            env["POSTSTELLE_PASSPHRASE_FILE"] = str(self.passphrase_file)
        return self.office.run(*arguments, user=user, env=env)

    def unlock(self, *options: str, user: str = "accounting") -> Ran:
        """Unlock with the passphrase; must succeed."""
        ran = self.run("unlock", *options, user=user, knows_it=True)
        assert ran.status == 0, ran.err
        return ran

    def finds(self) -> bool:
        """Whether accounting can search without giving the passphrase."""
        ran = self.run("search", CANARIES[INVOICE])
        assert ran.status in (0, 2), ran.err
        return ran.status == 0 and ran.json["total"] == 1

    def sockets(self) -> list[Path]:
        """What lies in the folder for sockets."""
        return sorted(path for path in self.runtime.rglob("*") if not path.is_dir())


@pytest.fixture
def guarded(full_office: Office, tmp_path: Path) -> Iterator[Guarded]:
    """Passphrases chosen; whatever is unlocked is locked afterwards."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    guarded = Guarded(full_office, file, runtime)
    for user in ("accounting", "hr"):
        full_office.done("identity", "passphrase", "--new-file", file, user=user)
    yield guarded
    for user in ("accounting", "hr"):
        guarded.run("unlock", "--stop", user=user)
    assert guarded.sockets() == []


def test_one_passphrase_serves_many_searches_until_it_is_locked_again(guarded: Guarded) -> None:
    """A clerk who has to type the passphrase forty times a day writes it on the monitor."""
    assert not guarded.finds(), "the control: without the passphrase nothing is found"

    told = guarded.unlock("--for", "1h30m").json

    assert told["user"] == "accounting"
    left = datetime.fromisoformat(told["until"]) - datetime.now(UTC)
    assert timedelta(minutes=80) < left <= timedelta(minutes=90)
    assert [str(path) for path in guarded.sockets()] == [told["socket"]]
    assert guarded.finds() and guarded.finds()

    stopped = guarded.run("unlock", "--stop")

    assert (stopped.status, stopped.json["until"], stopped.json["user"]) == (0, None, "accounting")
    assert not guarded.finds()
    assert guarded.run("unlock", "--stop").status == 0


def test_unlocking_for_longer_takes_the_passphrase_again(guarded: Guarded) -> None:
    """Otherwise whoever sits down at an unlocked desk keeps it unlocked for ever."""
    guarded.unlock("--for", "30m")

    assert guarded.run("unlock", "--for", "8h").status == 2
    assert guarded.finds(), "a refusal must not lock either"


def test_what_one_person_unlocked_opens_nothing_for_another(guarded: Guarded) -> None:
    """Several people may share one account of the operating system: keys keep them apart, not the desk."""
    guarded.unlock()

    assert guarded.run("search", "Überweisung", user="accounting").status == 0
    assert guarded.run("search", "Überweisung", user="hr").status == 2
    assert guarded.run("search", "Überweisung", user="hr", knows_it=True).status == 0, "the control"


def test_a_new_passphrase_ends_what_the_old_one_unlocked(guarded: Guarded, tmp_path: Path) -> None:
    """People change it because somebody saw it; that somebody may have unlocked already."""
    guarded.unlock()
    assert guarded.finds()
    other = tmp_path / "other"
    other.write_text("Zimtstern Gabelstapler Mittwoch", encoding="utf-8")

    changed = guarded.run("identity", "passphrase", "--new-file", str(other), knows_it=True)

    assert changed.status == 0, changed.err
    assert not guarded.finds()


def test_the_key_is_in_no_file_while_unlocked(guarded: Guarded) -> None:
    """Backups and stolen disks hold files; an unlocked key must not be among them."""
    guarded.unlock()
    assert guarded.finds()

    def lies_open(user: str) -> list[Path]:
        secret = read_identity(guarded.office.identity(user)).open(lambda: PASSPHRASE).secret()
        ways = [secret, secret[:96], secret[96:128], secret[:32].hex().encode(), base64.b64encode(secret)]
        places = [p for root in (guarded.office.root, guarded.runtime) for p in root.rglob("*") if p.is_file()]
        return [place for place in places if any(way in place.read_bytes() for way in ways)]

    assert lies_open("owner") == [guarded.office.identity("owner")], "the control: an identity without a passphrase"
    assert lies_open("accounting") == []


def test_unlocking_is_logged_and_a_wrong_passphrase_unlocks_nothing(guarded: Guarded) -> None:
    """An auditor must see who was unlocked and until when."""
    log = guarded.office.vault / "audit.jsonl"
    before = log.read_text().count('"kind":"unlock"')
    guarded.passphrase_file.write_text("not the passphrase at all", encoding="utf-8")
    assert guarded.run("unlock", knows_it=True).status == 2
    assert guarded.sockets() == []
    guarded.passphrase_file.write_text(PASSPHRASE, encoding="utf-8")

    guarded.unlock()

    assert log.read_text().count('"kind":"unlock"') == before + 1


@pytest.mark.parametrize("time", ["0m", "25h", "tomorrow"])
def test_a_time_that_cannot_be_is_refused_before_anything_is_asked(guarded: Guarded, time: str) -> None:
    """A typing error must not end in a key that stays open for a week."""
    ran = guarded.run("unlock", "--for", time)

    assert ran.status == 2
    assert "at most 24h" in ran.err


def test_an_identity_without_passphrase_and_one_with_its_handed_out_code_are_not_unlocked(
    guarded: Guarded, tmp_path: Path
) -> None:
    """The first needs nothing; the second is known to whoever handed the code out."""
    assert guarded.run("unlock", user="owner").status == 2
    fresh = Office(tmp_path / "fresh").make("--kit", str(tmp_path / "kit.txt"), shipped=shipped_config())

    refused = fresh.run("unlock", user="hr", env={"XDG_RUNTIME_DIR": str(guarded.runtime)})

    assert refused.status == 2
    assert "identity passphrase" in refused.err
    assert guarded.sockets() == []


def test_in_blind_mode_unlocking_lets_the_index_catch_up(tmp_path: Path, scans: dict[str, Path]) -> None:
    """There the service cannot index: letters would only be found after somebody waited for a slow first search."""
    office = Office(tmp_path / "root")
    blind = tmp_path / "blind.yaml"
    text = shipped_config().read_text(encoding="utf-8")
    blind.write_text(text.replace("mode: live ", "mode: blind "), encoding="utf-8")
    assert blind.read_text(encoding="utf-8") != text
    office.make(shipped=blind)
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    (tmp_path / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    office.done("identity", "passphrase", "--new-file", tmp_path / "passphrase", user="accounting")
    env = {"XDG_RUNTIME_DIR": str(runtime), "POSTSTELLE_PASSPHRASE_FILE": str(tmp_path / "passphrase")}
    office.drop(scans[DIGITAL])
    office.done("intake")

    def lag() -> int:
        indexes = office.run("status", user="accounting", env=env).json["indexes"]
        return next(index["lag"] for index in indexes if index["compartment"] == "finance")

    assert lag() == 1
    assert office.done("status").json["indexes"] == [], "the service holds no index key"
    try:
        unlocked = office.run("unlock", user="accounting", env=env)
        assert (unlocked.status, unlocked.json["not_yet_findable"]) == (0, 0), unlocked.err
        assert lag() == 0
    finally:
        office.run("unlock", "--stop", user="accounting", env=env)
