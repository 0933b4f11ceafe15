"""One letter from recognised pages to class, compartment and facts: the story of this room."""

from datetime import date

from classifiers.decision import Decision, decide, probabilities
from classifiers.einvoice import find_doubts, invoice_evidence, merge_facts
from classifiers.evidence import Evidence, Matcher, Zones, read_zones, without_echoes
from classifiers.facts_codes import find_code_doubts, merge_codes
from classifiers.facts_date import LetterDateReader
from classifiers.facts_deadlines import find_deadlines
from classifiers.facts_due import find_due_date
from classifiers.facts_money import MoneyReader, find_iban
from classifiers.facts_reference import ReferenceReader
from classifiers.facts_sender import SenderReader
from classifiers.facts_subject import find_subject
from classifiers.layout import Letter, read_letter
from classifiers.sealed_lane import find_mark, lane_of, sentence_of
from classifiers.settings import ClassifierSettings, ClassRule, Signal
from classifiers.spelling import Vocabulary
from classifiers.structure import SIGNAL_WORDS, find_signals
from poststelle.records import ClassifiedDocument, Fact, PageOrigin, Reason, RecognisedDocument

ECHO = 0.8
"""Each further piece of evidence counts this much of the one before: words of one matter come together."""
NO_EVIDENCE = -1.0
"""Score of a class for which no word speaks: its letters nearly always say something of it."""
SHOWN_REASONS = 6


class Classifier:
    """Classes letters by the office's rules; compiled once, then free of state."""

    def __init__(self, settings: ClassifierSettings) -> None:
        if not settings.rules:
            raise ValueError("a classifier needs at least one class")
        self._settings = settings
        self._matchers = [(rule, [Matcher(phrase) for phrase in rule.phrases]) for rule in settings.rules]
        self._dates = LetterDateReader()
        self._money = MoneyReader()
        self._references = ReferenceReader()
        self._senders = SenderReader(settings.office_names)
        words = self._dates.words | self._money.words | self._references.words
        for _, matchers in self._matchers:
            words = words.union(*(matcher.words for matcher in matchers))
        self._vocabulary = Vocabulary(words)

    def classify(self, document: RecognisedDocument, received_on: date) -> ClassifiedDocument:
        """Say what a letter is, who may read it, and what it states; never raises for any text."""
        letter = read_letter(document, self._vocabulary)
        printed = self._read_facts(letter, received_on)
        prefix = self._settings.archive_number_prefix
        facts = merge_facts(document.einvoice, merge_codes(document.barcodes, prefix, printed))
        evidence = self._weigh(letter, facts)
        if (told := invoice_evidence(document.einvoice)) is not None and told[0] in evidence:
            evidence[told[0]].append(told[1])
        scores = {rule.code: _score(rule, evidence[rule.code]) for rule in self._settings.rules}
        chances = probabilities(scores, self._settings.temperature)
        decision = decide(chances, self._settings)
        mark = find_mark(letter)
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
            reasons=self._reasons(decision, evidence[decision.rule.code], chances),
            facts=facts,
            review_reasons=review_reasons,
        )

    def _read_facts(self, letter: Letter, received_on: date) -> tuple[Fact, ...]:
        written = self._dates.read(letter, received_on)
        due = find_due_date(letter, written)
        found = (
            self._senders.read(letter),
            find_subject(letter),
            written,
            *self._references.read(letter),
            *self._money.read(letter),
            due,
            *find_deadlines(letter, written, due, received_on),
            find_iban(letter),
        )
        return tuple(fact for fact in found if fact is not None)

    def _weigh(self, letter: Letter, facts: tuple[Fact, ...]) -> dict[str, list[Evidence]]:
        sender = next((fact.value for fact in facts if fact.name == "sender"), "")
        zones = read_zones(letter, sender)
        signals = find_signals(letter, facts)
        return {rule.code: _evidence(rule, matchers, zones, signals) for rule, matchers in self._matchers}

    def _reasons(self, decision: Decision, evidence: list[Evidence], chances: dict[str, float]) -> tuple[Reason, ...]:
        strongest = sorted(evidence, key=lambda item: -abs(item.weight))[:SHOWN_REASONS]
        reasons = [Reason(text=item.text, weight=round(item.weight, 2)) for item in strongest]
        if not reasons:
            reasons.append(Reason(text="nothing in the letter speaks for any class", weight=0.0))
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
