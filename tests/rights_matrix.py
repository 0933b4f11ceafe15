"""Every role x verb x compartment x state: what must happen, written down as data, and what does happen.

The expectation comes from this file alone, as somebody reads it out of config.yaml; nothing of it is computed by the
code that decides. Verbs run in this process on one office. What would change something is stopped at the moment when
it signs or writes, that is, when every check of permission lies behind it: that counts as allowed.

Run as a program, this file tries all of it: `python tests/rights_matrix.py` (the suite tries a part).
"""

import contextlib
import hashlib
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from filed_letters import Content, Sample, classified_letter, together
from simulators import Office, environment_of

import poststelle.wiring
from archive.catalogue import Catalogue
from archive.textpart import LetterText, index_entry
from poststelle.durable import Disk
from poststelle.errors import PoststelleError
from poststelle.records import Fact, ScannedFile
from poststelle.verbs import (
    applying,
    auditing,
    copying,
    deadlines,
    deciding,
    delegating,
    disposing,
    evidence,
    finding,
    founding,
    keeping,
    people,
    planning,
    quarantine,
    rebuilding,
    reporting,
    restoring,
    restricting,
    reviewing,
    sharing,
    status,
    subject,
    subject_requests,
    upgrading,
    verifying,
)
from poststelle.verbs.locating import Desk, desk
from poststelle.wiring import open_service

# What each role may ------------------------------------------------------------------------------------------------

DEPARTMENTS = ("finance", "sales", "hr", "legal", "management")
ALL = ("general", *DEPARTMENTS, "unsorted")


@dataclass(frozen=True)
class Rights:
    """What a role may, as a person would tell a colleague."""

    reads: tuple[str, ...] = ()
    takes_out: tuple[str, ...] = ()
    decides: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    may: frozenset[str] = frozenset()


def _department(name: str, *may: str, also_reads: tuple[str, ...] = ()) -> Rights:
    return Rights((name, "general", *also_reads), (name, "general"), (name,), (name,), frozenset(may))


ROLES = {
    "owner": Rights(
        (*ALL, "restricted"), (*ALL, "restricted"), (*ALL, "restricted"), ALL,
        frozenset({"records", "audit", "hold", "release", "subject", "grant"}),
    ),
    "administrator": Rights(),
    "mailroom": Rights(
        ("general", "unsorted"), ("general", "unsorted"), ("general", "unsorted"), ("general", "unsorted"),
        frozenset({"records"}),
    ),
    "accounting": _department("finance"),
    "sales": _department("sales"),
    "hr": _department("hr"),
    "legal": _department("legal", "hold", also_reads=("restricted",)),
    "management": _department("management"),
    "records-manager": Rights(may=frozenset({"records", "hold", "release"})),
    "dpo": Rights(
        (*ALL, "restricted"), (*ALL, "restricted"), ("restricted",), (), frozenset({"records", "audit", "subject"})
    ),
    "auditor": Rights(may=frozenset({"records", "audit"})),
}  # fmt: skip

CLASSES = {
    "general": "other", "finance": "invoice", "sales": "offer", "hr": "payroll", "legal": "authority",
    "management": "termination", "unsorted": "other",
}  # fmt: skip
WRONG = "advertising"
"""What a decision makes of each letter."""


@dataclass(frozen=True)
class Case:
    """A letter in some state, by the name it is asked for."""

    state: str
    """filed, review, held, restricted, disposed, moved, quarantined, sealed, or absent."""
    compartment: str
    """Where it began."""
    name: str
    """Id or number."""
    word: str = ""
    record_class: str = ""

    @property
    def place(self) -> str:
        """Where it lies now; empty if nobody finds it by this name."""
        if self.state in ("disposed", "moved", "quarantined", "absent"):
            return ""
        return "restricted" if self.state in ("restricted", "sealed") else self.compartment

    @property
    def in_book(self) -> bool:
        """Whether the intake book knows it by this name."""
        return self.state not in ("quarantined", "absent")


