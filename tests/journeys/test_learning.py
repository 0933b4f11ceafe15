"""What people decide teaches the classifier; what left the archive is forgotten; nobody reads the model who may not."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters
from simulators import Office, environment_of
from typed_letters import HEAD, letter, typed

from archive.model_store import ModelStore
from bench.letters import make_letter, write_scan
from classifiers.learned import LearnedModel
from poststelle.access.keybook import read_keybook
from poststelle.errors import NotPermitted
from poststelle.records import ClassifiedDocument
from poststelle.verbs.deciding import decide
from poststelle.verbs.disposing import run as run_purge
from poststelle.verbs.learning import FollowingClassifier, _replace, current_model, train
from poststelle.verbs.learning import _store as store_of
from poststelle.verbs.locating import desk
from poststelle.wiring import Session, classifier, open_person, open_service

TODAY = datetime.now(UTC).date()
LONG_AGO = TODAY - timedelta(days=200)
"""Advertising is kept for thirty days and needs no release."""
WORDS = {
    "invoice": "Quarzsandfilter Moorbirkenhain Kupferkessel",
    "offer": "Zwiebelturmuhr Heidelbeerkraut Glockenseil",
    "sick-note": "Weidenkorbflechter Torfmoospolster Rohrdommel",
    "advertising": "Kannenstiel Bernsteinkette Schilfrohrmatte",
}
"""Words that no rule knows: only who learned from the decisions can tell such letters apart."""
OF_EACH = 10


def unknown(says: str, sender: str) -> str:
    """A letter of that sender whose words no rule knows."""
    return letter(f"{says}\n\n{says}, wie besprochen.", head=HEAD.replace("Tischlerei Morgenstern GmbH", sender))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught(Sample):
    """A letter that says what no rule understands."""

    number: int = 0
    says: str = ""

    @property
    def content(self) -> bytes:
        return f"%PDF-1.7 {self.word} {self.says} {self.number}\n".encode() * 40

    @property
    def text(self) -> str:
        return unknown(self.says, f"{self.word} GmbH")


def taught_letters() -> list[tuple[Taught, str]]:
    """Letters of four classes that wait for review, each with what a person will say it is."""
    letters = []
    for code, says in WORDS.items():
        day = LONG_AGO if code == "advertising" else TODAY
        for number in range(OF_EACH):
            sample = Taught(
                record_class="other", received_on=day, word=f"Absender{code[:3]}{number}", says=says, number=number,
                needs_review=True,
            )  # fmt: skip
            letters.append((sample, code))
    return letters


@pytest.fixture(scope="module")
def decided_office(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> Office:
    """An office whose mail room decided forty letters; nothing was learned yet."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("decided") / "root")
    letters = taught_letters()
    ids = file_letters(office, [sample for sample, _ in letters])
    with desk(environment_of(office, user="mailroom")) as at_desk:
        for document, (_, code) in zip(ids, letters, strict=True):
            decide(at_desk, document, code)
    return office


@pytest.fixture(scope="module")
def learned_office(tmp_path_factory: pytest.TempPathFactory, decided_office: Office) -> Office:
    """The same office after `classifier train`."""
    office = decided_office.copy_to(tmp_path_factory.mktemp("learned") / "root")
    with open_service(environment_of(office)) as session:
        train(session)
    return office


@pytest.fixture
def own_office(tmp_path: Path, learned_office: Office) -> Office:
    """An office that learned, of one's own."""
    return learned_office.copy_to(tmp_path / "root")


@pytest.fixture
def service(learned_office: Office) -> Iterator[Session]:
    """The office that learned, opened as the service; not to be changed."""
    with open_service(environment_of(learned_office)) as session:
        yield session


def model_of(office: Office) -> LearnedModel | None:
    with open_service(environment_of(office)) as session:
        return current_model(session)


def read_as_new(session: Session, code: str, *, with_model: bool = True) -> ClassifiedDocument:
    """How a letter that nobody has seen is classed: the class's words from a sender who never wrote before."""
    document = typed(unknown(WORDS[code], "Neuling KG"))
    if with_model:
        return FollowingClassifier(session.config, session).classify(document, TODAY)
    return classifier(session.config, session.book.office).classify(document, TODAY)


# Learning -----------------------------------------------------------------------------------------------------


def test_decisions_teach_what_no_rule_knows(service: Session) -> None:
    """A clerk who has decided the same kind of letter ten times should not have to decide the eleventh."""
    for code in WORDS:
        before, after = read_as_new(service, code, with_model=False), read_as_new(service, code)
        assert before.needs_review, f"the rules know {code} already, so the test proves nothing"
        assert after.record_class == code
        assert after.confidence > before.confidence
        assert any("letters that the office confirmed" in reason.text for reason in after.reasons)


