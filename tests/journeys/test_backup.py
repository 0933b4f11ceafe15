"""A fire, a dead disk, a purge between two backups: what must come back comes back, what was destroyed does not."""

import contextlib
import errno
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filed_letters import Sample, file_letters, together
from simulators import FullFor, Office, StepwiseDisk, environment_of, recover

from archive.backup import Made
from archive.generation import DamagedBackup, Target
from poststelle.access.audit import BrokenLog
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, NotPermitted, PoststelleError, StorageError, UnknownDocument
from poststelle.verbs.copying import backup, forget, targets
from poststelle.verbs.copying import verify as read_back
from poststelle.verbs.disposing import Run, prove, run
from poststelle.verbs.keeping import place_hold
from poststelle.verbs.learning import _store as model_store
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.restoring import Restored, Wish, confirm, restore
from poststelle.verbs.verifying import verify
from poststelle.verbs.witnessing import ChangedLedger
from poststelle.wiring import drill_folder, open_person, open_service

GOING = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYING = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
LATER = Sample(record_class="invoice", received_on=date(2026, 5, 4), word="Kupferkannenstiel")
KEEP_DAYS = 30


@dataclass(frozen=True, slots=True)
class Kept:
    """An office with two letters and its backup with one generation; the first letter is due."""

    office: Office
    folder: Path
    going: str
    staying: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> Kept:
    """Made once; not to be changed."""
    root = tmp_path_factory.mktemp("kept")
    office = empty_office.copy_to(root / "root")
    going, staying = file_letters(office, [GOING, STAYING])
    copied(office, root / "backup")
    return Kept(office, root / "backup", going, staying)


@pytest.fixture
def kept(tmp_path: Path, made: Kept) -> Kept:
    """That office and its backup, of one's own; the vault knows where the copy lies."""
    office, folder = made.office.copy_to(tmp_path / "root"), tmp_path / "backup"
    shutil.copytree(made.folder, folder)
    with open_service(environment_of(office)) as service, service.catalogue._db.transaction():
        service.catalogue._db.run("UPDATE targets SET path = ?", (str(folder),))
    return Kept(office, folder, made.going, made.staying)


def silent(done: int, total: int, what: str) -> None:
    """No progress is shown."""


def copied(
    office: Office, folder: Path, *, at: timedelta = timedelta(0), disk: Disk | None = None, **options: bool
) -> Made:
    """`backup`, as the service; `at` is how much later than now."""
    environment = environment_of(office, disk)
    environment = replace(environment, now=lambda: datetime.now(UTC) + timedelta(minutes=1) + at)
    with open_service(environment) as service:
        return backup(service, folder, reread=options.get("reread", False), progress=silent)


def released(office: Office, document: str) -> None:
    """A plan with what is due, by one person, and its release by another."""
    with desk(environment_of(office, user="records-manager")) as at_desk:
        made = plan(at_desk, None)
        assert [c.letter.document_id for c in made.due] == [document]
    with desk(environment_of(office, user="owner")) as at_desk:
        release(at_desk, made.plan_id, (), "Jahresaussonderung")


def purged(office: Office) -> Run:
    """`purge run`."""
    with open_service(environment_of(office)) as service:
        return run(service)


def destroy(kept: Kept) -> None:
    """The letter that is due goes."""
    released(kept.office, kept.going)
    assert purged(kept.office).disposed == (kept.going,)


def lose(office: Office, *, service: bool = True) -> None:
    """The machine burns: vault, mirror and the service's identity are gone; people keep theirs, and what they saw."""
    shutil.rmtree(office.vault)
    shutil.rmtree(office.mirror)
    if service:
        (office.folder / "service.identity").unlink()


def restored(
    office: Office, folder: Path, *, user: str | None = "owner", at: timedelta = timedelta(0), **wish: Any
) -> Restored:
    """`restore`, in this process."""
    environment = environment_of(office, wish.pop("disk", None), user=user)
    environment = replace(environment, now=lambda: datetime.now(UTC) + timedelta(minutes=1) + at)
    return restore(environment, Wish(folder=folder, **wish), silent)


def readable(office: Office, user: str, document: str, sample: Sample) -> bool:
    """Whether somebody opens a letter, whole."""
    with open_person(environment_of(office, user=user)) as session:
        try:
            registered, _ = session.reading.resolve(document)
        except UnknownDocument:
            return False
        return session.reading.original(registered) == sample.content


def problems(office: Office) -> list[str]:
    """What `verify` finds."""
    with open_service(environment_of(office)) as service:
        return [p.code for p in verify(service, with_data=False, progress=lambda done, total: None).problems]


