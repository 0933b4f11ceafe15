"""What is printed on the paper before anyone writes: letterhead, address field, information, footer, marks."""

from bench.letters.content import Draft, Half, Party, Style
from bench.letters.faces import text_width, wrap
from bench.letters.numbers import spaced_iban
from bench.letters.sheet import BLACK, LEFT, RIGHT, Cell, Sheet
from bench.letters.values import PAGE_HEIGHT_PT, PAGE_WIDTH_PT, Colour

_GREY = (90, 90, 90)
_MM = 72 / 25.4


def print_first_page(sheet: Sheet, draft: Draft, style: Style, half: Half) -> float:
    """Everything above the subject; returns the baseline where the subject may stand."""
    if draft.sender.is_person:
        return _private_head(sheet, draft, style)
    _letterhead(sheet, draft.sender, style)
    top = (27 if style.form == "A" else 45) * _MM
    _address(sheet, draft, style, top)
    body = top + 62 * _MM
    if style.info == "block":
        _info_block(sheet, draft, style, top + 16)
    elif style.info == "row":
        _info_row(sheet, draft, style, body)
        body += 28
    else:
        sheet.write(body - 12, _cell(f"{draft.sender.town}, {draft.dated}", RIGHT, style, align="right"))
        for label, value in draft.info[:1] if draft.reference else ():
            sheet.write(body, _cell(f"{label} {value}", LEFT, style))
        body += 12
    for y in (105 * _MM, 210 * _MM) if style.form == "B" else (87 * _MM, 192 * _MM):
        sheet.rule(12, y, 22, 0.4, _GREY)
    return body + 14


def print_following_page(sheet: Sheet, draft: Draft, style: Style, half: Half) -> float:
    """The short head of page two and on; returns the first baseline."""
    head = half.LABELS["page-head"].format(sender=draft.sender.name, date=draft.dated)
    sheet.write(44, _cell(head, LEFT, style, size=8.5, colour=_GREY))
    sheet.rule(LEFT, 50, RIGHT, 0.5, style.accent)
    return 78.0


def print_footer(sheet: Sheet, draft: Draft, style: Style, half: Half, number: int, total: int) -> None:
    """Page number and, for companies and offices, address, account and register."""
    if total > 1:
        page = half.LABELS["page"].format(number=number, total=total)
        sheet.write(764, _cell(page, RIGHT, style, size=8.0, align="right", colour=_GREY))
    if draft.sender.is_person or number > 1:
        return
    columns = _footer_columns(draft.sender, half)
    if style.footer == "centred":
        for row in range(3):
            text = " · ".join(column[row] for column in columns if row < len(column))
            sheet.write(785 + row * 9.5, _cell(text, PAGE_WIDTH_PT / 2, style, size=6.8, align="centre", colour=_GREY))
        return
    sheet.rule(LEFT, 773, RIGHT, 1.2 if style.footer == "ruled" else 0.4, style.accent)
    size = 6.8
    widths = [max(text_width(style.family, size, text) for text in column) for column in columns]
    gap = (RIGHT - LEFT - sum(widths)) / max(1, len(columns) - 1)
    if gap < 8:
        size *= (RIGHT - LEFT - 8 * (len(columns) - 1)) / sum(widths)
        widths, gap = [width * size / 6.8 for width in widths], 8.0
    x = LEFT
    for column, width in zip(columns, widths, strict=True):
        for row, text in enumerate(column):
            sheet.write(784 + row * 9.2, _cell(text, x, style, size=size, colour=_GREY))
        x += width + gap


def _footer_columns(sender: Party, half: Half) -> list[list[str]]:
    labels = half.LABELS
    last = [f"{labels['tax']} {sender.vat_id}", sender.register, f"{labels['manager']}: {sender.manager}"]
    if sender.kind in ("doctor", "tax-office", "authority", "law-firm", "club"):
        last = [f"{labels['tax']} {sender.vat_id}"] if sender.kind == "law-firm" else []
    columns = [
        [sender.name.split(",")[0], sender.street, f"{sender.postcode} {sender.town}"],
        [f"Telefon {sender.phone}", sender.web, f"info@{sender.web.removeprefix('www.')}"],
        [labels["held"], sender.bank, f"IBAN {spaced_iban(sender.iban)}"],
        last,
    ]
    return [column for column in columns if column]


