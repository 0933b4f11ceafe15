"""`poststelle review` on a terminal: one key a letter, nothing carried out that was taken back."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters
from simulators import Office
from terminal import Terminal

from bench.letters import make_letter, write_scan
from intake.picture import draw_first_page
from poststelle.cli.pictures import HALF_BLOCK, as_graphics, as_half_blocks, has_graphics

TODAY = datetime.now(UTC).date()
WORDS = ("Moorbirkenhain", "Kupferkessel", "Glockenseil")
ENTER = "\r"


@pytest.fixture
def waiting_office(office: Office) -> Office:
    """An office in which three letters wait for the mail room, all taken for something else."""
    file_letters(office, [Sample(record_class="other", received_on=TODAY, word=w, needs_review=True) for w in WORDS])
    return office


def classes(office: Office) -> list[tuple[str, str]]:
    """(class, stage-like answer) of every letter, in order of receipt, as the intake book has them."""
    book = office.done("list", user="mailroom").json["documents"]
    return [(row["class"], row["status"]) for row in book]


def test_one_key_decides_each_letter(waiting_office: Office) -> None:
    """A mail room that has forty letters to look through before noon does not type commands."""
    screen = Terminal(waiting_office, "mailroom", "review")
    first = screen.until("[q] quit")
    assert "1 of 3" in first
    assert "The class is not sure." in first
    assert WORDS[0] in first, "the person must see what the letter is about"
    screen.press(ENTER)
    assert "2 of 3" in screen.until("[q] quit")
    screen.press("/")
    screen.until("Class (part of its name")
    screen.type("ung")
    screen.until("Which one? ")
    screen.type("werb")
    assert "3 of 3" in screen.until("[q] quit")
    screen.press("s")
    screen.until("That was the last.")
    screen.press(ENTER)
    screen.until("Decided: 2 letters. Still waiting: 1.")
    assert screen.ended() == 0

    assert classes(waiting_office) == [("other", "filed"), ("advertising", "filed"), ("other", "review")]


def test_digits_take_the_next_likely_class(waiting_office: Office) -> None:
    """The second guess is right more often than not when the first was wrong."""
    screen = Terminal(waiting_office, "mailroom", "review")
    keys = screen.until("[/] another")
    second = keys.rpartition("[1] ")[2].partition(" ")[0]
    screen.until("[q] quit")
    screen.press("1")
    assert second in screen.until("takes it back")
    screen.until("[q] quit")
    screen.press("q")
    screen.until("Decided: 1 letter.")
    assert screen.ended() == 0

    labels = waiting_office.config.read_text(encoding="utf-8")
    decided = classes(waiting_office)[0]
    assert decided[1] == "filed"
    assert f"  {decided[0]}:\n    label: {second}" in labels


def test_the_last_decision_can_be_taken_back(waiting_office: Office) -> None:
    """A slip of the finger must not send a sick note to accounting: what was taken back was never moved or signed."""
    log = (waiting_office.vault / "audit.jsonl").read_bytes().count(b"\n")
    screen = Terminal(waiting_office, "mailroom", "review")
    screen.until("[q] quit")
    screen.press("1")
    screen.until("2 of 3")
    screen.until("[q] quit")
    screen.press("u")
    assert "1 of 3" in screen.until("[q] quit")
    screen.press("q")
    screen.until("Decided: 0 letters. Still waiting: 3.")
    assert screen.ended() == 0

    assert classes(waiting_office) == [("other", "review")] * 3
    entries = (waiting_office.vault / "audit.jsonl").read_bytes().count(b"\n") - log
    assert entries <= 5, "the list, three looks at pages and the intake book; no decision"


def test_ctrl_c_leaves_the_letter_that_was_not_carried_out_waiting(waiting_office: Office) -> None:
    """Whoever breaks off has not confirmed anything."""
    screen = Terminal(waiting_office, "mailroom", "review")
    screen.until("[q] quit")
    screen.press(ENTER)
    screen.until("2 of 3")
    screen.until("[q] quit")
    screen.press("\x03")
    screen.until("Interrupted.")
    assert screen.ended() == 130

    assert classes(waiting_office) == [("other", "review")] * 3


def test_without_a_terminal_it_lists(waiting_office: Office) -> None:
    """Scripts that read the list go on working."""
    listed = waiting_office.done("review", user="mailroom")

    assert listed.json == waiting_office.done("review", "list", user="mailroom").json
    assert len(listed.json["documents"]) == 3


def test_a_role_that_decides_nothing_is_refused(waiting_office: Office) -> None:
    """The administrator keeps the machine running and reads nobody's mail."""
    screen = Terminal(waiting_office, "administrator", "review")
    screen.until("Your role does not include")

    assert screen.ended() == 3


# The page -----------------------------------------------------------------------------------------------------


def test_the_first_page_is_drawn_in_grey(tmp_path: Path) -> None:
    """A clerk recognises a letterhead faster than a subject line."""
    for kind in ("pdf-digital", "tiff", "jpeg"):
        page = write_scan(make_letter(5, record_class="invoice", pages=1), tmp_path, "letter", kind, dpi=150)

        picture = draw_first_page(page.read_bytes(), width_px=80, height_px=60)

        assert picture is not None, kind
        assert picture.height_px == 60
        assert 40 <= picture.width_px <= 44
        assert max(picture.grey) > 220, "paper is bright"
        assert min(picture.grey) < 200, "ink is darker"
        lines = as_half_blocks(picture).splitlines()
        assert len(lines) == 30
        assert all(line.count(HALF_BLOCK) == picture.width_px for line in lines)


def test_what_is_no_page_draws_nothing() -> None:
    """A damaged or hostile file costs its picture, not the review."""
    for content in (b"", b"%PDF-1.7 nothing in it", b"II*\0" + b"\xff" * 100):
        assert draw_first_page(content, width_px=80, height_px=60) is None


def test_graphics_are_sent_only_to_terminals_that_know_them() -> None:
    """Elsewhere the escape codes would be a screen full of letters."""
    from intake.picture import Picture

    assert has_graphics({"TERM": "xterm-kitty"})
    assert not has_graphics({"TERM": "xterm-256color"})
    sent = as_graphics(Picture(width_px=100, height_px=80, grey=os.urandom(8000)), rows=20)
    pieces = sent.split("\x1b\\")[:-1]
    assert pieces[0].startswith("\x1b_Ga=T,f=24,o=z,q=2,s=100,v=80,r=20,m=1;")
    assert pieces[-1].startswith("\x1b_Gm=0;")
