"""A full disk or a kill at any step of a backup or a restore: what was good stays good, and the next run goes on."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters
from simulators import Office, StepwiseDisk, dies_at, environment_of, fails_at

from archive.generation import Target, read_generation
from poststelle.durable import Disk
from poststelle.verbs.copying import backup
from poststelle.verbs.copying import verify as read_back
from poststelle.verbs.disposing import prove, run
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.restoring import Wish, restore
from poststelle.verbs.verifying import HARMLESS, verify
from poststelle.wiring import open_service

GOING = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYING = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
LATER = Sample(record_class="offer", received_on=date(2026, 5, 4), word="Kupferkannenstiel")
STRIDE = 9
"""Every step would take minutes; each run of the suite tries the same ones, both ways of failing."""
MOST_STEPS = 600


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, str]:
    """An office with a backup from 40 days ago; since then a letter came, and the purge of one was released."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("prepared") / "root")
    (going, _) = file_letters(office, [GOING, STAYING])
    copy(office, Disk(), days=-40)
    file_letters(office, [LATER])
    with desk(environment_of(office, user="records-manager")) as at_desk:
        plan_id = plan(at_desk, None).plan_id
    with desk(environment_of(office, user="owner")) as at_desk:
        release(at_desk, plan_id, (), "Jahresaussonderung")
    return office, going


@pytest.fixture
def fresh(tmp_path: Path, prepared: tuple[Office, str]) -> Callable[[], Office]:
    """That office and its backup made new, as often as needed."""
    office = prepared[0].copy_to(tmp_path / "root")

    def make() -> Office:
        office.restore_from(prepared[0])
        folder = office.root / "backup"
        shutil.rmtree(folder)
        shutil.copytree(prepared[0].root / "backup", folder)
        with open_service(environment_of(office)) as service, service.catalogue._db.transaction():
            service.catalogue._db.run("UPDATE targets SET path = ?", (str(folder),))
        return office

    return make


def copy(office: Office, disk: Disk, days: int = 0) -> None:
    """`backup` into the folder beside the office."""
    later = timedelta(days=days, minutes=1)
    environment = replace(environment_of(office, disk), now=lambda: datetime.now(UTC) + later)
    with open_service(environment) as service:
        backup(service, office.root / "backup", reread=False, progress=lambda done, total, what: None)


def purge(office: Office, disk: Disk) -> None:
    """`purge run`."""
    with open_service(environment_of(office, disk)) as service:
        run(service)


def bring_back(office: Office, disk: Disk) -> None:
    """`restore`, by the owner."""
    restore(
        environment_of(office, disk, user="owner"), Wish(folder=office.root / "backup"), lambda done, total, what: None
    )


def fault_at(step: int, office: Office, action: Callable[[Office, Disk], None]) -> bool:
    """By turns a full disk and a kill."""
    return (fails_at if step // STRIDE % 2 else dies_at)(step, office, action)


def problems(office: Office) -> list[str]:
    """Codes of what `verify` finds in the vault and in its backup."""
    with open_service(environment_of(office)) as service:
        found = [p.code for p in verify(service, with_data=False, progress=lambda done, total: None).problems]
        return found + [
            p.code for p in read_back(service, office.root / "backup", progress=lambda done, total, what: None)
        ]


def restorable(office: Office) -> list[int]:
    """Generations that hold, looked at from outside."""
    with open_service(environment_of(office)) as service:
        target, book = Target(office.root / "backup", Disk()), service.book
    sound = []
    for number in target.finished():
        generation = read_generation(target, number, book.genesis_hash, book.vault_id)
        generation.require_files()
        assert all(target.object_path(part).exists() for part in generation.parts())
        sound.append(number)
    return sound


def test_a_fault_at_any_step_of_a_backup_leaves_a_generation_to_restore(
    fresh: Callable[[], Office], prepared: tuple[Office, str]
) -> None:
    """The disk is pulled out in the middle; that night the server dies. The backup of yesterday must still be one."""
    counts = set()
    for step in range(1, MOST_STEPS, STRIDE):
        office = fresh()
        if not fault_at(step, office, copy):
            break
        sound = restorable(office)
        with open_service(environment_of(office)) as service:
            assert [row.path for row in service.catalogue.targets()] == [office.root / "backup"]
        counts.add(tuple(sound))
        assert sound, f"after step {step} nothing can be restored"
        assert set(problems(office)) <= HARMLESS, step
        copy(office, Disk())
        assert problems(office) == [], step
        assert 1 not in restorable(office), "what is past its window goes, once a newer one is there"
    assert step > 50, "the control: a backup takes many steps"
    assert {(1,), (2,)} <= counts, "the control: some faults came before the new generation and some after"


def test_a_fault_at_any_step_of_a_restore_is_repeated(fresh: Callable[[], Office]) -> None:
    """The second machine fails too. A vault that is half there must neither open nor stand in the way."""
    made = fresh()
    copy(made, Disk())
    whole = made.copy_to(made.root.parent / "whole")
    count = StepwiseDisk()

    def lost() -> Office:
        made.restore_from(whole)
        shutil.rmtree(made.vault)
        shutil.rmtree(made.mirror)
        (made.folder / "service.identity").unlink()
        return made

    bring_back(lost(), count)
    assert problems(made) == []
    for step in range(2, len(count.steps), len(count.steps) // 4):
        office = lost()
        assert fault_at(step, office, bring_back), step
        if (office.vault / "VAULT.json").exists():
            assert (office.folder / "service.identity").exists()
        if not (office.vault / "VAULT.json").exists() or (office.vault / "restoring.json").exists():
            bring_back(office, Disk())
        assert set(problems(office)) <= HARMLESS, step
        with open_service(environment_of(office)) as service:
            assert len(list(service.catalogue.letters())) == 3
    assert len(count.steps) > 100, "the control: a restore takes many steps"


def test_a_fault_while_backups_are_told_leaves_no_certificate_before_they_know(
    fresh: Callable[[], Office], prepared: tuple[Office, str]
) -> None:
    """A certificate in somebody's hands, and a backup that would bring the letter back: never both."""
    going, counting = prepared[1], StepwiseDisk()
    purge(fresh(), counting)
    named = [number for number, (_, target) in enumerate(counting.steps, 1) if target == "tombstones.jsonl"]
    certificate = next(n for n, (_, target) in enumerate(counting.steps, 1) if target == "certificates")
    assert named, "the control: the list goes onto the backup"
    assert max(named) < certificate
    for step in range(min(named) - 1, certificate + 3, 2):
        office = fresh()
        assert fault_at(step, office, purge)
        listed = going.encode() in (office.root / "backup" / "tombstones.jsonl").read_bytes()
        papers = list((office.vault / "certificates").glob("*.json"))
        assert listed or not papers, step
        purge(office, Disk())
        with desk(environment_of(office, user="records-manager")) as at_desk:
            failed = [what for what, held in prove(at_desk, going).checks if not held]
        # The only generation is past its window here; the next backup takes its place.
        assert all("window" in what for what in failed), (step, failed)
        assert set(problems(office)) <= HARMLESS, step
