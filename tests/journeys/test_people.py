"""People come, stand in, change roles, lose their keys and leave: keys follow rights, by themselves."""

import contextlib
import hashlib
import json
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters, together
from hoards import Hoard
from simulators import Office, environment_of, recover

from archive.founding import epoch_entry
from archive.keystore import insert_epoch_wrap
from archive.rekeying import pending
from poststelle.access.keyring import make_epoch
from poststelle.access.sealing import SealingPrivateKey
from poststelle.errors import KeysRenewed, NotPermitted
from poststelle.verbs.finding import search
from poststelle.wiring import Environment, Session, open_person, open_service, shipped_config

OWNER, CLERK = "owner", "accounting"
BEFORE = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Zwiebelturmuhr")
AFTER = Sample(record_class="invoice", received_on=date(2026, 3, 18), word="Moorbirkenhain")
PAYROLL = Sample(record_class="payroll", received_on=date(2026, 3, 17), word="Heidelbeerkraut")
LATER_PAYROLL = Sample(record_class="payroll", received_on=date(2026, 3, 19), word="Kupferkannenstiel")
ANNA = ("user", "add", "anna", "--no-passphrase", "--role")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, list[str]]:
    """An office with one voucher, one payroll, and a second clerk, anna, in accounting."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("people") / "root")
    ids = file_letters(office, (BEFORE, PAYROLL))
    [added] = together(office, (OWNER, (*ANNA, "accounting")))
    assert added.status == 0, added.err
    return office, ids


@pytest.fixture
def vault(tmp_path: Path, filed: tuple[Office, list[str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


@pytest.fixture
def voucher(filed: tuple[Office, list[str]]) -> str:
    """Id of the voucher that came before anything changed."""
    return filed[1][0]


def at(office: Office, moment: datetime, user: str | None = None) -> Environment:
    """The office as this process finds it at another time."""
    return replace(environment_of(office, user=user), now=lambda: moment)


def found_by(environment: Environment, word: str) -> int:
    """How many letters a person finds by a word."""
    with open_person(environment) as session:
        return found_in(session, word)


def found_in(session: Session, word: str) -> int:
    found = search(
        session, word, record_class=None, from_date=None, to_date=None, limit=10, sort="relevance",
        today=session.now().date(),
    )  # fmt: skip
    return found.result.total


def rows_for(office: Office, person_id: str) -> int:
    """Wraps for somebody in store and mirror, read without any code of ours."""
    count = 0
    for path in (office.vault / "keys" / "keys.db", office.mirror / "keys.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            count += store.execute("SELECT count(*) FROM epochs WHERE recipient = ?", (person_id,)).fetchone()[0]
    return count


def person_id(office: Office, user: str) -> str:
    return str(json.loads(office.identity(user).read_bytes())["person"])


# Leaving --------------------------------------------------------------------------------------------------------


def test_who_left_opens_nothing_that_arrives_afterwards(vault: Office, voucher: str) -> None:
    """A clerk goes to a competitor with a copy of the vault, their identity and every key they could get out of it."""
    kept = Hoard.of(vault, CLERK)
    assert kept.opens(vault, voucher) and kept.opens_index(vault, "finance"), "the control: today they read it all"
    assert rows_for(vault, person_id(vault, CLERK)) > 0, "the control"

    removed, refused = together(vault, (OWNER, ("user", "remove", CLERK)), (CLERK, ("search", BEFORE.word)))
    [later] = file_letters(vault, (AFTER,))

    assert (removed.status, removed.json["pending"]) == (0, [])
    assert (refused.status, refused.out) == (3, b"")
    assert rows_for(vault, person_id(vault, CLERK)) == 0, "deleted at once, in the mirror too"
    assert not kept.opens(vault, later)
    assert not kept.opens_index(vault, "finance")
    assert kept.opens(vault, voucher), "what was read before cannot be unread: the threat model says so"


def test_a_key_that_a_leaver_planted_is_followed_by_another(vault: Office) -> None:
    """The week before they go, a clerk changes the lock by hand, keeps the key, and names themselves nowhere."""
    planted: dict[tuple[str, int], SealingPrivateKey] = {}
    with open_person(environment_of(vault, user="anna")) as session, session.changing_law():
        book, entries = session.book, []
        for scope in ("content:finance", "index:finance"):
            others = {r: key for r, key in book.recipients(scope).items() if r != session.keyring.person_id}
            new = make_epoch(book.vault_id, scope, book.current(scope).scope_id, 2, others.items())
            session.mirrored_keys.apply(
                [insert_epoch_wrap(new.epoch.scope_id, 2, recipient, wrap) for recipient, wrap in new.wraps.items()]
            )
            entries.append(epoch_entry(new.epoch))
            planted[scope, 2] = new.private
        session.enact("epochs", {"epochs": entries, "databases": {}})
    hoard = Hoard(planted, {})
    [before] = file_letters(vault, (BEFORE,))
    assert hoard.opens(vault, before), "the control: while they are here, that is their right anyway"

    [removed] = together(vault, (OWNER, ("user", "remove", "anna")))
    [later] = file_letters(vault, (AFTER,))

    assert removed.status == 0, removed.err
    assert not hoard.opens(vault, later)
    assert not hoard.opens_index(vault, "finance")
    assert found_by(environment_of(vault, user=CLERK), AFTER.word) == 1, "the control: the colleague finds it"


@pytest.mark.parametrize("user", [None, OWNER, "hr"])
def test_an_earlier_key_book_is_refused_by_whoever_saw_a_later_one(user: str | None, vault: Office) -> None:
    """Each line of it holds: with it, who left would be back, and new letters be sealed to keys that they kept."""
    book = vault.vault / "keybook.jsonl"
    earlier = book.read_bytes()
    together(vault, (OWNER, ("user", "remove", "anna")), (None, ("verify",)), ("hr", ("search", "x")))
    later = book.read_bytes()
    assert later.startswith(earlier) and later != earlier, "the control"
    command = ("intake",) if user is None else ("search", "x")
    [whole] = together(vault, (user, command))

    for rolled_back in (earlier, b"".join(later.splitlines(keepends=True)[:-1])):
        book.write_bytes(rolled_back)
        [refused] = together(vault, (user, command))
        assert (refused.status, refused.out) == (5, b"")
        assert "seen here before" in refused.err and "restore --confirm" in refused.err
        assert book.read_bytes() == rolled_back, "nor is anything built on it"

    book.write_bytes(later)
    [again] = together(vault, (user, command))
    assert (whole.status, again.status) == (0, 0), again.err


def test_who_stays_reads_old_and_new(vault: Office) -> None:
    """The colleague at the next desk must not notice that the keys changed; nor must the owner of the kit."""
    together(vault, (OWNER, ("user", "remove", CLERK)))
    file_letters(vault, (AFTER,))

    corrected, old, new, verified, status = together(
        vault,
        ("anna", ("facts", "set", "FIN-2026-000001", "reference", "K-17")),
        ("anna", ("search", "reference:K-17")),
        ("anna", ("search", AFTER.word)),
        (None, ("verify",)),
        (None, ("doctor",)),
    )

    assert corrected.status == 0, corrected.err
    assert (old.json["total"], new.json["total"]) == (1, 1), "a correction mixes keys of before and after"
    assert (verified.status, verified.json["problems"]) == (0, [])
    assert {c["name"]: c["ok"] for c in status.json["checks"]}["keys"]
    listed = recover(vault, "list")
    assert (listed.status, AFTER.word in listed.text, BEFORE.word in listed.text) == (0, True, True)


def test_what_the_remover_does_not_hold_is_renewed_by_the_next_who_does(tmp_path: Path) -> None:
    """An owner who may not read HR's mail lets somebody of HR go: the other one's next command changes the locks."""
    office = narrow_office(tmp_path)
    kept = Hoard.of(office, "hr")
    removed, doctor = together(office, (OWNER, ("user", "remove", "hr")), (None, ("doctor",)))
    assert (removed.status, removed.json["pending"]) == (0, ["content:hr", "index:hr"])
    keys = {c["name"]: c for c in doctor.json["checks"]}["keys"]
    assert (keys["ok"], "lotte" in keys["detail"]) == (False, True), "doctor names who can do it"

    assert together(office, ("lotte", ("search", "x")))[0].status == 0

    [later] = file_letters(office, (PAYROLL,), findable=False)
    assert not kept.opens(office, later) and not kept.opens_index(office, "hr")
    assert Hoard.of(office, "lotte").opens(office, later), "the control"


def narrow_office(tmp_path: Path) -> Office:
    """An office whose owner holds no key of HR, in blind mode; hr and lotte are in HR."""
    text = shipped_config().read_text(encoding="utf-8")
    for old, new in (
        ("      hr: [find, read, export, file, reclassify]\n      legal", "      legal"),
        ("mode: live  ", "mode: blind "),
        ("  hr: [hr]\n", "  hr: [hr]\n  lotte: [hr]\n"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    shipped = tmp_path / "config.yaml"
    shipped.write_text(text, encoding="utf-8")
    return Office(tmp_path / "root").make(shipped=shipped)


def test_who_lost_a_role_lost_its_letters_and_kept_the_others(vault: Office) -> None:
    """Anna moves from accounting to sales: neither too much nor too little may be left to her."""
    granted, revoked, vouchers, general = together(
        vault,
        (OWNER, ("role", "grant", "anna", "sales")),
        (OWNER, ("role", "revoke", "anna", "accounting")),
        ("anna", ("search", BEFORE.word)),
        (OWNER, ("role", "list")),
    )

    assert (granted.json["roles"], revoked.json["roles"]) == (["accounting", "sales"], ["sales"])
    assert (vouchers.status, vouchers.json["total"]) == (0, 0)
    holders = {r["role"]: [h["user"] for h in r["holders"]] for r in general.json["roles"]}
    assert (holders["sales"], holders["accounting"]) == (["sales", "anna"], [CLERK])
    with open_person(environment_of(vault, user="anna")) as session:
        assert session.book.compartments_for(session.identity.person_id, "find") == ("general", "sales")


# Standing in ----------------------------------------------------------------------------------------------------


def test_a_delegation_ends_by_itself(vault: Office) -> None:
    """Nobody remembers to take it back: after the day the deputy finds nothing, and can open nothing that comes."""
    last = datetime.now(UTC).date() + timedelta(days=3)
    lend = ("delegate", "--role", "hr", "--to", "anna", "--until", last.isoformat(), "--reason", "Urlaub")
    before, lent, during = together(
        vault,
        ("anna", ("search", PAYROLL.word)),
        (OWNER, lend),
        ("anna", ("search", PAYROLL.word)),
    )
    assert lent.status == 0, lent.err
    assert (before.json["total"], during.json["total"]) == (0, 1)
    kept = Hoard.of(vault, "anna")
    afterwards = datetime.now(UTC) + timedelta(days=5)
    with open_service(at(vault, afterwards), as_it_is=True) as session:
        assert session.book.current("content:hr").number == 2, "the next keys were made when it was lent"
        assert session.keyring.person_id not in session.book.current("content:hr").wraps, "and not by the service"

    assert found_by(at(vault, afterwards, "anna"), PAYROLL.word) == 0
    [later] = file_letters(vault, (LATER_PAYROLL,), at(vault, afterwards))

    assert not kept.opens(vault, later) and not kept.opens_index(vault, "hr")
    assert found_by(at(vault, afterwards, "hr"), LATER_PAYROLL.word) == 1, "the control: who is there finds it"
    with open_service(at(vault, afterwards)) as session:
        assert not pending(session.book, session.keys)
        assert session.book.deputy_for(person_id(vault, "anna")) == []
    assert recover(vault, "check").status == 0, "the kit opens what was prepared"


def test_a_clock_that_was_set_back_brings_no_deputy_back(vault: Office) -> None:
    """The deputy turns the clock of the machine: what the book has seen of time counts."""
    last = datetime.now(UTC).date() + timedelta(days=3)
    lend = ("delegate", "--role", "hr", "--to", "anna", "--until", last.isoformat(), "--reason", "Urlaub")
    together(vault, (OWNER, lend))
    assert found_by(environment_of(vault, user="anna"), PAYROLL.word) == 1, "the control"
    with open_person(at(vault, datetime.now(UTC) + timedelta(days=5), OWNER)):
        pass  # the keys that count from then on are put to use, which is a statement of that day

    assert found_by(environment_of(vault, user="anna"), PAYROLL.word) == 0


def test_a_deputy_can_be_called_back_and_makes_no_deputies(vault: Office) -> None:
    """Lent is not owned: the deputy can hand it back, and to nobody else."""
    day = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    lend = ("delegate", "--until", day, "--reason", "Urlaub", "--role")
    lent, on, own = together(
        vault,
        (OWNER, (*lend, "hr", "--to", "anna")),
        ("anna", (*lend, "hr", "--to", "sales")),
        ("anna", (*lend, "accounting", "--to", "sales")),
    )
    end = ("delegate", "end", str(lent.json["delegations"][0]["number"]))
    by_another, ended, after, again, listed = together(
        vault,
        ("sales", end),
        ("anna", end),
        ("anna", ("search", PAYROLL.word)),
        ("anna", end),
        (OWNER, ("delegate", "list")),
    )
    assert (on.status, own.status, by_another.status) == (3, 3, 3)
    assert (ended.status, after.json["total"], again.status) == (0, 0, 2)
    assert [(d["role"], d["to"], d["in_force"]) for d in listed.json["delegations"]] == [("hr", "anna", False)]


# Who may change what ----------------------------------------------------------------------------------------------


def test_nobody_gives_what_they_do_not_hold_or_breaks_the_separation(vault: Office) -> None:
    """Each of these would be the way to read, or to destroy, what is not one's own."""
    book = (vault.vault / "keybook.jsonl").read_bytes()
    day = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    refused = together(
        vault,
        (CLERK, ("user", "add", "bert", "--role", "accounting", "--no-passphrase")),
        (CLERK, ("role", "grant", CLERK, "hr")),
        ("administrator", ("user", "remove", "hr")),
        ("administrator", ("identity", "replace", "hr", "--no-passphrase")),
        ("administrator", ("kit", "renew", "--kit", "kit3.txt")),
        ("administrator", ("config", "apply", "--yes")),
        ("hr", ("delegate", "--role", "hr", "--to", "anna", "--until", day, "--reason", "x")),
        (OWNER, ("user", "remove", OWNER)),
        (OWNER, ("role", "revoke", OWNER, "owner")),
        (OWNER, ("role", "grant", "auditor", "records-manager")),
        (OWNER, ("role", "grant", "administrator", "mailroom")),
        (OWNER, ("delegate", "--role", "records-manager", "--to", "dpo", "--until", day, "--reason", "x")),
        (OWNER, ("identity", "replace", OWNER, "--no-passphrase")),
    )

    applied = 5  # config.yaml was not changed: there is nothing to apply
    assert [ran.status for ran in refused] == [3] * applied + [0] + [3] * (len(refused) - applied - 1)
    assert (vault.vault / "keybook.jsonl").read_bytes() == book
    assert not vault.identity("bert").exists() and not (vault.folder / "kit3.txt").exists()
    assert "separation of duties" in refused[9].err
    [granted] = together(vault, (OWNER, ("role", "grant", "anna", "records-manager")))
    assert granted.status == 0, "the control"