DONE, USAGE, FORBIDDEN, UNKNOWN = 0, 2, 3, 4
"""Exit statuses."""


def _reading(verb: str, role: Rights, case: Case) -> int:
    """show, export, open …: a letter that lies where the role may not look is as one that never was."""
    allowed = role.takes_out if verb in ("export", "rendition") else role.reads
    if not allowed:
        return FORBIDDEN
    if case.place not in role.reads:
        return UNKNOWN
    if case.place not in allowed:
        return FORBIDDEN
    if verb in ("export", "rendition", "open") and case.state == "sealed" and role is not ROLES["dpo"]:
        return FORBIDDEN
    return USAGE if verb == "show" and case.state == "restricted" else DONE  # without a reason


def _searching(verb: str, role: Rights, case: Case) -> int:
    if not role.reads:
        return FORBIDDEN
    if verb == "find":
        return DONE if case.state in ("filed", "review", "held") and case.place in role.reads else UNKNOWN
    return DONE if case.place in role.reads else UNKNOWN


def _located(role: Rights, case: Case) -> bool:
    return case.in_book if "records" in role.may else bool(case.place) and case.place in role.reads


def _keeping(verb: str, role: Rights, case: Case) -> int:
    if verb == "hold" and "hold" not in role.may:
        return FORBIDDEN
    if verb == "prove" and "records" not in role.may:
        return FORBIDDEN
    if not _located(role, case):
        return UNKNOWN
    if verb == "prove":
        return DONE if case.state == "disposed" else USAGE
    if verb in ("hold", "event") and case.state == "disposed":
        return USAGE
    if verb == "event" and case.record_class == "advertising":
        return USAGE  # no dispute keeps advertising
    if verb == "event":
        lies = _neighbour(case.compartment) if case.state == "moved" else case.place
        return DONE if lies in role.files or "release" in role.may else FORBIDDEN
    return DONE


def _deciding(verb: str, role: Rights, case: Case) -> int:
    if not role.decides:
        return FORBIDDEN
    if case.place not in role.reads:
        return UNKNOWN
    if case.place not in role.decides:
        return FORBIDDEN
    if verb == "reclassify" and case.state == "restricted":
        return USAGE
    return FORBIDDEN if case.state == "sealed" and role is not ROLES["dpo"] else DONE


def _restricting(verb: str, role: Rights, case: Case) -> int:
    if "restricted" not in role.decides:
        return FORBIDDEN
    if case.place not in role.reads:
        return UNKNOWN
    if verb == "restrict":
        return USAGE if case.state == "restricted" else DONE
    return DONE if case.state == "restricted" else UNKNOWN


def _quarantine(verb: str, role: Rights, case: Case) -> int:
    allowed = role.reads if verb == "quarantine show" else role.files
    if "unsorted" not in allowed:
        return FORBIDDEN
    return DONE if case.state == "quarantined" else UNKNOWN


def _neighbour(compartment: str) -> str:
    """Where moved letters went."""
    places = ("general", *DEPARTMENTS)
    return places[(places.index(compartment) + 1) % len(places)]


Expect = Callable[[str, Rights, Case], int]
Try = Callable[[Desk, Case], object]


@dataclass(frozen=True)
class Verb:
    """A command about one letter."""

    expect: Expect
    run: Try
    command: tuple[str, ...]
    """The same on the command line; NAME and WORD stand for the letter's."""


