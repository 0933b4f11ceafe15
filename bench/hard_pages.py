"""What happens to pages in an office: stamps on them, their back shining through, lists in fixed pitch, blanks."""

from dataclasses import dataclass
from random import Random

import cv2
import numpy
from PIL import Image, ImageDraw

from bench.letters import PRESETS
from bench.letters.faces import load_face
from bench.letters.wear import Pixels, wear

A4_INCHES = (8.27, 11.69)
_SHINES_THROUGH = 0.22
"""Of the reverse's ink, on thin paper printed on both sides."""
_STAMP_INK = 0.55
_MARGIN_INCHES = 0.9


def with_reverse(page: Image.Image, reverse: Image.Image) -> Image.Image:
    """The page on thin paper, another one printed on its back."""
    front = numpy.asarray(page.convert("L"))
    behind = cv2.resize(numpy.asarray(reverse.convert("L")), front.shape[::-1], interpolation=cv2.INTER_AREA)[:, ::-1]
    soft = cv2.GaussianBlur(behind, (0, 0), 2.0).astype(numpy.float32)
    paper = float(numpy.percentile(soft, 90))
    shade = 1 - _SHINES_THROUGH * numpy.clip((paper - soft) / paper, 0, 1)
    return Image.fromarray((front * shade).astype(numpy.uint8))


def with_stamp(page: Image.Image, dpi: int, seed: int) -> Image.Image:
    """The page with the stamp of an incoming-mail desk set across it: a frame, three lines, leaning, half as dark."""
    random = Random(seed)
    width, height = round(2.1 * dpi), round(0.9 * dpi)
    stamp = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(stamp)
    draw.rectangle((4, 4, width - 5, height - 5), outline=0, width=max(2, dpi // 60))
    lines = ("EINGEGANGEN", f"{random.randint(10, 28)}. MRZ. 2026", "Erl.: ............")
    for row, line in enumerate(lines):
        at = (width // 2, (0.2 + 0.25 * row) * dpi)
        draw.text(at, line, fill=0, font=load_face("lato-bold", 0.17 * dpi), anchor="mm")
    stamp = stamp.rotate(random.uniform(-8, 8), expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    grey = numpy.array(page.convert("L"))
    top = random.randint(round(0.25 * grey.shape[0]), round(0.6 * grey.shape[0]))
    left = random.randint(round(0.1 * grey.shape[1]), grey.shape[1] - stamp.width - 1)
    spot = grey[top : top + stamp.height, left : left + stamp.width]
    ink = 1 - _STAMP_INK * (1 - numpy.asarray(stamp, dtype=numpy.float32) / 255)
    spot[:] = (spot * ink).astype(numpy.uint8)
    return Image.fromarray(grey)


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A page of a list as line printers wrote them, and what stands on it."""

    image: Image.Image
    text: str


_GOODS = ("Sechskantschraube", "Unterlegscheibe", "Kugellager", "Dichtungsring", "Flanschmutter", "Gewindestange")
_COLUMNS = ((0, 8), (8, 26), (26, 34), (34, 46), (46, 58))
"""From and to, in places of a line; numbers stand at the right end of theirs."""


def fixed_pitch_list(dpi: int, seed: int, rows: int = 38) -> List:
    """A table without any rule: every letter in a cell of its own, as in a printed list of accounts or stock."""
    random = Random(seed)
    lines: list[tuple[str, ...]] = [("Artikel", "Bezeichnung", "Menge", "Preis", "Betrag")]
    for _ in range(rows):
        pieces, cents = random.randint(1, 480), random.randint(9, 99_999)
        name = f"{random.choice(_GOODS)} M{random.randint(3, 24)}"[:17]
        lines.append((str(random.randint(100_000, 999_999)), name, str(pieces), _euros(cents), _euros(pieces * cents)))
    image = Image.new("L", (round(A4_INCHES[0] * dpi), round(A4_INCHES[1] * dpi)), 255)
    draw, face = ImageDraw.Draw(image), load_face("source", round(0.155 * dpi, 2))
    for row, cells in enumerate(lines):
        for place, (cell, (start, end)) in enumerate(zip(cells, _COLUMNS, strict=True)):
            at = start if place < 2 else end - len(cell)
            for step, letter in enumerate(cell):
                x = (_MARGIN_INCHES + (at + step + 0.5) / 10) * dpi
                draw.text((x, (1.2 + row / 4.4) * dpi), letter, fill=0, font=face, anchor="ms")
    return List(image=image, text="\n".join(" ".join(cells) for cells in lines))


def _euros(cents: int) -> str:
    whole = f"{cents // 100:,}".replace(",", ".")
    return f"{whole},{cents % 100:02}"


def worn(image: Image.Image, preset: str, dpi: int, seed: int) -> Image.Image:
    """The page as a scanner of that preset gives it."""
    look = PRESETS[preset]
    pixels: Pixels = numpy.ascontiguousarray(image.convert("L"))
    return Image.fromarray(pixels if look is None else wear(pixels, look, dpi, seed))


def blank_page(preset: str, dpi: int, seed: int, reverse: Image.Image | None = None) -> Image.Image:
    """An empty sheet under the same lamp and dust; its printed side may shine through."""
    sheet = Image.new("L", (round(A4_INCHES[0] * dpi), round(A4_INCHES[1] * dpi)), 255)
    page = worn(sheet, preset, dpi, seed)
    return page if reverse is None else with_reverse(page, reverse)


def nearly_blank_page(preset: str, dpi: int, seed: int) -> Image.Image:
    """A sheet with one short line: a page number, a greeting. It must not be taken for blank."""
    random = Random(seed)
    sheet = Image.new("L", (round(A4_INCHES[0] * dpi), round(A4_INCHES[1] * dpi)), 255)
    line = random.choice(("Seite 2", "Mit freundlichen Grüßen", "gez. Wohlers", "Anlage 3", "Summe 48,20 EUR"))
    place = (random.uniform(1, 5) * dpi, random.uniform(1, 10) * dpi)
    ImageDraw.Draw(sheet).text(place, line, fill=0, font=load_face("caladea", 0.15 * dpi))
    return worn(sheet, preset, dpi, seed)
