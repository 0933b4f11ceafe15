"""What is damaged and has a whole copy somewhere is repaired by a command that says first what it will do."""

import itertools
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters, stored_wraps, together
from simulators import Office, dies_at, environment_of, fails_at

from poststelle.durable import Disk
from poststelle.errors import Damaged
from poststelle.records import Problem
from poststelle.verbs.copying import backup
from poststelle.verbs.disposing import prove, run
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.repairing import plan_keys, plan_letters, rebuild_keys, rebuild_letters
from poststelle.verbs.verifying import verify
from poststelle.wiring import open_person, open_service

DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYS = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
LATER = Sample(record_class="offer", received_on=date(2026, 3, 19), word="Kupferkannenstiel")
KEY_STORE, MIRROR = "key store", "mirror"


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, list[str]]:
    """An office with two letters, one of them due; and their ids."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("repair") / "root")
    ids = file_letters(office, [DUE, STAYS])
    assert problems(office) == []
    return office, ids


@pytest.fixture
def office(tmp_path: Path, filed: tuple[Office, list[str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


@pytest.fixture
def ids(filed: tuple[Office, list[str]]) -> list[str]:
    """Ids of its letters."""
    return filed[1]


def problems(office: Office) -> list[Problem]:
    """What `verify` finds, as the service."""
    with open_service(environment_of(office)) as service:
        return list(verify(service, with_data=False, progress=lambda done, total: None).problems)


def codes(office: Office) -> list[str]:
    """Their codes."""
    return [problem.code for problem in problems(office)]


def copies(office: Office) -> dict[str, Path]:
    """The two copies of the keys."""
    return {KEY_STORE: office.vault / "keys" / "keys.db", MIRROR: office.mirror / "keys.db"}


def asides(office: Office) -> list[Path]:
    """What repairs put aside."""
    return sorted(path for file in copies(office).values() for path in file.parent.glob("*.damaged-*"))


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Cut it in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def reads(office: Office, *letters: tuple[str, Sample]) -> bool:
    """Whether an owner opens each letter as it was filed."""
    with open_person(environment_of(office, user="owner")) as owner:
        return all(
            owner.reading.original(owner.reading.resolve(document)[0]) == sample.content for document, sample in letters
        )


# Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "damage"),
    [(KEY_STORE, flip), (KEY_STORE, Path.unlink), (MIRROR, flip), (MIRROR, cut)],
    ids=["store flipped", "store deleted", "mirror flipped", "mirror cut"],
)
def test_a_damaged_copy_of_the_keys_is_repaired_from_the_other(
    office: Office, ids: list[str], which: str, damage: Callable[[Path], None]
) -> None:
    """One bad sector in a file of keys must not cost the office its letters, nor a restore of everything."""
    broken = copies(office)[which]
    other = copies(office)[MIRROR if which == KEY_STORE else KEY_STORE]
    damage(broken)
    left, whole = broken.read_bytes() if broken.exists() else None, other.read_bytes()

    found, looked, unasked = together(
        office, (None, ["verify"]), (None, ["rebuild", "keys", "--dry-run"]), (None, ["rebuild", "keys"])
    )

    assert found.status != 0 and ("keys.db" in found.text + found.err or "key store" in found.err)
    assert (looked.status, looked.json["replaces"]) == (0, which)
    assert "takes its place" in looked.json["plan"]
    assert (unasked.status, "--yes" in unasked.err, which in unasked.err) == (2, True, True)
    assert (broken.read_bytes() if broken.exists() else None) == left, "neither changed anything"

    ran = office.done("rebuild", "keys", "--yes")

    assert ran.json["ok"]
    assert other.read_bytes() == whole, "the whole one is only read"
    assert [path.read_bytes() for path in asides(office) if path.name.endswith("Z")] == (
        [left] if left is not None else []
    )
    assert reads(office, (ids[0], DUE), (ids[1], STAYS))
    assert codes(office) == ["A008"] * len(asides(office)), "verify reminds of what was put aside"
    for path in asides(office):
        path.unlink()
    assert problems(office) == []
    file_letters(office, [LATER])
    assert problems(office) == [], "and work goes on"


def test_a_key_store_that_was_rolled_back_is_repaired_from_what_the_books_say(office: Office, ids: list[str]) -> None:
    """Both are whole; only key book and catalogue tell that one of them is of last week."""
    store = copies(office)[KEY_STORE]
    earlier = store.read_bytes()
    (later,) = file_letters(office, [LATER])
    store.write_bytes(earlier)

    with open_service(environment_of(office), as_it_is=True) as service:
        planned = plan_keys(service)
        assert (planned.broken and planned.broken.name, planned.source.name) == (KEY_STORE, MIRROR)
        assert planned.broken is not None and planned.broken.problems
        assert planned.source.problems == ()
        rebuild_keys(service, planned)

    assert reads(office, (ids[0], DUE), (later, LATER))
    assert codes(office) == ["A008"]


def test_a_newer_mirror_outlives_a_vault_that_went_back_as_a_whole(office: Office, tmp_path: Path) -> None:
    """Somebody put yesterday's snapshot of the vault's disk back: the mirror alone has the keys that came since."""
    shutil.copytree(office.vault, tmp_path / "snapshot")
    file_letters(office, [LATER])
    mirror = copies(office)[MIRROR].read_bytes()
    shutil.rmtree(office.vault)
    shutil.copytree(tmp_path / "snapshot", office.vault)

    with open_service(environment_of(office), as_it_is=True) as service, pytest.raises(Damaged, match="newer"):
        plan_keys(service)

    assert copies(office)[MIRROR].read_bytes() == mirror


def test_an_exchanged_key_is_found_and_the_right_one_put_back(office: Office, ids: list[str]) -> None:
    """Whoever writes a row as the program does leaves sound pages behind; it is the mirror that is changed here."""
    with open_service(environment_of(office), as_it_is=True) as service:
        sound = plan_keys(service)
        mirror = service.mirrored_keys._mirror
        assert mirror is not None
        mirror.run("UPDATE wraps SET wrap = zeroblob(1168) WHERE document = ?", (ids[0],))
        mirror.truncate_log()
    assert sound.broken is None, "the control: nothing to repair"

    with open_service(environment_of(office), as_it_is=True) as service:
        planned = plan_keys(service)
        assert planned.broken is not None and planned.broken.name == MIRROR
        rebuild_keys(service, planned)

    assert codes(office) == ["A008"]
    assert (
        stored_wraps(office, ids[0])[copies(office)[MIRROR]] == stored_wraps(office, ids[0])[copies(office)[KEY_STORE]]
    )


def test_nothing_is_repaired_where_neither_is_whole(office: Office) -> None:
    """A copy of damage over other damage would destroy what a specialist could still save."""
    for path in copies(office).values():
        flip(path)
    before = {path: path.read_bytes() for path in copies(office).values()}

    with open_service(environment_of(office), as_it_is=True) as service, pytest.raises(Damaged, match="restore"):
        plan_keys(service)

    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("interrupted", [fails_at, dies_at])
def test_a_repair_of_keys_that_stops_anywhere_leaves_the_whole_one_and_is_repeated(
    office: Office, tmp_path: Path, interrupted: Callable[[int, Office, Callable[[Office, Disk], object]], bool]
) -> None:
    """Disk full or power cut in the middle: the only whole copy must still be there, and the next try must do."""
    flip(copies(office)[KEY_STORE])
    whole, tried = copies(office)[MIRROR].read_bytes(), 0

    def repair(victim: Office, disk: Disk) -> None:
        with open_service(environment_of(victim, disk), as_it_is=True) as service:
            planned = plan_keys(service)
            if planned.broken is not None:
                rebuild_keys(service, planned)

    for step in itertools.count(1):
        victim = office.copy_to(tmp_path / f"{step}")
        reached = interrupted(step, victim, repair)
        assert copies(victim)[MIRROR].read_bytes() == whole
        repair(victim, Disk())
        assert set(codes(victim)) <= {"A008"}
        assert not list(victim.vault.rglob("*.rebuilding*"))
        shutil.rmtree(victim.root)
        if not reached:
            break
        tried += 1
    assert tried >= 5, "the control: something was interrupted"


def test_only_the_service_or_an_owner_repairs_keys(office: Office) -> None:
    """Putting an older store in place is what a thief of keys would like; it is signed in the log by who may."""
    flip(copies(office)[KEY_STORE])

    clerk, owner, log = together(
        office,
        ("accounting", ["rebuild", "keys", "--yes"]),
        ("owner", ["rebuild", "keys", "--yes"]),
        ("auditor", ["audit", "show", "--kind", "keys-rebuilt"]),
    )

    assert (clerk.status, clerk.out) == (3, b"")
    assert owner.status == 0, owner.err
    (line,) = log.json["lines"]
    assert (line["user"], line["details"]["replaced"], line["details"]["source"]) == ("owner", KEY_STORE, MIRROR)


def test_keys_that_a_repair_put_aside_go_with_the_letter(office: Office, ids: list[str]) -> None:
    """A certificate says that no key is left; the damaged file of last month holds one."""
    flip(copies(office)[MIRROR])
    wraps = [wrap for *_, wrap in stored_wraps(office, ids[0])[copies(office)[KEY_STORE]]]
    with open_service(environment_of(office), as_it_is=True) as service:
        rebuild_keys(service, plan_keys(service))
    (left,) = asides(office)
    assert any(wrap[:64] in left.read_bytes() for wrap in wraps), "the control: it holds the key"

    destroy(office, ids[0])

    assert asides(office) == []
    assert problems(office) == []


def test_what_was_put_aside_stays_while_it_may_hold_the_only_keys(office: Office, ids: list[str]) -> None:
    """The mirror was away for a day, and the store breaks: today's letter can be opened with what is left of it alone,
    and tonight's purge must not tidy that up."""
    mirror = copies(office)[MIRROR]
    earlier = mirror.read_bytes()
    file_letters(office, [LATER])
    mirror.write_bytes(earlier)
    flip(copies(office)[KEY_STORE])
    looked, repaired = together(
        office, (None, ["rebuild", "keys", "--dry-run"]), (None, ["rebuild", "keys", "--yes"])
    )  # fmt: skip
    assert (looked.status, repaired.status) == (1, 1) and looked.json["problems"], "the control: keys are missing"
    (left,) = asides(office)
    released(office)

    refused, again, gone = together(
        office, (None, ["purge", "run"]), (None, ["purge", "run"]), ("records-manager", ["purge", "prove", ids[0]])
    )

    assert (refused.status, refused.out, again.status, gone.status) == (1, b"", 1, 2)
    assert left.name in refused.err and asides(office) == [left]
    left.unlink()
    with open_service(environment_of(office)) as service:
        assert run(service).disposed == (ids[0],), "somebody decided: what is due goes"