def test_config_becomes_law_by_a_signature_only(vault: Office) -> None:
    """Whoever can edit the file gives nobody a right; whoever may sign it sees first what they sign."""
    together(vault, (OWNER, ("role", "grant", "anna", "sales")), (OWNER, ("role", "revoke", "anna", "accounting")))
    text = vault.config.read_text()
    wish = "  sales:\n    label: Einkauf und Vertrieb\n    compartments:\n"
    assert wish in text
    vault.config.write_text(text.replace(wish, wish + "      finance: [find]\n"))

    look, by_clerk, unasked, before, signed, after, again, doctor = together(
        vault,
        (OWNER, ("config", "apply", "--dry-run")),
        (CLERK, ("config", "apply", "--yes")),
        (OWNER, ("config", "apply")),
        ("anna", ("search", BEFORE.word)),
        (OWNER, ("config", "apply", "--yes")),
        ("anna", ("search", BEFORE.word)),
        (OWNER, ("config", "apply", "--yes")),
        (None, ("doctor",)),
    )

    place = "roles.sales.compartments.finance"
    assert (look.status, [d["place"] for d in look.json["differences"]]) == (1, [place])
    assert (by_clerk.status, unasked.status, before.json["total"]) == (3, 2, 0)
    assert (signed.status, signed.json["applied"], after.json["total"]) == (0, True, 1)
    assert (again.status, again.json["differences"]) == (0, [])
    assert {c["name"]: c["ok"] for c in doctor.json["checks"]}["key book"]