def stored(store: Path, document: str) -> int:
    """How many wraps of a letter lie in a key store, read without any code of ours."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro&immutable=1", uri=True)) as keys:
        return int(keys.execute("SELECT count(*) FROM wraps WHERE document = ?", (document,)).fetchone()[0])


def flip(path: Path, where: float = 0.5) -> None:
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 4
    path.write_bytes(bytes(content))


# The whole path -----------------------------------------------------------------------------------------------


def test_an_empty_machine_becomes_the_office_again(tmp_path: Path, made: Kept) -> None:
    """The server burned; there is a disk with the backup, the program, and the owner with an identity file."""
    machine = Office(tmp_path / "root")
    for folder in (machine.folder, machine.root / "home", machine.temporary):
        folder.mkdir(parents=True)
    shutil.copytree(made.office.folder / "identities", machine.folder / "identities")
    done = machine.done("restore", made.folder, user="owner").json
    assert (done["ok"], done["letters"], done["signed_by_owner"], done["service_restored"]) == (True, 2, True, True)
    assert done["seconds"].keys() == {"check the backup", "bring back", "make the indexes anew", "verify"}

    found, status, drained, verified = together(
        machine,
        ("accounting", ("search", "Moorbirkenhain")),
        (None, ("status",)),
        (None, ("intake",)),
        ("owner", ("verify", "--read-data")),
    )
    assert [hit["id"] for hit in found.json["hits"]] == [made.staying]
    assert drained.status == status.status == 0
    assert (verified.status, verified.json["problems"]) == (0, [])
    assert readable(machine, "accounting", made.going, GOING)
    assert machine.run("search", "Moorbirkenhain", user="hr").json["total"] == 0


def test_the_command_line_backs_up_lists_and_reads_back(kept: Kept, tmp_path: Path) -> None:
    """What a timer calls every night, and what a person looks at in the morning."""
    elsewhere = tmp_path / "second"
    first, again, looked, listed, status = together(
        kept.office,
        (None, ("backup", elsewhere)),
        (None, ("backup", elsewhere)),
        (None, ("backup", elsewhere, "--verify")),
        (None, ("backup", "--list")),
        ("owner", ("status",)),
    )
    assert (first.json["generation"], first.json["letters"], first.json["new_parts"]) == (1, 2, 4)
    assert (again.json["generation"], again.json["new_parts"]) == (2, 0), "what is there is not copied again"
    assert (looked.status, looked.json["problems"]) == (0, [])
    assert {t["path"]: (t["generation"], t["reached"]) for t in listed.json["backups"]} == {
        str(kept.folder): (1, True),
        str(elsewhere): (2, True),
    }
    last = next(check for check in status.json["checks"] if check["name"] == "last backup")
    assert last["detail"].endswith("today")
    assert problems(kept.office) == []


def test_a_drill_tells_how_long_it_takes_and_leaves_nothing(kept: Kept) -> None:
    """A backup that was never restored is a hope; a drill that leaves a second vault about is a leak."""
    before = sorted(p for p in kept.office.root.rglob("*") if not p.name.endswith((".head", "-shm", "-wal")))
    ran = kept.office.done("restore", kept.folder, "--drill", user="owner")
    done = ran.json

    assert "Bringing back generation 1" in ran.err, "said before it is done"
    assert (done["ok"], done["drill"], done["letters"]) == (True, True, 2)
    assert not Path(done["vault"]).exists()
    after = sorted(p for p in kept.office.root.rglob("*") if not p.name.endswith((".head", "-shm", "-wal")))
    assert [p for p in after if p not in before and "state" not in p.parts] == []
    kinds = [json.loads(line)["kind"] for line in (kept.office.vault / "audit.jsonl").read_bytes().splitlines()]
    assert kinds[-1] == "restore-drill"


@pytest.mark.parametrize("next_run", [("restore", "{backup}", "--drill"), ("backup", "{backup}"), ("purge", "run")])
def test_what_a_killed_drill_left_goes_with_the_next_run(kept: Kept, next_run: tuple[str, ...]) -> None:
    """A power cut in the middle of a drill leaves a whole sealed vault below TMPDIR, which nobody would look for."""
    killed = kept.office.drill(
        "kill:keys-restored", "--identity", kept.office.identity("owner"), "restore", kept.folder, "--drill"
    )
    left = list(kept.office.temporary.iterdir())
    assert (killed.status, len(left)) == (-signal.SIGKILL, 1), "the control: it was killed with a vault half there"
    assert list(left[0].rglob("keys.db"))

    kept.office.done(*(word.format(backup=kept.folder) for word in next_run), user="owner")

    assert list(kept.office.temporary.iterdir()) == []


def test_a_drill_that_is_running_is_left_alone(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nightly backup must not pull the floor away under somebody who tries a restore."""
    monkeypatch.setattr(tempfile, "tempdir", str(kept.office.temporary))
    with drill_folder() as running:
        copied(kept.office, kept.folder)
        assert running.is_dir()
    assert not running.exists()


