"""The second engine: the system's own Tesseract, through pytesseract; for where it is preferred or no wheel exists."""

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytesseract

from intake.engine import FoundWord, missing_model, wheel_models, words_from_tsv

if TYPE_CHECKING:
    from intake.engine import Grey

_LAYOUT, _ONE_BLOCK = 3, 6


class PytesseractEngine:
    """Starts one `tesseract` for each page; its temporary files lie in the work folder, in memory."""

    in_process = False

    def __init__(self) -> None:
        try:
            pytesseract.get_tesseract_version()
        except (pytesseract.TesseractNotFoundError, subprocess.CalledProcessError, SystemExit) as err:
            # It leaves the program where it does not like the version.
            raise FileNotFoundError("tesseract") from err
        folder = wheel_models()
        self._options = "" if folder is None else f'--tessdata-dir "{folder}"'

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Look for the models of these languages."""
        if not set(languages) <= set(pytesseract.get_languages(config=self._options)):
            raise missing_model(languages)

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """The words in reading order, from one run."""
        from PIL import Image

        layout = _ONE_BLOCK if simple else _LAYOUT
        with tempfile.TemporaryDirectory(prefix="page-") as folder:
            # Uncompressed and by name: pytesseract would otherwise save the page again, as PNG.
            path = Path(folder) / "page.tif"
            Image.fromarray(image).save(path, compression=None)
            table = pytesseract.image_to_data(
                str(path), lang="+".join(languages), config=f"{self._options} --psm {layout} --dpi {dpi}"
            )
        return words_from_tsv(str(table))