def test_people_that_the_file_names_otherwise_are_shown_with_the_command_for_each(vault: Office) -> None:
    """Somebody adds a colleague to the file and waits: they must be told what to say, and nobody be added unasked."""
    text = vault.config.read_text()
    listed = text.replace("  sales: [sales]\n", "  sales: [sales, hr]\n  berta: [sales, hr]\n")
    vault.config.write_text(listed.replace("  hr: [hr]\n", "  hr: [sales]\n"))
    book = (vault.vault / "keybook.jsonl").read_bytes()

    told, said = (vault.run("config", "apply", "--yes", user=OWNER, as_json=as_json) for as_json in (True, False))

    wished = {entry["user"]: entry["commands"] for entry in told.json["people"]}
    assert (told.status, wished) == (
        0,
        {
            "anna": [],  # of the key book only: the file is older than she is
            "berta": ["poststelle user add berta --role sales --role hr"],
            "hr": ["poststelle role grant hr sales", "poststelle role revoke hr hr"],
            "sales": ["poststelle role grant sales hr"],
        },
    )
    assert all(command in said.text for commands in wished.values() for command in commands)
    assert (vault.vault / "keybook.jsonl").read_bytes() == book
    followed = [command.split()[1:] for commands in wished.values() for command in commands]
    assert [ran.status for ran in together(vault, *((OWNER, words) for words in followed))] == [0] * len(followed)
    assert [e["user"] for e in vault.done("config", "apply", user=OWNER).json["people"]] == ["anna"]