def test_status_says_what_was_learned_and_that_it_counts(learned_office: Office) -> None:
    """Whoever answers for the mail room has to know whether a machine's memory decides with them."""
    told = learned_office.done("classifier", "status", user="records-manager").json

    assert (told["counts"], told["confirmed"], told["new_decisions"], told["stale"]) == (True, 40, 0, 0)
    assert told["model"]["generation"] == 1
    assert told["model"]["classes"] == dict.fromkeys(sorted(WORDS), OF_EACH)
    assert told["model"]["proof"]["proven"]
    assert "It counts" in learned_office.done("classifier", "status", as_json=False).text


def test_departments_do_not_learn_how_many_sick_notes_there_are(learned_office: Office) -> None:
    """The counts cover every compartment; they are for those who keep the intake book."""
    assert learned_office.run("classifier", "status", user="accounting").status == 3


def test_nothing_is_learned_from_too_few(office: Office) -> None:
    """A model made of three letters would repeat three accidents."""
    ran = office.run("classifier", "train")

    assert ran.status == 2
    assert "it takes 30 letters" in ran.err
    assert office.done("classifier", "status").json["model"] is None
    assert not (office.vault / "learned.model").exists()


def test_the_nightly_run_trains_by_itself(tmp_path: Path, decided_office: Office) -> None:
    """Nobody types `classifier train` every week."""
    office = decided_office.copy_to(tmp_path / "root")

    with open_service(environment_of(office)) as session:
        run_purge(session)

    model = model_of(office)
    assert model is not None
    # The forty without the ten that this very run destroyed.
    assert dict(model.counts) == {code: OF_EACH for code in WORDS if code != "advertising"}


def test_a_running_intake_takes_up_what_was_learned_meanwhile(tmp_path: Path, decided_office: Office) -> None:
    """`watch` runs for weeks; it must not go on deciding by what it knew at its start."""
    office = decided_office.copy_to(tmp_path / "root")
    with open_service(environment_of(office)) as session:
        running = FollowingClassifier(session.config, session)
        document = read_as_new(session, "offer").document
        assert running.classify(document, TODAY).record_class != "offer"

        with open_service(environment_of(office)) as another:
            train(another)

        assert running.classify(document, TODAY).record_class == "offer"


# Nobody else reads it -----------------------------------------------------------------------------------------


def test_no_word_of_any_letter_stands_in_the_model(learned_office: Office, service: Session) -> None:
    """A stolen model file must not tell who wrote, and neither must an opened one to somebody who looks through it."""
    words = [word.lower().encode() for says in WORDS.values() for word in says.split()] + [b"absender"]
    sealed = (learned_office.vault / "learned.model").read_bytes().lower()
    opened = (_store(service).read() or b"").lower()

    assert b'"examples"' in opened
    for word in words:
        assert word not in sealed
        assert word not in opened


def test_only_who_may_read_every_letter_opens_the_model(learned_office: Office, service: Session) -> None:
    """A linear model answers guesses: accounting could try whether sick notes named somebody."""
    assert _store(service).read() is not None
    for user in ("accounting", "mailroom", "records-manager", "auditor", "hr", "administrator"):
        with open_person(environment_of(learned_office, user=user)) as person, pytest.raises(NotPermitted):
            _store(person).read()


def test_an_older_generation_does_not_open_again(own_office: Office) -> None:
    """Whoever puts an old file back, or has it in a backup, must not bring back what was forgotten."""
    file = own_office.vault / "learned.model"
    old = file.read_bytes()
    own_office.done("classifier", "train")
    second = model_of(own_office)
    assert second is not None
    assert second.generation == 2

    file.write_bytes(old)

    assert model_of(own_office) is None
    assert own_office.done("classifier", "status").json["damaged"]


def test_a_damaged_model_is_not_used_and_stops_nobody(own_office: Office) -> None:
    """A flipped bit must cost a training, not the morning's mail."""
    file = own_office.vault / "learned.model"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with open_service(environment_of(own_office)) as session:
        assert read_as_new(session, "offer").reasons == read_as_new(session, "offer", with_model=False).reasons
    assert own_office.done("classifier", "status").json["damaged"]
    with open_service(environment_of(own_office)) as session:
        train(session)
    assert model_of(own_office) is not None


def test_verify_finds_nothing_foreign_after_a_training(learned_office: Office) -> None:
    """A check that cries wolf after every training is not read any more."""
    assert learned_office.done("verify").json["ok"]


# What left is forgotten ---------------------------------------------------------------------------------------


