"""`review` on a terminal: what each waiting letter is shown with, so that one key decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poststelle.errors import NotPermitted, UnknownDocument
from poststelle.verbs.deciding import Waiting, waiting
from poststelle.verbs.finding import Exported, pages_of
from poststelle.verbs.learning import current_model
from poststelle.verbs.locating import Desk
from poststelle.wiring import classifier

if TYPE_CHECKING:
    from intake.picture import Picture

LIKELY = 5
"""Classes that have a key of their own, besides the proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """A class a letter may be of."""

    code: str
    label: str
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A letter that waits, and what it may be, the likeliest first."""

    waiting: Waiting
    likely: tuple[Likely, ...]

    @property
    def sealed(self) -> bool:
        """Whether it stays unread: then nothing of it is shown unasked."""
        return self.waiting.letter.classified.sealed_for is not None


def proposals(desk: Desk) -> Iterator[Proposal]:
    """Letters that wait for this person, oldest first, with what rules and model say of each now.

    Raises:
        NotPermitted: the person may decide nothing.
    """
    office = desk.person.book.office
    ours = classifier(desk.service.config, office, current_model(desk.service))
    for item in waiting(desk):
        classified = item.letter.classified
        chances: dict[str, float] = {}
        if classified.sealed_for is None:
            chances = dict(ours.chances(classified.document, item.letter.received_on))
        # The proposal is what the letter waits as; what was learned since may have changed the order behind it.
        codes = [classified.record_class, *(c for c in sorted(chances, key=lambda c: -chances[c]))]
        likely = [
            Likely(code=code, label=str(office["classes"][code].get("label", code)), chance=chances.get(code, 0.0))
            for code in dict.fromkeys(codes)
            if code in office["classes"]
        ]
        yield Proposal(waiting=item, likely=tuple(likely[: LIKELY + 1]))


def matching_classes(desk: Desk, typed: str) -> list[tuple[str, str]]:
    """(code, label) of the classes a clerk may mean: of the name typed, else beginning so, else with that in it."""
    from poststelle.german import fold

    wanted = fold(typed.strip())
    classes = [(code, str(line.get("label", code))) for code, line in desk.person.book.office["classes"].items()]
    names = {pair: [fold(name) for name in pair] for pair in classes}
    if not wanted:
        return []
    exact = [pair for pair in classes if wanted in names[pair]]
    beginning = [pair for pair in classes if any(name.startswith(wanted) for name in names[pair])]
    return exact or beginning or [pair for pair in classes if any(wanted in name for name in names[pair])]


def picture_of(desk: Desk, name: str, *, width_px: int, height_px: int) -> "Picture | None":
    """The first page, drawn in a process without keys; None where the person may not look at pages, or none is there.

    Looking at a page is logged, whoever looks.
    """
    from intake.picture import draw_first_page

    try:
        pages: Exported = pages_of(desk.person, name)
    except (NotPermitted, UnknownDocument):
        return None
    return draw_first_page(pages.content, width_px=width_px, height_px=height_px)