def test_a_repair_from_an_older_copy_does_not_bring_back_keys_of_destroyed_letters(
    office: Office, ids: list[str]
) -> None:
    """The mirror's disk was in the safe, the store is damaged: what was certified as destroyed must stay so."""
    mirror = copies(office)[MIRROR]
    earlier, wraps = mirror.read_bytes(), [wrap for *_, wrap in stored_wraps(office, ids[0])[mirror]]
    destroy(office, ids[0])
    mirror.write_bytes(earlier)
    flip(copies(office)[KEY_STORE])
    assert all(wrap in earlier for wrap in wraps) and len(wraps) == 2, "the control: the older copy holds them"

    with open_service(environment_of(office), as_it_is=True) as service:
        planned = plan_keys(service)
        rebuild_keys(service, planned)

    assert planned.source.name == MIRROR and planned.source.problems, "it is told that this copy is an older one"
    assert prove_keys_gone(office, ids[0])
    left = b"".join(path.read_bytes() for file in copies(office).values() for path in file.parent.glob("keys.db*"))
    assert not any(wrap[:64] in left or wrap[-64:] in left for wrap in wraps)
    assert reads(office, (ids[1], STAYS))
    assert set(codes(office)) == {"A008"}


@pytest.mark.parametrize("written", ['{"body": {"documents": ["%s"]}}\n', '{"body": {"docum'], ids=["forged", "cut"])
def test_what_anybody_wrote_into_the_list_of_destroyed_letters_destroys_none(
    office: Office, ids: list[str], tmp_path: Path, written: str
) -> None:
    """Who may write files, but holds no key, must not have a repair or a backup do away with letters."""
    folder = copied(office, tmp_path / "backup")
    parts, listed = sorted((folder / "objects").rglob("*")), (folder / "tombstones.jsonl").read_bytes()
    (office.vault / "disposals.jsonl").write_text(written.replace("%s", ids[1]))
    flip(copies(office)[MIRROR])

    with open_service(environment_of(office), as_it_is=True) as service:
        rebuild_keys(service, plan_keys(service))
    with pytest.raises(Damaged, match="not genuine"):
        copied(office, folder)

    assert reads(office, (ids[0], DUE), (ids[1], STAYS))
    assert sorted((folder / "objects").rglob("*")) == parts
    assert (folder / "tombstones.jsonl").read_bytes() == listed, "the service signed nothing that no restore believes"
    assert "A017" in codes(office), "and verify names it"


