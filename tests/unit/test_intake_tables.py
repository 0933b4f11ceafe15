"""The order of reading: rows of tables stay together, columns stay apart, everything else stays as it was."""

import io
import mmap
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_scans import pdf

from intake.answers import compose_text
from intake.engine import FoundWord
from intake.pool import RecognitionPool
from intake.reading import TextLayer, open_pages
from intake.reading_order import in_reading_order
from intake.settings import IntakeSettings
from intake.snapshot import Snapshot

LETTER_PX, LINE_PX = 12, 24
Placed = tuple[str, int, int]
"""Some words, where they begin, and their baseline row in lines from the top."""


def engine_words(*blocks: Sequence[Sequence[Placed]]) -> list[FoundWord]:
    """Words as an engine reports them: blocks of lines of pieces, each piece placed on the page."""
    words: list[FoundWord] = []
    line = 0
    for block, lines in enumerate(blocks):
        for pieces in lines:
            for text, left, row in pieces:
                for word in text.split():
                    right, top = left + LETTER_PX * len(word), 40 * row
                    words.append(
                        FoundWord(
                            text=word, left=left, top=top, right=right, bottom=top + LINE_PX,
                            confidence=0.95, line=line, block=block,
                        )
                    )  # fmt: skip
                    left = right + 8
            line += 1
    return words


def ends_at(text: str, right: int, row: int) -> Placed:
    """Right-aligned, as amounts are."""
    return text, right - LETTER_PX * len(text) - 8 * text.count(" ") + LETTER_PX * text.count(" "), row


def lines_of(words: Sequence[FoundWord]) -> list[str]:
    return compose_text(words).split("\n")  # type: ignore[arg-type]


ARTICLES = [[("1 Umwälzpumpe", 200, 4)], [("2 Kupferrohr", 200, 5)], [("3 Eckventil", 200, 6)]]
AMOUNTS = [[ends_at("440,64", 1400, 4)], [ends_at("1.041,52", 1400, 5)], [ends_at("9,10", 1400, 6)]]


def test_the_columns_of_a_table_become_its_rows() -> None:
    """An engine that takes columns for areas leaves nobody able to tell which price belongs to which article."""
    words = engine_words(ARTICLES, AMOUNTS)
    assert lines_of(words)[0] == "1 Umwälzpumpe"  # what the engine said: articles first, then amounts

    assert lines_of(in_reading_order(words)) == ["1 Umwälzpumpe 440,64", "2 Kupferrohr 1.041,52", "3 Eckventil 9,10"]


def test_a_table_stands_between_the_paragraphs_around_it() -> None:
    """The sum a letter asks for must not be read before the articles it is for."""
    before, after = [[("wir liefern Ihnen heute:", 200, 2)]], [[("Bitte zahlen Sie bis Freitag.", 200, 8)]]
    words = engine_words(AMOUNTS, before, ARTICLES, after)

    lines = [line for line in lines_of(in_reading_order(words)) if line]

    assert (lines[0], lines[1], lines[-1]) == (
        "wir liefern Ihnen heute:", "1 Umwälzpumpe 440,64", "Bitte zahlen Sie bis Freitag."
    )  # fmt: skip


def test_the_head_of_a_table_is_its_first_line() -> None:
    """Who reads the amounts wants to know what they are."""
    head = [[("Artikel", 200, 3)], [ends_at("Summe", 1400, 3)]]

    assert lines_of(in_reading_order(engine_words(ARTICLES, head, AMOUNTS)))[0] == "Artikel Summe"


def test_the_second_line_of_an_article_stays_below_it() -> None:
    """A name that runs over two lines belongs to its own row, not to the row below."""
    wrapped = [[("1 Umwälzpumpe", 200, 4)], [("mit Zubehör", 230, 5)], [("2 Kupferrohr", 200, 6)]]
    amounts = [[ends_at("440,64", 1400, 4)], [ends_at("1.041,52", 1400, 6)]]

    assert lines_of(in_reading_order(engine_words(wrapped, amounts))) == [
        "1 Umwälzpumpe 440,64", "mit Zubehör", "2 Kupferrohr 1.041,52"
    ]  # fmt: skip


