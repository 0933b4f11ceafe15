"""One letter from recognised pages to class, compartment and facts: the story of this room."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from classifiers.decision import Decision, cautious, decide, probabilities
from classifiers.einvoice import find_doubts, invoice_evidence, merge_facts
from classifiers.evidence import Evidence, Matcher, Zones, read_zones, without_echoes
from classifiers.facts_codes import find_code_doubts, merge_codes
from classifiers.facts_date import LetterDateReader
from classifiers.facts_deadlines import find_deadlines
from classifiers.facts_due import find_due_date
from classifiers.facts_money import MoneyReader, find_iban
from classifiers.facts_numbers import find_bic, find_tax, find_vat_id
from classifiers.facts_parties import find_parties
from classifiers.facts_place import with_places
from classifiers.facts_reference import ReferenceReader
from classifiers.facts_sender import SenderReader
from classifiers.facts_subject import find_subject
from classifiers.layout import Letter, read_letter
from classifiers.learned import Features, LearnedModel, features_of, pool
from classifiers.sealed_lane import WORDS as SEALED_WORDS
from classifiers.sealed_lane import find_mark, lane_of, recipient_of, seal, sentence_of
from classifiers.settings import ClassifierSettings, ClassRule, Signal
from classifiers.spelling import Vocabulary
from classifiers.structure import SIGNAL_WORDS, find_signals
from poststelle.german import fold
from poststelle.records import (
    ClassifiedDocument,
    Fact,
    PageOrigin,
    Reason,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
)

ECHO = 0.8
"""Each further piece of evidence counts this much of the one before: words of one matter come together."""
NO_EVIDENCE = -1.0
"""Score of a class for which no word speaks: its letters nearly always say something of it."""
SHOWN_REASONS = 6
_NO_FILE = ScannedFile(
    document_id="", source_name="", size_bytes=0, sha256="", received_at=datetime.fromtimestamp(0, UTC)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Studied:
    """A letter as training needs it."""

    features: Features
    by_rules: Mapping[str, float]
    """The probability of each class by the rules alone."""
    sender: str
    """Folded; empty if none was read."""


class Classifier:
    """Classes letters by the office's rules, and by what it learned once that has proven itself; compiled once, then
    free of state."""

    def __init__(self, settings: ClassifierSettings, learned: LearnedModel | None = None) -> None:
        if not settings.rules:
            raise ValueError("a classifier needs at least one class")
        self._settings = settings
        self._learned = learned if learned is not None and learned.proof.proven else None
        self._matchers = [(rule, [Matcher(phrase) for phrase in rule.phrases]) for rule in settings.rules]
        self._dates = LetterDateReader()
        self._money = MoneyReader()
        self._references = ReferenceReader()
        self._senders = SenderReader(settings.office_names)
        words = self._dates.words | self._money.words | self._references.words | SEALED_WORDS
        for _, matchers in self._matchers:
            words = words.union(*(matcher.words for matcher in matchers))
        self._vocabulary = Vocabulary(words)

    def classify(self, document: RecognisedDocument, received_on: date) -> ClassifiedDocument:
        """Say what a letter is, who may read it, and what it states; never raises for any text."""
        letter = read_letter(document, self._vocabulary)
        mark = find_mark(letter)
        role = recipient_of(mark, self._settings)
        if mark is not None and role is not None and document.einvoice is None:
            return seal(document, mark, role, self._settings)
        printed = self._read_facts(letter, received_on)
        prefix = self._settings.archive_number_prefix
        facts = merge_facts(document.einvoice, merge_codes(document.barcodes, prefix, printed))
        evidence, by_rules = self._judge(document, letter, facts)
        chances, by_model = self._ask_model(by_rules, letter)
        decision = self.decide(chances, by_rules, frozenset(by_model))
        compartment = decision.compartment if mark is None else lane_of(mark, decision.compartment, self._settings)
        # A department that a marked letter belongs to anyway may have it at once; every other waits for a person.
        moved = mark is not None and (mark.to_an_office or compartment != decision.compartment)
        review_reasons = (
            *([sentence_of(mark)] if mark is not None and moved else []),
            *decision.review_reasons,
            *_page_doubts(document, self._settings),
            *find_doubts(document, printed),
            *find_code_doubts(document, prefix, printed),
        )
        return ClassifiedDocument(
            document=document,
            record_class=decision.rule.code,
            confidence=round(decision.probability, 4),
            compartment=compartment,
            needs_review=bool(review_reasons),
            reasons=self._reasons(decision, evidence[decision.rule.code], chances, by_model),
            facts=facts,
            review_reasons=review_reasons,
        )

    def is_sealed(self, first: RecognisedPage) -> bool:
        """Whether a letter with this first page stays unread: then nothing more of it needs to be recognised."""
        letter = read_letter(RecognisedDocument(file=_NO_FILE, media_type="", pages=(first,)), self._vocabulary)
        return recipient_of(find_mark(letter), self._settings) is not None

    def study(self, document: RecognisedDocument, received_on: date) -> Studied:
        """What training needs of a letter: its features, and what the rules alone say of it."""
        letter = read_letter(document, self._vocabulary)
        printed = self._read_facts(letter, received_on)
        facts = merge_facts(
            document.einvoice, merge_codes(document.barcodes, self._settings.archive_number_prefix, printed)
        )
        _, by_rules = self._judge(document, letter, facts)
        sender = next((fact.value for fact in facts if fact.name == "sender"), "")
        return Studied(features=features_of(letter), by_rules=by_rules, sender=" ".join(fold(sender).split()))

    def chances(self, document: RecognisedDocument, received_on: date) -> Mapping[str, float]:
        """The probability of each class by rules and model, without a decision."""
        letter = read_letter(document, self._vocabulary)
        facts = merge_facts(document.einvoice, self._read_facts(letter, received_on))
        return self._ask_model(self._judge(document, letter, facts)[1], letter)[0]

    def decide(self, chances: Mapping[str, float], by_rules: Mapping[str, float], taught: frozenset[str]) -> Decision:
        """Where a letter goes with these probabilities of rules and model, of which the model was taught some."""
        return decide(chances, self._settings, cautious(chances, by_rules, taught) if taught else chances)

    def _judge(
        self, document: RecognisedDocument, letter: Letter, facts: tuple[Fact, ...]
    ) -> tuple[dict[str, list[Evidence]], dict[str, float]]:
        """The rules' evidence and probability for each class."""
        evidence = self._weigh(letter, facts)
        if (told := invoice_evidence(document.einvoice)) is not None and told[0] in evidence:
            evidence[told[0]].append(told[1])
        scores = {rule.code: _score(rule, evidence[rule.code]) for rule in self._settings.rules}
        return evidence, probabilities(scores, self._settings.temperature)

    def _ask_model(self, by_rules: dict[str, float], letter: Letter) -> tuple[dict[str, float], dict[str, float]]:
        """(probabilities of rules and model, of the model alone); without a proven model, the rules' and none."""
        if self._learned is None:
            return by_rules, {}
        by_model = self._learned.chances(features_of(letter))
        # Classes that the office no longer has are forgotten with the next training.
        by_model = {code: chance for code, chance in by_model.items() if code in by_rules}
        return pool(by_rules, by_model, self._learned.model_weight), by_model

    def _read_facts(self, letter: Letter, received_on: date) -> tuple[Fact, ...]:
        written = self._dates.read(letter, received_on)
        due = find_due_date(letter, written)
        money = self._money.read(letter)
        iban = find_iban(letter)
        found = (
            self._senders.read(letter),
            find_subject(letter),
            written,
            *self._references.read(letter),
            *money,
            due,
            *find_deadlines(letter, written, due, received_on),
            iban,
            find_bic(letter, iban),
            *find_tax(letter, money[0] if money else None),
            find_vat_id(letter),
            *find_parties(letter),
        )
        return with_places(tuple(fact for fact in found if fact is not None), letter)

    def _weigh(self, letter: Letter, facts: tuple[Fact, ...]) -> dict[str, list[Evidence]]:
        sender = next((fact.value for fact in facts if fact.name == "sender"), "")
        zones = read_zones(letter, sender)
        signals = find_signals(letter, facts)
        return {rule.code: _evidence(rule, matchers, zones, signals) for rule, matchers in self._matchers}

    def _reasons(
        self, decision: Decision, evidence: list[Evidence], chances: dict[str, float], by_model: dict[str, float]
    ) -> tuple[Reason, ...]:
        strongest = sorted(evidence, key=lambda item: -abs(item.weight))[:SHOWN_REASONS]
        reasons = [Reason(text=item.text, weight=round(item.weight, 2)) for item in strongest]
        if not reasons:
            reasons.append(Reason(text="nothing in the letter speaks for any class", weight=0.0))
        if decision.rule.code in by_model:
            likeness = by_model[decision.rule.code]
            reasons.append(Reason(text=f"letters that the office confirmed were like it ({likeness:.0%})", weight=0.0))
        others = [rule for rule in self._settings.rules if rule is not decision.rule]
        second = max(others, key=lambda rule: chances[rule.code], default=None)
        if second is not None and chances[second.code] >= self._settings.confidential_floor:
            reasons.append(Reason(text=f"next likely: {second.label} ({chances[second.code]:.0%})", weight=0.0))
        return tuple(reasons)


