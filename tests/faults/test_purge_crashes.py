"""A full disk or a kill at any step of a purge or a move: the letter is there, or it is gone; never half of it."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters
from simulators import Office, StepwiseDisk, dies_at, drain, environment_of, fails_at

from poststelle.durable import Disk
from poststelle.errors import UnknownDocument
from poststelle.stages import Stage
from poststelle.verbs.deciding import decide
from poststelle.verbs.disposing import prove, run
from poststelle.verbs.finding import search
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.verifying import HARMLESS, verify
from poststelle.wiring import open_person, open_service

GOING = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYING = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
MOST_STEPS = 300
INTAKE_SECONDS = 6


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, str, str]:
    """An office with two letters; a plan with the first of them was released."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("prepared") / "root")
    going, staying = file_letters(office, [GOING, STAYING])
    with desk(environment_of(office, user="records-manager")) as at_desk:
        plan_id = plan(at_desk, None).plan_id
    with desk(environment_of(office, user="owner")) as at_desk:
        release(at_desk, plan_id, (), "Jahresaussonderung")
    return office, going, staying


@pytest.fixture
def fresh(tmp_path: Path, prepared: tuple[Office, str, str]) -> Callable[[], Office]:
    """That office made new, as often as needed."""
    office = prepared[0].copy_to(tmp_path / "root")

    def make() -> Office:
        office.restore_from(prepared[0])
        return office

    return make


def purge(office: Office, disk: Disk) -> None:
    """`purge run`."""
    with open_service(environment_of(office, disk)) as service:
        run(service)


def move(office: Office, document: str, disk: Disk, record_class: str = "offer") -> None:
    """`reclassify`, by whoever may."""
    with desk(environment_of(office, disk, user="owner")) as at_desk:
        decide(at_desk, document, record_class, kind="reclassified")


FAULTS = pytest.mark.parametrize("fault", [fails_at, dies_at], ids=["full", "kill"])


def steps() -> Iterator[int]:
    """1, 2, 3 …"""
    yield from range(1, MOST_STEPS)
    raise AssertionError("this does not end")


def problems(office: Office) -> list[str]:
    """Codes of what `verify` finds."""
    with open_service(environment_of(office)) as service:
        return [p.code for p in verify(service, with_data=False, progress=lambda done, total: None).problems]


def readable_by(office: Office, user: str, document: str, sample: Sample) -> bool:
    """Whether somebody can open text and original, whole; if not, it is to them as if it had never been."""
    with open_person(environment_of(office, user=user)) as session:
        try:
            registered, _ = session.reading.resolve(document)
        except UnknownDocument:
            return False
        assert session.reading.original(registered) == sample.content
        assert session.reading.text(registered).classified.document.pages[0].text == sample.text
        return True


def found_by(office: Office, user: str, word: str) -> int:
    """How many letters a search of that person finds."""
    with open_person(environment_of(office, user=user)) as session:
        return search(
            session, word, record_class=None, from_date=None, to_date=None, limit=5, sort="relevance",
            today=session.now().date(),
        ).result.total  # fmt: skip


# Purge --------------------------------------------------------------------------------------------------------


def assert_there_or_gone(office: Office, going: str) -> None:
    """Right after a fault: nothing is damaged, and whoever has a certificate has one of a letter that is gone."""
    assert set(problems(office)) <= HARMLESS
    with open_service(environment_of(office)) as service:
        row = service.catalogue.letter(going)
        assert row is not None
        begun = row.stage is not Stage.FILED
        wraps, parts = service.keys.wraps_of(going), service.objects.names_of(going)
        certificates = list(service.layout.certificates.glob("*.json"))
    if readable_by(office, "accounting", going, GOING):
        assert len(wraps) == len(parts) == 2
        assert not certificates
    else:
        assert begun
        assert not wraps, "no key of a letter that nobody can see"
    if certificates:
        assert not parts


@FAULTS
def test_a_fault_at_any_step_of_a_purge_leaves_the_letter_there_or_gone(
    fault: Callable[[int, Office, Callable[[Office, Disk], None]], bool],
    fresh: Callable[[], Office],
    prepared: tuple[Office, str, str],
) -> None:
    """Half a letter is worse than either: a paper that says it is gone, and a key in a backup that opens it."""
    _, going, staying = prepared
    for step in steps():
        office = fresh()
        if not fault(step, office, purge):
            break
        assert_there_or_gone(office, going)
        purge(office, Disk())
        with desk(environment_of(office, user="records-manager")) as at_desk:
            assert [name for name, held in prove(at_desk, going).checks if not held] == [], step
            assert at_desk.service.ledger.released_plans() == []
        assert problems(office) == [], step
        assert readable_by(office, "accounting", staying, STAYING)
    assert step > 20, "the control: a purge takes many steps"


def test_a_purge_that_is_killed_again_and_again_ends(
    fresh: Callable[[], Office], prepared: tuple[Office, str, str]
) -> None:
    """A machine that dies every night a little later in the same run."""
    office, deaths = fresh(), 0
    for step in (3, 9, 15, 4, 8, 12, 2):
        deaths += dies_at(step, office, purge)
    purge(office, Disk())

    assert deaths >= 4, "the control"
    with desk(environment_of(office, user="records-manager")) as at_desk:
        assert prove(at_desk, prepared[1]).ok
    assert problems(office) == []