def test_a_proof_looks_into_what_a_repair_put_aside(office: Office, ids: list[str]) -> None:
    """The mirror that comes back from the safe is worn, and holds keys of last year: put aside is not gone."""
    mirror = copies(office)[MIRROR]
    earlier = mirror.read_bytes()
    destroy(office, ids[0])
    assert prove_keys_gone(office, ids[0])
    mirror.write_bytes(earlier)
    flip(mirror)
    with open_service(environment_of(office), as_it_is=True) as service:
        rebuild_keys(service, plan_keys(service))
    (left,) = asides(office)
    assert not prove_keys_gone(office, ids[0])

    left.unlink()
    assert prove_keys_gone(office, ids[0])


def prove_keys_gone(office: Office, document: str) -> bool:
    """Whether `purge prove` finds no piece of a letter's keys, wherever it looks."""
    with desk(environment_of(office, user="records-manager")) as at_desk:
        checks = prove(at_desk, document).checks
    return all(held for what, held in checks if "keys" in what)


def destroy(office: Office, document: str) -> None:
    """Planned, released, carried out."""
    released(office)
    with open_service(environment_of(office)) as service:
        assert run(service).disposed == (document,)


def released(office: Office) -> None:
    """What is due is planned by one person and released by another."""
    with desk(environment_of(office, user="records-manager")) as at_desk:
        drawn = plan(at_desk, None).plan_id
    with desk(environment_of(office, user="owner")) as at_desk:
        release(at_desk, drawn, (), "Jahresaussonderung")


