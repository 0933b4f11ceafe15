"""Which page of a stack belongs to which letter, and that what is cut out holds its own pages and nothing else."""

import io
import itertools

import pikepdf
import pytest
from drawn_scans import encoded, letter, slip
from hypothesis import given
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name
from PIL import Image

from intake.stack_cutting import NotCuttable, cut_out
from intake.stacks import MOST_WORDS_ON_A_SHEET, StackPlan, letter_barcodes, letter_pages, plan_stack
from poststelle.records import Barcode, BarcodeFormat, PageOrigin, RecognisedPage, Word

PDF, TIFF = "application/pdf", "image/tiff"
KINDS = {
    "t": (PageOrigin.OCR, 120, False),
    "b": (PageOrigin.BLANK, 0, False),
    "u": (PageOrigin.UNREAD, 0, False),
    "s": (PageOrigin.OCR, 30, True),
    "h": (PageOrigin.OCR, MOST_WORDS_ON_A_SHEET + 1, True),
    "i": (PageOrigin.OCR, 281, True),
}
"""Text, blank, unread, separator sheet, a letter's own page on which its sender printed the code, and a sheet with
printing instructions."""
INSTRUCTIONS = "Patch code separator sheet. Print it unscaled."


def page_of(number: int, kind: str) -> RecognisedPage:
    origin, words, _ = KINDS[kind]
    word = Word(text="Wort", left=1, top=1, right=9, bottom=9, confidence=1.0, line=0)
    text = INSTRUCTIONS if kind == "i" else "Wort " * words
    return RecognisedPage(
        number=number, width_px=10, height_px=10, dpi=72, origin=origin, words=(word,) * words, text=text
    )


def code_on(page: int, text: str = "PATCHT") -> Barcode:
    return Barcode(text=text, format=BarcodeFormat.CODE_128, page=page)


def planned(kinds: str) -> StackPlan | None:
    """The plan of a stack written as one letter for each page, see KINDS."""
    pages = [page_of(number, kind) for number, kind in enumerate(kinds, 1)]
    return plan_stack(pages, [code_on(number) for number, kind in enumerate(kinds, 1) if KINDS[kind][2]])


def letters_of(kinds: str) -> list[str]:
    """The plan's letters in the same writing."""
    plan = planned(kinds)
    return [] if plan is None else ["".join(kinds[number - 1] for number in letter) for letter in plan.letters]


@pytest.mark.parametrize(
    ("stack", "letters"),
    [
        ("tst", ["t", "t"]),
        ("ttsttst", ["tt", "tt", "t"]),
        ("stst", ["t", "t"]),
        ("tsts", ["t", "t"]),
        ("tsst", ["t", "t"]),
        ("sts", ["t"]),
        ("tsbt", ["t", "t"]),
        ("tsbtb", ["t", "tb"]),
        ("tbst", ["tb", "t"]),
        ("tsbbt", ["t", "bt"]),
        ("tsut", ["t", "ut"]),
        ("titibt", ["t", "t", "t"]),
    ],
)
def test_sheets_divide_and_make_no_empty_letters(stack: str, letters: list[str]) -> None:
    """A sheet too many is what people do all day: it must not file an empty letter, nor swallow a page."""
    assert letters_of(stack) == letters


@pytest.mark.parametrize("stack", ["t", "tt", "tbt", "s", "ss", "sb", "h", "htt"])
def test_without_a_sheet_between_pages_there_is_no_stack(stack: str) -> None:
    """An ordinary letter, or sheets alone, are filed as they are."""
    assert planned(stack) is None


def test_a_letter_whose_sender_printed_the_code_keeps_its_page() -> None:
    """Whoever prints our code on page two of their letter must not make that page disappear from the archive."""
    assert letters_of("tth") == ["tt", "h"]
    assert letters_of("tsht") == ["t", "ht"]


@given(st.text(alphabet="tbushi", min_size=1, max_size=12))
def test_every_page_is_accounted_for_once(stack: str) -> None:
    """The stack itself is not kept: a page that no letter got and no list names is lost for good."""
    plan = planned(stack)
    if plan is None:
        return
    pages = [*itertools.chain(*plan.letters), *plan.separators, *plan.blanks]
    assert sorted(pages) == list(range(1, len(stack) + 1))
    assert plan.pages == len(stack)
    assert all(letter == tuple(sorted(letter)) for letter in plan.letters)
    dropped = {stack[number - 1] for number in (*plan.separators, *plan.blanks)}
    assert dropped <= {"s", "b", "i"}, "only sheets and their backs are left out"