WHY = "Antrag 12/26"
LETTER_VERBS = {
    "find": Verb(
        _searching, lambda d, c: _found(d, c),
        ("search", "WORD"),
    ),
    "like": Verb(
        _searching,
        lambda d, c: finding.search(
            d.person, "", record_class=None, from_date=None, to_date=None, limit=5, sort="relevance",
            today=date(2026, 3, 20), like=c.name,
        ),
        ("search", "--like", "NAME"),
    ),
    "show": Verb(_reading, lambda d, c: finding.show(d.person, c.name), ("show", "NAME")),
    "show with a reason": Verb(
        _reading, lambda d, c: finding.show(d.person, c.name, WHY), ("show", "NAME", "--reason", WHY)
    ),
    "export": Verb(
        _reading, lambda d, c: finding.export(d.person, c.name, reason=WHY),
        ("export", "NAME", "-o", "-", "--reason", WHY),
    ),
    "rendition": Verb(
        _reading, lambda d, c: finding.export(d.person, c.name, True, WHY),
        ("export", "NAME", "--rendition", "-o", "-", "--reason", WHY),
    ),
    "open": Verb(
        _reading, lambda d, c: finding.pages_of(d.person, c.name, WHY),
        ("open", "NAME", "--with", "true", "--reason", WHY),
    ),
    "explain": Verb(
        _keeping, lambda d, c: keeping.explain(d, c.name, date(2026, 3, 20)), ("retention", "explain", "NAME")
    ),
    "prove": Verb(_keeping, lambda d, c: disposing.prove(d, c.name), ("purge", "prove", "NAME")),
    "hold": Verb(
        _keeping, lambda d, c: keeping.place_hold(d, [c.name], WHY), ("hold", "place", "NAME", "--reason", WHY)
    ),
    "event": Verb(
        _keeping, lambda d, c: keeping.set_event(d, c.name, "claim-begin", date(2026, 3, 1)),
        ("event", "set", "NAME", "claim-begin", "2026-03-01"),
    ),
    "reclassify": Verb(
        _deciding, lambda d, c: deciding.decide(d, c.name, WRONG, "reclassified"), ("reclassify", "NAME", WRONG)
    ),
    "review": Verb(
        lambda verb, role, case: _deciding("reclassify", role, case), lambda d, c: deciding.decide(d, c.name, WRONG),
        ("review", "decide", "NAME", WRONG),
    ),
    "facts": Verb(
        _deciding, lambda d, c: deciding.set_fact(d, c.name, "subject", "x"), ("facts", "set", "NAME", "subject", "x")
    ),
    "restrict": Verb(
        _restricting, lambda d, c: restricting.restrict(d, c.name, "art18", WHY),
        ("restrict", "place", "NAME", "--ground", "art18", "--reason", WHY),
    ),
    "lift": Verb(
        _restricting, lambda d, c: restricting.lift(d, c.name, None, WHY), ("restrict", "lift", "NAME", "--reason", WHY)
    ),
    "quarantine show": Verb(
        _quarantine, lambda d, c: quarantine.shown(d.person, c.name), ("quarantine", "show", "NAME")
    ),
    "quarantine discard": Verb(
        _quarantine, lambda d, c: quarantine.discard(d.person, [c.name], WHY),
        ("quarantine", "discard", "NAME", "--reason", WHY, "--yes"),
    ),
}  # fmt: skip
TYPED = 300
"""How many the full form tries through the real command line."""
CHANGING = frozenset({"hold", "event", "reclassify", "review", "facts", "restrict", "lift", "quarantine discard"})


class NotFound(Exception):
    """A search that does not find the letter."""


def _found(at_desk: Desk, case: Case) -> None:
    found = finding.search(
        at_desk.person, case.word or "gibtesnicht", record_class=None, from_date=None, to_date=None, limit=50,
        sort="relevance", today=date(2026, 3, 20),
    )  # fmt: skip
    if case.name not in {hit.document_id for hit in found.result.hits}:
        raise NotFound


# Commands about no letter: who may -----------------------------------------------------------------------------------

EVERYBODY = frozenset(ROLES)
READERS = frozenset(name for name, role in ROLES.items() if role.reads)
RECORDS = frozenset({"owner", "mailroom", "records-manager", "dpo", "auditor"})
KEEPERS = frozenset({"owner", "records-manager"})
OWNER = frozenset({"owner"})


