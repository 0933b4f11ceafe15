"""The letters that demo, tests and benchmarks share: what others measure with must be right itself."""

import json
import re
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.letters import (
    OFFICE_COMPANY,
    OFFICE_QUERIES,
    RECORD_CLASSES,
    Letter,
    draw_page,
    make_letter,
    office_letters,
    sample_office,
    sample_text,
    write_scan,
)
from bench.letters import half_one as one
from bench.letters import half_two as two
from bench.letters.__main__ import main
from bench.letters.numbers import german_number, spaced_iban
from bench.letters.scans import scan_page
from poststelle.german import find_dates, fold, iban_is_valid, parse_amount

FINANCE = {"invoice", "credit-note", "reminder", "tax-office", "bank", "insurance"}
HR = {"application", "sick-note", "payroll", "termination"}


def every_class(seeds: range) -> list[Letter]:
    """Letters of all classes and both halves."""
    return [
        make_letter(seed, record_class=record_class, half=half)
        for record_class in RECORD_CLASSES
        for half in (1, 2)
        for seed in seeds
    ]


def flat(letter: Letter) -> str:
    """The whole text on one line, as a search for a printed phrase needs it."""
    return " ".join(letter.text.split())


def test_the_same_seed_gives_the_same_letter_and_the_same_bytes(tmp_path: Path) -> None:
    """A benchmark that cannot be repeated on the same letters compares nothing."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        letter = make_letter(11, pages=2)
        for kind in ("pdf", "tiff", "pdf-digital"):
            write_scan(letter, tmp_path / folder, kind, kind, dpi=100, truth=True)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())

    assert len(names) == 6
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    assert make_letter(11) != make_letter(12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), record_class=st.sampled_from(RECORD_CLASSES), half=st.sampled_from((1, 2)))
def test_every_fact_of_a_letter_is_printed_in_it(seed: int, record_class: str, half: int) -> None:
    """Whoever measures extraction would otherwise be blamed for facts that no reader could find."""
    letter = make_letter(seed, record_class=record_class, half=half)
    text = flat(letter)
    dates = {when for _, _, when in find_dates(text)}

    assert letter.subject in text
    assert letter.sender.split(",")[0] in text
    assert letter.recipient in text
    assert letter.date in dates
    assert letter.due_date is None or (letter.due_date in dates and letter.due_date > letter.date)
    assert letter.reference is None or letter.reference in text
    if letter.amount is not None:
        assert german_number(Decimal(letter.amount)) in text
        assert parse_amount(german_number(Decimal(letter.amount))) == letter.amount
    if letter.iban is not None:
        assert iban_is_valid(letter.iban)
        assert spaced_iban(letter.iban) in text
    assert "{" not in text, "a blank was left unfilled"


def test_money_letters_carry_what_accounting_needs() -> None:
    """A generator that quietly dropped its amounts would make every extraction look perfect."""
    for letter in every_class(range(4)):
        if letter.record_class in ("invoice", "reminder", "payroll", "tax-office"):
            assert letter.amount
            assert letter.iban
            assert letter.due_date


def test_net_and_vat_are_the_gross_amount_and_the_rows_add_up() -> None:
    """Sums are checked by the classifiers; letters with wrong sums would teach them to accept any."""
    for seed in range(25):
        letter = make_letter(seed, record_class="invoice", half=1 + seed % 2)
        assert letter.net and letter.vat and letter.amount
        assert Decimal(letter.net) + Decimal(letter.vat) == Decimal(letter.amount)
        rows = re.findall(r"^\d+ .+ (\d+) \S+ ([\d.]+,\d\d) ([\d.]+,\d\d)$", letter.text, re.MULTILINE)
        money = [(int(count), Decimal(str(parse_amount(price))), parse_amount(total)) for count, price, total in rows]
        assert all(f"{count * price:.2f}" == total for count, price, total in money)
        assert sum(count * price for count, price, _ in money) == Decimal(letter.net)


def test_both_halves_know_every_class_and_share_no_sender_sentence_or_style() -> None:
    """A classifier trained on one half and judged on the other must not meet old acquaintances."""

    def names(half: object) -> set[str]:
        return {name for senders in half.SENDERS.values() for name in senders}  # type: ignore[attr-defined]

    def sentences(half: object) -> set[str]:
        words, extras = half.WORDINGS, half.EXTRAS  # type: ignore[attr-defined]
        assert set(words) == set(RECORD_CLASSES)
        said = [text for wording in words.values() for part in fields(wording) for text in getattr(wording, part.name)]
        said += [text for pool in extras.values() for text in pool]
        said += [*half.SMALL_PRINT, *(text for _, text in half.CLAUSES), *half.CLOSINGS]  # type: ignore[attr-defined]
        pieces = {piece for text in said for piece in re.split(r"(?<=[.!?:;])\s+", text)}
        return {piece for piece in pieces if len(piece.split()) > 2}

    assert not names(one) & names(two)
    assert len(sentences(one)) > 200
    assert not sentences(one) & sentences(two)
    assert not {*one.SURNAMES, *one.RECIPIENTS, *one.BANKS} & {*two.SURNAMES, *two.RECIPIENTS, *two.BANKS}
    assert not {style.name for style in one.STYLES} & {style.name for style in two.STYLES}


def test_rendered_letters_of_the_two_halves_share_no_line_of_text() -> None:
    """What the word lists keep apart must not come together again through code."""
    lines: dict[int, set[str]] = {1: set(), 2: set()}
    for letter in every_class(range(3)):
        lines[letter.half] |= {line for line in letter.text.splitlines() if len(line.split()) > 4}

    assert len(lines[1]) > 300
    assert not lines[1] & lines[2]


def test_letters_of_one_class_differ() -> None:
    """Twelve copies of one invoice would measure memory, not understanding."""
    for record_class in RECORD_CLASSES:
        letters = [make_letter(seed, record_class=record_class) for seed in range(12)]
        assert len({letter.sender for letter in letters}) > 1
        assert len({letter.text for letter in letters}) == 12
        assert len({letter.style for letter in letters}) > 1


@pytest.mark.parametrize("pages", [1, 2, 3, 7])
def test_a_letter_has_the_pages_and_characters_that_were_asked_for(pages: int) -> None:
    """Throughput per page means nothing on pages that are nearly empty."""
    for seed in range(8):
        letter = make_letter(seed, pages=pages, min_characters=1200, half=1 + seed % 2)
        assert len(letter.pages) == pages
        assert min(len(page.text) for page in letter.pages) >= 1200


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), half=st.sampled_from((1, 2)), pages=st.integers(1, 4))
def test_no_ink_leaves_the_paper(seed: int, half: int, pages: int) -> None:
    """Text cut off at the edge would be counted as the engine's error."""
    from bench.letters.faces import text_width
    from bench.letters.values import PAGE_HEIGHT_PT, PAGE_WIDTH_PT

    for page in make_letter(seed, half=half, pages=pages).pages:
        for run in page.runs:
            assert run.x > 10 and run.x + text_width(run.face, run.size, run.text) < PAGE_WIDTH_PT - 20, run.text
            assert run.size < run.y < PAGE_HEIGHT_PT - 20, run.text


