"""Codes on scans: how many are found, how many are seen where there are none, and what a page costs.

One command, no arguments needed: `python bench/barcodes.py [--pages 24]`. Separator sheets, archive number stickers of
three makes and payment codes are laid on letters of the generator and scanned with it: by preset, at 300 and 200 dpi,
grey and bilevel, in all four directions. Exit status 0 if every limit is kept.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer its own modules in place of the product's.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import cv2
import numpy
import pypdfium2
import zxingcpp

from bench.letters import PRESETS, make_letter
from bench.letters.drawing import draw_clean
from bench.letters.values import Letter
from bench.letters.wear import Pixels, wear
from intake.barcodes import find_barcodes
from intake.separator_sheet import separator_sheets
from intake.stacks import SEPARATOR

PAYMENT = (
    "BCD\n002\n1\nSCT\nMARKDEF1100\nStadtwerke Musterstadt GmbH & Co. KG\nDE02120300000000202051\nEUR1284.50\n\n\n"
    "Rechnung 2026-0815 Kundennummer 448812"
)
STICKER = "ASN00123"
RESOLUTIONS = (300, 200)
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code as it is printed: the width of its narrowest bar or dot, and its height (0: as high as wide)."""

    name: str
    text: str
    format: zxingcpp.BarcodeFormat
    module_mm: float
    height_mm: float = 0.0


_FORMAT = zxingcpp.BarcodeFormat
CODES = (
    Code(name="archive number, Code 128", text=STICKER, format=_FORMAT.Code128, module_mm=0.25, height_mm=7),
    Code(name="archive number, Code 39", text=STICKER, format=_FORMAT.Code39, module_mm=0.25, height_mm=7),
    Code(name="archive number, QR", text=STICKER, format=_FORMAT.QRCode, module_mm=0.4),
    Code(name="payment code", text=PAYMENT, format=_FORMAT.QRCode, module_mm=0.5),
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the pages of one row."""

    pages: int = 0
    found: int = 0
    false: int = 0
    cpu_seconds: float = 0.0

    def look(self, page: Pixels, dpi: int, expected: str | None) -> None:
        """Search one page and count."""
        began = time.process_time()
        texts = {code.text for code in find_barcodes(page, dpi)}
        self.cpu_seconds += time.process_time() - began
        self.pages += 1
        self.found += expected in texts
        self.false += len(texts - {expected})


def main() -> int:
    """Print the table; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pages", type=int, default=24, help="pages of each row")
    wanted = parser.parse_args().pages
    cv2.setNumThreads(1)
    letters = [make_letter(seed, pages=1) for seed in range(1, wanted + 1)]
    print(f"{wanted} pages a row; letters of the generator, seeds 1–{wanted}; CPU time of this process, one thread")
    print(f"{'preset':8}{'dpi':>5} {'':9}{'what':28}{'found':>10}{'false':>7}{'ms/page':>9}")
    kept = True
    for preset in PRESETS:
        for dpi in RESOLUTIONS:
            for bilevel in (False, True):
                for name, tally in _rows(letters, preset, dpi, bilevel):
                    share = f"{tally.found}/{tally.pages}" if name != "no code" else "–"
                    ms = 1000 * tally.cpu_seconds / tally.pages
                    mode = "bilevel" if bilevel else "grey"
                    print(f"{preset:8}{dpi:5} {mode:9}{name:28}{share:>10}{tally.false:7}{ms:9.1f}", flush=True)
                    is_sheet = name == "separator sheet"
                    kept = kept and tally.false == 0 and not (is_sheet and not bilevel and tally.found < tally.pages)
    print(
        "limits: every separator sheet on grey scans found, no code seen where there is none:",
        "kept" if kept else "MISSED",
    )
    return 0 if kept else 1


def _rows(letters: Sequence[Letter], preset: str, dpi: int, bilevel: bool) -> Iterator[tuple[str, Tally]]:
    plain, sheets = Tally(), Tally()
    stuck = {code.name: Tally() for code in CODES}
    sheet = _sheet(dpi)
    for place, letter in enumerate(letters):
        page = numpy.asarray(draw_clean(letter.pages[0], dpi, grey=True))
        plain.look(_scanned(page, preset, dpi, bilevel, place), dpi, None)
        sheets.look(_scanned(sheet, preset, dpi, bilevel, place), dpi, SEPARATOR)
        for code in CODES:
            stuck[code.name].look(_scanned(_with(code, page, dpi, place), preset, dpi, bilevel, place), dpi, code.text)
    yield "no code", plain
    yield "separator sheet", sheets
    yield from stuck.items()


def _sheet(dpi: int) -> Pixels:
    drawn = pypdfium2.PdfDocument(separator_sheets(1))[0].render(scale=dpi / 72).to_pil().convert("L")
    return numpy.asarray(drawn)


def _with(code: Code, page: Pixels, dpi: int, place: int) -> Pixels:
    """The page with the code in its upper right corner, never twice at the same pixel."""
    fine = numpy.array(zxingcpp.create_barcode(code.text, code.format).to_image(scale=8))
    per_module = code.module_mm * dpi / MM_PER_INCH / 8
    height = code.height_mm * dpi / MM_PER_INCH if code.height_mm else fine.shape[0] * per_module
    size = (round(fine.shape[1] * per_module), round(height))
    small = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    stuck = page.copy()
    top, left = dpi // 4 + 7 * place % 40, page.shape[1] - size[0] - dpi // 4 - 5 * place % 40
    stuck[top : top + size[1], left : left + size[0]] = small
    return stuck


def _scanned(page: Pixels, preset: str, dpi: int, bilevel: bool, place: int) -> Pixels:
    look = PRESETS[preset]
    worn = page if look is None else wear(page, look, dpi, seed=place)
    if bilevel:
        paper = int(numpy.percentile(worn[::16, ::16], 70))
        worn = numpy.where(worn < 0.68 * paper, 0, 255).astype(numpy.uint8)
    return numpy.ascontiguousarray(numpy.rot90(worn, place % 4))


if __name__ == "__main__":
    sys.exit(main())