@dataclass(frozen=True)
class Command:
    """A command about no letter: who may, and what comes of it."""

    allowed: frozenset[str]
    run: Callable[[Desk], object]
    typed: tuple[str, ...]
    """The same on the command line, where PLAN is one that waits for its release; empty if it is not tried there."""
    answer: int = DONE
    """What whoever may gets: USAGE where there is nothing to be done here, which they may be told."""
    never: Callable[[Desk], object] | None = None
    """The same about something that never was: who may not has to hear the same."""


def _plan(at_desk: Desk) -> str:
    """The plan that waits for its release."""
    return at_desk.service.ledger.open_plans()[0].plan_id


def _stopped(place: str, run: Callable[[Desk], object]) -> Callable[[Desk], object]:
    """Run it up to a function behind its checks that would change something, or take long."""

    def stopped(at_desk: Desk) -> object:
        with patch(place, _stop):
            return run(at_desk)

    return stopped


def _apply_other_wish(at_desk: Desk) -> object:
    wish = at_desk.person.book.office | {"name": "Anderer Name"}
    with patch.object(applying, "_wish", lambda session: wish):
        return applying.apply(at_desk)


def _backup_folder(at_desk: Desk) -> Path:
    return at_desk.person.config.path.parent.parent / "backup"


OTHER_VERBS: dict[str, Command] = {
    "list": Command(
        RECORDS, lambda d: deciding.intake_book(d, record_class=None, from_date=None, to_date=None), ("list",)
    ),
    "hold list": Command(RECORDS | {"legal"}, keeping.list_holds, ("hold", "list")),
    "restrict list": Command(RECORDS, restricting.list_restrictions, ("restrict", "list")),
    "plan": Command(frozenset({"owner", "records-manager"}), lambda d: planning.plan(d, None), ("purge", "plan")),
    "plans": Command(RECORDS, planning.open_plans, ("purge", "list")),
    "deadlines": Command(READERS, lambda d: deadlines.deadlines(d.person, date(2026, 3, 1), None), ("deadlines",)),
    "review list": Command(READERS, lambda d: list(deciding.waiting(d)), ("review", "list")),
    "review walk": Command(READERS, lambda d: list(reviewing.proposals(d)), ("review", "list")),
    "quarantine list": Command(
        frozenset({"owner", "mailroom", "dpo"}), lambda d: quarantine.listed(d.person), ("quarantine", "list")
    ),
    "audit show": Command(
        frozenset({"owner", "dpo", "auditor"}),
        lambda d: auditing.show(d.person, auditing.Wanted(kinds=("nothing",)), 1), ("audit", "show", "--kind", "x"),
    ),
    "audit verify": Command(EVERYBODY, lambda d: auditing.verify(d.person, ()), ("audit", "verify")),
    "verify": Command(
        RECORDS, lambda d: verifying.verify(d.person, with_data=False, progress=lambda *_: None), ("verify",)
    ),
    "report": Command(RECORDS, lambda d: reporting.report(d.person), ("report",)),
    "rebuild index": Command(
        frozenset({"owner", "hr", "dpo"}),
        lambda d: rebuilding.rebuild_indexes(d.person, ("hr",), lambda *_: None), ("rebuild", "index", "hr"),
    ),
    "subject access": Command(
        frozenset({"owner", "dpo"}),
        lambda d: subject.access(d, subject.whom(d, "Erika Nirgends", (), None)),
        ("subject", "access", "Erika Nirgends"),
    ),
    "subject list": Command(
        frozenset({"owner", "dpo", "records-manager"}), lambda d: subject_requests.requests(d, closed=True),
        ("subject", "list"),
    ),
    "release": Command(
        OWNER, lambda d: planning.release(d, _plan(d), (), WHY), ("purge", "release", "PLAN", "--reason", WHY),
        never=lambda d: planning.release(d, NO_PLAN, (), WHY),
    ),
    "withdraw": Command(
        KEEPERS, lambda d: planning.withdraw(d, _plan(d), WHY), ("purge", "withdraw", "PLAN", "--reason", WHY),
        never=lambda d: planning.withdraw(d, NO_PLAN, WHY),
    ),
    "status": Command(EVERYBODY, lambda d: status.look(d.person), ()),
    "backup": Command(  # the service's, whoever starts it
        EVERYBODY, _stopped("poststelle.verbs.copying._target", lambda d: copying.backup(
            d.service, _backup_folder(d), reread=False, progress=lambda *_: None
        )), (),
    ),
    "backup list": Command(RECORDS, lambda d: copying.targets(d.person), ("backup", "--list")),
    "backup forget": Command(
        KEEPERS, lambda d: copying.forget(d, str(_backup_folder(d)), WHY),
        ("backup", "--forget", "FOLDER", "--reason", WHY), never=lambda d: copying.forget(d, "nirgends", WHY),
    ),
    "restore": Command(
        OWNER, _stopped("poststelle.verbs.restoring._tombstones", lambda d: restoring.restore(
            d.person.environment, restoring.Wish(folder=_backup_folder(d), drill=True), lambda *_: None
        )), ("restore", "FOLDER"),
    ),
    "restore confirm": Command(
        OWNER, lambda d: restoring.confirm(d.person), ("restore", "--confirm"), answer=USAGE
    ),
    "rebuild catalogue": Command(
        OWNER, lambda d: rebuilding.rebuild_catalogue(d.person, lambda *_: None), ("rebuild", "catalogue"), answer=USAGE
    ),
    "upgrade": Command(  # the service's
        EVERYBODY, _stopped("poststelle.verbs.upgrading.KeyStore.upgrade", lambda d: upgrading.upgrade(
            d.person.environment
        )), (),
    ),
    "evidence export": Command(
        RECORDS, _stopped("poststelle.verbs.evidence.live_state", lambda d: evidence.export(
            d.person, _backup_folder(d).with_name("papers")
        )), ("evidence", "export", "papers"),
    ),
    "evidence check": Command(
        RECORDS, lambda d: evidence.check(d.person, _backup_folder(d)), ("evidence", "check", "FOLDER"), answer=USAGE
    ),
    "config apply": Command(OWNER, _apply_other_wish, ()),
    "kit renew": Command(
        OWNER, _stopped("poststelle.verbs.founding.kit_wraps", lambda d: founding.renew_kit(
            d.person, _backup_folder(d).with_name("kit")
        )), ("kit", "renew", "--kit", "kit"),
    ),
    "kit check": Command(  # who has the kit has more than any role
        EVERYBODY, _stopped("poststelle.verbs.founding.prove_kit", lambda d: founding.check_kit(
            d.person, _backup_folder(d)
        )), (),
    ),
    "user add": Command(
        frozenset({"owner"}),
        lambda d: people.add_user(d.person, "anna", ("accounting",), identity_out=None, no_passphrase=True),
        ("user", "add", "anna", "--role", "accounting", "--no-passphrase"),
    ),
    "user remove": Command(
        frozenset({"owner"}), lambda d: people.remove_user(d.person, "sales"), ("user", "remove", "sales")
    ),
    "role grant": Command(
        frozenset({"owner"}), lambda d: people.grant_role(d.person, "hr", "sales"), ("role", "grant", "hr", "sales")
    ),
    "role revoke": Command(
        frozenset({"owner"}), lambda d: people.revoke_role(d.person, "hr", "hr"), ("role", "revoke", "hr", "hr")
    ),
    "delegate": Command(
        frozenset({"owner"}),
        lambda d: delegating.delegate(d.person, "sales", "hr", datetime.now(UTC).date(), WHY),
        ("delegate", "--role", "sales", "--to", "hr", "--until", "2026-12-31", "--reason", WHY),
    ),
    "share": Command(
        frozenset({"owner"}),
        lambda d: sharing.share(d, "auditor", ["invoice"], [2026], datetime.now(UTC).date(), WHY), (),
    ),
}  # fmt: skip