def test_the_kit_alone_brings_the_office_back_and_an_owner_confirms(kept: Kept) -> None:
    """The owner's laptop burned too. The kit in the safe must do, but must not explain a roll-back by itself."""
    with open_person(environment_of(kept.office, user="owner")) as owner:
        owner.note("searched", query="after the backup")
    lose(kept.office)
    done = restored(kept.office, kept.folder, user=None, kit=kept.office.kit)
    assert (done.letters, done.signed_by_owner, done.service_restored, done.problems) == (2, False, True, ())
    assert problems(kept.office) == []
    assert recover(kept.office, "original", kept.staying).out == STAYING.content

    with open_person(environment_of(kept.office, user="owner")) as owner:
        with pytest.raises(BrokenLog):
            owner.note("searched", query="x")
        confirm(owner)
    with open_person(environment_of(kept.office, user="owner")) as owner:
        owner.note("searched", query="x")
        with pytest.raises(ConfigurationError):
            confirm(owner)


def test_only_an_owner_restores(kept: Kept) -> None:
    """A clerk with the backup disk must not put up a vault of their own with an owner's word in it."""
    lose(kept.office)
    with pytest.raises(NotPermitted):
        restored(kept.office, kept.folder, user="accounting")
    with pytest.raises(ConfigurationError, match="kit"):
        restored(kept.office, kept.folder, user=None)
    assert not kept.office.vault.exists()


# What was destroyed -------------------------------------------------------------------------------------------


def test_what_was_destroyed_after_the_backup_stays_destroyed(kept: Kept) -> None:
    """The person was told, with a certificate, that the letter is gone. A dead disk must not bring it back."""
    destroy(kept)
    old_keys = kept.folder / "generations" / "000001" / "keys.db"
    assert stored(old_keys, kept.going) == 2, "the control: the backup is from before"
    assert not list((kept.folder / "objects").rglob(f"{kept.going}.*")), "its parts are gone from the backup at once"
    lose(kept.office)
    done = restored(kept.office, kept.folder, generation=1)

    assert done.destroyed == (kept.going,)
    for store in (kept.office.vault / "keys" / "keys.db", kept.office.mirror / "keys.db"):
        assert (stored(store, kept.going), stored(store, kept.staying)) == (0, 2)
    assert not readable(kept.office, "accounting", kept.going, GOING)
    assert readable(kept.office, "accounting", kept.staying, STAYING)
    assert purged(kept.office).disposed == (kept.going,), "the next purge writes the certificate that was lost"
    with desk(environment_of(kept.office, user="records-manager")) as at_desk:
        assert prove(at_desk, kept.going).ok
    assert problems(kept.office) == []


def test_a_certificate_that_was_backed_up_comes_back(kept: Kept) -> None:
    """With it nothing is left to do: the letter is disposed of, under the paper that was handed out."""
    destroy(kept)
    copied(kept.office, kept.folder)
    (paper,) = (kept.office.vault / "certificates").iterdir()
    lose(kept.office)
    done = restored(kept.office, kept.folder, generation=1)

    assert done.problems == (), "the entry of the log that it names was lost, and that is declared"

    assert (kept.office.vault / "certificates" / paper.name).exists()
    assert purged(kept.office).disposed == ()
    assert problems(kept.office) == []


def test_a_backup_that_is_not_there_keeps_the_purge_pending(kept: Kept) -> None:
    """Whoever gets a certificate relies on it that every backup was told."""
    released(kept.office, kept.going)
    away = kept.folder.rename(kept.folder.with_name("away"))
    first, second = purged(kept.office), purged(kept.office)
    assert (first.disposed, first.pending, first.unreached) == ((), (kept.going,), (str(kept.folder),))
    assert first.certificates == ()
    assert second.unreached == (str(kept.folder),)
    assert not readable(kept.office, "accounting", kept.going, GOING), "it is destroyed here all the same"
    ran = kept.office.run("purge", "run", as_json=False)
    assert ran.status == 1
    assert str(kept.folder) in ran.text

    away.rename(kept.folder)
    done = purged(kept.office)
    assert (done.disposed, done.unreached) == ((kept.going,), ())
    (copy,) = json.loads(done.certificates[0].path.read_bytes())["body"]["copies"]
    assert date.fromisoformat(copy["keys_until"]) == (datetime.now(UTC) + timedelta(days=KEEP_DAYS, minutes=1)).date()
    assert (kept.office.vault / "disposals.jsonl").read_bytes().count(b"\n") == 1, "waiting adds nothing to the list"


def test_a_lost_backup_is_struck_off_with_a_reason(kept: Kept) -> None:
    """A stick that was crushed must not hold up every purge for ever; who strikes it off has signed it."""
    released(kept.office, kept.going)
    shutil.rmtree(kept.folder)
    assert purged(kept.office).pending == (kept.going,)
    with desk(environment_of(kept.office, user="accounting")) as at_desk, pytest.raises(NotPermitted):
        forget(at_desk, str(kept.folder), "weg")
    with desk(environment_of(kept.office, user="owner")) as at_desk:
        forget(at_desk, str(kept.folder), "Platte zerstört")
        assert targets(at_desk.service) == []
    assert purged(kept.office).disposed == (kept.going,)


