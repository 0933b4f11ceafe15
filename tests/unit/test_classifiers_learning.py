"""What may count as learned: the proof, the pool of rules and model, and what a model at rest looks like."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from typed_letters import HEAD, letter, typed

from classifiers import ClassifierSettings, ClassRule
from classifiers.decision import cautious, decide
from classifiers.judging import Judged, judge
from classifiers.layout import read_letter
from classifiers.learned import Features, LearnedModel, decode_model, encode_model, features_of, pool
from classifiers.learning import FOLDS, LEAST_LETTERS, Example, TooFew, _folds, choose, train
from classifiers.spelling import Vocabulary
from poststelle.errors import Damaged

CLASSES = ("invoice", "offer", "sick-note")
WORDS = {
    "invoice": "Quarzsandfilter Moorbirkenhain",
    "offer": "Zwiebelturmuhr Glockenseil",
    "sick-note": "Torfmoospolster Rohrdommel",
}
UNSURE = {"invoice": 0.2, "offer": 0.2, "sick-note": 0.2, "other": 0.4}
SETTINGS = ClassifierSettings(
    rules=tuple(
        ClassRule(code=code, label=code.title(), compartment=compartment, retention="COM-06")
        for code, compartment in (
            ("invoice", "finance"), ("offer", "sales"), ("sick-note", "hr"), ("other", "general"),
        )
    )
)  # fmt: skip


def features(text: str) -> Features:
    return features_of(read_letter(typed(letter(text, head=HEAD)), Vocabulary(frozenset())))


def example(number: int, code: str, by_rules: Mapping[str, float] = UNSURE, group: str = "") -> Example:
    says = f"{WORDS[code]} {'abcdefghij'[number % 10] * 5}"
    name = f"{code}-{number}"
    return Example(
        document_id=name, record_class=code, features=features(says), by_rules=by_rules, group=group or name
    )  # fmt: skip


def never(example: Example, chances: Mapping[str, float], taught: frozenset[str]) -> bool:
    return False


def trained(examples: list[Example], leaks: object = never) -> LearnedModel:
    return train(examples, generation=3, trained_at="2026-03-17T08:00:00+00:00", leaks=leaks)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """Thirty-six letters whose classes the rules cannot tell apart and their words can."""
    return [example(number, code) for number in range(12) for code in CLASSES]


@pytest.fixture(scope="module")
def model(examples: list[Example]) -> LearnedModel:
    return trained(examples)


# The proof ----------------------------------------------------------------------------------------------------


def test_what_is_better_on_held_back_letters_counts(model: LearnedModel) -> None:
    """The office's own letters may decide only if they are shown to decide better."""
    assert model.proof.proven
    assert model.proof.letters == 36
    assert model.proof.pooled_macro_f1 == 1.0 > model.proof.rules_macro_f1
    assert model.proof.pooled_log_loss < model.proof.rules_log_loss
    assert max(model.chances(features(WORDS["offer"])), key=model.chances(features(WORDS["offer"])).get) == "offer"  # type: ignore[arg-type]