# The office ----------------------------------------------------------------------------------------------------------


def fill(office: Office, places: Sequence[str] = ALL, *, every_class: bool = False) -> list[Case]:
    """File letters in every state that there is in these compartments; what must come about is done by its commands.

    With `every_class` one more for each record class, filed where it belongs.
    """
    cases: list[Case] = []
    now, old = date(2026, 3, 17), date(2014, 6, 30)
    with open_service(environment_of(office)) as service:
        for place in places:
            states = ("review",) if place == "unsorted" else ("filed", "review", "held", "restricted", "moved")
            for state in states:
                cases.append(_file(service, state, place, now))
            if place != "unsorted":
                cases.append(_file(service, "disposed", place, old))
        cases.append(_file(service, "sealed", "restricted", now))
        if every_class:
            rules = service.book.office["classes"].items()
            today = datetime.now(UTC).date()  # else advertising is due
            cases += [_file(service, "filed", rule["compartment"], today, code) for code, rule in rules]
        content = b"keine Seite " * 20
        file = ScannedFile(
            document_id="9" * 32, source_name="kaputt.pdf", size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            received_at=datetime(2026, 3, 17, 8, tzinfo=UTC),
        )  # fmt: skip
        number = service.filing().quarantine(file, Content(content), "no-pdf", "Keine PDF-Datei.").number
        service.flush_outbox()
    cases += [Case("quarantined", "unsorted", number), Case("quarantined", "unsorted", file.document_id)]
    return [*_treated(office, cases), *(Case("absent", "", name) for name in ABSENT)]


