"""The stages of a document's life, and the only ways from one to the next.

Rules:
- A document exists once its catalogue row is committed; before that it is a claimed file.
- FILED and REVIEW may change into each other: a person's decision settles a review, a new doubt reopens it.
- RESTRICTED documents stay sealed and counted, but leave normal search.
- DISPOSING means a signed release is being carried out; it only goes forward.
- DISPOSED is final: what remains is the row, its number and the certificate.
- QUARANTINED files were never recognised; they leave by being taken in again or by a signed discard.
"""

from enum import StrEnum


class Stage(StrEnum):
    """Where a document stands."""

    FILED = "filed"
    REVIEW = "review"
    RESTRICTED = "restricted"
    DISPOSING = "disposing"
    DISPOSED = "disposed"
    QUARANTINED = "quarantined"
    DISCARDED = "discarded"
    RETRIED = "retried"


ALLOWED: dict[Stage, frozenset[Stage]] = {
    Stage.FILED: frozenset({Stage.REVIEW, Stage.RESTRICTED, Stage.DISPOSING}),
    Stage.REVIEW: frozenset({Stage.FILED, Stage.RESTRICTED}),
    Stage.RESTRICTED: frozenset({Stage.FILED, Stage.REVIEW, Stage.DISPOSING}),
    Stage.DISPOSING: frozenset({Stage.DISPOSED}),
    Stage.DISPOSED: frozenset(),
    Stage.QUARANTINED: frozenset({Stage.DISCARDED, Stage.RETRIED}),
    Stage.DISCARDED: frozenset(),
    Stage.RETRIED: frozenset(),
}


def require_step(old: Stage, new: Stage) -> None:
    """Refuse a change of stage that the table does not allow (a programmer's mistake, so a ValueError)."""
    if new not in ALLOWED[old]:
        raise ValueError(f"a document cannot go from {old} to {new}")
