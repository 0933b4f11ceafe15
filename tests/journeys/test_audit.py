"""The log: every command with effect is in it, nobody changes it unseen, and what has expired is gone."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import UNREADABLE_CONTENT
from filed_letters import Sample, file_letters, together
from simulators import Office, Ran, environment_of

from poststelle.access.audit import EXPIRED, AuditLog, Entry
from poststelle.access.checkpoints import EXPIRED_ENTRY, EXPIRY
from poststelle.access.keybook import canonical
from poststelle.access.statements import make_statement
from poststelle.verbs.auditing import Expired, VerifiedLog, expire
from poststelle.verbs.auditing import verify as audit_verify
from poststelle.verbs.clock import ClockAhead, confirm_date
from poststelle.verbs.disposing import run
from poststelle.verbs.locating import Desk, desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.verifying import verify
from poststelle.wiring import Session, open_person, open_service

DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYS = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
CONTRACT = Sample(record_class="contract", received_on=date(2026, 3, 18), word="Weidenkorbflechterei")
UNSURE = Sample(record_class="other", received_on=date(2026, 3, 19), word="Heidelbeerkraut", needs_review=True)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, dict[str, str]]:
    """An office with a letter that is due, a voucher, a contract and a doubtful letter; ids by word."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("audit") / "root")
    samples = (DUE, STAYS, CONTRACT, UNSURE)
    return office, dict(zip([s.word for s in samples], file_letters(office, samples), strict=True))