def test_intake_between_crash_and_purge_does_no_harm(
    fresh: Callable[[], Office], prepared: tuple[Office, str, str]
) -> None:
    """In the morning the mail room starts before anybody looks at the purge of the night: nothing may rise again."""
    _, going, _ = prepared
    for step in range(2, 40, 6):
        office = fresh()
        if not dies_at(step, office, purge):
            break
        drain(office, Disk(), {})
        assert_there_or_gone(office, going)
        purge(office, Disk())
        with desk(environment_of(office, user="records-manager")) as at_desk:
            assert prove(at_desk, going).ok
        assert (found_by(office, "accounting", GOING.word), found_by(office, "accounting", STAYING.word)) == (0, 1)
        assert problems(office) == []
    assert step > 10, "the control"


def test_the_steps_of_a_purge_are_those_of_the_promised_order(
    fresh: Callable[[], Office], prepared: tuple[Office, str, str]
) -> None:
    """Keys first and certificate last: the other way round a crash leaves a paper that lies."""
    disk, going = StepwiseDisk(), prepared[1]
    purge(fresh(), disk)

    told = [f"{action} {target.replace(going, 'LETTER')}" for action, target in disk.steps]
    order = [
        "commit catalogue.db", "commit keys.db", "commit keys.db", "checkpoint keys.db", "checkpoint keys.db",
        "commit finance.db", "checkpoint finance.db", "unlink LETTER.original.1", "unlink LETTER.text.1",
        "rename disposals.jsonl", "mkdir certificates", "commit catalogue.db", "append audit.jsonl",
    ]  # fmt: skip
    places: list[int] = []
    for wanted in order:
        places.append(told.index(wanted, places[-1] + 1 if places else 0))
    assert any(line.startswith("rename") and line.endswith(".json") for line in told[places[10] : places[11]])


# Moves --------------------------------------------------------------------------------------------------------


@FAULTS
def test_a_fault_at_any_step_of_a_move_leaves_the_letter_in_one_place(
    fault: Callable[[int, Office, Callable[[Office, Disk], None]], bool],
    fresh: Callable[[], Office],
    prepared: tuple[Office, str, str],
) -> None:
    """Between two departments a letter must not be lost, nor stay readable by the one it was taken from."""
    _, _, document = prepared
    ends = set()
    for step in steps():
        office = fresh()
        if not fault(step, office, lambda office, disk: move(office, document, disk)):
            break
        readers = [user for user in ("accounting", "sales") if readable_by(office, user, document, STAYING)]
        assert len(readers) == 1, (step, readers)
        if step % 4 < 2:
            drain(office, Disk(), {})
        else:
            # Nobody starts the mail room; somebody corrects another letter, or tries the move again.
            move(office, document, Disk())
        (end,) = [user for user in ("accounting", "sales") if readable_by(office, user, document, STAYING)]
        ends.add(end)
        other = {"accounting": "sales", "sales": "accounting"}[end]
        assert (found_by(office, end, STAYING.word), found_by(office, other, STAYING.word)) == (1, 0), step
        assert problems(office) == [], step
        assert step % 4 < 2 or end == "sales", "tried again, it is moved"
    assert step > 15, "the control: a move takes many steps"
    assert ends == {"accounting", "sales"}, "the control: some faults came before the commit and some after"


def test_a_correction_after_a_crash_does_not_undo_the_move(
    fresh: Callable[[], Office], prepared: tuple[Office, str, str]
) -> None:
    """The move was committed and signed; whoever works on before the repair must work on what was decided."""
    document = prepared[2]
    counting = StepwiseDisk()
    move(fresh(), document, counting)
    commit = next(number for number, step in enumerate(counting.steps, 1) if step == ("commit", "catalogue.db"))
    for last in (commit + 1, commit + 2):
        office = fresh()
        assert dies_at(last, office, lambda office, disk: move(office, document, disk))

        move(office, document, Disk(), "complaint")

        with open_service(environment_of(office)) as service:
            row = service.catalogue.letter(document)
        assert row is not None
        assert (row.compartment, row.number, row.text_version) == ("sales", 1, 3)
        assert (found_by(office, "accounting", STAYING.word), found_by(office, "sales", STAYING.word)) == (0, 1)
        assert problems(office) == []


def test_a_move_and_a_repair_at_once_wait_for_each_other(
    fresh: Callable[[], Office], prepared: tuple[Office, str, str]
) -> None:
    """Intake starts while somebody moves a letter: it must not take the half of it for the rest of a crash."""
    office, document = fresh(), prepared[2]

    class Starting(StepwiseDisk):
        """Begins an intake in the middle of the move."""

        intake: "subprocess.Popen[bytes] | None" = None

        def strike(self) -> None:
            self.intake = office.start("intake", out=office.root / "intake.txt")
            with contextlib.suppress(subprocess.TimeoutExpired):
                # Long enough for it to come to the repair; it may only look when the move is done.
                self.intake.wait(INTAKE_SECONDS)

    counting = StepwiseDisk()
    move(office, document, counting)
    at = next(number for number, (_, target) in enumerate(counting.steps, 1) if ".text.2" in target) + 1
    fresh()
    disk = Starting(at)
    move(office, document, disk)
    assert disk.intake is not None
    status = disk.intake.wait(INTAKE_SECONDS * 20)

    assert status == 0, (office.root / "intake.txt").read_text()
    assert [readable_by(office, user, document, STAYING) for user in ("accounting", "sales")] == [False, True]
    assert problems(office) == []
