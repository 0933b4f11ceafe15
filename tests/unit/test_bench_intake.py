"""The intake benchmark: a wrong yardstick would sell a slow or careless reader as a good one."""

import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from bench.intake import LEAST_CHARACTERS, Limit, Reading, main, make_stack, page_texts, show_limits
from bench.measuring import Measured, TextQuality, judge, match_letters, measure, tree_memory_bytes


def test_text_quality_counts_errors_and_forgives_only_spacing_and_order() -> None:
    """Line breaks are no errors; a wrong digit and a missing page are."""
    perfect = judge([["Rechnung\n  Nr. 17"]], [["Rechnung Nr. 17"]])
    wrong = judge([["Rechnung Nr. 18"]], [["Rechnung Nr. 17"]])
    half = judge([["eins zwei"]], [["eins zwei", "drei vier"]])
    turned = judge([["zwei eins"]], [["eins zwei"]])

    assert perfect == TextQuality(character_errors=0.0, word_recall=1.0)
    assert wrong.character_errors == pytest.approx(1 / 15)
    assert wrong.word_recall == pytest.approx(2 / 3)
    assert half.character_errors == pytest.approx(0.5)
    assert turned.word_recall == 1.0
    assert turned.character_errors


def test_a_word_read_once_does_not_count_twice() -> None:
    """Otherwise a reader that drops every second line of a table would not be found out."""
    assert judge([["Stück"]], [["Stück Stück"]]).word_recall == 0.5


def test_letters_are_matched_to_their_truth_whatever_their_order() -> None:
    """The product lists letters in its own order; comparing strangers would show errors that are none."""
    truths = [["Rechnung Ahrens"], ["Mahnung Brandt"], ["Angebot Cordes"]]

    assert match_letters([["Angebot Cordes"], ["Rechnung Ahrens"]], truths) == [
        ["Rechnung Ahrens"],
        ["Angebot Cordes"],
        (),
    ]


def test_cpu_time_includes_grandchildren_and_the_status_is_the_worst(tmp_path: Path) -> None:
    """Work handed to worker processes is work all the same."""
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}]); print('done')"
    measured = measure([sys.executable, "-c", nested], [sys.executable, "-c", "raise SystemExit(3)"], folder=tmp_path)

    assert measured.cpu_s >= 0.3
    assert measured.wall_s > 0
    assert measured.status == 3
    assert measured.output == "done\n"


def test_memory_counts_the_whole_process_tree() -> None:
    """Idle workers would otherwise hide behind a small parent."""
    child = "x = b'1' * 60_000_000; print('ready', flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        held = tree_memory_bytes(process.pid)
        process.communicate("\n")

    assert 60_000_000 < held < 200_000_000


def test_both_readers_get_the_same_pixels_on_pages_that_are_full(tmp_path: Path) -> None:
    """The comparison is fair only if the PDF holds exactly the image that the command line reads."""
    stack = make_stack(tmp_path / "stack", 2)

    assert len(stack.images) >= 2
    assert all(len(page) >= LEAST_CHARACTERS for letter in stack.truths for page in letter)
    assert sum(len(pypdfium2.PdfDocument(path)) for path in stack.files) == len(stack.images)
    assert stack.images[0].read_bytes() in stack.files[0].read_bytes()
    with Image.open(stack.images[0]) as image:
        assert image.size == (2480, 3508)


@pytest.mark.parametrize(
    "shown",
    [
        {"document": {"pages": [{"text": "eins"}, {"text": "zwei"}]}},
        {"document": {"pages": ["eins", "zwei"]}},
        {"document": {"text": "eins\fzwei"}},
        {"text": "eins\fzwei"},
    ],
)
def test_page_texts_are_found_in_what_show_prints(shown: dict[str, object]) -> None:
    """Pages that were read must not count as missing because of where JSON holds them."""
    assert page_texts(shown) == ["eins", "zwei"]


def test_a_missed_limit_is_said_and_makes_the_run_fail(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure just at the limit: "under 150" is missed at 150, "at least 1" is kept at 1."""
    assert not show_limits([Limit(name="idle watch", figure=150, limit=150)])
    assert "MISSED" in capsys.readouterr().out
    assert show_limits([Limit(name="ratio", figure=1.0, limit=1.0, at_least=True)])
    assert "MISSED" not in capsys.readouterr().out


def test_pages_per_minute_are_pages_over_wall_time() -> None:
    """The headline figure, once by hand."""
    cost = Measured(wall_s=30.0, cpu_s=50.0, status=0, output="")
    quality = TextQuality(character_errors=0.0, word_recall=1.0)

    assert Reading(name="x", pages=40, cost=cost, quality=quality).pages_per_minute == 80


def test_without_the_tesseract_command_the_bench_says_so_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comparison that silently did not happen would read as a success."""
    monkeypatch.setenv("PATH", "")

    assert main(["--only-tesseract", "--pages", "1"]) == 1
    said = capsys.readouterr().err
    assert "DID NOT RUN" in said
    assert "apt-get install tesseract-ocr" in said
