"""A stack scanned at once is as many letters as lay between its separator sheets: each filed alone, none twice."""

import io
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from drawn_scans import encoded, letter
from PIL import Image
from simulators import Office, environment_of, recover

from archive.transfer import KIND, TransferNote
from bench.letters import OFFICE_COMPANY, make_letter, write_scan
from intake.separator_sheet import separator_sheets
from poststelle.durable import Disk
from poststelle.verbs.taking_in import intake
from poststelle.wiring import open_service

PAYMENT = "BCD\n002\n1\nSCT\n\nSchreinerei Holzapfel GmbH\nDE02120300000000202051\nEUR1284.5\n\n\n2026-0815"
Drop = Callable[..., Path]
WORDS = {"invoice": "Quarzsandfilter", "payroll": "Moorbirkenhain", "reminder": "Heidelbeerkraut"}
"""A word of each letter of the stack that stands nowhere else."""
STACK = "stapel.pdf"


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Letters that need no recognition, by class: two of accounting's, one of HR's."""
    folder = tmp_path_factory.mktemp("mail")
    return {
        code: write_scan(
            make_letter(seed, record_class=code, pages=1, year=2026, canary=word, recipient=OFFICE_COMPANY),
            folder, code, "pdf-digital",
        ).read_bytes()
        for seed, (code, word) in enumerate(WORDS.items(), 3)
    }  # fmt: skip


@pytest.fixture
def drop(office: Office) -> Drop:
    """Put several PDFs, one behind the other, as one file into the inbox; with attachments if there are any."""

    def together(documents: Sequence[bytes], attachments: dict[str, bytes] | None = None) -> Path:
        with pikepdf.new() as stack:
            for document in documents:
                stack.pages.extend(pikepdf.open(io.BytesIO(document)).pages)
            for name, content in (attachments or {}).items():
                stack.attachments[name] = content
            stack.save(office.root / STACK)
        office.drop(office.root / STACK)
        return office.root / STACK

    return together


def between_sheets(mail: dict[str, bytes]) -> list[bytes]:
    """A sheet first, two together, one last: what people do."""
    sheet = separator_sheets(1)
    first, second, third = mail.values()
    return [sheet, first, sheet, sheet, second, sheet, third, sheet]


def notes_of(office: Office) -> list[TransferNote]:
    """The transfer notes of the vault, each checked, as the service reads them."""
    with open_service(environment_of(office)) as session:
        lines = session.ledger.lines_of(KIND, "stack")
        stacks = [str(_body(line)["stack"]) for line in lines]
        return [note for stack in stacks if (note := session.transfers().note_of(stack)) is not None]


def _body(line: bytes) -> dict[str, object]:
    """The body of a signed line."""
    body: dict[str, object] = json.loads(line)["body"]
    return body


def found(office: Office, user: str, word: str) -> int:
    """How many letters a person finds."""
    total: int = office.done("search", word, user=user).json["total"]
    return total


def test_each_letter_of_a_stack_is_filed_alone(
    office: Office, mail: dict[str, bytes], drop: Drop, tmp_path: Path
) -> None:
    """The payroll clerk's letter lay between two invoices: accounting must get theirs, and nothing of it."""
    drop(between_sheets(mail))

    documents = office.done("intake", user="owner").json["documents"]

    assert [(d["class"], d["pages"], d["status"]) for d in documents] == [(code, 1, "filed") for code in WORDS]
    assert office.waiting() == []
    for code, word in WORDS.items():
        assert found(office, "hr", word) == (code == "payroll"), word
        assert found(office, "accounting", word) == (code != "payroll"), word
    verified = office.done("verify", "--read-data", user="owner").json
    assert (verified["letters"], verified["problems"]) == (3, [])
    for document, code in zip(documents, WORDS, strict=True):
        target = tmp_path / f"{code}.pdf"
        target.write_bytes(recover(office, "original", document["id"]).out)
        pages = pypdfium2.PdfDocument(target)
        text = "".join(page.get_textpage().get_text_range() for page in pages)
        assert [word in text for word in WORDS.values()] == [code == other for other in WORDS]