def test_pages_and_codes_of_a_letter_count_from_one() -> None:
    """Facts name the page they stand on: page 7 of a stack is page 1 of the letter that the clerk sees."""
    pages = [page_of(number, "t") for number in range(1, 6)]
    codes = [code_on(2, "ASN1"), code_on(4, "ASN2"), code_on(5, "ASN3")]

    assert [page.number for page in letter_pages(pages, (4, 5))] == [1, 2]
    assert [(code.text, code.page) for code in letter_barcodes(codes, (4, 5))] == [("ASN2", 1), ("ASN3", 2)]


# Cutting PDF ----------------------------------------------------------------------------------------------

SECRETS = [b"eins-Fingerhut", b"zwei-Gaensebluemchen", b"drei-Huflattich"]


def crafted(**root: object) -> bytes:
    """Three pages whose producer gave all of them the same list of pictures, forms, masks and tiles."""
    with pikepdf.new() as pdf:
        things, states, tiles = Dictionary(), Dictionary(), Dictionary()
        for number, secret in enumerate(SECRETS):
            picture = pdf.make_stream(secret)
            picture.stream_dict.update(
                Dictionary(Type=Name.XObject, Subtype=Name.Image, Width=len(secret), Height=1, BitsPerComponent=8)
            )
            picture.ColorSpace = Name.DeviceGray
            form = pdf.make_stream(b"/Im%d Do %% form %s" % (number, secret))
            form.stream_dict.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9]))
            mask = pdf.make_stream(b"%% mask %s" % secret)
            mask.stream_dict.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9]))
            tile = pdf.make_stream(b"%% tile %s" % secret)
            tile.stream_dict.update(
                Dictionary(PatternType=1, PaintType=1, TilingType=1, BBox=[0, 0, 9, 9], XStep=9, YStep=9)
            )
            things[f"/Im{number}"], things[f"/Fm{number}"] = picture, form
            states[f"/Gs{number}"] = Dictionary(SMask=Dictionary(S=Name.Alpha, G=mask))
            tiles[f"/Pt{number}"] = tile
        shared = pdf.make_indirect(Dictionary(XObject=things, ExtGState=states, Pattern=tiles))
        for thing in things.values():
            if thing.Subtype == Name.Form:
                thing.Resources = shared
        for number, secret in enumerate(SECRETS):
            content = b"q /Gs%d gs /Pattern cs /Pt%d scn 0 0 9 9 re f /Fm%d Do Q %% %s" % (*[number] * 3, secret)
            page = pdf.make_indirect(
                Dictionary(
                    Type=Name.Page, MediaBox=Array([0, 0, 200, 100]), Resources=shared,
                    Contents=pdf.make_stream(content), PieceInfo=Dictionary(Notes=pikepdf.String(b" ".join(SECRETS))),
                )
            )  # fmt: skip
            pdf.pages.append(pikepdf.Page(page))
        for page in pdf.pages:
            link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], Dest=[pdf.pages[2].obj, Name.Fit])
            page.obj.Annots = Array([pdf.make_indirect(link)])
            page.obj.B = Array([pdf.make_indirect(Dictionary(P=other.obj)) for other in pdf.pages])
        pdf.docinfo["/Title"] = b" ".join(SECRETS).decode()
        pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(P=pikepdf.String(b" ".join(SECRETS)))]))
        for key, value in root.items():
            pdf.Root[f"/{key}"] = value
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return out.getvalue()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_cut_out_of_a_pdf_holds_nothing_of_the_other_letters(number: int) -> None:
    """Accounting opens its letter: the payslip that lay behind it must not be in the file, shown or not."""
    stack = crafted()
    assert all(stack.count(secret) >= 4 for secret in SECRETS), "the control: they are there to be found"

    cut = cut_out(stack, PDF, [number])

    own = SECRETS[number - 1]
    assert all((secret in cut) == (secret == own) for secret in SECRETS)
    assert cut.count(own) >= 5, "its picture, form, mask, tile and content came along"
    with pikepdf.open(io.BytesIO(cut)) as pdf:
        assert len(pdf.pages) == 1
        assert pdf.check_pdf_syntax() == []


def test_scans_are_cut_out_byte_by_byte() -> None:
    """The cut-out is the letter's original for ten years: its pictures stay as the scanner wrote them."""
    stack = encoded([slip("Rechnung"), slip("Mahnung"), slip("Angebot")], "PDF")

    with pikepdf.open(io.BytesIO(stack)) as whole, pikepdf.open(io.BytesIO(cut_out(stack, PDF, [2, 3]))) as cut:
        before = [bytes(image.read_raw_bytes()) for page in whole.pages for image in page.get_images().values()]
        after = [bytes(image.read_raw_bytes()) for page in cut.pages for image in page.get_images().values()]

    assert len(before) == 3
    assert after == before[1:]