ABSENT = ("0123456789abcdef0123456789abcdef", "HR-2026-999999")
NO_PLAN = 2 * ABSENT[0]


def _file(service: Any, state: str, place: str, received_on: date, record_class: str | None = None) -> Case:
    """One letter whose words occur nowhere else."""
    word = f"{state}{place}{(record_class or '').replace('-', '')}".translate(str.maketrans("aeiou", "äöüxy"))
    sample = Sample(
        record_class=record_class or CLASSES.get(place, "other"), received_on=received_on, word=word,
        needs_review=state in ("review", "sealed"),
    )  # fmt: skip
    classified = replace(classified_letter(sample, place), compartment=place)
    if state == "sealed":
        classified = replace(classified, facts=(Fact(name="sealed_for", value="dpo", confidence=1.0, page=1),))
    archived = service.filing().file_letter(classified, Content(sample.content), received_on)
    registered = service.mirrored_keys.find(archived.document_id)
    text = LetterText(classified=classified, received_on=received_on)
    if place != "restricted":
        service.index(place).add(index_entry(text, archived.accession, registered.sequence))
    return Case(state, place, archived.document_id, word, sample.record_class)


def _treated(office: Office, cases: list[Case]) -> Iterator[Case]:
    with desk(environment_of(office, user="owner")) as owner:
        for case in cases:
            if case.state == "held":
                keeping.place_hold(owner, [case.name], WHY)
            elif case.state == "restricted":
                restricting.restrict(owner, case.name, "art18", WHY)
        numbers = {case: owner.number_of(owner.locate(case.name)) for case in cases if case.state == "moved"}
        for case in numbers:
            deciding.decide(owner, case.name, CLASSES[_neighbour(case.compartment)], "reclassified")
    if any(case.state == "disposed" for case in cases):
        with desk(environment_of(office, user="records-manager")) as manager:
            plan = planning.plan(manager, None)
        with desk(environment_of(office, user="owner")) as owner:
            planning.release(owner, plan.plan_id, (), WHY)
        with open_service(environment_of(office)) as service:
            disposed = disposing.run(service).disposed
        assert set(disposed) == {case.name for case in cases if case.state == "disposed"}
    _wait_for_release(office)
    # A moved letter is asked for by the number that it had: by its id it is any letter of where it went.
    return (replace(case, name=numbers[case]) if case in numbers else case for case in cases)


def _wait_for_release(office: Office) -> None:
    """One letter that is due and planned, and one backup: for the commands about those."""
    with open_service(environment_of(office)) as service:
        _file(service, "planned", "hr", date(2014, 6, 30), "invoice")
        service.flush_outbox()
    with desk(environment_of(office, user="records-manager")) as manager:
        planning.plan(manager, None)
        folder = _backup_folder(manager)
        copying.backup(manager.service, folder, reread=False, progress=lambda *_: None)


