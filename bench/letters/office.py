"""A morning's mail for a small company: about a dozen scans that show what the mail room can do."""

from dataclasses import dataclass
from pathlib import Path

from bench.letters.making import make_letter
from bench.letters.scans import write_scan
from bench.letters.values import Letter

OFFICE_COMPANY = "Möbelwerk Lindhorst GmbH"
OFFICE_EMPLOYEE = "Gesa Fahrenholz"
"""Named in letters to accounting and to HR."""
OFFICE_QUERIES = ("Überweisung", "Fahrenholz")
"""Each finds a letter for accounting and another one for HR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    name: str
    record_class: str
    kind: str
    pages: int = 1
    colour: str = "grey"
    must_say: tuple[str, ...] = ()


_MAIL = (
    _Sheet(name="scan-0001", record_class="invoice", kind="pdf", must_say=("Überweisung", "Fahrenholz")),
    _Sheet(name="scan-0002", record_class="payroll", kind="pdf", must_say=("Überweisung", "Fahrenholz")),
    _Sheet(name="scan-0003", record_class="reminder", kind="pdf", colour="bilevel", must_say=("Überweisung",)),
    _Sheet(name="scan-0004", record_class="sick-note", kind="jpeg", colour="colour", must_say=("Fahrenholz",)),
    _Sheet(name="scan-0005", record_class="order-confirmation", kind="tiff", pages=2),
    _Sheet(name="scan-0006", record_class="contract", kind="tiff", pages=2, colour="bilevel"),
    _Sheet(name="scan-0007", record_class="application", kind="pdf", pages=2),
    _Sheet(name="scan-0008", record_class="delivery-note", kind="jpeg"),
    _Sheet(name="rechnung-per-mail", record_class="invoice", kind="pdf-digital", pages=2),
    _Sheet(name="scan-0009", record_class="tax-office", kind="pdf"),
    _Sheet(name="scan-0010", record_class="legal", kind="pdf"),
    _Sheet(name="scan-0011", record_class="termination", kind="png", must_say=("Arbeitsverhältnis",)),
    _Sheet(name="scan-0012", record_class="advertising", kind="pdf", colour="colour"),
)


def sample_office(folder: Path, seed: int = 1, *, year: int = 2026, preset: str = "office") -> list[Path]:
    """Write the mail of one morning to OFFICE_COMPANY; letters are dated in the first half of `year`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        write_scan(letter, folder, name, kind, preset=preset, colour=colour)
        for name, kind, colour, letter in office_letters(seed, year=year)
    ]


def old_mail(folder: Path, seed: int = 1, *, preset: str = "office") -> list[Path]:
    """Two sheets from the back of a cupboard: a voucher of 2014 and a letter of 2018."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (("voucher-2014", "invoice", 2014), ("letter-2018", "offer", 2018))
    return [
        write_scan(
            make_letter(seed * 100 + year, record_class=record_class, pages=1, year=year, recipient=OFFICE_COMPANY),
            folder, name, "pdf", preset=preset,
        )
        for name, record_class, year in wanted
    ]  # fmt: skip


def office_letters(seed: int = 1, *, year: int = 2026) -> list[tuple[str, str, str, Letter]]:
    """The same mail before it is scanned: file name without suffix, kind, colour mode, letter."""
    return [
        (sheet.name, sheet.kind, sheet.colour, _find(sheet, seed * 1000 + place * 50, year))
        for place, sheet in enumerate(_MAIL)
    ]


def _find(sheet: _Sheet, start: int, year: int) -> Letter:
    """The first letter from a seed on that says what the demo relies on."""
    for seed in range(start, start + 400):
        letter = make_letter(
            seed, record_class=sheet.record_class, pages=sheet.pages, year=year, recipient=OFFICE_COMPANY,
            employee=OFFICE_EMPLOYEE,
        )  # fmt: skip
        if all(word in letter.text for word in sheet.must_say):
            return letter
    raise ValueError(f"no {sheet.record_class} says {sheet.must_say} from seed {start} on")