def test_a_law_that_letters_need_cannot_be_taken_out(vault: Office) -> None:
    """A class or a retention line disappears from the file: its letters would never be due, or not be shown."""
    text = vault.config.read_text()
    vault.config.write_text(text.replace("series: FIN}", "series: BUC}"))

    [refused] = together(vault, (OWNER, ("config", "apply", "--yes")))

    assert (refused.status, "FIN" in refused.err) == (2, True)


def test_the_service_loses_its_keys_when_the_office_turns_blind(vault: Office) -> None:
    """The server is moved to a data centre: from that day its disk must not open new mail."""
    kept = Hoard.of(vault, None)
    assert kept.opens_index(vault, "finance"), "the control"
    vault.config.write_text(vault.config.read_text().replace("mode: live  ", "mode: blind "))

    [applied] = together(vault, (OWNER, ("config", "apply", "--yes")))
    [later] = file_letters(vault, (AFTER,), findable=False)

    assert applied.status == 0, applied.err
    assert not kept.opens(vault, later) and not kept.opens_index(vault, "finance")
    assert found_by(environment_of(vault, user=CLERK), AFTER.word) == 1, "the next holder's search catches up"


# Lost keys --------------------------------------------------------------------------------------------------------


def test_a_lost_identity_is_replaced(vault: Office) -> None:
    """A stick is left on a train: whoever finds it gets nothing, and its owner goes on where they were."""
    lost = vault.identity(CLERK).read_bytes()
    kept = Hoard.of(vault, CLERK)

    [replaced] = together(vault, (OWNER, ("identity", "replace", CLERK, "--no-passphrase")))
    [later] = file_letters(vault, (AFTER,))

    assert replaced.status == 0, replaced.err
    assert not kept.opens(vault, later)
    old, new = together(vault, (CLERK, ("search", BEFORE.word)), (CLERK, ("search", AFTER.word)))
    assert (old.json["total"], new.json["total"]) == (1, 1)
    vault.identity(CLERK).write_bytes(lost)
    assert together(vault, (CLERK, ("search", BEFORE.word)))[0].status == 3


