"""How good decisions are, against letters whose class is known: confusion, precision and recall, calibration, leaks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = 10
"""Rows of the reliability table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One letter: what it is, and what was decided."""

    name: str
    truth: str
    found: str
    confidence: float
    filed: bool
    """Without a person."""
    leaked: bool = False
    """Filed, without a person, where others read it than those of its true class, which is confidential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfClass:
    """One class: how many letters it has, and how well they were found."""

    code: str
    letters: int
    named: int
    """Letters that were taken for it, rightly or not."""
    right: int

    @property
    def precision(self) -> float | None:
        """Of those taken for it, the share that was right; None if none was."""
        return self.right / self.named if self.named else None

    @property
    def recall(self) -> float | None:
        """Of its letters, the share that was found; None if there are none."""
        return self.right / self.letters if self.letters else None

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / (self.letters + self.named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A row of the reliability table: letters decided with about this confidence."""

    at_least: float
    letters: int
    right: int
    mean_confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out for all letters."""

    letters: int
    right: int
    filed: int
    filed_right: int
    leaked: tuple[str, ...]
    """Names of the letters."""
    classes: tuple[OfClass, ...]
    confusion: tuple[tuple[str, str, int], ...]
    """(truth, found, letters), rightly found ones included; most frequent first."""
    reliability: tuple[Step, ...]

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes that have letters."""
        scores = [row.f1 for row in self.classes if row.letters]
        return sum(scores) / max(1, len(scores))

    @property
    def calibration_error(self) -> float:
        """How far confidence and success lie apart on average (expected calibration error)."""
        gaps = (abs(step.right - step.mean_confidence * step.letters) for step in self.reliability)
        return sum(gaps) / max(1, self.letters)

    @property
    def for_review(self) -> float:
        """Share of the letters that wait for a person."""
        return (self.letters - self.filed) / max(1, self.letters)


def judge(letters: Sequence[Judged]) -> Report:
    """Count everything up."""
    pairs = Counter((letter.truth, letter.found) for letter in letters)
    truths, named = Counter(letter.truth for letter in letters), Counter(letter.found for letter in letters)
    steps: dict[int, list[Judged]] = {}
    for letter in letters:
        steps.setdefault(min(STEPS - 1, int(letter.confidence * STEPS)), []).append(letter)
    return Report(
        letters=len(letters),
        right=sum(letter.truth == letter.found for letter in letters),
        filed=sum(letter.filed for letter in letters),
        filed_right=sum(letter.filed and letter.truth == letter.found for letter in letters),
        leaked=tuple(letter.name for letter in letters if letter.leaked),
        classes=tuple(
            OfClass(code=code, letters=truths[code], named=named[code], right=pairs[code, code])
            for code in sorted(truths.keys() | named.keys())
        ),
        confusion=tuple((truth, found, count) for (truth, found), count in pairs.most_common()),
        reliability=tuple(
            Step(
                at_least=number / STEPS,
                letters=len(row),
                right=sum(letter.truth == letter.found for letter in row),
                mean_confidence=sum(letter.confidence for letter in row) / len(row),
            )
            for number, row in sorted(steps.items())
        ),
    )