def test_proof_tells_what_each_backup_still_holds_and_until_when(kept: Kept, tmp_path: Path) -> None:
    """A data protection officer asks: who could still read it, and until which day?"""
    gone = tmp_path / "second"
    copied(kept.office, gone)
    destroy(kept)
    gone.rename(tmp_path / "away")
    with desk(environment_of(kept.office, user="owner")) as at_desk:
        proof = prove(at_desk, kept.going)
    here, away = sorted(proof.copies, key=lambda copy: not copy.reached)
    until = (datetime.now(UTC) + timedelta(days=KEEP_DAYS, minutes=1)).date()
    assert (here.reached, here.objects, here.listed, here.keys_until, here.opened) == (True, 0, True, until, 2)
    assert (away.reached, away.keys_until) == (False, until)
    assert proof.ok, "within the window that the certificate names"

    copied(kept.office, kept.folder, at=timedelta(days=KEEP_DAYS + 1))
    with desk(environment_of(kept.office, user="owner")) as at_desk:
        here = next(copy for copy in prove(at_desk, kept.going).copies if copy.reached)
    assert (here.keys_until, here.opened) == (None, 0), "its generation was dropped"
    assert sorted(p.name for p in (kept.folder / "generations").iterdir()) == ["000002"]


def test_a_certificate_is_checked_by_somebody_without_the_program(kept: Kept, tmp_path: Path) -> None:
    """The auditor, or the person whom the letter was about, gets three files and need not believe us."""
    destroy(kept)
    out = tmp_path / "papers"
    kept.office.done("purge", "prove", kept.going, "--hand-out", out, user="records-manager")
    assert kept.office.run("purge", "prove", kept.going, "--hand-out", out, user="owner").status == 2

    def check() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-I", out / "check_certificate.py", out / "certificate.json", "--key"]
        return subprocess.run(
            [*command, out / "service-key.json"], cwd="/", env={}, capture_output=True, text=True, check=False
        )

    genuine = check()
    assert genuine.returncode == 0, genuine.stderr
    assert genuine.stdout.startswith("GENUINE")
    assert kept.going in genuine.stdout
    assert "no key of it after" in genuine.stdout
    paper = (out / "certificate.json").read_text(encoding="utf-8")
    for before, after in (
        (kept.going, kept.staying),
        ('"practice":false', '"practice":true'),
        ('"ed25519":"', '"x":"'),
    ):
        assert before in paper
        (out / "certificate.json").write_text(paper.replace(before, after), encoding="utf-8")
        assert check().returncode != 0, before
    for word in (GOING.word, "GmbH"):
        assert word not in paper, "no personal data"


def test_keys_that_outlive_their_window_spoil_the_proof(kept: Kept) -> None:
    """Somebody keeps an old generation: then the letter is not gone, and the proof must say so."""
    destroy(kept)
    generation = kept.folder / "generations" / "000001"
    shutil.copytree(generation, kept.folder.with_name("kept-back"))
    copied(kept.office, kept.folder, at=timedelta(days=KEEP_DAYS + 1))
    assert not generation.exists()
    shutil.copytree(kept.folder.with_name("kept-back"), generation)
    later = replace(
        environment_of(kept.office, user="owner"), now=lambda: datetime.now(UTC) + timedelta(days=KEEP_DAYS + 2)
    )
    with desk(later) as at_desk:
        failed = [name for name, held in prove(at_desk, kept.going).checks if not held]
    assert len(failed) == 1
    assert "window" in failed[0]


def test_a_backup_that_was_never_finished_is_told_all_the_same(kept: Kept, tmp_path: Path) -> None:
    """Its first run was stopped half way; the keys that arrived there must not be forgotten by the purge."""
    with pytest.raises(PoststelleError):
        copied(kept.office, tmp_path / "second", disk=FullFor("manifest.json"))
    destroy(kept)
    assert kept.going.encode() in (tmp_path / "second" / "tombstones.jsonl").read_bytes()
    with desk(environment_of(kept.office, user="owner")) as at_desk:
        second = next(copy for copy in prove(at_desk, kept.going).copies if copy.path == tmp_path / "second")
    assert (second.opened, second.objects, second.listed) == (2, 0, True), "and the proof does not overlook its keys"


# A list of destroyed letters that is not the newest -----------------------------------------------------------


def test_an_old_list_must_be_accepted_by_its_day(kept: Kept) -> None:
    """A year later, from a forgotten disk: nobody knows what was destroyed since, and somebody must answer for it."""
    lose(kept.office)
    day = datetime.now(UTC).astimezone().date()
    with pytest.raises(ConfigurationError, match=f"accept-tombstones-as-of {day}"):
        restored(kept.office, kept.folder, at=timedelta(days=2))
    with pytest.raises(ConfigurationError, match="Look again"):
        restored(kept.office, kept.folder, at=timedelta(days=2), accept_as_of=day + timedelta(days=1))
    assert not kept.office.vault.exists()

    restored(kept.office, kept.folder, at=timedelta(days=2), accept_as_of=day)
    body = json.loads((kept.office.vault / "restores.jsonl").read_bytes())["body"]
    assert (body["tombstones_accepted"], body["kind"]) == (True, "restored")
    assert problems(kept.office) == []
    flip(kept.office.vault / "restores.jsonl")
    assert problems(kept.office) == ["A018"], "the signature is looked at"