def test_a_renewed_kit_opens_everything_and_the_old_one_nothing_new(vault: Office, voucher: str) -> None:
    """The kit was photographed: a new one must open every letter, the old one none that comes."""
    old = vault.kit.read_bytes()
    kit = vault.folder / "new-kit.txt"

    renewed, checked, refused, another = together(
        vault,
        (OWNER, ("kit", "renew", "--kit", kit)),
        (OWNER, ("kit", "check", kit)),
        (OWNER, ("kit", "check", vault.kit)),
        (OWNER, ("kit", "check", vault.vault / "audit.jsonl")),
    )
    [later] = file_letters(vault, (AFTER,))

    assert renewed.status == 0, renewed.err
    assert (checked.status, refused.status, another.status) == (0, 2, 2)
    assert "no recovery kit" in another.err and "Traceback" not in another.err
    assert recover(vault, "original", later).status != 0, "the old kit"
    vault.kit.write_bytes(kit.read_bytes())
    assert recover(vault, "original", later).out == AFTER.content
    assert recover(vault, "original", voucher).out == BEFORE.content
    assert old != kit.read_bytes()


def test_a_house_with_one_owner_is_told_that_only_the_kit_can_help(vault: Office) -> None:
    """The only owner's stick breaks: whoever is not told beforehand looks for the sheet when it is too late."""
    told = "the only owner"
    checked, own, doctor, added = together(
        vault,
        (OWNER, ("kit", "check", vault.kit)),
        (OWNER, ("identity", "replace", OWNER, "--no-passphrase")),
        (None, ("doctor",)),
        (OWNER, ("user", "add", "second", "--role", "owner", "--no-passphrase")),
    )
    vault.identity(OWNER).unlink()
    replaced, back, again, doctor_again = together(
        vault,
        ("second", ("identity", "replace", OWNER, "--no-passphrase")),
        (OWNER, ("role", "grant", CLERK, "sales")),
        (OWNER, ("kit", "check", vault.kit)),
        (None, ("doctor",)),
    )

    checks = [{c["name"]: c["detail"] for c in ran.json["checks"]} for ran in (doctor, doctor_again)]
    assert (checked.status, own.status, added.status) == (0, 3, 0)
    assert told in checked.err and told in checks[0]["owners"] and "another owner" in own.err
    assert "identity replace owner --kit" in checked.err and "--kit" in own.err
    assert [ran.status for ran in (replaced, back, again)] == [0, 0, 0], "the way out, and the control"
    assert told not in again.err + checks[1]["owners"]


