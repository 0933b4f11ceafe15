"""The faces letters are set in, from font wheels only, and how wide a word is in each."""

from functools import cache
from pathlib import Path

from PIL import ImageFont

_MEASURE_PX = 200
_FAMILIES: dict[str, tuple[str, str, str]] = {
    "lato": ("font_lato", "Lato-Regular.ttf", "Lato-Bold.ttf"),
    "caladea": ("font_caladea", "Caladea-Regular.ttf", "Caladea-Bold.ttf"),
    "source": ("font_source_sans_pro", "SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf"),
}


def face_path(face: str) -> Path:
    """The font file of a face such as "lato" or "lato-bold".

    Raises:
        ModuleNotFoundError: the fonts are not installed; they are the `letters` extra.
    """
    from importlib import import_module

    family, _, weight = face.partition("-")
    package, regular, bold = _FAMILIES[family]
    try:
        folder = Path(str(import_module(package).__file__)).parent / "files"
    except ModuleNotFoundError as err:
        raise ModuleNotFoundError(
            f"The font package {package} is missing. Install it with: pip install 'poststelle[letters]'"
        ) from err
    return folder / (bold if weight == "bold" else regular)


@cache
def load_face(face: str, size_px: float) -> ImageFont.FreeTypeFont:
    """A face at a size, with basic layout: the same pixels whatever shaping library is installed."""
    return ImageFont.truetype(str(face_path(face)), size_px, layout_engine=ImageFont.Layout.BASIC)


@cache
def _width(face: str, word: str) -> float:
    return load_face(face, _MEASURE_PX).getlength(word) / _MEASURE_PX


def text_width(face: str, size: float, text: str) -> float:
    """Width of a line in points; words are measured once and remembered."""
    space = _width(face, " ")
    words = text.split(" ")
    return size * (sum(_width(face, word) for word in words) + space * (len(words) - 1))


def wrap(face: str, size: float, text: str, width: float) -> list[str]:
    """Break a text into lines no wider than `width` points; a longer word stands alone."""
    space = _width(face, " ") * size
    lines: list[str] = []
    line: list[str] = []
    used = 0.0
    for word in text.split():
        needed = _width(face, word) * size
        if line and used + space + needed > width:
            lines.append(" ".join(line))
            line, used = [], 0.0
        used += needed + (space if line else 0.0)
        line.append(word)
    if line:
        lines.append(" ".join(line))
    return lines