# Trying --------------------------------------------------------------------------------------------------------------


class Permitted(BaseException):
    """Every check lies behind: the next thing would have been to sign or to write."""


@dataclass(frozen=True)
class Outcome:
    """What one try came to."""

    status: int
    told: str
    """The message, if it was refused."""


def _stop(*_: object, **__: object) -> Any:
    raise Permitted


class _NoWriting(Disk):
    def write_new(self, *_: Any, **__: Any) -> None:
        """The key book would be written now."""
        raise Permitted


@contextlib.contextmanager
def nothing_changes() -> Iterator[None]:
    """Whatever signs or writes a decision stops there."""
    append = poststelle.wiring.append_statement

    def checked_only(*arguments: Any) -> Any:
        return append(*arguments[:-1], _NoWriting())

    with (
        patch.object(Desk, "sign", _stop),
        patch.object(Catalogue, "discard", _stop),
        patch("poststelle.wiring.append_statement", checked_only),
    ):
        yield


def tried(what: Callable[[], object]) -> Outcome:
    """Run it, and say how it would have ended on the command line."""
    try:
        what()
    except Permitted:
        return Outcome(DONE, "")
    except NotFound:
        return Outcome(UNKNOWN, "")
    except PoststelleError as err:
        return Outcome(int(err.exit_status), f"{err.code} {err}")
    return Outcome(DONE, "")


@dataclass
class Tried:
    """The matrix after it was tried."""

    tries: int
    statuses: Counter[int]
    wrong: list[str]
    """Role, verb, case, expectation and outcome of whatever is not as the table says."""
    telling: list[str]
    """Refusals that differ from the answer about a letter that never was."""


def try_all(office: Office, cases: Sequence[Case], roles: Sequence[str] = tuple(ROLES)) -> Tried:
    """Every role x verb x letter, and every role x command about no letter."""
    result = Tried(0, Counter(), [], [])
    for role in roles:
        with desk(environment_of(office, user=role)) as at_desk, nothing_changes():
            for name, verb in LETTER_VERBS.items():
                outcomes = {case: tried(lambda v=verb, c=case: v.run(at_desk, c)) for case in cases}  # type: ignore[misc]
                never = {outcomes[case].told for case in cases if case.state == "absent"}
                for case, outcome in outcomes.items():
                    expected = verb.expect(name, ROLES[role], case)
                    result.tries += 1
                    result.statuses[outcome.status] += 1
                    of = f"{role}: {name} {case.state}/{case.compartment}"
                    line = f"{of}: {outcome.status}, not {expected} {outcome.told}"
                    if outcome.status != expected:
                        result.wrong.append(line)
                    if not may_know_of(ROLES[role], case) and {outcome.told} != never:
                        result.telling.append(line)
            for name, command in OTHER_VERBS.items():
                outcome = tried(lambda c=command: c.run(at_desk))  # type: ignore[misc]
                expected = command.answer if role in command.allowed else FORBIDDEN
                result.tries += 1
                result.statuses[outcome.status] += 1
                line = f"{role}: {name}: {outcome.status}, not {expected} {outcome.told}"
                if outcome.status != expected:
                    result.wrong.append(line)
                if command.never is not None and role not in KEEPERS:
                    told = tried(lambda c=command: c.never(at_desk)).told  # type: ignore[misc]
                    result.telling += [line] if told != outcome.told else []
    return result


def may_know_of(role: Rights, case: Case) -> bool:
    """Whether somebody may be told anything of a letter that they would not be told of one that never was."""
    if case.state == "quarantined":
        return "unsorted" in role.reads
    return case.place in role.reads or ("records" in role.may and case.in_book)