def test_decisions_at_random_teach_nothing_that_counts(examples: list[Example]) -> None:
    """A clerk who clicked through the list must not spoil the mail of all others."""
    random = [replace(item, record_class=CLASSES[(n * 7 + n // 5) % 3]) for n, item in enumerate(examples)]

    assert not trained(random).proof.proven


def test_a_model_that_would_show_a_confidential_letter_does_not_count(examples: list[Example]) -> None:
    """Better on average is no excuse for one sick note on the wrong desk."""

    def leaks(item: Example, chances: Mapping[str, float], taught: frozenset[str]) -> bool:
        return bool(taught) and item.document_id == "sick-note-4"

    proof = trained(examples, leaks).proof

    assert not proof.proven
    assert (proof.leaks, proof.why) == (1, "it would have shown 1 confidential letters to others")


def test_knowing_a_letterhead_is_no_proof() -> None:
    """Where each class has one sender, nobody knows whether it is the matter or the paper that was learned."""
    one_sender = [example(n, code, group=code) for n in range(12) for code in CLASSES]

    assert not trained(one_sender).proof.proven


def test_letters_of_one_sender_are_never_on_both_sides(examples: list[Example]) -> None:
    """The same, at its root."""
    groups = [replace(item, group=f"sender {number % 7}") for number, item in enumerate(examples)]

    folds = _folds(groups)

    assert len(set(folds)) == FOLDS
    for group in {item.group for item in groups}:
        assert len({fold for fold, item in zip(folds, groups, strict=True) if item.group == group}) == 1


def test_too_few_letters_are_refused_with_what_is_missing(examples: list[Example]) -> None:
    """Whoever runs the training has to know how far it is."""
    with pytest.raises(TooFew, match=f"it takes {LEAST_LETTERS} letters in 3"):
        choose(examples[: LEAST_LETTERS - 1])
    with pytest.raises(TooFew, match="2 classes"):
        choose([item for item in examples if item.record_class != "offer"] * 2)
    assert len(choose(examples)) == 36


def test_of_a_large_class_the_newest_letters_are_used(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters change, and a training must not take an hour because invoices are many."""
    monkeypatch.setattr("classifiers.learning.MOST_OF_A_CLASS", 10)

    chosen = [item.document_id for item in choose(examples)]

    assert len(chosen) == 30
    assert "offer-11" in chosen
    assert "offer-1" not in chosen


# Rules and model ----------------------------------------------------------------------------------------------


def test_without_weight_the_rules_stand_alone() -> None:
    """A model that proved nothing changes nothing."""
    assert pool(UNSURE, {"invoice": 0.99, "offer": 0.01}, 0.0) == pytest.approx(UNSURE)
    assert pool(UNSURE, {"invoice": 0.99, "offer": 0.01}, 1.0)["invoice"] > 0.6


def test_a_class_that_was_never_taught_is_not_argued_away() -> None:
    """The office's first sick note must not go to accounting because forty invoices were confirmed before."""
    by_rules = {"invoice": 0.86, "offer": 0.01, "sick-note": 0.12, "other": 0.01}
    by_model = {"invoice": 0.99, "offer": 0.01}
    chances = pool(by_rules, by_model, 1.5)
    assert chances["sick-note"] < SETTINGS.confidential_floor, "the model did not even try: the test is empty"

    decision = decide(chances, SETTINGS, cautious(chances, by_rules, frozenset(by_model)))

    assert decision.compartment == "hr"
    assert decision.review_reasons == ("It could be Sick-Note (12%), which fewer people may read.",)
    taught = {**by_model, "sick-note": 0.001}
    assert decide(chances, SETTINGS, cautious(chances, by_rules, taught.keys())).review_reasons == ()


def test_a_wider_compartment_may_ask_for_stronger_evidence() -> None:
    """What everybody reads takes more than what one department reads."""
    settings = replace(SETTINGS, accept_at=0.75, accept_in=(("general", 0.9),))
    wide = {"invoice": 0.05, "offer": 0.1, "sick-note": 0.03, "other": 0.82}
    narrow = {"invoice": 0.82, "offer": 0.1, "sick-note": 0.03, "other": 0.05}

    assert decide(wide, settings).review_reasons == ("The class is not sure: Other is the likeliest with 82%.",)
    assert decide(narrow, settings).review_reasons == ()


# At rest ------------------------------------------------------------------------------------------------------


def test_a_model_comes_back_as_it_was_stored(model: LearnedModel) -> None:
    """Half precision must not change a decision."""
    again = decode_model(encode_model(model))

    seen = features(WORDS["sick-note"])
    assert again.chances(seen) == pytest.approx(model.chances(seen), abs=1e-3)
    assert (again.classes, again.proof, again.examples, again.generation) == (
        model.classes, model.proof, model.examples, 3,
    )  # fmt: skip


def test_a_model_of_another_program_is_refused(model: LearnedModel) -> None:
    """Buckets counted otherwise would make nonsense of every weight."""
    changed = encode_model(model).replace(b'"buckets":65536', b'"buckets":32768', 1)

    with pytest.raises(Damaged, match="another version"):
        decode_model(changed)


def test_numbers_are_not_learned() -> None:
    """An account number is somebody's; it says nothing about the class."""
    one, other = features("Konto 4711 0815 von 2024"), features("Konto 1234 5678 von 2031")

    assert dict(zip(one.buckets, one.values, strict=True)) == dict(zip(other.buckets, other.values, strict=True))
    assert features("Konto") != one


# Judging ------------------------------------------------------------------------------------------------------


def test_every_figure_counts_what_it_says() -> None:
    """An office changes its thresholds on these numbers."""

    def one(truth: str, found: str, confidence: float, *, filed: bool = True, leaked: bool = False) -> Judged:
        return Judged(
            name=f"{truth}-{found}", truth=truth, found=found, confidence=confidence, filed=filed, leaked=leaked
        )

    report = judge(
        [
            one("a", "a", 0.95), one("a", "a", 0.95), one("a", "b", 0.55, filed=False),
            one("b", "b", 0.95), one("b", "a", 0.95, leaked=True),
        ]
    )  # fmt: skip

    assert (report.letters, report.right, report.filed, report.filed_right) == (5, 3, 4, 3)
    assert report.for_review == pytest.approx(0.2)
    assert report.leaked == ("b-a",)
    a, b = report.classes
    assert (a.precision, a.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (b.precision, b.recall, b.f1) == (0.5, 0.5, 0.5)
    assert report.macro_f1 == pytest.approx((2 / 3 + 0.5) / 2)
    assert [(s.at_least, s.letters, s.right) for s in report.reliability] == [(0.5, 1, 0), (0.9, 4, 3)]
    assert report.calibration_error == pytest.approx((0.55 + 4 * 0.2) / 5)
    assert ("a", "a", 2) in report.confusion
