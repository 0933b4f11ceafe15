"""The key book is the law, config.yaml the wish: an edited file must not move letters to other readers."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from typed_letters import RESIGNATION, typed

from poststelle.config import Config, load
from poststelle.wiring import classifier

RECEIVED_ON = date(2026, 3, 17)


def edited(config: Config, record_class: str, **changes: Any) -> Config:
    """The configuration after somebody changed one class in the file."""
    classes = config.value["classes"]
    value = config.value | {"classes": classes | {record_class: classes[record_class] | changes}}
    return replace(config, value=value)


def test_a_class_that_was_moved_in_the_file_is_filed_where_the_key_book_says() -> None:
    """Whoever may edit config.yaml could else send every resignation to a compartment that all may read."""
    shipped = load(Path(__file__).parents[2] / "config.yaml", None)
    law = shipped.law()
    code = classifier(shipped, law).classify(typed(RESIGNATION), RECEIVED_ON).record_class
    assert law["classes"][code]["compartment"] == "hr"
    changed = edited(shipped, code, compartment="general")

    by_law = classifier(changed, law).classify(typed(RESIGNATION), RECEIVED_ON)
    by_wish = classifier(changed).classify(typed(RESIGNATION), RECEIVED_ON)

    assert (by_law.record_class, by_law.compartment) == (code, "hr")
    assert by_wish.compartment == "general", "the control: without the law the edit would have counted"


def test_a_class_that_is_not_law_yet_takes_no_letters() -> None:
    """A class without a line in the key book has no compartment and no retention: its letters could not be filed."""
    shipped = load(Path(__file__).parents[2] / "config.yaml", None)
    law = shipped.law()
    code = classifier(shipped, law).classify(typed(RESIGNATION), RECEIVED_ON).record_class
    renamed = {("new-class" if c == code else c): rule for c, rule in shipped.value["classes"].items()}
    changed = replace(shipped, value=shipped.value | {"classes": renamed})

    assert classifier(changed, law).classify(typed(RESIGNATION), RECEIVED_ON).record_class in law["classes"]
    assert classifier(changed).classify(typed(RESIGNATION), RECEIVED_ON).record_class == "new-class"
