"""`poststelle search` as a clerk types it: near matches, facets, letters like one, classes by their German name."""

import pytest
from simulators import Office
from terminal import Terminal

QUERY = "Überweisung"


def test_a_misspelled_word_is_found_and_marked_as_near(filled_office: Office) -> None:
    """A slip of the finger must not end the search, nor pass for what was typed."""
    exact = filled_office.done("search", QUERY, user="accounting").json
    near = filled_office.done("search", "Überwiesung", user="accounting").json

    assert exact["exact"] == exact["total"] > 0
    assert near["exact"] == 0 < near["total"]
    assert {hit["exact"] for hit in near["hits"]} == {False}
    assert {hit["id"] for hit in exact["hits"]} & {hit["id"] for hit in near["hits"]}


def test_facets_add_up_to_the_total(filled_office: Office) -> None:
    """Counts that do not add up are not believed again."""
    found = filled_office.done("search", QUERY, "--facets", user="accounting").json

    assert sum(found["facets"]["class"].values()) == found["total"] == sum(found["facets"]["year"].values()) > 0
    assert "facets" not in filled_office.done("search", QUERY, user="accounting").json


def test_a_class_is_asked_for_by_code_or_by_its_german_name(filled_office: Office) -> None:
    """Nobody at the counter knows that a Rechnung is called invoice inside."""
    typed = ["class:invoice", "class:Rechnung"]
    ids = [{hit["id"] for hit in filled_office.done("search", text, user="accounting").json["hits"]} for text in typed]

    assert ids[0] == ids[1] != set()
    assert filled_office.run("search", "class:Rechnug", user="accounting").status == 2


def test_a_mistake_is_pointed_at_wherever_it_stands(filled_office: Office) -> None:
    """A mark under the wrong word is worse than none, and nobody reads a screen full of his own paste."""
    ran = filled_office.run("search", "日本 Mu\u0308ller\n(offen", user="accounting", as_json=False)
    _message, query, mark = ran.err.splitlines()
    assert (ran.status, query) == (2, "  日本 Mu\u0308ller (offen")
    assert mark == " " * (2 + len("---- ") + len("Muller ")) + "^"
    pasted = filled_office.run("search", "Wort " * 190 + "AND " + "x " * 2000, user="accounting", as_json=False)
    assert max(map(len, pasted.err.splitlines())) < 100


def test_a_time_that_ends_before_it_begins_is_refused(filled_office: Office) -> None:
    """An empty list would say that there is no such letter."""
    ran = filled_office.run("search", QUERY, "--from", "2026-07-01", "--to", "2026-01-01", user="accounting")
    assert (ran.status, ran.out) == (2, b"")


def test_letters_like_a_foreign_one_are_refused_like_one_that_never_was(filled_office: Office) -> None:
    """`--like` must not be a way to ask whether a letter exists."""
    own = filled_office.done("search", QUERY, user="accounting").json["hits"][0]["id"]
    seen = {hit["id"] for hit in filled_office.done("search", QUERY, "--limit", "100", user="accounting").json["hits"]}
    foreign = next(
        hit["id"]
        for hit in filled_office.done("search", QUERY, "--limit", "100", user="owner").json["hits"]
        if hit["id"] not in seen
    )

    assert own not in {hit["id"] for hit in filled_office.done("search", "--like", own, user="accounting").json["hits"]}
    refused = [filled_office.run("search", "--like", name, user="accounting") for name in (foreign, "0" * 32)]
    assert [(ran.status, ran.out, ran.err.replace(foreign, "0" * 32)) for ran in refused] == [
        (4, refused[1].out, refused[1].err)
    ] * 2


@pytest.mark.parametrize("end", ["\r", "\x04"])
def test_on_a_terminal_it_asks_again_and_again(filled_office: Office, end: str) -> None:
    """A clerk looks for one letter with many words: what was typed comes back with the arrow keys, a mistake is shown
    where it stands, and an empty line or Ctrl-D is the end, not an error."""
    terminal = Terminal(filled_office, "accounting", "search")
    terminal.until("Search: ")
    terminal.press(f"{QUERY}\r")
    assert "FIN-2026-000003" in terminal.until("Search: ")
    terminal.press("(open\r")
    terminal.until("is never closed")
    terminal.until("Search: ")

    up, left = "\x1b[A", "\x1b[D"
    terminal.press(f"{up}{up}{left}x\r")
    found = terminal.until("Search: ")

    assert "only nearly" in found and "FIN-2026-000003" in found
    terminal.press(end)
    assert terminal.ended() == 0
