"""Who gets a letter nobody is sure about: the promise that nothing confidential lands in wider hands."""

from dataclasses import replace
from datetime import date

import pytest
from typed_letters import typed

from classifiers import Classifier, ClassifierSettings, ClassRule, Phrase
from classifiers.decision import decide, probabilities
from poststelle.records import PageOrigin


def rule(code: str, compartment: str, *phrases: Phrase) -> ClassRule:
    return ClassRule(code=code, label=code.title(), compartment=compartment, retention="COM-06", phrases=phrases)


SETTINGS = ClassifierSettings(
    rules=(
        rule("invoice", "finance", Phrase(text="rechnung", weight=6.0)),
        rule("offer", "sales", Phrase(text="angebot", weight=6.0)),
        rule("sick-note", "hr", Phrase(text="arbeitsunfähig", weight=6.0)),
        rule("legal", "legal", Phrase(text="klage", weight=6.0)),
        rule("contract", "management", Phrase(text="vertrag", weight=6.0)),
    )
)
RECEIVED = date(2026, 3, 17)


def chances(**given: float) -> dict[str, float]:
    return {item.code: given.get(item.code.replace("-", "_"), 0.0) for item in SETTINGS.rules}


def test_a_clear_letter_is_filed_without_a_person() -> None:
    """A clerk who has to confirm every clear invoice stops looking."""
    decision = decide(chances(invoice=0.97, offer=0.03), SETTINGS)

    assert (decision.rule.code, decision.compartment, decision.review_reasons) == ("invoice", "finance", ())


def test_a_clear_invoice_that_might_be_a_sick_note_is_kept_in_hr() -> None:
    """An employee's illness must not be read by accounting because the letter also looks like an invoice."""
    decision = decide(chances(invoice=0.92, sick_note=0.08), SETTINGS)

    assert decision.compartment == "hr"
    assert decision.review_reasons == ("It could be Sick-Note (8%), which fewer people may read.",)


def test_a_confidential_class_at_the_floor_is_no_reason_for_review() -> None:
    """The floor is what keeps the review lane short enough to be worked through."""
    assert decide(chances(invoice=0.95, sick_note=0.05), SETTINGS).review_reasons == ()


def test_an_unsure_letter_without_a_confidential_class_goes_to_the_mail_room() -> None:
    """Sales must not get what may be accounting's, and the other way round."""
    decision = decide(chances(invoice=0.55, offer=0.45), SETTINGS)

    assert decision.compartment == "unsorted"
    assert decision.review_reasons == ("The class is not sure: Invoice is the likeliest with 55%.",)


def test_of_several_confidential_classes_the_narrowest_compartment_waits_for_the_person() -> None:
    """A board letter must not pass through HR on its way."""
    decision = decide(chances(legal=0.5, sick_note=0.3, contract=0.2), SETTINGS)

    assert decision.compartment == "management"


def test_the_order_of_narrowness_is_the_offices_own() -> None:
    """An office whose management reads more than HR says so in its configuration."""
    settings = replace(SETTINGS, narrowest_first=("hr", "legal", "management"))

    assert decide(chances(legal=0.5, sick_note=0.3, contract=0.2), settings).compartment == "hr"


def test_probabilities_sum_to_one_and_follow_the_scores() -> None:
    """A probability that does not add up cannot be compared with a threshold."""
    result = probabilities({"a": 3.0, "b": 1.0, "c": -40.0}, temperature=1.0)

    assert sum(result.values()) == pytest.approx(1.0)
    assert result["a"] / result["b"] == pytest.approx(7.389, rel=1e-3)


def test_a_letter_that_says_nothing_goes_to_the_mail_room_for_review() -> None:
    """Someone has to find out what an empty or unintelligible page is; nobody else may see it meanwhile."""
    other = replace(rule("other", "general"), prior=3.0)
    settings = replace(SETTINGS, accept_at=0.95, temperature=1.0, rules=(*SETTINGS.rules, other))

    classified = Classifier(settings).classify(typed("lorem ipsum dolor"), RECEIVED)

    assert classified.compartment == "unsorted"
    assert classified.needs_review
    assert classified.reasons[0].text == "nothing in the letter speaks for any class"


def test_a_page_that_could_not_be_read_asks_for_a_person_though_the_class_is_clear() -> None:
    """The unread page may hold the one thing that matters."""
    read = typed("Rechnung Rechnung Rechnung")
    unread = replace(read.pages[0], number=2, text="", origin=PageOrigin.UNREAD, confidence=0.0)

    classified = Classifier(SETTINGS).classify(replace(read, pages=(*read.pages, unread)), RECEIVED)

    assert classified.compartment == "finance"
    assert classified.needs_review
    assert classified.review_reasons == ("Page 2 could not be read.",)


def test_a_page_that_was_hard_to_read_asks_for_a_person() -> None:
    """Facts read from a bad scan are guesses until someone has compared them."""
    classified = Classifier(SETTINGS).classify(typed("Rechnung", confidence=0.71), RECEIVED)

    assert classified.review_reasons == ("Page 1 was hard to read (71% sure).",)


def test_a_blank_page_asks_for_nobody() -> None:
    """Backs of duplex scans are blank every day."""
    read = typed("Rechnung")
    blank = replace(read.pages[0], number=2, text="", origin=PageOrigin.BLANK, confidence=0.0)

    assert not Classifier(SETTINGS).classify(replace(read, pages=(*read.pages, blank)), RECEIVED).needs_review


def test_a_classifier_without_classes_is_a_mistake_of_the_caller() -> None:
    """It would file everything nowhere."""
    with pytest.raises(ValueError, match="at least one class"):
        Classifier(ClassifierSettings(rules=()))