def _cell(
    text: str,
    x: float,
    style: Style,
    *,
    size: float | None = None,
    bold: bool = False,
    align: str = "left",
    colour: Colour = BLACK,
) -> Cell:
    face = style.family + ("-bold" if bold else "")
    return Cell(text=text, x=x, face=face, size=size or style.size, align=align, colour=colour)


def _letterhead(sheet: Sheet, sender: Party, style: Style) -> None:
    name, _, trade = sender.name.partition(", ")
    size = 19.0
    while text_width(f"{style.family}-bold", size, name) > 350:
        size -= 0.5
    if style.head == "band":
        sheet.fill(0, 0, PAGE_WIDTH_PT, 56, style.accent)
        sheet.write(37, _cell(name, LEFT, style, size=size, bold=True, colour=(255, 255, 255)))
        return
    x, align = {"left": (LEFT, "left"), "stripe": (LEFT, "left"), "right": (RIGHT, "right")}.get(
        style.head, (PAGE_WIDTH_PT / 2, "centre")
    )
    if style.head == "stripe":
        sheet.fill(0, 0, 14, PAGE_HEIGHT_PT, style.accent)
    if style.head == "left":
        sheet.fill(RIGHT - 34, 26, RIGHT, 60, style.accent, round=True)
        sheet.write(49, Cell(text=name[0], x=RIGHT - 17, face=f"{style.family}-bold", size=18, align="centre",
                             colour=(255, 255, 255)), spoken=False)  # fmt: skip
    sheet.write(46, _cell(name, x, style, size=size, bold=True, align=align, colour=style.accent))
    line = trade or f"{sender.street} · {sender.postcode} {sender.town} · {sender.web}"
    sheet.write(61, _cell(line, x, style, size=8.4, align=align, colour=_GREY))
    if style.head == "centre":
        sheet.rule(LEFT, 68, RIGHT, 0.8, style.accent)


def _address(sheet: Sheet, draft: Draft, style: Style, top: float) -> None:
    sender, recipient = draft.sender, draft.recipient
    back = f"{sender.name.split(',')[0]}, {sender.street}, {sender.postcode} {sender.town}"
    size = 7.0
    while text_width(style.family, size, back) > 232:
        size -= 0.25
    sheet.write(top + 12, _cell(back, LEFT, style, size=size, colour=_GREY))
    sheet.rule(LEFT, top + 15, LEFT + 232, 0.3, _GREY)
    lines = [recipient.name, draft.department, recipient.street, f"{recipient.postcode} {recipient.town}"]
    y = top + 42
    for text in filter(None, lines):
        sheet.write(y, _cell(text, LEFT, style))
        y += style.size * 1.3


def _info_block(sheet: Sheet, draft: Draft, style: Style, top: float) -> None:
    left = 125 * _MM
    for row, (label, value) in enumerate(draft.info):
        y = top + row * 27
        sheet.write(y, _cell(label, left, style, size=7.6, colour=_GREY))
        sheet.write(y + 12, _cell(value, left, style, size=style.size - 0.4))


def _info_row(sheet: Sheet, draft: Draft, style: Style, y: float) -> None:
    step = (RIGHT - LEFT) / max(4, len(draft.info))
    places = [LEFT + place * step for place in range(len(draft.info))]
    if len(places) == 1:
        places = [RIGHT - step]
    labels, values = [], []
    for x, (label, value) in zip(places, draft.info, strict=True):
        size = style.size - 0.8
        while text_width(style.family, size, value) > step - 5:
            size -= 0.3
        labels.append(_cell(label, x, style, size=7.4, colour=_GREY))
        values.append(_cell(value, x, style, size=size))
    sheet.write(y - 4, *labels)
    sheet.write(y + 9, *values)


def _private_head(sheet: Sheet, draft: Draft, style: Style) -> float:
    """A private letter: sender above recipient, no printed paper."""
    sender, recipient = draft.sender, draft.recipient
    y = 62.0
    for text in (sender.name, sender.street, f"{sender.postcode} {sender.town}", f"Tel. {sender.phone}"):
        sheet.write(y, _cell(text, LEFT, style))
        y += style.size * 1.3
    y = 158.0
    for text in filter(None, (recipient.name, draft.department, recipient.street,
                              f"{recipient.postcode} {recipient.town}")):  # fmt: skip
        for line in wrap(style.family, style.size, text, 240):
            sheet.write(y, _cell(line, LEFT, style))
            y += style.size * 1.3
    sheet.write(y + 34, _cell(f"{sender.town}, {draft.dated}", RIGHT, style, align="right"))
    return y + 74
