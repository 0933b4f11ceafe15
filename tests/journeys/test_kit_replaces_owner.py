"""The only owner's identity is lost: the recovery kit puts another in its place, signs nothing else, and is told of."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters, together
from hoards import Hoard
from simulators import Office, Ran, dies_at, environment_of, fails_at, recover

from archive.founding import kit_entry
from archive.keystore import insert_epoch_wrap
from archive.rekeying import kit_wraps, pending, wraps_entry
from poststelle.access.identities import Identity, RecoveryKit, read_identity, read_kit
from poststelle.access.statements import InvalidStatement, check_statement, make_statement
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.verbs.founding import renew_kit
from poststelle.verbs.rescuing import replace_owner
from poststelle.wiring import open_person, open_service

OWNER, CLERK, MANAGER = "owner", "accounting", "records-manager"
BEFORE = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Zwiebelturmuhr")
DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Quarzsandfilter")
AFTER = Sample(record_class="invoice", received_on=date(2026, 3, 18), word="Moorbirkenhain")
PAYROLL = Sample(record_class="payroll", received_on=date(2026, 3, 19), word="Heidelbeerkraut")
TOLD = "somebody with the recovery kit replaced the identity of the owner"
MOST_STEPS = 120


@dataclass(frozen=True, slots=True)
class Lost:
    """An office with two vouchers whose only owner lost their identity; somebody else kept a copy of the file."""

    office: Office
    kit: Path
    """On a stick, not on the vault's disk."""
    saved: bytes
    before: str
    due: str

    def replaced(self, user: str = OWNER, kit: Path | None = None, *more: str) -> Ran:
        """`identity replace --kit`, in a process of its own, as somebody who has no identity at all."""
        return self.office.run("identity", "replace", user, "--kit", kit or self.kit, "--no-passphrase", *more)

    def as_thief(self, *arguments: str) -> Ran:
        """With the copy of the lost file."""
        path = self.office.identity("saved")
        path.write_bytes(self.saved)
        return self.office.run(*arguments, user="saved")

    def book(self) -> bytes:
        return (self.office.vault / "keybook.jsonl").read_bytes()


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, list[str]]:
    """An office with a voucher, one that is due, and its kit beside it; everybody has looked in once."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("lost") / "root")
    ids = file_letters(office, (BEFORE, DUE))
    seen = together(office, *((user, ("search", "x")) for user in (OWNER, CLERK, "hr")), (None, ("verify",)))
    assert [ran.status for ran in seen] == [0, 0, 0, 0]
    return office, ids


@pytest.fixture
def lost(tmp_path: Path, filed: tuple[Office, list[str]]) -> Lost:
    """That office, of one's own; the kit is on a stick, and the owner's file is gone."""
    office = filed[0].copy_to(tmp_path / "root")
    stick = tmp_path / "stick"
    stick.mkdir()
    office.kit.rename(stick / "kit.txt")
    saved = office.identity(OWNER).read_bytes()
    office.identity(OWNER).unlink()
    return Lost(office, stick / "kit.txt", saved, *filed[1])


def checks_of(ran: Ran) -> dict[str, tuple[bool, str]]:
    return {check["name"]: (check["ok"], check["detail"]) for check in ran.json["checks"]}


def details_of(office: Office, *kinds: str) -> list[tuple[str, str, dict[str, str]]]:
    """(who, what, details) of entries of the log, as the auditor reads them."""
    words = [word for kind in kinds for word in ("--kind", kind)]
    lines = office.done("audit", "show", *words, user="auditor").json["lines"]
    return [(line["user"], line["kind"], line["details"]) for line in lines]


# The whole story --------------------------------------------------------------------------------------------------


def test_a_lost_owner_is_an_owner_again(lost: Lost) -> None:
    """The stick broke, the passphrase died with its bearer: the company goes on where it was, with the sheet in the
    safe and one command."""
    office = lost.office

    ran = lost.replaced()

    assert ran.status == 0, ran.err
    assert ran.json["roles"] == ["owner"] and ran.json["pending"] == []
    assert "kit renew" in ran.err, "the kit was on a disk: it has to be renewed"
    found = office.done("search", BEFORE.word, user=OWNER).json
    assert [hit["id"] for hit in found["hits"]] == [lost.before]
    office.done("export", lost.before, "-o", office.root / "letter.pdf", user=OWNER)
    assert (office.root / "letter.pdf").read_bytes() == BEFORE.content
    office.done("user", "add", "anna", "--role", "accounting", "--no-passphrase", user=OWNER)
    assert office.done("search", BEFORE.word, user="anna").json["total"] == 1
    plan = office.done("purge", "plan", user=MANAGER).json
    assert plan["due"] == [lost.due]
    office.done("purge", "release", plan["plan_id"], "--reason", "Frist", user=OWNER)
    assert office.done("purge", "run").json["disposed"] == [lost.due]
    assert office.done("verify").json["problems"] == []


def test_the_lost_file_signs_nothing_and_opens_nothing_that_comes(lost: Lost) -> None:
    """The stick was not broken but stolen, with the passphrase on a note: it must be worth nothing from now on."""
    office, former = lost.office, read_identity_of(lost.saved, lost.office)
    office.identity("saved").write_bytes(lost.saved)
    kept = Hoard.of(office, "saved")
    assert kept.opens(office, lost.before) and kept.opens_index(office, "finance"), "the control: today it opens all"

    assert lost.replaced().status == 0
    [later, payroll] = file_letters(office, (AFTER, PAYROLL))

    for arguments in (("search", BEFORE.word), ("user", "list"), ("user", "add", "x"), ("kit", "renew", "--kit", "x")):
        refused = lost.as_thief(*arguments)
        assert (refused.status, refused.out) == (3, b""), arguments
        assert TOLD in refused.err, "its bearer may be the owner: they must read why"
    assert not kept.opens(office, later) and not kept.opens(office, payroll)
    assert not kept.opens_index(office, "finance") and not kept.opens_index(office, "hr")
    assert kept.opens(office, lost.before), "what came before cannot be unread: the threat model says so"
    with open_service(environment_of(office)) as service:
        now, vault_id = service.now(), service.book.vault_id
        forged = make_statement(former, vault_id, "purge-release", {"plan": "x"}, at=now, head=None)
        with pytest.raises(InvalidStatement):
            check_statement(forged.line, service.book, "purge-release")
        with pytest.raises(NotPermitted, match="nobody in the book"):
            service.enact("people", {"people": []}, former)
        rows = {recipient for _, _, recipient in service.keys.epoch_recipients()}
        assert former.person_id not in rows, "its wraps are gone from the key store"


def read_identity_of(content: bytes, office: Office) -> Identity:
    """The keys in a copy of an identity file."""
    path = office.root / "copy.identity"
    path.write_bytes(content)
    return read_identity(path).open(lambda: "")


def test_the_new_identity_opens_with_a_code_of_its_own(lost: Lost) -> None:
    """Whoever stands at the screen when the kit is used must not be able to work as the owner for ever after."""
    ran = lost.office.run("identity", "replace", OWNER, "--kit", lost.kit)

    assert ran.status == 0, ran.err
    assert ran.json["one_time_code"] and read_identity(lost.office.identity(OWNER)).is_one_time
    waiting = checks_of(lost.office.run("doctor"))["identities"]
    assert (waiting[0], OWNER in waiting[1]) == (False, True)


# Everybody is told ------------------------------------------------------------------------------------------------


def test_everybody_is_told_once_and_doctor_for_ever(lost: Lost) -> None:
    """The kit was found by somebody who has no business with it. Whoever works here must hear of it by themselves."""
    office, new_kit = lost.office, lost.kit.with_name("new.txt")
    assert TOLD not in office.done("search", "x", user=CLERK).err, "the control"
    assert lost.replaced().status == 0

    for user in (CLERK, "hr", None):
        first, second = together(office, *((user, ("user", "list")) for _ in range(2)))
        assert (first.status, first.err.count(TOLD), second.err.count(TOLD)) == (0, 1, 0), user
    assert TOLD not in office.done("search", "x", user=OWNER).err, "they know"
    for command in ("doctor", "status"):
        ok, sentence = checks_of(office.run(command))["replaced by kit"]
        assert (ok, TOLD in sentence, "kit renew" in sentence) == (False, True, True), command
    assert office.run("status", user="sales").status == 1

    office.done("kit", "renew", "--kit", new_kit, user=OWNER)

    for command in ("doctor", "status"):
        ok, sentence = checks_of(office.run(command))["replaced by kit"]
        assert (ok, TOLD in sentence) == (True, True), "renewed, but not forgotten: a thief would renew it, too"
    assert office.done("status", user="sales").status == 0


def test_the_log_names_the_kit_and_both_identities(lost: Lost) -> None:
    """An auditor asks who was owner when; the use of the kit stands there even if nothing came of it."""
    old = read_identity_of(lost.saved, lost.office).person_id
    assert lost.replaced().status == 0
    new = str(json.loads(lost.office.identity(OWNER).read_bytes())["person"])
    kit = read_kit(lost.kit)

    used, replaced = details_of(lost.office, "kit-used", "identity-replaced")

    assert used == ("recovery kit", "kit-used", {"user": OWNER, "person": old})
    assert replaced == (OWNER, "identity-replaced", {"user": OWNER, "old": old, "new": new, "kit": kit.kit_id})
    assert lost.office.done("audit", "verify").json["ok"]


def test_a_second_owner_answers_a_thief_of_the_kit(lost: Lost) -> None:
    """Two owners, one kit in the wrong hands: the other is told by their next command, and takes the office back."""
    office, new_kit = lost.office, lost.kit.with_name("new.txt")
    office.identity(OWNER).write_bytes(lost.saved)
    office.done("user", "add", "second", "--role", "owner", "--no-passphrase", user=OWNER)
    office.done("search", "x", user="second")
    assert lost.replaced().status == 0, "the thief is an owner now"

    told, removed, renewed = together(
        office,
        ("second", ("search", BEFORE.word)),
        ("second", ("user", "remove", OWNER)),
        ("second", ("kit", "renew", "--kit", new_kit)),
    )

    assert (told.err.count(TOLD), removed.status, renewed.status) == (1, 0, 0)
    assert office.run("search", "x", user=OWNER).status == 3, "the thief"
    assert lost.replaced("second").status == 3, "and their kit"
    office.done("user", "add", OWNER, "--role", "owner", "--no-passphrase", "--identity-out", "o.id", user="second")


# Who is refused ---------------------------------------------------------------------------------------------------


def other_kit(lost: Lost) -> Path:
    """A kit that fits this vault in all but its keys."""
    real = read_kit(lost.kit)
    path = lost.kit.with_name("other.txt")
    path.write_bytes(RecoveryKit.generate(real.vault_id, real.genesis_hash).encode())
    return path


def foreign_kit(lost: Lost) -> Path:
    path = lost.kit.with_name("foreign.txt")
    path.write_bytes(RecoveryKit.generate("ab" * 16, "cd" * 32).encode())
    return path


def half_kit(lost: Lost) -> Path:
    """The keys that open are right, those that sign are somebody's own."""
    path = lost.kit.with_name("half.txt")
    path.write_bytes(replace(read_kit(lost.kit), signing=read_kit(other_kit(lost)).signing).encode())
    return path