# While others work ------------------------------------------------------------------------------------------------


def test_who_has_a_search_open_goes_on_with_the_new_keys(vault: Office) -> None:
    """A colleague searches all day; somebody leaves at noon."""
    with (
        open_person(environment_of(vault, user="anna")) as anna,
        open_person(environment_of(vault, user=CLERK)) as clerk,
    ):
        assert found_in(anna, BEFORE.word) == found_in(clerk, BEFORE.word) == 1
        index = anna.index("finance")
        together(vault, (OWNER, ("user", "remove", CLERK)))

        with pytest.raises(KeysRenewed):
            index.position()  # what was opened with the old key says why it does not open any more
        assert found_in(anna, BEFORE.word) == 1
        with pytest.raises(NotPermitted):
            found_in(clerk, BEFORE.word)


def test_a_running_watch_seals_the_next_letter_to_the_new_keys(vault: Office, scans: dict[str, Path]) -> None:
    """The watcher has run for weeks when somebody leaves: the very next letter must be closed to them."""
    kept = Hoard.of(vault, CLERK)
    log = vault.root / "watch.log"
    watch = vault.start("--quiet", "watch", out=log)
    try:
        vault.drop(scans["rechnung-quarzsand.pdf"])
        first = one_more(log, 1)
        assert kept.opens(vault, first), "the control: it is a voucher, which the clerk could read"
        together(vault, (OWNER, ("user", "remove", CLERK)))
        vault.drop(scans["mahnung-zwiebelturm.tif"])
        second = one_more(log, 2)
    finally:
        watch.terminate()
        assert watch.wait(60) == 0, log.read_text()

    assert not kept.opens(vault, second)
    assert found_by(environment_of(vault, user="anna"), "Überweisung") == 2, "findable at once, under the new key"


def one_more(log: Path, number: int) -> str:
    """Id of the n-th letter that watch tells of."""
    for _ in range(600):
        lines = log.read_text().splitlines()
        if len(lines) >= number:
            return str(json.loads(lines[number - 1])["id"])
        time.sleep(0.1)
    raise AssertionError(f"watch took no letter: {log.read_text()}")


@pytest.mark.parametrize("arrow", ["keys-pruned", "keys-wrapped", "keys-stated", "database-renewed:1"])
def test_a_kill_while_keys_are_renewed_is_finished_by_the_next_command(arrow: str, vault: Office) -> None:
    """The power goes while somebody is being removed: neither letters nor the locks may hang in between."""
    kept = Hoard.of(vault, CLERK)
    identity = ("--identity", vault.identity(OWNER))
    vault.drill(f"kill:{arrow}", *identity, "user", "remove", CLERK)
    together(vault, (CLERK, ("search", "x")))

    found, verified = together(vault, (OWNER, ("search", BEFORE.word)), (None, ("verify",)))
    [later] = file_letters(vault, (AFTER,))

    assert (found.status, found.json["total"]) == (0, 1)
    assert (verified.status, verified.json["problems"]) == (0, [])
    assert found_by(environment_of(vault, user="anna"), AFTER.word) == 1
    assert not kept.opens(vault, later) and not kept.opens_index(vault, "finance")


# An auditor -------------------------------------------------------------------------------------------------------

OLD = Sample(record_class="invoice", received_on=date(2024, 5, 2), word="Quarzsandfilter")


@pytest.fixture
def audited(vault: Office) -> tuple[Office, list[str], int]:
    """An auditor without a role may read vouchers of 2026 for three days; (office, ids of old and later, share)."""
    ids = file_letters(vault, (OLD,))
    last = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    limits = ("--class", "invoice", "--year", "2026", "--until", last, "--reason", "Betriebsprüfung")
    added, shared = together(
        vault,
        (OWNER, ("user", "add", "pruefer", "--no-passphrase")),
        (OWNER, ("role", "grant", "pruefer", "auditor", *limits)),
    )
    assert (added.status, shared.status) == (0, 0), added.err + shared.err
    return vault, ids, shared.json["shares"][0]["number"]


