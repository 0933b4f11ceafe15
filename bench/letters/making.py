"""A letter from a seed: composed, laid out in a house style, and grown until it is as long as asked."""

from dataclasses import replace
from random import Random

from PIL import Image

from bench.letters.compose import Order, compose, half_of
from bench.letters.content import Draft
from bench.letters.drawing import draw_clean
from bench.letters.layout import lay_out
from bench.letters.numbers import german_number, spaced_iban
from bench.letters.values import Letter, PageLayout
from bench.letters.wear import PRESETS, wear

_LEAST_ON_A_PAGE = 240
"""A following page with less than this looks like a mistake."""
_MOST_TRIES = 400
_SMALLEST_TYPE = 9.0
_LISTING = ("invoice", "offer", "order-confirmation", "delivery-note", "bank")
_TERMS = ("invoice", "offer", "order-confirmation", "contract")


def make_letter(
    seed: int,
    *,
    record_class: str | None = None,
    half: int = 1,
    pages: int | None = None,
    min_characters: int = 0,
    year: int | None = None,
    canary: str | None = None,
    recipient: str | None = None,
    employee: str | None = None,
) -> Letter:
    """Make the letter of a seed; the same arguments always give the same letter.

    Args:
        record_class: one of RECORD_CLASSES; None draws one from the seed.
        half: 1 or 2: senders, sentences and house styles of one half never occur in the other.
        pages: exactly so many; None leaves it to the text.
        min_characters: every page carries at least so many, line ends included.
        year: the letter is of the first half of that year; None draws a day from 2021 to 2025.
        canary: a word to print in the letter, to be looked for afterwards.
        recipient: name of the company; None draws one.
        employee: first name and surname of the person of the company whom the letter names; None draws one.

    Raises:
        ValueError: unknown class or half, or no letter of that length fits.
    """
    order = Order(
        seed=seed,
        half=half,
        record_class=record_class,
        year=year,
        canary=canary,
        recipient=recipient,
        employee=employee,
    )
    order = _first_try(order, pages)
    words = half_of(half)
    style = Random(f"style {half} {seed}").choice(words.STYLES)
    for tries in range(_MOST_TRIES):
        draft = compose(order)
        sheets = lay_out(draft, style, words)
        if _fits(sheets, pages, min_characters):
            return _letter(order, style.name, draft, sheets)
        too_long = pages is not None and len(sheets) > pages
        if too_long and (shorter := _shorter(order, first=tries == 0)) is None:
            if style.size - 0.4 < _SMALLEST_TYPE:
                break
            # What people do when a letter runs over by two lines.
            style, order = replace(style, size=style.size - 0.4), replace(order, extras=0)
        elif too_long and shorter is not None:
            order = shorter
        else:
            missing = 0 if pages is None else pages - len(sheets)
            order = replace(order, extras=order.extras + (missing * 5 if missing > 1 else 1))
    raise ValueError(
        f"letter {seed} of class {order.record_class} cannot have {pages} pages of {min_characters} characters"
    )


def _first_try(order: Order, pages: int | None) -> Order:
    """The class settled, and as much goods and terms as a letter of so many pages may have."""
    record_class = compose(order).record_class
    random = Random(f"length {order.half} {order.seed}")
    order = replace(order, record_class=record_class, extras=random.choice((0, 0, 1, 2)))
    if pages is None or pages == 1:
        return order
    terms = record_class in _TERMS and (pages > 2 or record_class == "contract") and random.random() < 0.6
    return replace(order, small_print=terms, items=10 * (pages - 1) if record_class in _LISTING else 0)


def _shorter(order: Order, *, first: bool) -> Order | None:
    """The order with less of what can be spared, or None if nothing can."""
    if order.items:
        return replace(order, items=order.items - 2, extras=0)
    if order.extras and first:
        return replace(order, extras=0)
    if order.record_class == "contract" and order.clauses > 2:
        return replace(order, clauses=order.clauses - 1, extras=0)
    return None


def _fits(sheets: tuple[PageLayout, ...], pages: int | None, min_characters: int) -> bool:
    least = max(min_characters, _LEAST_ON_A_PAGE if len(sheets) > 1 else 0)
    return (pages is None or len(sheets) == pages) and all(len(sheet.text) >= least for sheet in sheets)


def _letter(order: Order, style: str, draft: Draft, sheets: tuple[PageLayout, ...]) -> Letter:
    """Keep only those facts that are really printed somewhere."""
    text = " ".join(" ".join(sheet.text.split()) for sheet in sheets)
    words = half_of(order.half)

    def printed(piece: str) -> bool:
        return piece in text

    amount = draft.amount if draft.amount and printed(_german(draft.amount)) else None
    dues = [words.written_date(draft.due_date, manner) for manner in (0, 1)] if draft.due_date else []
    return Letter(
        seed=order.seed,
        half=order.half,
        style=style,
        record_class=draft.record_class,
        sender=draft.sender.name,
        recipient=draft.recipient.name,
        subject=draft.subject,
        date=draft.date,
        reference=draft.reference if draft.reference and printed(draft.reference) else None,
        amount=amount,
        net=draft.net,
        vat=draft.vat,
        iban=draft.iban if draft.iban and printed(spaced_iban(draft.iban)) else None,
        due_date=draft.due_date if any(printed(due) for due in dues) else None,
        pages=sheets,
    )


def _german(amount: str) -> str:
    from decimal import Decimal

    return german_number(Decimal(amount))


def draw_page(
    letter: Letter, page: int, dpi: int = 300, preset: str = "clean", grey: bool = True, seed: int = 0
) -> Image.Image:
    """Draw one page (1-based) as a scanner would deliver it.

    Args:
        preset: "clean", "office" (slight skew, noise, greyish paper, faint shadow) or "bad" (more of
            everything, uneven light, blur, low contrast, specks, ink shining through).
        grey: mode "L"; otherwise "RGB" in the letter's colours.
        seed: of the wear, together with the letter's own.
    """
    import numpy as np

    image = draw_clean(letter.pages[page - 1], dpi, grey=grey)
    look = PRESETS[preset]
    if look is None:
        return image
    worn = wear(np.asarray(image), look, dpi, seed=(letter.seed * 1009 + page * 31 + seed) % 2**32)
    return Image.fromarray(worn)