# Letters ----------------------------------------------------------------------------------------------------------


def part(office: Office, document: str, name: str) -> Path:
    """A sealed part."""
    return next(path for path in office.objects(name) if path.name.startswith(document))


def copied(office: Office, folder: Path) -> Path:
    """A backup."""
    with open_service(environment_of(office)) as service:
        backup(service, folder, reread=False, progress=lambda done, total, what: None)
    return folder


def test_damaged_letters_come_back_from_a_backup(office: Office, ids: list[str], tmp_path: Path) -> None:
    """Of ten thousand letters one has a bad sector: nobody should have to restore the vault for it."""
    folder = copied(office, tmp_path / "backup")
    flip(part(office, ids[0], "original"))
    part(office, ids[1], "text").unlink()
    assert sorted(codes(office)) == ["A013", "A014"], "the control"

    looked, unasked = together(
        office, (None, ["rebuild", "letters", folder, "--dry-run"]), (None, ["rebuild", "letters", folder])
    )
    assert (looked.status, looked.json["letters"], unasked.status) == (0, sorted(ids), 2)
    assert sorted(codes(office)) == ["A013", "A014"], "neither changed anything"
    done = office.done("rebuild", "letters", folder, "--yes")

    assert done.json["ok"]
    assert problems(office) == []
    assert reads(office, (ids[0], DUE), (ids[1], STAYS))
    (line,) = office.done("audit", "show", "--kind", "letters-rebuilt", user="auditor").json["lines"]
    assert line["details"]["documents"] == sorted(ids)


