"""Scores become probabilities, and probabilities a decision: where a letter is filed, and whether someone looks first.

Rules:
- A letter is filed without a person only if its class is probable enough for the compartment it would go to, and no
  class with fewer readers is possible.
- An unsure letter goes to the narrowest compartment among the confidential classes above the floor.
- Without such a class it goes to the mail room's own compartment.
"""

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass

from classifiers.settings import ClassifierSettings, ClassRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a letter is taken for, and who gets it."""

    rule: ClassRule
    """The likeliest class; a proposal if `review_reasons` is not empty."""
    probability: float
    compartment: str
    review_reasons: tuple[str, ...]


def probabilities(scores: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Probabilities that sum to 1 from scores in steps of log-odds.

    The temperature 0.55 and `accept_at` 0.75 were chosen on letters whose senders and wordings the rules do not know,
    as recognition read them from 190 office and 190 bad scans: the log loss is lowest from 0.5 to 0.55 (0.13; 0.14 at
    0.65), 32 of 380 letters wait for a person (with 0.9 for `general` and `legal`), the 348 others were right, and none
    of 450 confidential letters, misread on purpose, came into wider hands; at 0.45 the first of them did. A higher
    temperature makes every decision less sure.
    """
    top = max(scores.values())
    raised = {code: math.exp((score - top) / temperature) for code, score in scores.items()}
    total = sum(raised.values())
    return {code: value / total for code, value in raised.items()}


def cautious(chances: Mapping[str, float], by_rules: Mapping[str, float], taught: Set[str]) -> dict[str, float]:
    """How possible each class still is: a model cannot argue a class away that it was never taught."""
    return {code: chance if code in taught else max(chance, by_rules[code]) for code, chance in chances.items()}


def decide(
    chances: Mapping[str, float], settings: ClassifierSettings, doubts: Mapping[str, float] | None = None
) -> Decision:
    """Choose class and compartment; see the rules above.

    `doubts` are the probabilities that keep a letter out of wider hands, where they are not `chances` themselves.
    """
    doubts = chances if doubts is None else doubts
    rules = {rule.code: rule for rule in settings.rules}
    best = max(rules.values(), key=lambda rule: chances[rule.code])
    chance = chances[best.code]
    possible = [
        rule
        for rule in rules.values()
        if rule.compartment in settings.confidential and doubts[rule.code] > settings.confidential_floor
    ]
    narrower = [rule for rule in possible if _narrowness(rule, settings) < _narrowness(best, settings)]
    accept_at = dict(settings.accept_in).get(best.compartment, settings.accept_at)
    if chance >= accept_at and not narrower:
        return Decision(rule=best, probability=chance, compartment=best.compartment, review_reasons=())
    reasons = []
    if chance < accept_at:
        reasons.append(f"The class is not sure: {best.label} is the likeliest with {chance:.0%}.")
    if narrower:
        rule = max(narrower, key=lambda rule: doubts[rule.code])
        reasons.append(f"It could be {rule.label} ({doubts[rule.code]:.0%}), which fewer people may read.")
    narrowest = min(possible, key=lambda rule: (_narrowness(rule, settings), -doubts[rule.code]), default=None)
    compartment = settings.unsure_compartment if narrowest is None else narrowest.compartment
    return Decision(rule=best, probability=chance, compartment=compartment, review_reasons=tuple(reasons))


def _narrowness(rule: ClassRule, settings: ClassifierSettings) -> int:
    """0 for the compartment that fewest people read; all that are not confidential are equally wide."""
    if rule.compartment not in settings.confidential:
        return len(settings.narrowest_first) + 1
    if rule.compartment in settings.narrowest_first:
        return settings.narrowest_first.index(rule.compartment)
    return len(settings.narrowest_first)