def try_typed(office: Office, cases: Sequence[Case], count: int, commands: int | None = None) -> Tried:
    """Some of it through the real command line, each beside the same about what never was.

    So many tries about letters, and so many (None: all) refusals of other commands.
    """
    sampled = [_typed(*cell) for cell in _sample(cases, count)] + _refusals(office, commands)
    asked = [(role, arguments) for role, _, _, _, *both in sampled for arguments in both]
    ran, result = together(office, *asked), Tried(len(sampled), Counter(), [], [])
    for (role, what, wanted, may_know, *_), of, never in zip(sampled, ran[::2], ran[1::2], strict=True):
        result.statuses[of.status] += 1
        line = f"{role}: {what}: {of.status}, not {wanted} {of.err}"
        if of.status != wanted or (wanted in (FORBIDDEN, UNKNOWN) and of.out):
            result.wrong.append(line)
        if (of.status, of.out, of.err) != (never.status, never.out, never.err) and not may_know:
            result.telling.append(line)
    return result


Typed = tuple[str, str, int, bool, list[str], list[str]]
"""Role, what is tried, exit status, whether the role may know of it; the command, and the same about what never was."""


def _refusals(office: Office, count: int | None) -> list[Typed]:
    """Commands about no letter, by roles that may not, the same ones each time."""
    with desk(environment_of(office, user="records-manager")) as manager:
        words = {"PLAN": _plan(manager), "FOLDER": str(_backup_folder(manager))}
    nowhere = words | {"PLAN": NO_PLAN}
    cells: list[Typed] = []
    for role, (name, command) in itertools.product(ROLES, OTHER_VERBS.items()):
        if command.typed and role not in command.allowed:
            real, never = ([of.get(word, word) for word in command.typed] for of in (words, nowhere))
            cells.append((role, name, FORBIDDEN, role in KEEPERS, real, never))
    return random.Random(7).sample(cells, len(cells) if count is None else count)


def _sample(cases: Sequence[Case], count: int) -> list[tuple[str, str, Case, int]]:
    """(role, verb, letter, exit status) to try, the same ones each time: nothing that would change what comes after."""
    cells = [(role, verb, case) for role in ROLES for verb in LETTER_VERBS for case in cases if verb != "find"]
    found = []
    for role, verb, case in random.Random(7).sample(cells, len(cells)):
        wanted = LETTER_VERBS[verb].expect(verb, ROLES[role], case)
        if len(found) < count and (wanted != DONE or verb not in CHANGING):
            found.append((role, verb, case, wanted))
    return found


def _typed(role: str, verb: str, case: Case, wanted: int) -> Typed:
    def words(name: str) -> list[str]:
        known = {"NAME": name, "WORD": case.word or "gibtesnicht"}
        return [known.get(word, word) for word in LETTER_VERBS[verb].command]

    what = f"{verb} {case.state}/{case.compartment}"
    return role, what, wanted, may_know_of(ROLES[role], case), words(case.name), words(ABSENT[0])


def main() -> int:
    """Try all of it in a new office; print the counts."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder) / "root").make(shipped=poststelle.wiring.shipped_config())
        cases = fill(office, every_class=True)
        result, typed = try_all(office, cases), try_typed(office, cases, TYPED)
    for line in (*result.wrong, *result.telling, *typed.wrong, *typed.telling):
        print(line)
    print(
        f"{typed.tries} through the command line, by status {dict(sorted(typed.statuses.items()))}, "
        f"{len(typed.wrong)} not as the table says, {len(typed.telling)} that tell"
    )
    print(
        f"{len(ROLES)} roles x {len(LETTER_VERBS)} verbs x {len(cases)} letters, and {len(OTHER_VERBS)} more verbs: "
        f"{result.tries} tries, by status {dict(sorted(result.statuses.items()))}, {len(result.wrong)} not as the "
        f"table says, {len(result.telling)} that tell; {time.process_time() - began:.0f} CPU-s"
    )
    return 1 if result.wrong or result.telling or typed.wrong or typed.telling else 0


if __name__ == "__main__":
    sys.exit(main())