def test_an_auditor_sees_the_classes_and_years_that_were_shared(
    audited: tuple[Office, list[str], int], voucher: str, tmp_path: Path
) -> None:
    """The tax inspector reads the vouchers of one year: not those of another, no payroll, and changes nothing."""
    office, (old,), _ = audited
    folder = tmp_path / "handover"
    mine, other_year, other_class, shown, foreign, never, written, reclassified, book, verified = together(
        office,
        ("pruefer", ("search", BEFORE.word)),
        ("pruefer", ("search", OLD.word)),
        ("pruefer", ("search", PAYROLL.word)),
        ("pruefer", ("show", "FIN-2026-000001")),
        ("pruefer", ("show", old)),
        ("pruefer", ("show", "0" * 32)),
        ("pruefer", ("export", "--package", folder)),
        ("pruefer", ("reclassify", voucher, "reminder")),
        ("pruefer", ("list",)),
        (None, ("verify",)),
    )

    assert [ran.json["total"] for ran in (mine, other_year, other_class)] == [1, 0, 0]
    assert shown.json["document"]["accession"] == "FIN-2026-000001"
    assert (foreign.status, foreign.out, foreign.err) == (4, never.out, never.err)
    assert (reclassified.status, book.status) == (3, 3)
    assert (verified.status, verified.json["problems"]) == (0, [])
    assert written.json["package"]["letters"] == 1
    assert (folder / "files" / "FIN-2026-000001.pdf").read_bytes() == BEFORE.content
    assert f"{BEFORE.word} GmbH" in (folder / "index.csv").read_text("utf-8-sig")
    assert f"<sender>{BEFORE.word} GmbH</sender>" in (folder / "index.xml").read_text("utf-8")
    assert check_sums(folder) == 3


def test_who_may_change_no_rights_is_told_so_whatever_they_name(vault: Office) -> None:
    """The same answer whether there is such a person, role or share, and whatever they hold already."""
    limits = ("--class", "invoice", "--year", "1999", "--until", "9999-12-31", "--reason", "x")
    answers = together(
        vault,
        *((CLERK, ("role", "grant", user, role)) for user in (CLERK, "hr", "niemand") for role in (CLERK, "nichts")),
        (CLERK, ("role", "revoke", "hr", "sales")),
        (CLERK, ("role", "revoke", "hr", "auditor", "--share", "99")),
        (CLERK, ("user", "add", "Nicht Erlaubt")),
        (CLERK, ("user", "remove", "niemand")),
        (CLERK, ("identity", "replace", "niemand")),
        (CLERK, ("delegate", "--role", "nichts", "--to", "niemand", "--until", "2020-01-01", "--reason", "x")),
    )
    (shared,) = together(vault, (CLERK, ("role", "grant", "niemand", "auditor", *limits)))

    assert {(ran.status, ran.out, ran.err) for ran in answers} == {(3, b"", answers[0].err)}
    assert (shared.status, shared.out) == (3, b"")


def test_a_day_at_the_end_of_time_is_too_far(audited: tuple[Office, list[str], int]) -> None:
    """Who means "for ever" types 9999-12-31; they are told that nothing is lent that long."""
    office, _, _ = audited
    limits = ("--class", "invoice", "--year", "2026", "--until", "9999-12-31", "--reason", "x")
    lent, shared, listed = together(
        office,
        (OWNER, ("delegate", "--role", "hr", "--to", "sales", "--until", "9999-12-31", "--reason", "x")),
        (OWNER, ("role", "grant", "pruefer", "auditor", *limits)),
        (OWNER, ("role", "list")),
    )

    assert (lent.status, shared.status) == (2, 2)
    assert "within a year" in lent.err and "within a year" in shared.err
    assert "T" in listed.json["shares"][0]["until"], "times are ISO 8601, as everywhere"


def test_the_index_of_a_share_is_made_anew_by_who_can_open_it(audited: tuple[Office, list[str], int]) -> None:
    """One deleted file must not end an audit, nor keep what is due from being destroyed."""
    office, _, number = audited
    name = f"share-{number}"
    file = office.vault / "index" / f"{name}.db"
    for user, arguments in ((None, (name,)), (None, ()), ("pruefer", (name,)), ("pruefer", ())):
        file.unlink()
        (missed,) = together(office, (None, ("verify",)))
        assert [(p["code"], p["id"]) for p in missed.json["problems"]] == [("A009", file.name)]
        assert f"rebuild index {name}" in missed.json["problems"][0]["message"]
        made, found, verified = together(
            office, (user, ("rebuild", "index", *arguments)), ("pruefer", ("search", BEFORE.word)), (None, ("verify",))
        )
        assert (made.status, name in made.json["compartments"]) == (0, True), made.err
        assert (found.json["total"], verified.json["problems"]) == (1, [])

    other, unknown = together(
        office, (CLERK, ("rebuild", "index", name)), (CLERK, ("rebuild", "index", "share-9999"))
    )  # fmt: skip
    assert (other.status, unknown.status) == (2, 2)
    assert "by its auditor, and by the service" in other.err
    assert other.err == unknown.err.replace("share-9999", name)