def mistyped_kit(lost: Lost) -> Path:
    path = lost.kit.with_name("mistyped.txt")
    text = lost.kit.read_text()
    at = text.index("ed25519: ") + len("ed25519: ")
    path.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    return path


def no_kit(lost: Lost) -> Path:
    path = lost.kit.with_name("no-kit.txt")
    path.write_bytes(lost.saved)
    return path


REFUSED: dict[str, tuple[Callable[[Lost], Path], int, str]] = {
    "a kit that never counted": (other_kit, 3, "took this one's place"),
    "a kit of another vault": (foreign_kit, 2, "another vault"),
    "other signing keys beside the right secret": (half_kit, 3, "not those that the key book names"),
    "a mistyped kit": (mistyped_kit, 2, "mistyped"),
    "an identity file": (no_kit, 2, "not a recovery kit"),
    "no file": (lambda lost: lost.kit.with_name("none"), 2, "cannot be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_kit_is_refused_and_changes_nothing(what: str, lost: Lost) -> None:
    """Whoever holds something that looks like the sheet must not become an owner by it, nor break anything."""
    make, status, words = REFUSED[what]
    book = lost.book()

    ran = lost.replaced(OWNER, make(lost))

    assert (ran.status, ran.out, words in ran.err) == (status, b"", True), ran.err
    assert (lost.book(), list(lost.office.identity(OWNER).parent.glob("owner*"))) == (book, [])
    assert lost.replaced().status == 0, "the control"


def test_a_kit_that_was_renewed_is_refused(lost: Lost) -> None:
    """The sheet that lay on a disk, and in how many backups of that disk: renewing must end it."""
    office, new_kit = lost.office, lost.kit.with_name("new.txt")
    assert lost.replaced().status == 0
    office.done("kit", "renew", "--kit", new_kit, user=OWNER)

    refused, again = lost.replaced(), lost.replaced(OWNER, new_kit)

    assert (refused.status, "took this one's place" in refused.err) == (3, True)
    assert again.status == 0, again.err
    assert office.done("search", BEFORE.word, user=OWNER).json["total"] == 1


@pytest.mark.parametrize(
    ("user", "status", "words"),
    [
        (CLERK, 3, "replaces an owner, and nobody else"),
        ("administrator", 3, "replaces an owner, and nobody else"),
        ("nobody", 2, "no user"),
        ("service", 2, "no user"),
    ],
)
def test_the_kit_replaces_nobody_but_an_owner(user: str, status: int, words: str, lost: Lost) -> None:
    """For everybody else there is an owner, who has to answer for it by name."""
    book = lost.book()

    ran = lost.replaced(user)

    assert (ran.status, ran.out, words in ran.err) == (status, b"", True), ran.err
    assert (lost.book(), lost.office.identity(f"{user}.new").exists()) == (book, False)


def test_an_earlier_key_book_is_not_signed_for(lost: Lost) -> None:
    """Somebody who left puts the book of last year back and waits for the kit: it must not vouch for them."""
    office, book = lost.office, lost.book()
    office.identity(OWNER).write_bytes(lost.saved)
    office.done("user", "remove", "sales", user=OWNER)
    office.done("status")
    office.identity(OWNER).unlink()
    (office.vault / "keybook.jsonl").write_bytes(book)

    ran = lost.replaced()

    assert (ran.status, "seen here before" in ran.err) == (5, True)
    assert lost.book() == book


# Kits that are older ----------------------------------------------------------------------------------------------


def with_old_kit(lost: Lost) -> Lost:
    """As a version before this left it: a kit that opens and signs nothing, and a key book that names no more."""
    lost.office.identity(OWNER).write_bytes(lost.saved)
    real = read_kit(lost.kit)
    kit = replace(RecoveryKit.generate(real.vault_id, real.genesis_hash), signing=None)
    lost.kit.write_bytes(kit.encode())
    with open_person(environment_of(lost.office, user=OWNER)) as session, session.changing_law():
        wraps = list(kit_wraps(session.book, session.keyring, kit.kit_id, kit.sealing.public))
        session.mirrored_keys.apply([insert_epoch_wrap(e.scope_id, e.number, kit.kit_id, wrap) for e, wrap in wraps])
        entries = [wraps_entry(epoch, {kit.kit_id: wrap}) for epoch, wrap in wraps]
        session.change_law("kit", kit_entry(kit) | {"wraps": entries})
    return lost


def test_an_older_kit_goes_on_opening_and_says_what_to_do(lost: Lost) -> None:
    """Whoever printed their sheet last year must hear that it does less, while there is an owner who can renew it."""
    office = with_old_kit(lost).office
    new_kit = lost.kit.with_name("new.txt")

    refused, checked = lost.replaced(), office.run("kit", "check", lost.kit, user=OWNER)
    owners = checks_of(office.run("doctor"))["owners"][1]
    shutil.copyfile(lost.kit, office.kit)

    assert (refused.status, "kit renew" in refused.err) == (3, True)
    assert recover(office, "original", lost.before).out == BEFORE.content
    assert (checked.status, "before kits could sign" in checked.err) == (0, True)
    assert "before kits could sign" in owners and "kit renew" in owners
    office.done("kit", "renew", "--kit", new_kit, user=OWNER)
    office.identity(OWNER).unlink()
    assert lost.replaced(OWNER, new_kit).status == 0
    assert "before kits could sign" not in checks_of(office.run("doctor"))["owners"][1]


def test_a_kit_that_signs_opens_as_well_as_ever(lost: Lost) -> None:
    """recover.py of any vault reads it; what an owner who came by it seals is opened by it, too."""
    office = lost.office
    shutil.copyfile(lost.kit, office.kit)
    assert lost.replaced().status == 0
    [later] = file_letters(office, (AFTER,))

    assert recover(office, "check").text.startswith("OK")
    assert recover(office, "original", lost.before).out == BEFORE.content
    assert recover(office, "original", later).out == AFTER.content


def test_kit_check_tries_the_keys_that_sign(lost: Lost) -> None:
    """A sheet that opens everything and signs wrong would be found on the day nobody can print another."""
    lost.office.identity(OWNER).write_bytes(lost.saved)

    right, half, mistyped = (
        lost.office.run("kit", "check", kit, user=OWNER) for kit in (lost.kit, half_kit(lost), mistyped_kit(lost))
    )

    assert (right.status, half.status, mistyped.status) == (0, 2, 2)
    assert "signing keys" in half.err and "mistyped" in mistyped.err


def test_a_kit_that_would_sign_wrong_does_not_take_the_place_of_one_that_signs(
    lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A printer that drops a line, a disk that lies: what was written is read again before the old sheet is burnt."""
    lost.office.identity(OWNER).write_bytes(lost.saved)
    encode, book, new_kit = RecoveryKit.encode, lost.book(), lost.kit.with_name("new.txt")
    monkeypatch.setattr(
        RecoveryKit, "encode", lambda kit: encode(replace(kit, signing=RecoveryKit.generate("", "").signing))
    )

    with (
        open_person(environment_of(lost.office, user=OWNER)) as session,
        pytest.raises(ConfigurationError, match="signing keys"),
    ):
        renew_kit(session, new_kit)

    assert (lost.book(), new_kit.exists()) == (book, False)
    monkeypatch.undo()
    assert lost.replaced().status == 0, "the old one still counts"


def test_doctor_finds_a_kit_of_either_form_on_the_disk(lost: Lost) -> None:
    """A sheet that was forgotten beside the vault opens it, and now makes an owner as well."""
    found = []
    for kit in (None, read_kit(lost.kit), replace(read_kit(lost.kit), signing=None)):
        lost.office.kit.unlink(missing_ok=True)
        if kit is not None:
            lost.office.kit.write_bytes(kit.encode())
        found.append(checks_of(lost.office.run("doctor"))["recovery kit"][0])

    assert found == [True, False, False]


# When everything is lost, and when a thief was first --------------------------------------------------------------


def test_with_a_backup_and_the_kit_an_office_begins_again(lost: Lost, tmp_path: Path) -> None:
    """The house burned down, and with it the only owner's identity. A disk elsewhere and the sheet in the bank must do,
    for those, too, who remember more than the backup does."""
    office, copies = lost.office, tmp_path / "copies"
    office.done("backup", copies)
    office.identity(OWNER).write_bytes(lost.saved)
    office.done("user", "add", "berta", "--role", "sales", "--no-passphrase", user=OWNER)
    office.done("user", "remove", "berta", user=OWNER)
    office.done("search", "x", user=CLERK)
    for place in (office.vault, office.mirror):
        shutil.rmtree(place)
    office.identity(OWNER).unlink()

    back = office.run("restore", copies, "--kit", lost.kit)
    replaced = lost.replaced()
    refused = office.run("search", "x", user=CLERK)
    confirmed = office.run("restore", "--confirm", user=OWNER)

    assert back.status in (0, 1), back.err
    assert (replaced.status, refused.status, confirmed.status) == (0, 5, 0), replaced.err + confirmed.err
    assert office.done("search", BEFORE.word, user=OWNER).json["total"] == 1
    first, second = (office.done("search", BEFORE.word, user=CLERK) for _ in range(2))
    assert (first.json["total"], first.err.count(TOLD), second.err.count(TOLD)) == (1, 1, 0)
    assert office.done("verify").json["problems"] == []


def test_the_only_owner_takes_the_office_back_from_a_thief_of_the_kit(lost: Lost, tmp_path: Path) -> None:
    """There is no second owner, and a thief sits in the first one's place: a backup from before knows the true one."""
    office, copies, new_kit = lost.office, tmp_path / "copies", lost.kit.with_name("new.txt")
    office.identity(OWNER).write_bytes(lost.saved)
    office.done("backup", copies)
    assert lost.replaced().status == 0
    thief = office.identity(OWNER).read_bytes()
    assert TOLD in office.done("search", "x", user=CLERK).err
    for place in (office.vault, office.mirror):
        shutil.move(place, tmp_path / f"taken-{place.name}")
    office.identity(OWNER).write_bytes(lost.saved)

    back = office.run("restore", copies, user=OWNER)
    office.done("kit", "renew", "--kit", new_kit, user=OWNER)

    assert back.status in (0, 1), back.err
    assert office.done("search", BEFORE.word, user=CLERK).json["total"] == 1, "who saw the thief's book goes on"
    assert lost.replaced().status == 3, "the thief's kit"
    office.identity(OWNER).write_bytes(thief)
    assert office.run("search", "x", user=OWNER).status == 3


# Stopped in between -----------------------------------------------------------------------------------------------


def steps() -> Iterator[int]:
    """1, 2, 3 …"""
    yield from range(1, MOST_STEPS)
    raise AssertionError("this does not end")


def test_a_stop_at_any_step_is_repeated(lost: Lost, tmp_path: Path) -> None:
    """The power goes, or the disk is full, while the kit is used: the same command again must do."""
    whole = lost.office.copy_to(tmp_path / "whole")

    def rescue(office: Office, disk: Disk) -> None:
        replace_owner(environment_of(office, disk), OWNER, lost.kit, identity_out=None, no_passphrase=True)

    for step in steps():
        office = lost.office
        office.restore_from(whole)
        # By turns: a disk that is full for once, and a power cut.
        stopped = (fails_at if step % 2 else dies_at)(step, office, rescue)
        if stopped:
            rescue(office, Disk())
        with open_person(environment_of(office, user=OWNER)) as session:
            registered, _ = session.reading.resolve(lost.before)
            assert session.reading.original(registered) == BEFORE.content, step
            assert session.book.holds_right(session.identity.person_id, "grant")
            assert not pending(session.book, session.keys), step
            owners = [p for p in session.book.people.values() if OWNER in p.roles and not p.removed]
            assert [p.person_id for p in owners] == [session.identity.person_id]
        assert [path.name for path in office.identity(OWNER).parent.glob("owner*")] == ["owner.identity"], step
        if not stopped:
            break
    assert step > 20, "the control: there were steps to stop at"
