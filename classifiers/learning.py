"""Training: confirmed letters become a model, and the model has to prove itself before it counts.

Logistic regression with an L2 penalty. There are far more features than letters, so it is solved among the letters
(the same solution, found in the space that their vectors span): a thousand letters take seconds, not minutes.

The proof is made on letters that were held back: in turn each fifth of the senders is left out of the training, and
what rules alone and rules with model say of its letters is compared. A sender's letters stay together, or the model
would be praised for knowing letterheads. The weight of the model is chosen on the same held-back letters, and the
figures of the proof are those of a weight chosen without the letter's own fifth.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifiers.learned import BUCKETS, LEAST, Features, LearnedModel, Proof, pool

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Doubles = npt.NDArray[np.float64]

LEAST_LETTERS = 30
"""Fewer confirmed letters prove nothing."""
LEAST_OF_A_CLASS = 5
LEAST_CLASSES = 3
MOST_OF_A_CLASS = 150
"""The newest of a class that are used: training stays within seconds, and letters change."""
FOLDS = 5
PENALTY = 100.0
"""Inverse strength of the penalty. From 10 to 100 the results on letters of other wording were the same."""
BETTER_BY = 0.05
"""The share of the rules' log loss that the model must save on held-back letters."""
MODEL_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""The rules always count in full, the model at most half as much again. Chosen freely, the weights would be 0.55 and
2.4: best for letters worded like those it learned from, but on others the log loss rises from 0.08 to 0.19."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A letter whose class a person confirmed, as training sees it."""

    document_id: str
    record_class: str
    features: Features
    by_rules: Mapping[str, float]
    """What the rules alone say of it."""
    group: str
    """Letters of one group are never on both sides of a proof: the sender, or the letter itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A confirmed letter, and what rules and a model that never saw it say."""

    example: Example
    by_model: Mapping[str, float]
    fold: int


Leaks = Callable[[Example, Mapping[str, float], frozenset[str]], bool]
"""Whether a letter of that truth would be filed, without a person, where others than its own department read it:
asked with the probabilities and the classes that the model was taught (none: rules alone)."""


class TooFew(Exception):
    """There are not enough confirmed letters to learn from; says how many there are and how many it takes."""


def choose(examples: Sequence[Example]) -> list[Example]:
    """The examples that training uses, oldest first: of each class the newest, and no class with too few.

    Raises:
        TooFew: nothing can be learned from what is there.
    """
    counts = Counter(example.record_class for example in examples)
    seen: Counter[str] = Counter()
    chosen: list[Example] = []
    for example in reversed(examples):
        seen[example.record_class] += 1
        if counts[example.record_class] >= LEAST_OF_A_CLASS and seen[example.record_class] <= MOST_OF_A_CLASS:
            chosen.append(example)
    classes = {example.record_class for example in chosen}
    if len(chosen) < LEAST_LETTERS or len(classes) < LEAST_CLASSES:
        raise TooFew(
            f"{len(examples)} confirmed letters, {len(classes)} classes with at least {LEAST_OF_A_CLASS}: it takes "
            f"{LEAST_LETTERS} letters in {LEAST_CLASSES} such classes before anything can be learned."
        )
    return chosen[::-1]


def train(
    examples: Sequence[Example],
    *,
    generation: int,
    trained_at: str,
    leaks: Leaks,
) -> LearnedModel:
    """Train on confirmed letters, oldest first, and say whether the result has proven itself.

    Raises:
        TooFew: see choose.
    """
    import numpy as np

    chosen = choose(examples)
    matrix = _matrix([example.features for example in chosen])
    gram = (matrix @ matrix.T).toarray()
    held_back = _hold_back(chosen, gram)
    model_weight = _best_weight(held_back)
    proof = _prove(held_back, leaks)
    classes, alpha, biases = _fit(gram, [example.record_class for example in chosen])
    weights = np.asarray(matrix.T.dot(alpha.T).T, dtype=np.float32)
    return LearnedModel(
        generation=generation,
        classes=classes,
        weights=weights,
        biases=biases.astype(np.float32),
        model_weight=model_weight,
        proof=proof,
        examples=tuple(example.document_id for example in chosen),
        counts=tuple(sorted(Counter(example.record_class for example in chosen).items())),
        trained_at=trained_at,
    )


# The proof --------------------------------------------------------------------------------------------------


def _hold_back(chosen: Sequence[Example], gram: "Doubles") -> list[HeldBack]:
    """Every letter with what a model says that was trained on the other fifths alone."""
    import numpy as np

    folds = _folds(chosen)
    found: list[HeldBack] = []
    for fold in range(FOLDS):
        inside = np.array([index for index, number in enumerate(folds) if number != fold])
        outside = [index for index, number in enumerate(folds) if number == fold]
        if not outside or len({chosen[i].record_class for i in inside}) < 2:
            continue
        classes, alpha, biases = _fit(gram[np.ix_(inside, inside)], [chosen[i].record_class for i in inside])
        scores = gram[np.ix_(np.array(outside), inside)] @ alpha.T + biases
        for index, row in zip(outside, _softmax(scores), strict=True):
            by_model = dict(zip(classes, row.tolist(), strict=True))
            found.append(HeldBack(example=chosen[index], by_model=by_model, fold=fold))
    return found