@pytest.fixture
def office(tmp_path: Path, filed: tuple[Office, dict[str, str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


def log_of(office: Office) -> Path:
    """The log's file."""
    return office.vault / "audit.jsonl"


def lines_of(office: Office) -> list[dict[str, Any]]:
    """Its lines, unchecked."""
    return [json.loads(line) for line in log_of(office).read_bytes().splitlines()]


# Every command ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A command of the walk: what it is given, who runs it, and which entry it must leave."""

    kind: str
    arguments: str = ""
    user: str | None = None
    status: int = 0


WALK: tuple[dict[str, Told], ...] = (
    {
        "intake": Told("quarantined", "{scan}", None, 1),
        "quarantine list": Told("quarantine-list", "", "mailroom"),
        "search": Told("search", "Moorbirkenhain", "accounting"),
        "show": Told("show", "{stays}", "accounting"),
        "export": Told("export", "{stays} -o {out}/letter", "accounting"),
        "open": Told("open", "{stays} --with true", "accounting"),
        "deadlines": Told("deadlines", "", "accounting"),
        "list": Told("intake-book", "", "mailroom"),
        "review list": Told("review-list", "", "mailroom"),
        "review decide": Told("review-decided", "{unsure} advertising", "mailroom"),
        "reclassify": Told("reclassified", "{contract} termination", "owner"),
        "facts set": Told("fact-set", "{stays} reference RE-1", "accounting"),
        "event set": Told("event-set", "{stays} audit-begin 2026-06-30", "accounting"),
        "retention explain": Told("retention-explained", "{stays}", "records-manager"),
        "hold place": Told("hold-placed", "{stays} --reason Klage", "owner"),
        "restrict place": Told("restrict-place", "{contract} --ground art18 --reason Antrag", "owner"),
        "purge plan": Told("purge-planned", "", "records-manager"),
        "report": Told("report", "", "records-manager"),
        "verify": Told("verified"),
        "rebuild index": Told("index-rebuilt", "finance", "owner"),
        "backup": Told("backup", "{out}/backup"),
        "user add": Told("user-added", "berta --role sales --no-passphrase", "owner"),
        "role grant": Told("role-granted", "sales accounting", "owner"),
        "delegate": Told("delegated", "--role accounting --to hr --until {soon} --reason Urlaub", "owner"),
        "identity replace": Told("identity-replaced", "legal --no-passphrase", "owner"),
        "kit renew": Told("kit-renewed", "--kit {out}/kit.txt", "owner"),
        "kit check": Told("kit-proved", "{out}/kit.txt", "owner"),
        "audit show": Told("audit-shown", "", "auditor"),
        "audit verify": Told("audit-verified"),
        "audit checkpoint": Told("checkpoint"),
        "evidence export": Told("evidence-exported", "{out}/papers"),
        "evidence check": Told("evidence-checked", "{out}/papers"),
    },
    {
        "quarantine show": Told("quarantine-show", "{quarantined}", "mailroom"),
        "quarantine discard": Told("quarantine-discarded", "{quarantined} --reason leer --yes", "mailroom"),
        "hold lift": Told("hold-lifted", "{hold} --reason vorbei", "owner"),
        "restrict lift": Told("restrict-lift", "{contract} --reason vorbei", "owner"),
        "purge release": Told("purge-released", "{plan} --reason Frist", "owner"),
        "purge run": Told("disposed"),
        "purge prove": Told("purge-proved", "{due}", "records-manager"),
        "purge confirm-date": Told("date-confirmed", "{today} --reason Kalender", "records-manager"),
        "delegate end": Told("delegation-ended", "{delegation}", "owner"),
        "role revoke": Told("role-revoked", "sales accounting", "owner"),
        "user remove": Told("user-removed", "berta", "owner"),
    },
)
ELSEWHERE = {
    "upgrade": ("upgraded", "test_upgrade.py", "test_a_vault_of_the_version_before_is_named_and_brought_along"),
    "init": ("founded", "test_audit.py",
        "test_a_new_log_begins_with_its_foundation"),
    "watch": ("filed", "test_watch.py",
        "test_sigterm_finishes_or_hands_back"),
    "quarantine retry": ("quarantine-retry", "test_the_whole_story.py",
        "test_a_raised_limit_lets_a_quarantined_scan_in"),
    "purge withdraw": ("purge-withdrawn", "test_purge.py",
        "test_a_withdrawn_plan_is_not_carried_out"),
    "rebuild catalogue": ("catalogue-rebuilt", "test_status_rebuild.py",
        "test_a_lost_or_damaged_catalogue_is_made_again_row_by_row"),
    "rebuild keys": ("keys-rebuilt", "test_repair.py",
        "test_only_the_service_or_an_owner_repairs_keys"),
    "rebuild letters": ("letters-rebuilt", "test_repair.py",
        "test_damaged_letters_come_back_from_a_backup"),
    "restore": ("restored", "test_backup.py",
        "test_the_log_goes_on_after_a_restore"),
    "unlock": ("unlock", "test_unlock.py",
        "test_unlocking_is_logged_and_a_wrong_passphrase_unlocks_nothing"),
    "config apply": ("config-applied", "test_people.py",
        "test_config_becomes_law_by_a_signature_only"),
    "audit expire": ("audit-expired", "test_audit.py",
        "test_old_details_expire_and_the_chain_still_holds"),
    "classifier train": ("classifier-trained", "test_learning.py",
        "test_status_says_what_was_learned_and_that_it_counts"),
}  # fmt: skip
"""Commands whose entry needs a story of its own: the kind, and the test beside this one that makes it."""
NOT_LOGGED = {
    "separators": "prints sheets, opens no office",
    "retention selftest": "reads a table",
    "retention table": "reads the law, which everybody may",
    "hold list": "reads decisions that are in the log themselves",
    "restrict list": "reads decisions that are in the log themselves",
    "purge list": "reads decisions that are in the log themselves",
    "status": "counts",
    "doctor": "looks at the machine",
    "classifier evaluate": "reads a folder of the person's own",
    "classifier status": "says how sure the program is",
    "user list": "reads the key book, which everybody may",
    "role list": "reads the key book, which everybody may",
    "delegate list": "reads the key book, which everybody may",
    "identity passphrase": "changes a file of the person's own, nothing of the vault",
}
"""Commands without an entry, and why none is needed."""


@dataclass(frozen=True, slots=True)
class Walked:
    """An office in which every command of the walk was run."""

    office: Office
    answers: dict[str, Ran]
    people: dict[str, str]
    """User by person id."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, filed: tuple[Office, dict[str, str]]) -> Walked:
    """Run the walk, each round in one process; ids that a round needs come from the one before."""
    root = tmp_path_factory.mktemp("walk")
    office, ids = filed[0].copy_to(root / "root"), filed[1]
    (root / "kaputt.pdf").write_bytes(UNREADABLE_CONTENT)
    names = {
        "scan": str(root / "kaputt.pdf"), "out": str(root), "today": datetime.now().date().isoformat(),
        "soon": (datetime.now().date() + timedelta(days=30)).isoformat(),
        "stays": ids[STAYS.word], "contract": ids[CONTRACT.word], "unsure": ids[UNSURE.word], "due": ids[DUE.word],
    }  # fmt: skip
    answers: dict[str, Ran] = {}
    for commands in WALK:
        ran = together(office, *[(told.user, words_of(name, told, names)) for name, told in commands.items()])
        answers |= dict(zip(commands, ran, strict=True))
        names |= answered(answers)
    with open_service(environment_of(office)) as session:
        people = {person.person_id: person.user for person in session.book.people.values()}
    return Walked(office, answers, people)


def words_of(name: str, told: Told, names: dict[str, str]) -> list[str]:
    """The arguments of a command, its placeholders filled in."""
    return [*name.split(), *(word.format(**names) for word in told.arguments.split())]


def answered(answers: dict[str, Ran]) -> dict[str, str]:
    """Ids that later commands need."""
    return {
        "quarantined": answers["quarantine list"].json["documents"][0]["accession"],
        "hold": answers["hold place"].json["holds"][0]["hold"],
        "plan": answers["purge plan"].json["plan_id"],
        "delegation": str(answers["delegate"].json["delegations"][0]["number"]),
    }


def missing(office: Office, people: dict[str, str], commands: dict[str, Told]) -> list[str]:
    """Commands that left no entry of their kind by whoever ran them; several of one kind need as many entries."""
    left = Counter((line["kind"], people.get(line["by"], "?")) for line in lines_of(office))
    lacking = []
    for name, told in commands.items():
        # A letter that is taken in, destroyed or copied is the service's doing.
        key = (told.kind, told.user or "service")
        left[key] -= 1
        if left[key] < 0:
            lacking.append(name)
    return lacking


COMMANDS = {name: told for commands in WALK for name, told in commands.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_walk_does_what_it_says(walked: Walked, name: str) -> None:
    """The control: a command that was refused would prove nothing by its entry."""
    ran = walked.answers[name]

    assert ran.status == COMMANDS[name].status, ran.err + ran.text


def test_every_command_with_effect_leaves_its_entry(walked: Walked) -> None:
    """Somebody asks who looked, who decided, who gave whom a key; the log must know of every one."""
    assert missing(walked.office, walked.people, COMMANDS) == []


def test_a_command_without_its_entry_would_be_noticed(walked: Walked) -> None:
    """The control of the test above: one more command than was run lacks its entry."""
    once_more = COMMANDS | {"show again": COMMANDS["show"], "made up": Told("made-up")}

    assert missing(walked.office, walked.people, once_more) == ["show again", "made up"]


def test_every_command_says_whether_it_is_logged() -> None:
    """A new command must say here what it leaves in the log, or why nothing: else nobody thinks of it."""
    import click

    from poststelle.cli import poststelle

    def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
        if not isinstance(command, click.Group):
            yield " ".join(path)
            return
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, (*path, name))
        if command.invoke_without_command:
            yield " ".join(path)

    said = COMMANDS.keys() | ELSEWHERE.keys() | NOT_LOGGED.keys()
    theirs = {name for name in leaves(poststelle) if name.split()[0] in TOLD_BY_THEIR_OWN_TESTS}
    found = set(leaves(poststelle)) - theirs - {"review"}
    assert found == said


TOLD_BY_THEIR_OWN_TESTS = {"subject"}
"""Groups whose tests look into the log themselves."""


def test_entries_that_are_shown_elsewhere_exist() -> None:
    """A kind that no code writes, or a test that is gone, would be an empty promise."""
    code = "\n".join(p.read_text(encoding="utf-8") for f in ("poststelle", "archive") for p in (ROOT / f).rglob("*.py"))
    for kind, file, name in ELSEWHERE.values():
        assert f'"{kind}"' in code, kind
        assert f"def {name}(" in Path(__file__).with_name(file).read_text(encoding="utf-8"), name


def test_a_new_log_begins_with_its_foundation(empty_office: Office) -> None:
    """Without a first line everybody knows, any log could be called this vault's."""
    assert lines_of(empty_office)[0]["kind"] == "founded"


# Reading it -------------------------------------------------------------------------------------------------------


def test_only_those_with_the_right_read_the_log_and_are_logged(office: Office) -> None:
    """Who searched for whom is itself personal; whoever looks into it must be seen doing so."""
    together(office, ("accounting", ("search", "Moorbirkenhain")), ("accounting", ("show", "FIN-2026-000001")))
    shown, again, refused, service = together(
        office,
        ("auditor", ("audit", "show", "--kind", "search")),
        ("dpo", ("audit", "show", "--kind", "audit-shown")),
        ("accounting", ("audit", "show")),
        ("administrator", ("audit", "show")),
    )

    assert [(line["user"], line["details"]["query"]) for line in shown.json["lines"]] == [
        ("accounting", "Moorbirkenhain")
    ]
    assert [line["user"] for line in again.json["lines"]] == ["auditor", "dpo"]
    assert [(ran.status, ran.out) for ran in (refused, service)] == [(3, b"")] * 2


def test_the_log_can_be_asked_for_a_letter_a_person_or_a_day(
    office: Office, filed: tuple[Office, dict[str, str]]
) -> None:
    """Of ten thousand entries an auditor needs the five that matter."""
    tomorrow = (datetime.now().date() + timedelta(days=1)).isoformat()
    together(office, ("accounting", ("show", "FIN-2026-000001")), ("owner", ("show", "FIN-2026-000001")))
    by_number, by_id, by_person, later, unknown, nobody = together(
        office,
        ("auditor", ("audit", "show", "--id", "FIN-2026-000001")),
        ("auditor", ("audit", "show", "--id", filed[1][STAYS.word])),
        ("auditor", ("audit", "show", "--user", "owner", "--kind", "show")),
        ("auditor", ("audit", "show", "--from", tomorrow)),
        ("auditor", ("audit", "show", "--id", "FIN-2026-999999")),
        ("auditor", ("audit", "show", "--user", "niemand")),
    )

    assert [line["kind"] for line in by_number.json["lines"]] == ["filed", "show", "show", "audit-shown"]
    assert [line["kind"] for line in by_id.json["lines"]] == ["filed", "show", "show", "audit-shown", "audit-shown"]
    assert [(line["user"], line["kind"]) for line in by_person.json["lines"]] == [("owner", "show")]
    assert (later.json["lines"], later.json["ok"]) == ([], True)
    assert (unknown.status, nobody.status) == (4, 2)


# Roll-back and fork -----------------------------------------------------------------------------------------------


def checkpoint_of(office: Office, file: Path) -> Path:
    """A signed checkpoint, kept elsewhere."""
    office.done("audit", "checkpoint", "-o", file)
    return file


def verified(office: Office, *files: Path, user: str | None = None) -> Ran:
    """`audit verify` against checkpoints, as somebody who remembers no head."""
    return office.run("audit", "verify", *[word for file in files for word in ("--checkpoint", str(file))], user=user)


def forget_heads(office: Office) -> None:
    """Another machine, or a thief of the state folder too: nobody remembers what they saw."""
    for head in office.state.rglob("*.head"):
        head.unlink()


def test_a_sound_log_agrees_with_its_checkpoints(office: Office, tmp_path: Path) -> None:
    """The control: a checkpoint, signed or typed from paper, must not accuse an honest office."""
    file = checkpoint_of(office, tmp_path / "checkpoint.json")
    printed = office.done("audit", "checkpoint", "--print", as_json=False).text
    (tmp_path / "paper.txt").write_text(printed.split("\n\n")[0])
    office.done("search", "Moorbirkenhain", user="accounting")

    ran = verified(office, file, tmp_path / "paper.txt")

    assert (ran.status, ran.json["ok"], ran.json["compared"], ran.json["problems"]) == (0, True, 2, [])
    assert {"ok", "entries", "head"} <= ran.json.keys()
    assert ran.json["checkpoints"] >= 2
    assert "█" in printed, "a QR code"


def test_a_log_that_was_rolled_back_is_found_by_a_checkpoint(office: Office, tmp_path: Path) -> None:
    """Somebody who saves the log, looks, and puts it back must not have been invisible."""
    before = log_of(office).read_bytes()
    office.done("search", "Moorbirkenhain", user="accounting")
    file = checkpoint_of(office, tmp_path / "checkpoint.json")
    log_of(office).write_bytes(before)
    forget_heads(office)

    ran, alone = verified(office, file), verified(office)

    assert alone.status == 0, "the control: by itself the older log is sound"
    assert (ran.status, ran.json["ok"]) == (5, False)
    assert "rolled back" in ran.json["problems"][0]["message"]


@pytest.mark.parametrize("form", ["signed", "paper"])
def test_a_log_that_was_forked_is_found_by_a_checkpoint(office: Office, tmp_path: Path, form: str) -> None:
    """A log that was put back and then went another way is longer than the checkpoint, and still not the same."""
    before = log_of(office).read_bytes()
    office.done("search", "Moorbirkenhain", user="accounting")
    file = checkpoint_of(office, tmp_path / "checkpoint.json")
    if form == "paper":
        body = json.loads(file.read_bytes())["body"]
        file.write_text(f"entries {body['entries']} head {body['head'][:32]}")
    log_of(office).write_bytes(before)
    forget_heads(office)
    together(office, *[("accounting", ("search", word)) for word in ("a", "b", "c", "d")])

    alone, ran = verified(office), verified(office, file)

    assert (alone.status, ran.status) == (0, 5)
    assert "forked" in ran.json["problems"][0]["message"]


def test_a_roll_back_is_found_by_whoever_saw_more(office: Office) -> None:
    """Without any paper, the computer of everybody who worked meanwhile remembers."""
    before = log_of(office).read_bytes()
    office.done("search", "Moorbirkenhain", user="accounting")
    log_of(office).write_bytes(before)

    assert verified(office, user="accounting").status == 5
    assert verified(office, user="sales").status == 0, "the control: who saw nothing more cannot know"


def destroyed(office: Office) -> None:
    """What is due is planned, released and destroyed: certificate and list name the entry the log had last."""
    with desk(environment_of(office, user="records-manager")) as at_desk:
        plan_id = plan(at_desk, None).plan_id
    with desk(environment_of(office, user="owner")) as at_desk:
        release(at_desk, plan_id, (), "Jahresaussonderung")
    with open_service(environment_of(office)) as service:
        assert run(service).certificates


@pytest.mark.parametrize("way", ["rolled back", "forked"])
def test_a_log_that_was_put_back_is_found_by_a_certificate_of_destruction(office: Office, way: str) -> None:
    """Nobody kept a checkpoint, nobody remembers; but a paper that lies in the vault was signed by a longer log."""
    before = log_of(office).read_bytes()
    destroyed(office)
    sound = audited(office)
    log_of(office).write_bytes(before)
    forget_heads(office)
    if way == "forked":
        with open_service(environment_of(office)) as service:
            for _ in range(20):
                service.note("verified", problems=0, read_data=False)

    found = audited(office)

    assert (sound.problems, sound.certificates) == ((), 2), "the control: before that, certificate and list agree"
    assert [problem.split()[0].split(":")[0] for problem in found.problems] == [
        next((office.vault / "certificates").iterdir()).name,
        "disposals.jsonl",
    ]
    assert all("rolled back" in problem for problem in found.problems)
    with open_service(environment_of(office)) as service:
        told = verify(service, with_data=False, progress=lambda done, total: None).problems
    assert {problem.code for problem in told} >= {"L013"}


def test_a_damaged_certificate_does_not_hide_a_roll_back(office: Office) -> None:
    """Whoever puts the log back could also spoil the paper that would tell; then the spoiled paper tells."""
    destroyed(office)
    paper = next((office.vault / "certificates").iterdir())
    paper.write_bytes(paper.read_bytes()[:-40] + b"\n")

    found = audited(office)

    assert len(found.problems) == 1
    assert found.problems[0].startswith(paper.name)


def audited(office: Office) -> VerifiedLog:
    """`audit verify` by the service, in this process."""
    with open_service(environment_of(office)) as service:
        return audit_verify(service, [])


def test_what_is_no_checkpoint_is_refused(office: Office, tmp_path: Path) -> None:
    """A forged checkpoint must neither accuse an honest log nor clear a changed one."""
    content = checkpoint_of(office, tmp_path / "checkpoint.json").read_bytes()
    forged = {
        "nothing": b"",
        "another word": content.replace(b'"entries":', b'"entries":1'),
        "half a statement": content[: len(content) // 2],
        "another vault": b"vault " + b"ab" * 16 + b"\nentries 3\nhead " + b"ab" * 32,
        "too short": b"entries 3 head abcd abcd",
    }
    for name, changed in forged.items():
        (tmp_path / name).write_bytes(changed)

    answers = together(office, *[(None, ("audit", "verify", "--checkpoint", tmp_path / name)) for name in forged])

    assert {name: (ran.status, ran.out) for name, ran in zip(forged, answers, strict=True)} == dict.fromkeys(
        forged, (2, b"")
    )
    assert not any("in the catalogue" in ran.err for ran in answers), "the file is what is wrong"


def test_a_checkpoint_in_the_log_that_does_not_hold_is_found(office: Office) -> None:
    """Whoever puts a log together from two must not pass by their own chain."""
    office.done("audit", "checkpoint")
    sound = verified(office)
    lines = lines_of(office)
    other = next(line for line in lines if line["kind"] == "checkpoint")["statement"]
    log = AuditLog(log_of(office), environment_of(office).disk, "", key_of(office))
    body = json.loads(other)
    body["body"]["entries"] -= 1
    forged = canonical(body)
    log.append([Entry(kind="checkpoint", by="0" * 32, at=datetime.now(UTC), details={}, statement=forged)])

    ran = verified(office)

    assert sound.status == 0, "the control"
    assert (ran.status, "does not hold" in ran.json["problems"][0]["message"]) == (5, True)
    assert office.run("verify").status == 5
    assert office.run("audit", "checkpoint").status == 5, "nothing is signed on top of it"


def key_of(office: Office) -> Any:
    """The public audit key."""
    with open_service(environment_of(office)) as session:
        return session.book.current("audit").public


def test_the_service_signs_a_checkpoint_a_day(office: Office) -> None:
    """Nobody remembers to; so the first thing the service writes on a day brings one along."""
    day = timedelta(days=1)
    counts = []
    for after in (0, 0, 1, 1, 2):
        with later(office, after * day) as session:
            session.note("verified", problems=0, read_data=False)
        counts.append(sum(line["kind"] == "checkpoint" for line in lines_of(office)))

    assert [count - counts[0] for count in counts] == [0, 0, 1, 1, 2]
    assert verified(office, user="sales").json["checkpoints"] == counts[-1]


def later(office: Office, after: timedelta, user: str | None = None) -> Session:
    """A session that much later: the service's, or a person's."""
    environment = environment_of(office, user=user)
    moved = replace(environment, now=lambda: datetime.now(UTC) + after)
    return open_service(moved) if user is None else open_person(moved)


# Its own retention ------------------------------------------------------------------------------------------------

FOUR_YEARS = timedelta(days=4 * 366 + 1)


def expired_later(office: Office) -> Expired:
    """What expires four years later, somebody having said that it is that day."""
    with later(office, FOUR_YEARS) as service:
        with later(office, FOUR_YEARS, "records-manager") as person:
            confirm_date(Desk(person, service), service.now().date(), "Kalender")
        with later(office, FOUR_YEARS, "dpo") as person:
            return expire(Desk(person, service))


def test_a_clock_that_was_set_forward_lets_nothing_expire(office: Office) -> None:
    """Otherwise whoever wants yesterday's search gone would turn the clock and need only one accomplice."""
    with later(office, FOUR_YEARS) as service, later(office, FOUR_YEARS, "dpo") as person, pytest.raises(ClockAhead):
        expire(Desk(person, service))

    assert not any(EXPIRED in line["sealed"] for line in lines_of(office))


def test_old_details_expire_and_the_chain_still_holds(office: Office, tmp_path: Path) -> None:
    """Who searched for whom five years ago is nobody's business any more; that the log is whole still is."""
    office.done("search", "Safranfadenzieher", user="accounting")
    file = checkpoint_of(office, tmp_path / "checkpoint.json")
    before = {line["n"]: line for line in lines_of(office)}
    with later(office, FOUR_YEARS, "dpo") as session:
        session.note("search", query="Neuheit", record_class=None)
    gone = expired_later(office)
    after = lines_of(office)

    ran = verified(office, file, user="accounting")

    assert gone.entries > 0
    assert (ran.status, ran.json["problems"], ran.json["expired"]) == (0, [], gone.entries), "heads and checkpoints fit"
    for line in after:
        old = before.get(line["n"])
        if old is None or old["ob"] is not None:
            assert EXPIRED not in line["sealed"], "what is young, or makes a catalogue again, stays"
        else:
            assert set(line["sealed"]) == {EXPIRED}
            assert {k: v for k, v in line.items() if k != "sealed"} == {k: v for k, v in old.items() if k != "sealed"}
    assert after[-1]["kind"] == "audit-expired"
    shown = office.done("audit", "show", "--kind", "search", user="auditor").json["lines"]
    assert [(line["expired"], line["details"] is None) for line in shown] == [(True, True), (False, False)]
    assert office.done("verify").json["ok"]


def test_nothing_young_expires_and_only_who_may_does_it(office: Office) -> None:
    """Whoever wants to hide what they did yesterday must not find a command for it."""
    ran, refused = together(office, ("dpo", ("audit", "expire", "--yes")), ("accounting", ("audit", "expire", "--yes")))

    assert (ran.status, ran.json["expired"]) == (0, 0)
    assert (refused.status, refused.out) == (3, b"")
    assert not any(EXPIRED in line["sealed"] for line in lines_of(office))


def test_details_that_were_taken_out_by_hand_are_missed(office: Office) -> None:
    """To write over an entry needs no key; so an expiry that nobody signed counts as a change."""
    office.done("search", "Moorbirkenhain", user="accounting")
    take_out(office, "search")

    ran = verified(office)

    assert (ran.status, "nobody who may has signed" in ran.json["problems"][0]["message"]) == (5, True)
    assert office.run("verify").status == 5


def test_an_expiry_signed_by_somebody_who_may_not_does_not_count(office: Office) -> None:
    """A clerk with an editor could otherwise sign their own absolution."""
    office.done("search", "Moorbirkenhain", user="accounting")
    for user, status in (("accounting", 5), ("dpo", 0)):
        sign_expiry(office, user, FOUR_YEARS, before=FOUR_YEARS - timedelta(days=366))
        take_out(office, "search")
        assert verified(office).status == status, user


@pytest.mark.parametrize(
    ("before", "ahead"),
    [(timedelta(days=1), 0), (FOUR_YEARS - timedelta(days=300), 0), (FOUR_YEARS - timedelta(days=366), 9)],
    ids=["a day in the future", "less than a year ago", "entries to come"],
)
def test_an_expiry_of_what_is_young_does_not_count_whoever_signs_it(
    before: timedelta, ahead: int, office: Office
) -> None:
    """Who may let old details expire must not get rid of their own search of yesterday by it."""
    office.done("search", "Moorbirkenhain", user="accounting")
    after = timedelta(0) if before < timedelta(days=2) else FOUR_YEARS
    sign_expiry(office, "dpo", after, before=before, ahead=ahead)
    take_out(office, "search")

    assert verified(office).status == 5
    assert office.run("verify").status == 5


def sign_expiry(office: Office, user: str, after: timedelta, *, before: timedelta, ahead: int = 0) -> None:
    """An expiry as somebody may write it who does not use the command; both times count from now."""
    with later(office, after, user) as session:
        head = session.audit.head()
        assert head is not None
        content = {"before": (datetime.now(UTC) + before).isoformat(), "last": head.number + ahead}
        statement = make_statement(
            session.identity, session.book.vault_id, EXPIRY, content, at=session.now(), head=head
        )
        session.note_signed(EXPIRED_ENTRY, statement)


def test_a_half_written_expiry_is_finished_by_the_next(office: Office) -> None:
    """A power cut in the middle must neither break the log nor leave half a search readable."""
    office.done("search", "Moorbirkenhain", user="accounting")
    expired_later(office)
    content = log_of(office).read_bytes()
    spot = content.index(b'"sealed":"' + EXPIRED.encode() * 100) + 10
    log_of(office).write_bytes(content[:spot] + b"QUJD" + content[spot + 4 :])
    assert verified(office, user="sales").status == 0, "half written over is written over"
    assert expired_later(office).entries == 2, "the half one, and that somebody verified in between"

    assert b'"sealed":"QUJD' not in log_of(office).read_bytes()
    assert verified(office).status == 0


def take_out(office: Office, kind: str) -> None:
    """Write over the details of entries of a kind, as anybody can who may write the file."""
    lines = lines_of(office)
    for line in lines:
        if line["kind"] == kind:
            line["sealed"] = re.sub(".", EXPIRED, line["sealed"])
    log_of(office).write_bytes(b"".join(canonical(line) + b"\n" for line in lines))
