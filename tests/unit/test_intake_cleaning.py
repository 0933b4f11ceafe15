"""What is done to a scan before it is read: only what that scan needs."""

import numpy
import pytest
from drawn_scans import letter, slip, speckled
from PIL import Image

from intake import cleaning
from intake.engine import Engine, FoundWord
from intake.page import read_page
from intake.reading import Scan


class Onlooker:
    """An engine that reads nothing and remembers what it was shown."""

    in_process = True

    def __init__(self) -> None:
        self.shown: list[tuple[tuple[int, int], int]] = []

    def prepare(self, languages: tuple[str, ...]) -> None:
        """Needs nothing."""

    def recognise(self, image: "numpy.ndarray", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """Sees one short, confident word all over the page: nothing to turn, nothing uncovered."""
        self.shown.append((image.shape, dpi))
        height, width = image.shape
        return [FoundWord(text="Ja", left=0, top=0, right=width, bottom=height, confidence=1.0, line=0, block=0)]


def bilevel(page: Image.Image) -> Image.Image:
    return page.point(lambda value: 255 if value > 128 else 0)


def pixels(page: Image.Image) -> "numpy.ndarray":
    return numpy.array(page, dtype=numpy.uint8)


LARGE = letter(size=(2481, 3508), letter_px=54)


@pytest.mark.parametrize(("page", "dpi"), [(LARGE, 200), (bilevel(LARGE), 230)], ids=["grey", "bilevel"])
def test_a_page_is_read_at_the_resolution_its_kind_needs(page: Image.Image, dpi: int) -> None:
    """Too many pixels cost time on every page; too few cost words where a page is only black and white."""
    engine = Onlooker()
    checked: Engine = engine

    read_page(Scan(grey=pixels(page), dpi=300), checked, ("deu",), simple=False)

    ((shape, used),) = engine.shown
    assert used == dpi
    assert shape[0] == pytest.approx(3508 * dpi / 300, abs=1)


def test_a_page_is_never_enlarged() -> None:
    """A 150-dpi fax has no more to show than it has; larger it only costs more."""
    page = pixels(slip("Fax"))

    same, dpi = cleaning.shrink_to(cleaning.WORKING_DPI, page, 150)

    assert (same.shape, dpi) == (page.shape, 150)


def test_only_dust_is_taken_for_dust() -> None:
    """A filter against dust eats thin strokes: it must leave alone what is merely printed."""
    page = bilevel(letter())

    assert not cleaning.is_speckled(pixels(page))
    assert cleaning.is_speckled(pixels(speckled(page, dots=60_000)))


def test_what_was_read_is_white_for_the_second_look() -> None:
    """The second look must not find the same words again, and must see all others as they were."""
    page = numpy.zeros((100, 200), numpy.uint8)
    word = FoundWord(text="da", left=50, top=40, right=90, bottom=60, confidence=1.0, line=0, block=0)

    rest = cleaning.without_words(page, [word])

    assert (rest[40:60, 50:90] == 255).all()
    assert (rest[:30] == 0).all() and (rest[:, 100:] == 0).all()
    assert (page == 0).all()


@pytest.mark.parametrize("dust", [False, True], ids=["few components", "more than short labels can number"])
def test_letters_are_found_on_clean_and_on_dusty_paper(dust: bool) -> None:
    """Short labels are quicker, but would run over on a page full of dust and show letters where there are none."""
    page = numpy.full((1200, 1200), 255, numpy.uint8)
    for left in range(100, 1000, 100):
        page[500:530, left : left + 20] = 0
    if dust:
        page[::3, ::3] = numpy.minimum(page[::3, ::3], 60)

    boxes = cleaning.letter_boxes(page, 200)

    whole = [box for box in boxes.tolist() if box[2] >= 20 and box[3] >= 30]
    assert len(whole) == 9
    assert [round(box[0] / 100) for box in sorted(whole)] == list(range(1, 10))


def test_the_count_of_components_is_never_too_low() -> None:
    """What decides whether short labels suffice must not be fooled by shapes that join late."""
    comb = numpy.zeros((60, 200), numpy.uint8)
    comb[:, ::2], comb[-1] = 1, 1
    dots = numpy.zeros((60, 200), numpy.uint8)
    dots[::2, ::2] = 1

    assert cleaning._most_components(comb) >= 100
    assert cleaning._most_components(dots) == 30 * 100


@pytest.mark.parametrize("height", [3, 8, 1205])
def test_the_background_is_even_to_the_last_row(height: int) -> None:
    """Pages whose size is no multiple of eight have edges too: a shadow left there looks like ink."""
    shadow = numpy.tile(numpy.linspace(180, 250, 803).astype(numpy.uint8), (height, 1))

    even = cleaning.even_background(shadow)

    assert even.shape == shadow.shape
    assert int(even.min()) > 235
    assert int(shadow.min()) < 185
