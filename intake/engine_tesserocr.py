"""The engine of the default install: Tesseract in this process, models and library from wheels."""

from typing import TYPE_CHECKING, Any

import tesserocr

from intake.engine import FoundWord, missing_model, wheel_models, words_from_tsv

if TYPE_CHECKING:
    from intake.engine import Grey


class TesserocrEngine:
    """Keeps the model loaded between pages; images are handed over in memory."""

    in_process = True

    def __init__(self) -> None:
        self._api: Any = None
        self._languages: tuple[str, ...] = ()

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Load the models of these languages."""
        if self._api is not None:
            self._api.End()
        folder, installed = tesserocr.get_languages(wheel_models() or "")
        # Tesseract itself would go on without a language it does not find.
        if not set(languages) <= set(installed):
            raise missing_model(languages)
        self._api = tesserocr.PyTessBaseAPI(path=folder, lang="+".join(languages))
        self._languages = languages

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """The words in reading order, from one pass."""
        if self._languages != languages:
            self.prepare(languages)
        api = self._api
        height, width = image.shape
        api.SetPageSegMode(tesserocr.PSM.SINGLE_BLOCK if simple else tesserocr.PSM.AUTO)
        api.SetImageBytes(image.tobytes(), width, height, 1, width)
        api.SetSourceResolution(dpi)
        try:
            if not api.Recognize():
                return []
            # One table for the whole page: asking word by word costs far more.
            return words_from_tsv(api.GetTSVText(0))
        finally:
            # The engine adapts to what it read; the next letter must not depend on this one.
            api.ClearAdaptiveClassifier()
            api.Clear()