def test_a_newer_list_from_elsewhere_counts(kept: Kept, tmp_path: Path) -> None:
    """The disk in the safe is from before the purge; the one that died last left its list."""
    safe = shutil.copytree(kept.folder, tmp_path / "safe")
    destroy(kept)
    lose(kept.office)
    done = restored(kept.office, safe, tombstones=(kept.folder,))
    assert done.destroyed == (kept.going,)


def test_the_lost_vaults_own_list_counts(kept: Kept, tmp_path: Path) -> None:
    """Of the old disk only some files can be read; its list has no date, so the owner answers for it."""
    safe = shutil.copytree(kept.folder, tmp_path / "safe")
    destroy(kept)
    lists = shutil.copyfile(kept.office.vault / "disposals.jsonl", tmp_path / "disposals.jsonl")
    lose(kept.office)
    (safe / "tombstones.jsonl").unlink()
    with pytest.raises(ConfigurationError, match="--accept-tombstones-as-of"):
        restored(kept.office, safe, tombstones=(lists,))
    day = datetime.now(UTC).astimezone().date()
    assert restored(kept.office, safe, tombstones=(lists,), accept_as_of=day).destroyed == (kept.going,)


# Tampering ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "keys.db", "catalogue.db", "keybook.jsonl", "objects.txt", "service.json", "config.yaml", "log"],
)
def test_a_generation_that_was_changed_is_refused(kept: Kept, name: str) -> None:
    """Whoever can write to the backup must not choose who reads the restored vault."""
    lose(kept.office)
    flip(next((kept.folder / "log").iterdir()) if name == "log" else kept.folder / "generations" / "000001" / name)
    with pytest.raises(DamagedBackup):
        restored(kept.office, kept.folder)
    assert not kept.office.vault.exists() or not (kept.office.vault / "VAULT.json").exists()


def test_a_foreign_manifest_is_refused(kept: Kept, tmp_path: Path, empty_office: Office) -> None:
    """A genuine generation of another vault, or of another place in this backup, is not this one."""
    copied(kept.office, kept.folder)
    one, two = (kept.folder / "generations" / name for name in ("000001", "000002"))
    for path in one.iterdir():
        shutil.copyfile(path, two / path.name)
    lose(kept.office)
    with pytest.raises(DamagedBackup):
        restored(kept.office, kept.folder)
    assert restored(kept.office, kept.folder, generation=1).letters == 2, "the control"


@pytest.mark.parametrize(
    "harm",
    [
        lambda lines: lines[:1],
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[1].replace(b'"documents":["', b'"documents":["0')],
        lambda lines: [lines[0].replace(b'"lists":1', b'"lists":0')],
    ],
    ids=["cut", "without-head", "changed", "recounted"],
)
def test_a_list_of_destroyed_letters_that_was_changed_is_refused(
    kept: Kept, harm: Callable[[list[bytes]], list[bytes]]
) -> None:
    """Taking an id off the list would bring a destroyed letter back."""
    destroy(kept)
    path = kept.folder / "tombstones.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in harm(path.read_bytes().splitlines())))
    lose(kept.office)
    with pytest.raises(DamagedBackup):
        restored(kept.office, kept.folder)


def test_a_damaged_part_costs_one_letter_and_is_named(kept: Kept) -> None:
    """One bad block on the backup must not keep the other letters from coming back."""
    (part,) = (kept.folder / "objects").rglob(f"{kept.going}.original.*")
    flip(part)
    lose(kept.office)
    done = restored(kept.office, kept.folder)
    assert {p.id for p in done.problems} == {kept.going}
    assert readable(kept.office, "accounting", kept.staying, STAYING)


def test_reading_back_finds_a_flipped_bit_and_reread_mends_it(kept: Kept) -> None:
    """The disk of the backup rots too, and nobody looks at it until it is needed."""
    (part,) = (kept.folder / "objects").rglob(f"{kept.staying}.text.*")
    flip(part)
    with open_service(environment_of(kept.office)) as service:
        assert [p.id for p in read_back(service, kept.folder, progress=silent)] == [kept.staying]
        copied(kept.office, kept.folder)
        assert len(read_back(service, kept.folder, progress=silent)) == 1, "the control: sizes alone do not show it"
        assert copied(kept.office, kept.folder, reread=True).new_parts == 1
        assert read_back(service, kept.folder, progress=silent) == []