def test_lines_of_a_frame_are_no_letters() -> None:
    """ "4|" is not a quantity, and nobody searches for a bar."""
    rows = [[("1 Pumpe", 200, 4), ("|", 900, 4), ends_at("440,64]", 1412, 4)],
            [("2 Rohr", 200, 5), ("|", 900, 5), ends_at("41,52", 1400, 5)]]  # fmt: skip

    assert lines_of(in_reading_order(engine_words(rows))) == ["1 Pumpe 440,64", "2 Rohr 41,52"]


ADDRESS = ("Holzapfel GmbH", "Am alten Markt 7", "37073 Göttingen")
INFORMATION = ("Sachbearbeitung", "Nils Petersen", "04131 75 373")


def test_an_address_and_what_stands_beside_it_are_kept_apart() -> None:
    """Whoever looks for a firm's street finds it, with nothing of the information block in between."""
    across = [[(a, 200, row), (b, 1000, row)] for row, (a, b) in enumerate(zip(ADDRESS, INFORMATION, strict=True))]
    words = engine_words(across)
    assert lines_of(words)[0] == "Holzapfel GmbH Sachbearbeitung"  # read straight across

    assert compose_text(in_reading_order(words)) == "\n".join(ADDRESS) + "\n\n" + "\n".join(INFORMATION)  # type: ignore[arg-type]


def test_names_with_their_values_are_read_across() -> None:
    """ "Kundennummer 4711" is one statement: names below each other without their values say nothing."""
    pairs = [("Kundennummer", "4711"), ("Rechnungsdatum", "3.3.2026"), ("Vorgang", "V-17")]
    words = engine_words([[(name, 200, row), (value, 700, row)] for row, (name, value) in enumerate(pairs)])

    assert lines_of(in_reading_order(words)) == [f"{name} {value}" for name, value in pairs]


def test_columns_that_the_engine_kept_apart_stay_as_they_were() -> None:
    """Two columns of small print are no table, figures in them or not."""
    left = [[("wir haften nach § 276 BGB", 200, row)] for row in range(6)]
    right = [[("und zwar bis 1.000,00 Euro je Fall", 900, row)] for row in range(6)]
    words = engine_words(left, right)

    assert in_reading_order(words) == words


def test_an_ordinary_letter_is_left_alone() -> None:
    """Most pages have neither tables nor columns: nothing may be gained there at the price of an error."""
    words = engine_words(
        [[("Schreinerei Holzapfel GmbH", 200, 1)]],
        [[("Sehr geehrte Damen und Herren,", 200, 4)], [("wir danken für 3 Aufträge im Wert von", 200, 5)],
         [("1.284,50 Euro und freuen uns auf mehr.", 200, 6)]],
        [[("Mit freundlichen Grüßen", 200, 9)]],
    )  # fmt: skip

    assert in_reading_order(words) == words


@pytest.mark.parametrize(("confidence", "kept"), [(0.4, False), (0.95, True)], ids=["dust", "a mark"])
def test_dust_is_no_word_but_a_clear_mark_is(confidence: float, kept: bool) -> None:
    """Specks that were taken for signs cut columns in two; a bullet somebody typed is part of the letter."""
    speck = FoundWord(
        text="·", left=900, top=45, right=906, bottom=51, confidence=confidence, line=9, block=3
    )  # fmt: skip
    words = [*engine_words([[("Guten Tag", 200, 1)]]), speck]

    assert ("·" in [word.text for word in in_reading_order(words)]) is kept


def test_an_empty_page_has_an_order_too() -> None:
    """Nothing read is nothing ordered, and no error."""
    assert in_reading_order([]) == []


def text_layer(data: bytes) -> TextLayer:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        page = open_pages(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), 10, 120_000_000).page(1)
    assert isinstance(page, TextLayer)
    return page


