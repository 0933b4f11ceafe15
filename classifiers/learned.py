"""What the office's own confirmed letters teach: a linear model over hashed features, and how it speaks with the rules.

A letter becomes counts of hashed pieces of its folded words; digits count as one sign, so that no number is learned.
The model gives a probability for each class it was taught. Its logarithm is added to that of the rules, times a weight
that training chose so that the sum means what it says (see learning.py). Plain arrays: no vocabulary is kept, nothing
is ever unpickled, and using a model needs numpy alone.
"""

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from classifiers.layout import Letter
from poststelle.errors import Damaged
from poststelle.german import fold

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

FORMAT = 1
BUCKETS = 1 << 16
MAX_CHARACTERS = 5_000
"""Of a letter's text, from its beginning: what it is stands there."""
PIECES = (3, 4, 5)
"""Lengths of the pieces of words; a misread letter spoils a few of them and leaves the others."""
LEAST = 1e-4
"""No class is ever impossible, whoever says so."""

_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A letter as the model sees it: bucket numbers and how much each counts; the squares sum to 1."""

    buckets: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How rules alone and rules with model did on confirmed letters that were held back from the training."""

    letters: int
    rules_log_loss: float
    pooled_log_loss: float
    rules_macro_f1: float
    pooled_macro_f1: float
    leaks: int
    """Confidential letters that the model would have filed, without a person, where others than by the rules read
    them."""
    proven: bool
    why: str
    """What it lacks, in words; or that it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedModel:
    """One generation of what was learned."""

    generation: int
    classes: tuple[str, ...]
    weights: "Floats"
    """One row for each class, one column for each bucket."""
    biases: "Floats"
    model_weight: float
    proof: Proof
    examples: tuple[str, ...]
    """Ids of the letters it was trained on: so that a disposal knows whether it must be made anew."""
    counts: tuple[tuple[str, int], ...]
    """Letters by class."""
    trained_at: str
    """ISO, UTC."""
    decisions: int = 0
    """How many decisions and corrections there were in all when it was trained."""

    def chances(self, features: Features) -> dict[str, float]:
        """The model's own probabilities for the classes it was taught."""
        import numpy as np

        buckets = np.array(features.buckets, dtype=np.int64)
        values = np.array(features.values, dtype=np.float32)
        scores = self.weights[:, buckets] @ values + self.biases
        raised = np.exp(scores - scores.max())
        return dict(zip(self.classes, (raised / raised.sum()).tolist(), strict=True))


def pool(by_rules: Mapping[str, float], by_model: Mapping[str, float], model_weight: float) -> dict[str, float]:
    """Sum of the log-probabilities, the model's weighted; a class it was not taught gets its even share from it."""
    even = 1 / (len(by_rules) + 1)
    scores = {code: _log(chance) + model_weight * _log(by_model.get(code, even)) for code, chance in by_rules.items()}
    top = max(scores.values())
    raised = {code: math.exp(score - top) for code, score in scores.items()}
    total = sum(raised.values())
    return {code: value / total for code, value in raised.items()}


def _log(chance: float) -> float:
    return math.log(max(chance, LEAST))


# Features ---------------------------------------------------------------------------------------------------


def features_of(letter: Letter) -> Features:
    """The hashed features of a letter: pieces of words, words, and pairs of words.

    The subject line gets no features of its own. With them the model learned headings by heart: macro-F1 on letters of
    other wording fell from 0.98 to 0.96, below what the rules reach alone.
    """
    text = "\n".join(page.flow.text for page in letter.pages)[:MAX_CHARACTERS]
    words = _words(text)
    blocks = (
        Counter(piece for word in words for piece in _pieces(word)),
        Counter((*(f"w {word}" for word in words), *(f"p {a} {b}" for a, b in pairwise(words)))),
    )
    found: dict[int, float] = {}
    for block in blocks:
        counted = {piece: 1 + math.log(count) for piece, count in block.items()}
        length = math.sqrt(len(blocks) * sum(value * value for value in counted.values())) or 1.0
        for piece, value in counted.items():
            bucket = zlib.crc32(piece.encode()) % BUCKETS
            found[bucket] = found.get(bucket, 0.0) + value / length
    return Features(buckets=tuple(found), values=tuple(found.values()))


def _words(text: str) -> list[str]:
    return [_DIGITS.sub("0", fold(word)) for word in _WORD.findall(text)]


def _pieces(word: str) -> Iterable[str]:
    padded = f" {word} "
    for length in PIECES:
        for start in range(max(1, len(padded) - length + 1)):
            yield padded[start : start + length]


# At rest ----------------------------------------------------------------------------------------------------


def encode_model(model: LearnedModel) -> bytes:
    """The bytes that are sealed: a line of JSON, the biases, then the weights in half precision, row by row."""
    import numpy as np

    proof = {name: getattr(model.proof, name) for name in Proof.__slots__}
    head = {
        "format": FORMAT,
        "generation": model.generation,
        "classes": model.classes,
        "buckets": BUCKETS,
        "weight": model.model_weight,
        "proof": proof,
        "examples": model.examples,
        "counts": dict(model.counts),
        "trained_at": model.trained_at,
        "decisions": model.decisions,
    }
    arrays = model.biases.astype("<f4").tobytes() + model.weights.astype("<f2").tobytes()
    assert np.isfinite(model.weights).all()
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + zlib.compress(arrays, 1)


def decode_model(data: bytes) -> LearnedModel:
    """The inverse of encode_model.

    Raises:
        Damaged: written by another version of the program, or not a model.
    """
    import numpy as np

    line, _, packed = data.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    if head.get("format") != FORMAT or head.get("buckets") != BUCKETS:
        raise Damaged("The learned model was written by another version of Poststelle. `poststelle classifier train`.")
    classes = tuple(head["classes"])
    arrays = zlib.decompress(packed)
    biases = np.frombuffer(arrays, dtype="<f4", count=len(classes)).astype(np.float32)
    weights = np.frombuffer(arrays, dtype="<f2", offset=4 * len(classes)).astype(np.float32)
    return LearnedModel(
        generation=head["generation"],
        classes=classes,
        weights=weights.reshape(len(classes), BUCKETS),
        biases=biases,
        model_weight=head["weight"],
        proof=Proof(**head["proof"]),
        examples=tuple(head["examples"]),
        counts=tuple(head["counts"].items()),
        trained_at=head["trained_at"],
        decisions=head["decisions"],
    )
