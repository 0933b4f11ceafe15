"""The subject line as a fact."""

from classifiers.layout import Letter
from poststelle.records import Fact

OVER_SALUTATION = 0.95
TITLE = 0.7
"""Without a salutation the subject is the likeliest heading."""


def find_subject(letter: Letter) -> Fact | None:
    """The subject line, without its label; None if the letter has none."""
    text = " ".join(letter.subject_text.split())
    if not text:
        return None
    sure = sum(segment.confidence for segment in letter.subject) / len(letter.subject)
    sure *= TITLE if letter.salutation is None else OVER_SALUTATION
    return Fact(name="subject", value=text, confidence=round(sure, 3), page=letter.first.number)