def test_a_damaged_generation_does_not_stop_the_next_backup(kept: Kept) -> None:
    """Nobody could restore it any more; it must not keep tonight's from being made, nor its keys from ending."""
    flip(kept.folder / "generations" / "000001" / "manifest.json")
    made = copied(kept.office, kept.folder)
    assert (made.generation, made.damaged, made.new_parts) == (2, (1,), 0)
    lose(kept.office)
    assert restored(kept.office, kept.folder).letters == 2


# The log and the numbers --------------------------------------------------------------------------------------


def test_a_restore_explains_one_roll_back_and_no_second(kept: Kept) -> None:
    """After a restore, whoever sets the vault back once more must not hide behind the owner's old signature."""
    with open_person(environment_of(kept.office, user="owner")) as owner:
        owner.note("searched", query="lost with the disk")
    lose(kept.office)
    restored(kept.office, kept.folder)
    aside = shutil.copytree(kept.office.vault, kept.office.root / "aside")
    for word in ("one", "two"):
        with open_person(environment_of(kept.office, user="accounting")) as clerk:
            clerk.note("searched", query=word)
    shutil.copyfile(aside / "audit.jsonl", kept.office.vault / "audit.jsonl")
    with open_person(environment_of(kept.office, user="accounting")) as clerk, pytest.raises(BrokenLog):
        clerk.note("searched", query="three")


def test_a_restore_does_not_explain_a_certificate_of_later(kept: Kept) -> None:
    """What was certified after the restore names an entry that the restored log got later: that must stay in it."""
    lose(kept.office)
    restored(kept.office, kept.folder)
    before = (kept.office.vault / "audit.jsonl").read_bytes()
    destroy(kept)
    assert problems(kept.office) == [], "the control"
    (kept.office.vault / "audit.jsonl").write_bytes(before)
    for head in kept.office.state.rglob("*.head"):
        head.unlink()

    assert problems(kept.office) == ["L013", "L013"], "certificate and list of destroyed letters"


def test_no_number_is_given_twice(kept: Kept) -> None:
    """A letter that was filed after the backup is lost, but its number stands on a reply somebody sent."""
    file_letters(kept.office, [LATER])
    lose(kept.office)
    done = restored(kept.office, kept.folder, skip=50)
    (new,) = file_letters(kept.office, [LATER])

    with open_service(environment_of(kept.office)) as service:
        row = service.catalogue.letter(new)
        assert row is not None
        assert (row.number, row.receipt) == (52, 53), "1 and 2 were there, 50 are left out"
    assert ("finance", 2026, 2, 51) in {(g.series, g.year, g.first, g.last) for g in done.gaps}
    assert problems(kept.office) == [], "and the gap is on record"


def test_the_log_goes_on_after_a_restore(kept: Kept) -> None:
    """Entries of later letters must not be taken for old ones and left out of the log."""
    file_letters(kept.office, [LATER])
    copied(kept.office, kept.folder)
    lose(kept.office)
    restored(kept.office, kept.folder, generation=1)
    before = (kept.office.vault / "audit.jsonl").read_bytes().count(b'"kind":"filed"')
    file_letters(kept.office, [LATER])
    assert (kept.office.vault / "audit.jsonl").read_bytes().count(b'"kind":"filed"') == before + 1


# Folders ------------------------------------------------------------------------------------------------------


def test_only_a_folder_for_this_vaults_backups_is_written(kept: Kept, tmp_path: Path, empty_office: Office) -> None:
    """A typing error must not mix a backup into somebody's photographs, nor an unmounted disk fill the server."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(b"x")
    other = empty_office.copy_to(tmp_path / "other")
    for office, folder in (
        (kept.office, photos),
        (kept.office, kept.office.vault / "backup"),
        (kept.office, kept.office.folder),
        (kept.office, tmp_path / "no" / "such"),
    ):
        with pytest.raises(ConfigurationError):
            copied(office, folder)
    shutil.move(kept.folder, tmp_path / "away")
    with pytest.raises(ConfigurationError, match="Mount"):
        copied(kept.office, kept.folder)
    assert not kept.folder.exists()
    assert sorted(p.name for p in photos.iterdir()) == ["holiday.jpg"]
    assert other.root.exists()


def test_a_restore_touches_nothing_that_is_there(kept: Kept) -> None:
    """A restore into the wrong place would be the worst loss of all."""
    before = {p: p.read_bytes() for p in kept.office.vault.rglob("*") if p.is_file()}
    with pytest.raises(ConfigurationError, match="not touched"):
        restored(kept.office, kept.folder)
    assert {p: p.read_bytes() for p in kept.office.vault.rglob("*") if p.is_file()} == before
    (kept.office.vault / "VAULT.json").unlink()
    with pytest.raises(ConfigurationError, match="in the way"):
        restored(kept.office, kept.folder)


def test_intake_goes_on_while_a_backup_is_made(kept: Kept) -> None:
    """Nobody stops the mail for a backup; what comes in meanwhile is whole in it, or not in it at all."""

    class Filing(Disk):
        """Files a letter in the middle of the backup."""

        done = False

        def reached(self, arrow: str) -> None:
            if arrow == "parts-copied" and not self.done:
                self.done = True
                file_letters(kept.office, [LATER])

    made = copied(kept.office, kept.folder, disk=Filing())
    assert made.letters == 3
    lose(kept.office)
    done = restored(kept.office, kept.folder)
    assert (done.letters, done.problems) == (3, ())


# What a stranger would try ------------------------------------------------------------------------------------


def test_a_copy_of_the_keys_that_a_stopped_backup_left_goes_with_the_letter(kept: Kept) -> None:
    """A backup was killed while the key store's copy lay in the vault: the certificate would be a lie beside it."""
    released(kept.office, kept.going)
    left = kept.office.vault / "keys.db.backup.tmp"
    shutil.copyfile(kept.office.vault / "keys" / "keys.db", left)
    assert stored(left, kept.going) == 2, "the control: it holds the keys of the letter"

    assert purged(kept.office).disposed == (kept.going,)

    assert not left.exists()