def typed(*pieces: tuple[str, int, int]) -> bytes:
    """Text at places in points from the bottom left."""
    return b" ".join(f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET".encode("cp1252") for text, x, y in pieces)


def ruled(rows: Sequence[int], columns: Sequence[int]) -> bytes:
    """The lines of a table in points."""
    across = [f"{columns[0]} {y} m {columns[-1]} {y} l S" for y in rows]
    down = [f"{x} {rows[0]} m {x} {rows[-1]} l S" for x in columns]
    return (" ".join(across + down) + " ").encode()


COLUMN_BY_COLUMN = typed(
    ("Wartung der", 65, 690), ("Heizungsanlage", 65, 678), ("Anfahrt", 65, 655),
    ("nach Aufwand", 305, 690), ("pauschal", 305, 655),
)  # fmt: skip


def test_the_lines_of_a_typed_table_hold_its_rows_together() -> None:
    """Programs write tables column by column and wrap names; only the drawn lines say what belongs together."""
    frame = ruled((705, 670, 645), (60, 300, 500))
    without = text_layer(pdf([b"0 0 m 9 9 l S " + COLUMN_BY_COLUMN]))
    assert "Wartung der Heizungsanlage nach Aufwand" not in lines_of(without.words)

    page = text_layer(pdf([frame + COLUMN_BY_COLUMN]))

    assert lines_of(page.words) == ["Wartung der Heizungsanlage nach Aufwand", "Anfahrt pauschal"]


def test_a_frame_around_a_letter_is_no_table() -> None:
    """A border around paragraphs must not make one endless line of them."""
    words = typed(*((f"Absatz {row} des Vertrags beginnt hier", 65, 690 - 14 * row) for row in range(8)))
    page = text_layer(pdf([ruled((720, 560), (60, 300, 500)) + words]))

    assert len(lines_of(page.words)) == 8


def test_a_turned_page_keeps_its_table(rotate: Callable[[bytes], bytes]) -> None:
    """Pages in landscape are stored upright with a note to turn them; rows must follow."""
    sideways = b"q 0 1 -1 0 795 0 cm " + ruled((705, 670, 645), (60, 300, 500)) + COLUMN_BY_COLUMN + b" Q"
    page = text_layer(rotate(pdf([sideways])))

    assert page.width_px > page.height_px
    assert lines_of(page.words) == ["Wartung der Heizungsanlage nach Aufwand", "Anfahrt pauschal"]


def test_words_that_run_down_the_page_keep_their_order() -> None:
    """A page stored on its side has no rows; sorting its words would make nonsense of them."""
    level = engine_words(ARTICLES, AMOUNTS)
    assert in_reading_order(level) != level
    down = [replace(word, left=word.top, right=word.bottom, top=word.left, bottom=word.right) for word in level]

    assert in_reading_order(down) == down


@pytest.fixture
def rotate() -> Callable[[bytes], bytes]:
    """A PDF whose page asks to be turned."""
    import pikepdf

    def turned(data: bytes) -> bytes:
        stream = io.BytesIO()
        with pikepdf.open(io.BytesIO(data)) as document:
            document.pages[0].Rotate = 90
            document.save(stream)
        return stream.getvalue()

    return turned


def test_a_file_that_only_one_reader_understands_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the second reader chokes on costs the order of a table, never the page."""
    import pdfplumber

    def refuses(*_: object, **__: object) -> None:
        raise RecursionError

    data = pdf([ruled((705, 670, 645), (60, 300, 500)) + COLUMN_BY_COLUMN + typed(("Summe 17,50", 65, 600))])
    whole = sorted(word.text for word in text_layer(data).words)
    monkeypatch.setattr(pdfplumber, "open", refuses)

    assert sorted(word.text for word in text_layer(data).words) == whole


def test_a_confined_worker_can_find_a_table(tmp_path: Path) -> None:
    """Workers can open no files once they have seen a letter: all that the second reader needs must be there before."""
    pool = RecognitionPool(IntakeSettings(), tmp_path)
    try:
        with Snapshot.from_bytes(
            pdf([ruled((705, 670, 645), (60, 300, 500)) + COLUMN_BY_COLUMN]), tmp_path
        ) as snapshot:
            (page,) = pool.recognise(snapshot).result(60).pages
    finally:
        pool.close()

    assert page.text == "Wartung der Heizungsanlage nach Aufwand\nAnfahrt pauschal"