def check_sums(folder: Path) -> int:
    """How many files have the hash that SHA256SUMS says; all of them must."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    return len(lines)


def test_a_share_ends_by_itself_and_leaves_nothing(audited: tuple[Office, list[str], int], voucher: str) -> None:
    """The audit is over: the inspector's stick opens nothing in the live vault, and no copy of the keys is left."""
    office, _, number = audited
    after = datetime.now(UTC) + timedelta(days=5)
    assert found_by(environment_of(office, user="pruefer"), BEFORE.word) == 1, "the control"

    with pytest.raises(NotPermitted):
        found_by(at(office, after, "pruefer"), BEFORE.word)
    with open_service(at(office, after)) as session:
        assert session.keys.shares_of(voucher) == []
        assert session.keys.database_wrap(f"index:share-{number}") is None
    assert rows_for(office, person_id(office, "pruefer")) == 0
    assert not list((office.vault / "index").glob("share-*"))
    assert found_by(at(office, after, CLERK), BEFORE.word) == 1, "the control: the letters themselves stay"


def test_a_share_follows_its_letters(audited: tuple[Office, list[str], int], voucher: str) -> None:
    """A corrected voucher stays with the auditor; one that is restricted, or is none, is taken from them at once."""
    office, _, number = audited
    corrected, found, ended, gone = together(
        office,
        (CLERK, ("facts", "set", voucher, "reference", "K-17")),
        ("pruefer", ("search", "reference:K-17")),
        (CLERK, ("reclassify", voucher, "reminder")),
        ("pruefer", ("search", BEFORE.word)),
    )
    assert (corrected.status, found.json["total"]) == (0, 1), corrected.err
    assert (ended.status, gone.json["total"]) == (0, 0), ended.err
    with open_service(environment_of(office)) as session:
        assert session.keys.shares_of(voucher) == []
        pages = b"".join(session.index(f"share-{number}")._database.pages()).lower()
        assert BEFORE.word.lower().encode() not in pages


def test_nobody_shares_what_they_do_not_hold(audited: tuple[Office, list[str], int]) -> None:
    """A share is a grant: a clerk cannot invite an auditor, and an auditor nobody at all."""
    office, _, number = audited
    last = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    limits = ("--class", "invoice", "--year", "2026", "--until", last, "--reason", "x")
    by_clerk, by_auditor, ended, again = together(
        office,
        (CLERK, ("role", "grant", "sales", "auditor", *limits)),
        ("pruefer", ("role", "grant", "sales", "auditor", *limits)),
        (OWNER, ("role", "revoke", "pruefer", "auditor", "--share", str(number))),
        ("pruefer", ("search", BEFORE.word)),
    )
    assert (by_clerk.status, by_auditor.status) == (3, 3)
    assert (ended.status, again.status) == (0, 3)


def test_a_shared_letter_is_destroyed_for_the_auditor_too(vault: Office) -> None:
    """What the law wants gone must not live on in the keys or the index that somebody was lent."""
    due = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Weidenkorbflechterei")
    [document] = file_letters(vault, (due,))
    last = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    limits = ("--class", "invoice", "--year", "2014", "--until", last, "--reason", "Betriebsprüfung")
    _, shared, planned = together(
        vault,
        (OWNER, ("user", "add", "pruefer", "--no-passphrase")),
        (OWNER, ("role", "grant", "pruefer", "auditor", *limits)),
        ("records-manager", ("purge", "plan")),
    )
    number = shared.json["shares"][0]["number"]
    with open_service(environment_of(vault)) as session:
        assert session.keys.shares_of(document) and session.index(f"share-{number}").get(document), "the control"

    _, purged, proved, verified = together(
        vault,
        (OWNER, ("purge", "release", planned.json["plan_id"], "--reason", "Jahresaussonderung")),
        (None, ("purge", "run")),
        (OWNER, ("purge", "prove", document)),
        (None, ("verify",)),
    )

    assert purged.json["disposed"] == [document], purged.err
    assert (proved.json["ok"], verified.status) == (True, 0)
    with open_service(environment_of(vault)) as session:
        assert session.keys.shares_of(document) == []
        pages = b"".join(session.index(f"share-{number}")._database.pages()).lower()
        assert due.word.lower().encode() not in pages

    replaced, proved, verified = together(
        vault,
        (OWNER, ("identity", "replace", "service")),
        (OWNER, ("purge", "prove", document)),
        (None, ("verify",)),
    )
    assert replaced.status == 0, replaced.err
    assert (proved.json["ok"], verified.status) == (True, 0), (
        "what a service signed before it was replaced still counts"
    )