def test_a_list_by_a_new_service_is_believed_before_the_next_backup(kept: Kept) -> None:
    """The service's identity was replaced, a purge ran, the machine burned: the backup must still come back."""
    kept.office.done("identity", "replace", "service", user="owner")
    destroy(kept)
    assert problems(kept.office) == [], "papers of either service hold"
    lose(kept.office)

    done = restored(kept.office, kept.folder)

    assert (done.destroyed, done.letters) == ((kept.going,), 1)


def test_papers_of_a_service_that_was_replaced_still_hold(kept: Kept) -> None:
    """After a theft of the service's keys, old certificates must not be reported as forged."""
    destroy(kept)
    kept.office.done("identity", "replace", "service", user="owner")
    assert problems(kept.office) == []
    with desk(environment_of(kept.office, user="owner")) as at_desk:
        assert ("the certificate is genuine and names it", True) in prove(at_desk, kept.going).checks


def test_a_certificate_by_a_clerk_is_none(kept: Kept) -> None:
    """Somebody who may sign holds must not cover up a missing certificate with one of their own making."""
    destroy(kept)
    (genuine,) = (kept.office.vault / "certificates").iterdir()
    with desk(environment_of(kept.office, user="records-manager")) as at_desk:
        body = json.loads(genuine.read_bytes())["body"]
        content = {name: body[name] for name in body if name not in ("vault", "kind", "at", "by", "log")}
        forged = at_desk.sign("certificate-of-destruction", content)
    genuine.unlink()
    (genuine.parent / f"{forged.statement_id}.json").write_bytes(forged.line + b"\n")
    assert set(problems(kept.office)) == {"A016"}


def test_a_vault_in_use_is_never_taken_for_a_restore_to_be_repeated(kept: Kept) -> None:
    """The restore was stopped at its very end, and mail came in since: the next restore must not wipe it away."""
    lose(kept.office)
    restored(kept.office, kept.folder)
    marker = kept.office.vault / "restoring.json"
    marker.write_bytes(
        b'{"vault":"%s"}\n' % json.loads((kept.office.vault / "VAULT.json").read_bytes())["vault"].encode()
    )
    (new,) = file_letters(kept.office, [LATER])

    with pytest.raises(ConfigurationError, match="not touched"):
        restored(kept.office, kept.folder)

    assert readable(kept.office, "accounting", new, LATER)


def test_a_generation_made_while_the_clock_was_ahead_does_not_stay_for_years(kept: Kept) -> None:
    """A wrong date must not keep destroyed letters readable until that date comes."""
    copied(kept.office, kept.folder, at=timedelta(days=3650))
    copied(kept.office, kept.folder)
    assert sorted(p.name for p in (kept.folder / "generations").iterdir()) == ["000002", "000003"], (
        "by that date the first was past its window"
    )

    copied(kept.office, kept.folder, at=timedelta(days=KEEP_DAYS + 1))

    assert sorted(p.name for p in (kept.folder / "generations").iterdir()) == ["000004"]


def test_a_backup_that_nobody_renews_spoils_the_proof(kept: Kept) -> None:
    """The disk lies in a drawer: its keys do not end by themselves, and nobody may be told that they did."""
    destroy(kept)
    later = replace(environment_of(kept.office, user="owner"), now=lambda: datetime.now(UTC) + timedelta(days=40))
    with desk(later) as at_desk:
        proof = prove(at_desk, kept.going)
    assert [name for name, held in proof.checks if not held] == [
        f"no key of it is left in the backup {kept.folder} beyond its window"
    ]