def test_what_is_too_long_or_unknown_is_refused() -> None:
    """A bench that asks for the impossible must hear so, not get something else."""
    with pytest.raises(ValueError, match="class 'postcard'"):
        make_letter(1, record_class="postcard")
    with pytest.raises(ValueError, match="half 3"):
        make_letter(1, half=3)
    with pytest.raises(ValueError, match="cannot have 1 pages of 9000 characters"):
        make_letter(1, pages=1, min_characters=9000)


def test_a_canary_is_printed_once_and_the_year_is_kept() -> None:
    """The search for plaintext in the vault depends on the canary really being on the page."""
    letter = make_letter(4, canary="Zaunkönig4711", year=2026)

    assert flat(letter).count("Zaunkönig4711") == 1
    assert letter.date.year == 2026
    assert letter.date.month <= 6
    assert "Zaunkönig" not in make_letter(4, year=2026).text


@pytest.mark.parametrize(
    ("kind", "colour", "pages", "mode"),
    [
        ("pdf", "grey", 2, "L"), ("pdf", "bilevel", 2, "1"), ("pdf", "colour", 1, "RGB"), ("tiff", "grey", 3, "L"),
        ("tiff", "bilevel", 2, "1"), ("jpeg", "grey", 1, "L"), ("jpeg", "colour", 1, "RGB"), ("png", "grey", 1, "L"),
    ],
)  # fmt: skip
def test_a_scan_opens_with_all_its_pages_dark_on_light(
    tmp_path: Path, kind: str, colour: str, pages: int, mode: str
) -> None:
    """An inverted or cut page would be a fault of the sample, found late and far away."""
    letter = make_letter(21, pages=pages)
    path = write_scan(letter, tmp_path, "scan", kind, dpi=100, colour=colour)

    images = rendered(path) if kind == "pdf" else frames(path)

    assert len(images) == pages
    for image in images:
        pixels = np.asarray(image.convert("L"))
        assert image.width == pytest.approx(827, abs=2)
        assert np.median(pixels) > 200, "paper is light"
        assert 0.005 < (pixels < 128).mean() < 0.25, "ink is there, and is not everything"
    if kind == "pdf":
        assert not pypdfium2.PdfDocument(path)[0].get_textpage().get_text_range(), "a scan has no text layer"
    else:
        assert images[0].mode == mode


def rendered(path: Path) -> list[Image.Image]:
    """The pages of a PDF as pictures at 100 dpi."""
    return [page.render(scale=100 / 72).to_pil() for page in pypdfium2.PdfDocument(path)]


def frames(path: Path) -> list[Image.Image]:
    """The pages of an image file."""
    with Image.open(path) as image:
        images = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            images.append(image.copy())
        assert image.info["dpi"][0] == pytest.approx(100, abs=1)
    return images


def test_one_page_kinds_refuse_several_pages(tmp_path: Path) -> None:
    """A second page must not be lost in making the sample already."""
    with pytest.raises(ValueError, match="holds one page"):
        write_scan(make_letter(3, pages=2), tmp_path, "scan", "jpeg")

    assert not list(tmp_path.iterdir())