def test_the_transfer_note_accounts_for_every_page(office: Office, mail: dict[str, bytes], drop: Drop) -> None:
    """The bytes of the stack are gone: an auditor must be told where each page went, signed, and which were sheets."""
    drop(between_sheets(mail))
    documents = office.done("intake", user="owner").json["documents"]

    (note,) = notes_of(office)

    assert [(letter.document_id, letter.pages) for letter in note.letters] == [
        (document["id"], (page,)) for document, page in zip(documents, (2, 5, 7), strict=True)
    ]
    assert (note.separators, note.blanks, note.pages) == ((1, 3, 4, 6, 8), (), 8)
    with open_service(environment_of(office)) as session:
        kinds = [line["kind"] for _, line in session.audit.lines()]
    assert kinds.count("stack-cut") == 1
    assert kinds.index("stack-cut") < kinds.index("filed"), "what is to be done is written down first"


ARROWS = [
    "claimed", "recognised", "noted", "classified", "parts:2", "wraps:2", "committed", "committed:2", "read-back:2",
    "committed:3", "read-back:3", "removed",
]  # fmt: skip


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_crash_between_two_letters_of_a_stack_loses_and_doubles_none(
    arrow: str, office: Office, mail: dict[str, bytes], drop: Drop
) -> None:
    """The power fails at the second of three letters: three must be there afterwards."""
    drop(between_sheets(mail))

    killed = office.drill(f"kill:{arrow}", "intake")
    if arrow == "recognised":
        assert killed.status == 0, "the control: a stack as such is never filed, so that arrow is not passed"
    else:
        assert killed.status == -signal.SIGKILL, f"the control: {arrow} is passed\n{killed.err}"
    office.done("intake")

    verified = office.done("verify").json
    assert (verified["letters"], verified["problems"]) == (3, [])
    assert [found(office, "owner", word) for word in WORDS.values()] == [1, 1, 1]
    assert len(notes_of(office)) == 1
    assert office.waiting() == []


def test_a_stack_that_was_interrupted_is_finished_by_the_next_start(
    office: Office, mail: dict[str, bytes], drop: Drop
) -> None:
    """Ctrl-C between two letters: handed back to the inbox, the stack would be taken in anew, with new numbers."""

    class InterruptingDisk(Disk):
        commits = 0

        def reached(self, arrow: str) -> None:
            self.commits += arrow == "committed"
            if arrow == "committed" and self.commits == 2:
                raise KeyboardInterrupt

    drop(between_sheets(mail))
    environment = environment_of(office, InterruptingDisk())

    # Hardening cannot be undone and would reach the tests that follow.
    with (
        patch("poststelle.verbs.taking_in.harden_process", lambda: None),
        pytest.raises(KeyboardInterrupt),
        intake(environment, [], move=False, received_on=None, on_progress=lambda progress: None) as run,
    ):
        list(run.outcomes)

    assert [Path(name).parts[1] for name in office.waiting()] == ["claimed"]
    office.done("intake")
    assert [found(office, "owner", word) for word in WORDS.values()] == [1, 1, 1]
    verified = office.done("verify").json
    assert (verified["letters"], verified["problems"]) == (3, [])


def test_a_stack_that_was_written_over_after_a_crash_is_a_new_drop(
    office: Office, mail: dict[str, bytes], drop: Drop
) -> None:
    """A scanner that re-uses the name puts a new letter where old ones were half filed: it must be filed too."""
    drop(between_sheets(mail))
    assert office.drill("kill:committed:2", "intake").status == -signal.SIGKILL
    (claimed,) = (office.inbox / ".poststelle" / "claimed").rglob(STACK)
    claimed.write_bytes(mail["reminder"])

    office.done("intake")
    office.done("intake")

    assert found(office, "accounting", WORDS["reminder"]) == 1
    assert office.waiting() == []
    assert office.done("verify").json["problems"] == []


def test_the_same_stack_again_is_the_same_letters_again(office: Office, mail: dict[str, bytes], drop: Drop) -> None:
    """Somebody scans a stack twice: accounting must see that each letter is a second copy, not pay it twice."""
    for statuses in (["filed"] * 3, ["duplicate"] * 3):
        drop(between_sheets(mail))
        documents = office.done("intake", user="owner").json["documents"]
        assert [document["status"] for document in documents] == statuses


def test_a_file_with_attachments_stays_whole(office: Office, mail: dict[str, bytes], drop: Drop) -> None:
    """Half an e-invoice is none: its XML belongs to all of its pages, whatever is printed on them."""
    path = drop(between_sheets(mail), {"anlage.csv": b"Position;Betrag\n1;12,00\n"})

    (document,) = office.done("intake", user="owner").json["documents"]

    assert (document["status"], document["pages"]) == ("review", 8)
    assert any("separator sheets" in str(reason) for reason in document["reasons"]), document["reasons"]
    assert recover(office, "original", document["id"]).out == path.read_bytes()
    assert notes_of(office) == []