def test_a_destroyed_letters_contribution_is_gone(own_office: Office) -> None:
    """Erasure that leaves a trace in a model is none; and a night with nothing to do names no new keys."""
    before = model_of(own_office)
    assert before is not None
    old_file = (own_office.vault / "learned.model").read_bytes()

    ran = own_office.done("purge", "run").json

    after = model_of(own_office)
    assert after is not None
    assert len(ran["disposed"]) == OF_EACH
    assert set(ran["disposed"]) < set(before.examples), "what was destroyed had taught nothing: the test is empty"
    assert set(before.examples) - set(ran["disposed"]) == set(after.examples)
    book = (own_office.vault / "keybook.jsonl").read_bytes()
    with open_service(environment_of(own_office)) as session:
        assert run_purge(session).disposed == ()
    assert (own_office.vault / "keybook.jsonl").read_bytes() == book
    proof = own_office.done("purge", "prove", ran["disposed"][0], user="records-manager").json
    assert {"name": "nothing of it is left in what was learned", "ok": True} in proof["checks"]
    (own_office.vault / "learned.model").write_bytes(old_file)
    assert model_of(own_office) is None


def test_the_proof_says_so_while_a_model_still_knows_the_letter(own_office: Office, tmp_path: Path) -> None:
    """The control of the test above: a proof that never fails proves nothing."""
    with open_service(environment_of(own_office)) as session:
        model = current_model(session)
        assert model is not None
        disposed = run_purge(session).disposed

    with open_service(environment_of(own_office)) as session, session.mirrored_keys.alone():
        _replace(session, store_of(session), replace(model, examples=tuple(disposed)))

    proof = own_office.run("purge", "prove", disposed[0], user="records-manager")

    assert proof.status == 5
    assert {"name": "nothing of it is left in what was learned", "ok": False} in proof.json["checks"]
    assert own_office.done("classifier", "status").json["stale"] == len(disposed)


def test_with_too_few_left_the_model_goes_without_a_successor(
    own_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was learned from the dead must not live on because the living are too few."""
    monkeypatch.setattr("classifiers.learning.LEAST_LETTERS", 31)
    assert model_of(own_office) is not None

    with open_service(environment_of(own_office)) as session:
        assert len(run_purge(session).disposed) == OF_EACH

    assert model_of(own_office) is None
    assert not (own_office.vault / "learned.model").exists()


# Trying it out ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Born-digital letters in folders named by class, one told by a JSON beside it, one by nobody."""
    folder = tmp_path_factory.mktemp("samples")
    for number, (name, code) in enumerate([("Rechnung", "invoice"), ("offer", "offer"), ("sick-note", "sick-note")]):
        (folder / name).mkdir()
        for seed in (1, 2):
            drawn = make_letter(100 * number + seed, half=1, record_class=code, pages=1)
            write_scan(drawn, folder / name, f"{code}-{seed}", "pdf-digital")
    stray = write_scan(make_letter(900, half=1, record_class="reminder", pages=1), folder, "stray", "pdf-digital")
    stray.with_suffix(".json").write_text('{"class": "mahnbrief"}', encoding="utf-8")
    shutil.copy(stray, folder / "untold.pdf")
    return folder


def test_evaluate_compares_with_the_truth_and_writes_nothing(empty_office: Office, samples: Path) -> None:
    """An office tries new evidence on old letters; the vault must not notice."""
    before = _bytes_of(empty_office)

    told = empty_office.done("classifier", "evaluate", samples, "--called", "mahnbrief=reminder").json

    assert (told["letters"], told["right"], told["leaked"], told["untold"]) == (7, 7, [], ["untold.pdf"])
    assert {(row["truth"], row["found"], row["letters"]) for row in told["confusion"]} == {
        ("invoice", "invoice", 2), ("offer", "offer", 2), ("sick-note", "sick-note", 2), ("reminder", "reminder", 1),
    }  # fmt: skip
    assert told["macro_f1"] == 1.0
    assert not told["with_model"]
    assert _bytes_of(empty_office) == before


def test_evaluate_counts_what_is_wrong(empty_office: Office, samples: Path, tmp_path: Path) -> None:
    """The control: with the truth turned round, the figures must fall."""
    turned = tmp_path / "turned"
    shutil.copytree(samples / "Rechnung", turned / "sick-note")
    shutil.copytree(samples / "offer", turned / "offer")

    ran = empty_office.run("classifier", "evaluate", turned)

    told = ran.json
    assert (told["letters"], told["right"], told["filed_right"]) == (4, 2, 2)
    assert ran.status == 1
    assert len(told["leaked"]) == 2, "a sick note that accounting would get is a leak"


def test_evaluate_says_how_to_tell_the_truth(empty_office: Office, tmp_path: Path) -> None:
    """A folder of plain files has no truth in it."""
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7")

    ran = empty_office.run("classifier", "evaluate", tmp_path)

    assert ran.status == 2
    assert "sub-folders named by class" in ran.err


def _bytes_of(office: Office) -> dict[Path, bytes]:
    """Every file of the vault but the index of the write-ahead log, which each reader makes."""
    files = [path for path in office.vault.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
    return {path: path.read_bytes() for path in files}


def _store(session: Session) -> ModelStore:
    book = read_keybook(session.layout.keybook, session.book.genesis_hash, session.book.vault_id)
    return ModelStore(layout=session.layout, keys=session.keys, book=book, keyring=session.keyring, disk=session.disk)