def test_a_share_that_vanishes_midway_is_told_and_never_believed(kept: Kept, tmp_path: Path) -> None:
    """The cable is pulled: an empty mount point lies there, and what is written into it is no backup."""
    for at in range(1, 60, 6):
        office, folder = kept.office.copy_to(tmp_path / f"try-{at}"), tmp_path / f"share-{at}"
        shutil.copytree(kept.folder, folder)
        with open_service(environment_of(office)) as service, service.catalogue._db.transaction():
            service.catalogue._db.run("UPDATE targets SET path = ?", (str(folder),))

        class Unmounted(StepwiseDisk):
            def strike(self, folder: Path = folder) -> None:
                folder.rename(folder.with_name(f"{folder.name}-away"))
                folder.mkdir()

        disk = Unmounted(at)
        try:
            copied(office, folder, disk=disk)
        except PoststelleError as err:
            assert str(folder) in str(err) or "backup" in str(err)
        else:
            assert len(disk.steps) < at or not (folder / "BACKUP.json").exists()
        if len(disk.steps) < at:
            assert at > 20, "the control: there were steps to be stopped at"
            break
        shutil.rmtree(folder)
        folder.with_name(f"{folder.name}-away").rename(folder)
        copied(office, folder)
        assert not list(office.vault.glob("*.tmp*"))


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EACCES])
def test_a_share_that_fails_while_it_is_read_is_told(kept: Kept, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Who restores at night needs a sentence, not a traceback."""

    def fails(self: Target) -> list[int]:
        raise OSError(code, "share", str(self.root))

    monkeypatch.setattr(Target, "numbers", fails)
    with open_service(environment_of(kept.office)) as service, pytest.raises(StorageError, match="Mount"):
        read_back(service, kept.folder, progress=silent)
    lose(kept.office)
    with pytest.raises(StorageError, match="Mount"):
        restored(kept.office, kept.folder)


def test_a_decision_that_vanishes_after_a_restore_stops_the_purge(kept: Kept) -> None:
    """A restore brings catalogue and log back as of one moment; it excuses no hold that is taken out afterwards."""
    with desk(environment_of(kept.office, user="owner")) as at_desk:
        place_hold(at_desk, [kept.staying], "Prozess")
        place_hold(at_desk, [kept.going], "Prozess")
    copied(kept.office, kept.folder)
    lose(kept.office)
    restored(kept.office, kept.folder)
    purged(kept.office)  # the control: all decisions are there
    with open_service(environment_of(kept.office)) as service, service.catalogue._db.transaction():
        service.catalogue._db.run("DELETE FROM statements WHERE kind = 'hold-place'")
    with pytest.raises(ChangedLedger):
        purged(kept.office)


def test_a_file_that_leaves_quarantine_between_two_copies_is_no_damage(kept: Kept) -> None:
    """Somebody retries a file while the nightly backup runs: nobody is to be told that the vault is damaged."""

    class Leaving(Disk):
        """Takes a letter's keys and rows away between the copies of catalogue and key store."""

        left = 0

        def step(self, action: str, target: str) -> None:
            if target == "keys.db.backup.tmp" and action == "commit" and self.left == 0:
                self.left = 1
                with open_service(environment_of(kept.office)) as service:
                    filing, catalogue = service.filing(), service.catalogue
                    with catalogue._db.transaction():
                        for table in ("documents", "parts", "wraps"):
                            catalogue._db.run(f"DELETE FROM {table} WHERE document = ?", (kept.staying,))
                    filing.destroy(kept.staying)

    disk = Leaving()
    made = copied(kept.office, kept.folder, disk=disk)
    assert (disk.left, made.letters) == (1, 1)


def test_a_backup_leaves_the_learned_model_out_and_the_office_goes_on_without(kept: Kept) -> None:
    """What was learned knows letters that may be destroyed since; it is made anew, not brought back."""
    with open_service(environment_of(kept.office)) as service, service.alone():
        store = model_store(service)
        store.replace(b"learned", service.identity, service.now)
        assert store.exists
    copied(kept.office, kept.folder)
    assert not [p for p in kept.folder.rglob("*") if "model" in p.name]
    lose(kept.office)
    assert restored(kept.office, kept.folder).problems == ()
    assert not (kept.office.vault / "learned.model").exists()
    assert problems(kept.office) == []
    file_letters(kept.office, [LATER])


@pytest.mark.parametrize("name", ["tombstones.jsonl", "keybook.jsonl"])
def test_reading_back_finds_a_list_of_destroyed_letters_that_does_not_hold(kept: Kept, name: str) -> None:
    """A list that was cut stops a restore: that is to be known while the office still stands, not after the fire."""
    kept.office.done("identity", "replace", "service", user="owner")
    destroy(kept)
    with open_service(environment_of(kept.office)) as service:
        assert read_back(service, kept.folder, progress=silent) == []
        path = kept.folder / name
        path.write_bytes(path.read_bytes()[:-40])
        found = read_back(service, kept.folder, progress=silent)
        assert [(problem.code, problem.id) for problem in found] == [("B013", "tombstones.jsonl")]
    copied(kept.office, kept.folder)
    with open_service(environment_of(kept.office)) as service:
        assert read_back(service, kept.folder, progress=silent) == []