def test_only_the_bytes_that_were_sealed_take_the_place_of_a_damaged_part(
    office: Office, ids: list[str], tmp_path: Path
) -> None:
    """A backup disk that rots too, or that somebody changed, must not be believed."""
    folder = copied(office, tmp_path / "backup")
    (kept,) = (folder / "objects").rglob(f"{ids[0]}.original.*")
    flip(kept)
    damaged = part(office, ids[0], "original")
    flip(damaged)
    before = damaged.read_bytes()

    looked = office.run("rebuild", "letters", folder, "--dry-run")
    ran = office.run("rebuild", "letters", folder, "--yes")

    assert (looked.status, looked.json["ok"], looked.json["problems"]) == (1, False, ran.json["problems"])
    assert (ran.status, [problem["id"] for problem in ran.json["problems"]]) == (1, [ids[0]])
    assert damaged.read_bytes() == before
    assert office.run("rebuild", "letters", tmp_path, "--yes").status == 2, "no backup there"


def test_a_letter_whose_destruction_has_begun_does_not_come_back(
    office: Office, ids: list[str], tmp_path: Path
) -> None:
    """Its certificate waits for a disk that is in the safe, where its parts still lie."""
    folder, away = copied(office, tmp_path / "backup"), tmp_path / "away"
    folder.rename(away)
    released(office)
    with open_service(environment_of(office)) as service:
        assert run(service).pending == (ids[0],), "the control: it waits"
    away.rename(folder)
    part(office, ids[1], "text").unlink()

    with open_service(environment_of(office)) as service:
        planned = plan_letters(service, folder, lambda done, total: None)
        rebuild_letters(service, planned)

    assert {found.name.document_id for found in planned.found} == {ids[1]}, "the control: another one is repaired"
    assert not [path for path in office.vault.rglob("*") if path.name.startswith(ids[0])]


def files(office: Office) -> list[Path]:
    """What lies in the vault, locks apart."""
    return sorted(path for path in office.vault.rglob("*") if path.is_file() and path.suffix != ".lock")


# Plans of the other two -------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_made_anew_and_changes_nothing(office: Office) -> None:
    """People under stress want to know first what a command is going to do to their only vault."""
    for name in ("catalogue.db", "index/finance.db"):
        for path in office.vault.glob(f"{name}*"):
            path.unlink()
    before = files(office)

    catalogue, index = together(
        office,
        ("owner", ["rebuild", "catalogue", "--dry-run"]),
        ("accounting", ["rebuild", "index", "--dry-run", "finance"]),
    )

    assert (catalogue.status, index.status) == (0, 0), catalogue.err + index.err
    assert "is not there" in catalogue.json["plan"] and "2 letters" in catalogue.json["plan"]
    assert "damaged or lost" in index.json["plan"] and "2 letters" in index.json["plan"]
    assert files(office) == before
    made = office.run("rebuild", "catalogue", user="owner", as_json=False)
    assert made.status == 0
    assert "is not there" in made.err, "said before it is done"
