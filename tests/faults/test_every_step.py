"""Every numbered change of the disk fails once, fails for good, or is the last thing that happens."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulators import FullDisk, Office, StepwiseDisk, dies_at, drain, environment_of
from typed_letters import INVOICE, typed

from intake import Recognition
from poststelle.durable import Disk
from poststelle.errors import PoststelleError, UnreadableFile
from poststelle.verbs.verifying import verify
from poststelle.wiring import open_service

Answers = dict[str, Recognition | UnreadableFile]
CONTENT = b"not read by anything: the recognition is recorded\n"


@pytest.fixture(params=["letter", "unreadable"])
def answers(request: pytest.FixtureRequest) -> Answers:
    """What recognition says of the dropped file: a letter, or that it cannot be read."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    if request.param == "unreadable":
        return {digest: UnreadableFile("damaged", "The file is damaged.")}
    return {digest: Recognition(media_type="application/pdf", pages=typed(INVOICE).pages)}


@pytest.fixture
def fresh(office: Office, empty_office: Office) -> Callable[[], Office]:
    """The office, made new with one file in its inbox, as often as needed."""

    def make() -> Office:
        office.restore_from(empty_office)
        (office.inbox / "brief.pdf").write_bytes(CONTENT)
        return office

    return make


def assert_filed_once(office: Office, answers: Answers) -> None:
    """After a clean run: one document of one number, verified, findable, and nothing left behind."""
    with open_service(environment_of(office)) as session:
        letters, items = list(session.catalogue.letters()), session.catalogue.quarantine()
        assert [(row.number, row.receipt) for row in letters] + [(item.number, 1) for item in items] == [(1, 1)]
        assert len(items) == isinstance(next(iter(answers.values())), UnreadableFile)
        verified = verify(session, with_data=False, progress=lambda done, total: None)
        assert (verified.problems, verified.parts) == ((), 2)
        entries = [line["kind"] for _, line in session.audit.lines()]
        assert entries.count("filed") + entries.count("quarantined") == 1
    assert office.waiting() == []
    assert not any((office.inbox / ".poststelle" / "claimed").glob("*"))
    assert not any(path.suffix == ".tmp" for path in office.folder.rglob("*"))


def assert_findable(office: Office) -> None:
    """Whatever the fault left out of the index is in it again."""
    from poststelle.verbs.finding import search
    from poststelle.wiring import open_person

    with open_person(environment_of(office, user="accounting")) as session:
        found = search(
            session, "RE-2026-0815", record_class=None, from_date=None, to_date=None, limit=10, sort="relevance",
            today=session.now().date(),
        )  # fmt: skip
    assert found.result.total == 1


def assert_nothing_is_lost(office: Office) -> None:
    """Right after a fault, before any repair: the bytes are in the inbox, or the document is committed and whole."""
    in_inbox = any((office.inbox / name).read_bytes() == CONTENT for name in office.waiting())
    with open_service(environment_of(office)) as session:
        committed = [row.document_id for row in session.catalogue.letters()]
        committed += [item.document_id for item in session.catalogue.quarantine()]
        whole = [session.keys.wraps_of(document) and list(session.catalogue.parts(document)) for document in committed]
    assert in_inbox or (len(whole) == 1 and len(whole[0]) == 2)


def numbered() -> Iterator[int]:
    """1, 2, 3 … with a limit that says: this loop does not end."""
    yield from range(1, 500)
    raise AssertionError("more than 500 steps to file one letter")


@pytest.mark.parametrize(
    ("answers", "for_good"),
    [("letter", False), ("letter", True), ("unreadable", False)],
    ids=["letter-once", "letter-for-good", "unreadable-once"],
    indirect=["answers"],
)
def test_a_full_disk_at_any_step_loses_and_doubles_nothing(
    for_good: bool, fresh: Callable[[], Office], answers: Answers
) -> None:
    """The disk fills up at an unlucky moment; somebody makes room and starts again."""
    for step in numbered():
        office, disk = fresh(), FullDisk(step, for_good=for_good)
        with contextlib.suppress(PoststelleError, OSError):
            drain(office, disk, answers)
        if len(disk.steps) < step:
            break
        assert_nothing_is_lost(office)
        drain(office, Disk(), answers)
        assert_filed_once(office, answers)
        if isinstance(next(iter(answers.values())), Recognition):
            assert_findable(office)
    assert step > 30, "the control: filing one letter takes many steps"


def test_a_kill_at_any_step_loses_and_doubles_nothing(fresh: Callable[[], Office], answers: Answers) -> None:
    """kill -9 between any two changes of the disk, not only at the arrows we have names for."""
    for step in numbered():
        office = fresh()
        if not dies_at(step, office, lambda office, disk: drain(office, disk, answers)):
            break
        assert_nothing_is_lost(office)
        drain(office, Disk(), answers)
        assert_filed_once(office, answers)
        if isinstance(next(iter(answers.values())), Recognition):
            assert_findable(office)
    assert step > 30, "the control: filing one letter takes many steps"


def test_the_steps_are_those_of_the_documented_order(fresh: Callable[[], Office], answers: Answers) -> None:
    """Whoever reorders the write order must meet this test before a customer's power cut does."""
    disk = StepwiseDisk()
    drain(fresh(), disk, answers)

    steps = [f"{action} {target.split('.', 1)[-1] if '.original' in target or '.text' in target else target}"
             for action, target in disk.steps]  # fmt: skip
    order = [
        "rename brief.pdf", "rename original.1", "rename text.1", "commit keys.db", "commit catalogue.db",
        "commit keys.db", "unlink brief.pdf", "append audit.jsonl",
    ]  # fmt: skip
    places = []
    for wanted in order:
        places.append(steps.index(wanted, places[-1] + 1 if places else 0))
    assert places == sorted(places)


def test_a_full_disk_is_told_in_words(office: Office, scans: dict[str, Path]) -> None:
    """The clerk must read that the disk is full and that the letter is safe, not a programmer's traceback."""
    office.drop(scans["per-mail-heidelbeer.pdf"])

    for word in (".original.1", "keys.db", "catalogue.db", "audit.jsonl"):
        ran = office.drill(f"full:{word}", "intake")

        assert ran.status == 1, (word, ran.err)
        assert "Traceback" not in ran.err, word
        assert "No space left" in ran.err, word
    office.done("intake")
    assert office.done("search", "Heidelbeerkraut", user="accounting").json["total"] == 1
    assert office.done("verify").json["letters"] == 1