def test_a_scanned_stack_of_black_and_white_pages(office: Office, tmp_path: Path) -> None:
    """Fax and office scanners write bilevel TIFFs: the pages of each letter must come out bit by bit as they were."""
    sheet = pypdfium2.PdfDocument(separator_sheets(1))[0].render(scale=200 / 72).to_pil().convert("L")
    lines = [["Rechnung Nummer 4711", "Quarzsandfilter liefern wir gern"], ["Mahnung", "Heidelbeerkraut fehlt noch"]]
    pages = [letter(lines[0]), sheet, Image.new("L", sheet.size, 255), letter(lines[1])]
    pages = [page.resize(pages[0].size).convert("1") for page in pages]
    path = tmp_path / "stapel.tif"
    path.write_bytes(encoded(pages, "TIFF", compression="group4"))
    office.drop(path)

    documents = office.done("intake", user="owner").json["documents"]

    assert [document["pages"] for document in documents] == [1, 1]
    for document, page in zip(documents, (pages[0], pages[3]), strict=True):
        with Image.open(io.BytesIO(recover(office, "original", document["id"]).out)) as cut_out:
            assert (cut_out.n_frames, cut_out.info["compression"]) == (1, "group4")  # type: ignore[attr-defined]
            assert cut_out.tobytes() == page.tobytes()
    (note,) = notes_of(office)
    assert (note.separators, note.blanks) == ((2,), (3,)), "the back of the sheet is nobody's page"
    searched = office.done("search", "Heidelbeerkraut", user="owner").json["hits"]
    assert [hit["id"] for hit in searched] == [documents[1]["id"]]


def test_the_printed_sheets_are_what_splits(office: Office, tmp_path: Path) -> None:
    """The mail room prints the sheets with the program: what comes out of the printer must be found again."""
    target = tmp_path / "sheets.pdf"
    ran = office.done("separators", "--count", "3", "-o", target)

    assert ran.json == {"file": str(target), "sheets": 3, "size_bytes": target.stat().st_size}
    assert target.read_bytes() == separator_sheets(3)
    assert office.run("separators", "-o", target).status == 2, "an existing file is never replaced"
    office.drop(target)
    (document,) = office.done("intake", user="owner").json["documents"]
    assert document["pages"] == 3, "sheets alone are no stack: they are filed, for somebody to look at"


def test_payment_code_and_archive_number_of_a_scan_are_facts_of_its_letter(office: Office, tmp_path: Path) -> None:
    """Accounting pays by what the code says, and finds the paper by the number that was stuck on it."""
    invoice = letter()
    for text, kind, place in (
        (PAYMENT, zxingcpp.BarcodeFormat.QRCode, (200, 1500)),
        ("ASN00042", zxingcpp.BarcodeFormat.Code128, (900, 60)),
    ):
        code = Image.fromarray(numpy.array(zxingcpp.create_barcode(text, kind).to_image(scale=4)))
        invoice.paste(code, place)
    sheet = pypdfium2.PdfDocument(separator_sheets(1))[0].render(scale=200 / 72).to_pil().convert("L")
    path = tmp_path / STACK
    path.write_bytes(encoded([letter(["Angebot", "Kupferkannenstiel"]), sheet.resize(invoice.size), invoice], "PDF"))
    office.drop(path)

    documents = office.done("intake", user="owner").json["documents"]

    facts = office.done("show", documents[1]["id"], user="owner").json["document"]["facts"]
    stated = {"iban": "DE02120300000000202051", "amount": "1284.50", "payee": "Schreinerei Holzapfel GmbH"}
    for name, value in (stated | {"archive_number": "42", "currency": "EUR", "remittance": "2026-0815"}).items():
        assert (facts[name]["value"], facts[name]["confidence"], facts[name]["page"]) == (value, 1.0, 1), name
    assert "archive_number" not in documents[0]["facts"], "the other letter has no sticker"
    text = json.loads(recover(office, "text", documents[1]["id"]).out)
    assert sorted(text["barcodes"]) == sorted([[PAYMENT, "qr", 1], ["ASN00042", "code-128", 1]])
    assert "barcodes" not in json.loads(recover(office, "text", documents[0]["id"]).out)