def test_cutting_twice_gives_the_same_bytes() -> None:
    """The same stack scanned in twice is known by its letters' hashes; so it is after a crash."""
    stack = crafted()

    assert cut_out(stack, PDF, [1, 3]) == cut_out(stack, PDF, [1, 3])
    assert cut_out(stack, PDF, [1, 3]) != cut_out(stack, PDF, [1, 2])


def test_inherited_size_and_turn_stay_with_the_page() -> None:
    """A page that takes its size and turn from the tree above it must not lose them when cut out."""
    with pikepdf.open(io.BytesIO(crafted())) as pdf:
        pdf.Root.Pages.Rotate = 90
        pdf.Root.Pages.MediaBox = Array([0, 0, 300, 500])
        for page in pdf.pages:
            del page.obj.MediaBox
        out = io.BytesIO()
        pdf.save(out)

    with pikepdf.open(io.BytesIO(cut_out(out.getvalue(), PDF, [2]))) as cut:
        assert [float(x) for x in cut.pages[0].mediabox] == [0, 0, 300, 500]
        assert cut.pages[0].obj.Rotate == 90


def test_signed_forms_are_not_cut() -> None:
    """A signature covers the whole file: half of it would be a letter with a broken seal."""
    field = Dictionary(FT=Name.Sig, T=pikepdf.String("Unterschrift"))

    with pytest.raises(NotCuttable):
        cut_out(crafted(AcroForm=Dictionary(Fields=Array([field]), SigFlags=3)), PDF, [1])
    assert cut_out(crafted(AcroForm=Dictionary(Fields=Array())), PDF, [1]), "the control: an empty form is none"


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\nnonsense", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0"])
def test_damaged_files_are_refused_in_words(content: bytes) -> None:
    """Hostile mail must end in a refusal that the pipeline knows, not in a traceback that stops the mail room."""
    for media_type in (PDF, TIFF, "image/png"):
        with pytest.raises(NotCuttable):
            cut_out(content, media_type, [1])


# Cutting TIFF ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"compression": "group4"}, {"compression": "tiff_lzw"}, {"compression": "jpeg"},
                                     {"compression": "raw", "big_tiff": True}], ids=str)  # fmt: skip
def test_tiff_pages_are_cut_out_bit_by_bit(options: dict[str, object]) -> None:
    """Fax servers write TIFF: every strip is moved as it is coded, and the page keeps its size and resolution."""
    pages = [letter([text]) for text in ("Rechnung", "Mahnung", "Angebot")]
    if options["compression"] == "group4":
        pages = [page.convert("1") for page in pages]
    stack = encoded(pages, "TIFF", **options)

    cut = cut_out(stack, TIFF, [3, 1])

    with Image.open(io.BytesIO(stack)) as whole, Image.open(io.BytesIO(cut)) as part:
        assert part.n_frames == 2  # type: ignore[attr-defined]
        for place, number in enumerate((2, 0)):
            whole.seek(number)
            part.seek(place)
            assert part.tobytes() == whole.tobytes()
            assert [part.info[name] for name in ("dpi", "compression")] == [
                whole.info[name] for name in ("dpi", "compression")
            ]
            strips = [
                b"".join(data[offset : offset + size] for offset, size in zip(tags[273], tags[279], strict=True))
                for data, tags in ((stack, whole.tag_v2), (cut, part.tag_v2))  # type: ignore[attr-defined]
            ]
            assert strips[0] == strips[1]


def test_no_strip_of_another_letter_is_in_a_cut_out_tiff() -> None:
    """What accounting gets must not carry the other pages behind the end of its own."""
    stack = encoded([letter(["Rechnung"]), letter(["Gehalt"])], "TIFF", compression="tiff_lzw")
    with Image.open(io.BytesIO(stack)) as whole:
        whole.seek(1)
        tags = whole.tag_v2  # type: ignore[attr-defined]
        # The one with most in it is the one with the word: white ones look alike on every page.
        size, start = max(zip(tags[279], tags[273], strict=True))
        foreign = stack[start : start + size]

    assert foreign in stack
    assert foreign not in cut_out(stack, TIFF, [1])
    assert foreign in cut_out(stack, TIFF, [2]), "the control"


def test_a_tiff_cut_at_any_length_is_refused_or_right() -> None:
    """A stack whose end is missing must not become letters with other pages' bytes."""
    stack = encoded([slip("Rechnung"), slip("Mahnung")], "TIFF", compression="tiff_lzw")
    whole = cut_out(stack, TIFF, [1])
    refused = 0
    for length in range(0, len(stack), 97):
        try:
            assert cut_out(stack[:length], TIFF, [1]) == whole
        except NotCuttable:
            refused += 1
    assert refused > 10, "the control: most are refused"