def _folds(chosen: Sequence[Example]) -> list[int]:
    """A fold for each letter: groups stay together, and each class is spread as evenly as that allows."""
    members: dict[str, list[Example]] = {}
    for example in chosen:
        members.setdefault(example.group, []).append(example)
    sizes: Counter[tuple[int, str]] = Counter()
    totals: Counter[int] = Counter()
    place: dict[str, int] = {}
    for group in sorted(members, key=lambda group: (-len(members[group]), group)):
        code = Counter(example.record_class for example in members[group]).most_common(1)[0][0]
        fold = min(range(FOLDS), key=lambda number: (sizes[number, code], totals[number], number))
        place[group] = fold
        totals[fold] += len(members[group])
        for example in members[group]:
            sizes[fold, example.record_class] += 1
    return [place[example.group] for example in chosen]


def _prove(held_back: Sequence[HeldBack], leaks: Leaks) -> Proof:
    rules_loss, pooled_loss = 0.0, 0.0
    rules_pairs: list[tuple[str, str]] = []
    pooled_pairs: list[tuple[str, str]] = []
    leaked = 0
    for fold in range(FOLDS):
        weight = _best_weight([item for item in held_back if item.fold != fold])
        for item in (item for item in held_back if item.fold == fold):
            example = item.example
            alone = example.by_rules
            both = pool(example.by_rules, item.by_model, weight)
            rules_loss += _loss(alone, example.record_class)
            pooled_loss += _loss(both, example.record_class)
            rules_pairs.append((example.record_class, max(alone, key=alone.__getitem__)))
            pooled_pairs.append((example.record_class, max(both, key=both.__getitem__)))
            taught = frozenset(item.by_model)
            leaked += leaks(example, both, taught) and not leaks(example, example.by_rules, frozenset())
    count = len(held_back)
    rules_loss, pooled_loss = rules_loss / count, pooled_loss / count
    rules_f1, pooled_f1 = macro_f1(rules_pairs), macro_f1(pooled_pairs)
    if leaked:
        why = f"it would have shown {leaked} confidential letters to others"
    elif pooled_loss > (1 - BETTER_BY) * rules_loss or pooled_f1 < rules_f1:
        why = "on letters it had not seen it was not clearly better than the rules alone"
    else:
        why = "on letters it had not seen it was clearly better than the rules alone"
    return Proof(
        letters=count,
        rules_log_loss=round(rules_loss, 4),
        pooled_log_loss=round(pooled_loss, 4),
        rules_macro_f1=round(rules_f1, 4),
        pooled_macro_f1=round(pooled_f1, 4),
        leaks=leaked,
        proven=not leaked and pooled_loss <= (1 - BETTER_BY) * rules_loss and pooled_f1 >= rules_f1,
        why=why,
    )


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Mean F1 over the classes that occur as truth; pairs are (truth, found)."""
    hits = Counter(truth for truth, found in pairs if truth == found)
    truths, named = Counter(truth for truth, _ in pairs), Counter(found for _, found in pairs)
    return sum(2 * hits[code] / (truths[code] + named[code]) for code in truths) / max(1, len(truths))


def _best_weight(held_back: Sequence[HeldBack]) -> float:
    """The weight of the model with the lowest log loss; every class counts the same, however many letters it has."""
    import numpy as np

    if not held_back:
        return 0.0
    codes = tuple(held_back[0].example.by_rules)
    even = 1 / (len(codes) + 1)
    rules = np.log(np.maximum(LEAST, [[item.example.by_rules[code] for code in codes] for item in held_back]))
    model = np.log(np.maximum(LEAST, [[item.by_model.get(code, even) for code in codes] for item in held_back]))
    truth = np.array([codes.index(item.example.record_class) for item in held_back])
    share = 1 / np.bincount(truth, minlength=len(codes))[truth]

    def loss(weight: float) -> float:
        chances = _softmax(rules + weight * model)[np.arange(len(truth)), truth]
        return float((share * -np.log(np.maximum(LEAST, chances))).sum() / share.sum())

    return min(MODEL_WEIGHTS, key=loss)


def _loss(chances: Mapping[str, float], truth: str) -> float:
    return -math.log(max(LEAST, chances[truth]))


# Fitting ----------------------------------------------------------------------------------------------------


def _matrix(features: Sequence[Features]) -> Any:
    import numpy as np
    from scipy.sparse import csr_matrix

    starts = np.cumsum([0, *(len(item.buckets) for item in features)])
    buckets = np.concatenate([np.array(item.buckets, dtype=np.int32) for item in features])
    values = np.concatenate([np.array(item.values, dtype=np.float64) for item in features])
    return csr_matrix((values, buckets, starts), shape=(len(features), BUCKETS))


def _fit(gram: "Doubles", truth: Sequence[str]) -> tuple[tuple[str, ...], "Doubles", "Doubles"]:
    """(classes, a row of letters' weights for each class, biases) of the logistic regression."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-9 * values[-1]
    scale = np.sqrt(values[kept])
    points = vectors[:, kept] * scale
    engine = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=300)
    engine.fit(points, list(truth))
    coefficients, biases = engine.coef_, engine.intercept_
    if len(engine.classes_) == 2:
        coefficients = np.vstack([-coefficients[0] / 2, coefficients[0] / 2])
        biases = np.array([-biases[0] / 2, biases[0] / 2])
    alpha = (coefficients / scale) @ vectors[:, kept].T
    return tuple(str(code) for code in engine.classes_), alpha, biases


def _softmax(scores: "Doubles") -> "Doubles":
    import numpy as np

    raised: Doubles = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Doubles = raised / raised.sum(axis=1, keepdims=True)
    return result