def _evidence(rule: ClassRule, matchers: list[Matcher], zones: Zones, signals: frozenset[Signal]) -> list[Evidence]:
    found = without_echoes(item for matcher in matchers if (item := matcher.weigh(zones)) is not None)
    for weight in rule.structure:
        if weight.signal in signals:
            against = "speaks against: " if weight.weight < 0 else ""
            found.append(Evidence(text=against + SIGNAL_WORDS[weight.signal], weight=weight.weight))
    return found


def _score(rule: ClassRule, evidence: list[Evidence]) -> float:
    """Sum of the evidence, each further piece on the same side counting less."""
    told = any(item.weight > 0 and item.zone for item in evidence)
    score = rule.prior if told or rule.prior else NO_EVIDENCE
    for side in (
        sorted((item.weight for item in evidence if item.weight > 0), reverse=True),
        sorted(item.weight for item in evidence if item.weight < 0),
    ):
        score += sum(weight * ECHO**index for index, weight in enumerate(side))
    return score


def _page_doubts(document: RecognisedDocument, settings: ClassifierSettings) -> tuple[str, ...]:
    """Pages that a person should look at because recognition itself was unsure."""
    doubts = []
    for page in document.pages:
        if page.origin is PageOrigin.UNREAD or "unread" in page.notes:
            doubts.append(f"Page {page.number} could not be read.")
        elif page.origin is not PageOrigin.BLANK and (
            page.confidence < settings.page_confidence_floor or "low-confidence" in page.notes
        ):
            doubts.append(f"Page {page.number} was hard to read ({page.confidence:.0%} sure).")
        elif "uncovered-ink" in page.notes:
            doubts.append(f"Page {page.number} shows writing that was not read.")
    if not any(page.words or page.text.strip() for page in document.pages):
        doubts.append("No text was found on any page.")
    return tuple(doubts)