def test_born_digital_letters_give_back_their_text_with_umlauts(tmp_path: Path) -> None:
    """A PDF that shows "Überweisung" but yields boxes would make the text layer look untrustworthy."""
    letter = make_letter(5, record_class="invoice", pages=2)
    document = pypdfium2.PdfDocument(write_scan(letter, tmp_path, "bill", "pdf-digital"))
    texts = [page.get_textpage().get_text_range() for page in document]

    assert len(texts) == 2
    for text, page in zip(texts, letter.pages, strict=True):
        assert sorted(text.split()) == sorted(page.text.split())
    assert "ü" in texts[0]
    assert "€" in " ".join(texts)


def test_every_character_of_every_wording_can_be_written_in_a_digital_letter() -> None:
    """One stray character in a rarely drawn sentence would break a long run at its end."""
    for letter in every_class(range(2)):
        letter.text.encode("cp1252")


def test_a_turned_scan_is_the_same_page_lying_down() -> None:
    """Orientation tests need pages that are turned, not redrawn."""
    letter = make_letter(9)
    upright = scan_page(letter, 1, dpi=75, preset="office")

    for degrees, back in ((90, 90), (180, 180), (270, 270)):
        turned = scan_page(letter, 1, dpi=75, preset="office", rotate=degrees)
        assert turned.rotate(back, expand=True).tobytes() == upright.tobytes()


def test_presets_grow_worse_but_repeatably() -> None:
    """Figures for office and bad scans are only comparable if the pages stay what they are."""
    letter = make_letter(2)
    pages = {
        preset: np.asarray(draw_page(letter, 1, 100, preset), dtype=float) for preset in ("clean", "office", "bad")
    }
    contrast = {preset: np.percentile(page, 95) - page.min() for preset, page in pages.items()}

    assert contrast["clean"] > contrast["office"] > contrast["bad"] > 60
    assert np.array_equal(pages["bad"], np.asarray(draw_page(letter, 1, 100, "bad")))
    assert not np.array_equal(pages["bad"], np.asarray(draw_page(letter, 1, 100, "bad", seed=1)))


def test_the_truth_is_written_only_when_asked_for(tmp_path: Path) -> None:
    """An inbox with JSON beside each scan would fill quarantine."""
    letter = make_letter(6)
    write_scan(letter, tmp_path, "plain", "pdf-digital")
    assert not list(tmp_path.glob("*.json"))

    write_scan(letter, tmp_path, "told", "pdf-digital", truth=True)
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert told["class"] == letter.record_class
    assert told["pages"] == [page.text for page in letter.pages]


def test_the_demo_queries_hit_accounting_and_hr_with_different_letters() -> None:
    """The demo promises the same query, different answers: both must have one."""
    letters = [letter for _, _, _, letter in office_letters()]

    for query in OFFICE_QUERIES:
        found = {letter.record_class for letter in letters if fold(query) in fold(letter.text)}
        assert found & FINANCE
        assert found & HR
    assert {letter.recipient for letter in letters} == {OFFICE_COMPANY}
    assert {"sales", "legal"} <= {department(letter) for letter in letters}


def department(letter: Letter) -> str:
    """Which desk a class of letter lands on."""
    if letter.record_class in ("offer", "order-confirmation", "delivery-note"):
        return "sales"
    return "legal" if letter.record_class in ("contract", "legal") else "other"


def test_the_sample_office_is_a_dozen_files_of_every_kind(tmp_path: Path) -> None:
    """A newcomer should see that it is not only PDFs with one page."""
    paths = sample_office(tmp_path, preset="clean")

    assert 12 <= len(paths) <= 15
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert {path.suffix for path in paths} == {".pdf", ".tif", ".jpg", ".png"}
    assert sum(len(letter.pages) > 1 for _, _, _, letter in office_letters()) >= 4


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), half=st.sampled_from((1, 2)))
def test_a_text_letter_is_long_enough_and_its_own(seed: int, half: int) -> None:
    """Search is measured on a hundred thousand of them: short or equal ones would flatter it."""
    text = sample_text(seed, 250, half=half)

    assert len(text.split()) >= 250
    assert text == sample_text(seed, 250, half=half)
    assert text != sample_text(seed + 1, 250, half=half)


def test_the_command_writes_letters_with_their_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The one-line way to get samples should work as documented."""
    out = tmp_path / "new"
    status = main(["--count", "3", "--seed", "5", "--kind", "pdf-digital", "--class", "invoice", "--out", str(out)])

    assert status == 0
    assert capsys.readouterr().out.split() == [str(path) for path in sorted(out.glob("invoice-*.pdf"))]
    assert len(list(out.glob("invoice-*.json"))) == 3


def test_dates_lie_in_the_past_unless_a_year_is_given() -> None:
    """Letters from the future would be flagged by any mail room, and rightly."""
    dates = [make_letter(seed).date for seed in range(50)]

    assert min(dates).year >= 2021
    assert max(dates).year <= 2025
    assert max(dates) - min(dates) > timedelta(days=700)
