"""A page on a terminal: with the terminal's own graphics where it has them, else in half blocks of grey."""

import base64
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intake.picture import Picture

_KITTY_PROGRAMS = ("WezTerm", "ghostty")
_CHUNK = 4096
HALF_BLOCK = "▀"


def has_graphics(environment: Mapping[str, str]) -> bool:
    """Whether the terminal says of itself that it understands the kitty graphics protocol."""
    return (
        "KITTY_WINDOW_ID" in environment
        or "kitty" in environment.get("TERM", "")
        or environment.get("TERM_PROGRAM") in _KITTY_PROGRAMS
    )


def as_half_blocks(picture: "Picture") -> str:
    """Two pixels a character: the upper one in the foreground, the lower one behind it; 24 greys of 256 colours."""
    lines = []
    for top in range(0, picture.height_px, 2):
        cells, last = [], (-1, -1)
        for column in range(picture.width_px):
            upper = _grey_of(picture, column, top)
            pair = (upper, _grey_of(picture, column, top + 1) if top + 1 < picture.height_px else upper)
            if pair != last:
                cells.append(f"\x1b[38;5;{pair[0]};48;5;{pair[1]}m")
                last = pair
            cells.append(HALF_BLOCK)
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)


def as_graphics(picture: "Picture", rows: int) -> str:
    """The kitty graphics protocol: compressed pixels in pieces, shown so many rows high."""
    colours = bytes(value for grey in picture.grey for value in (grey, grey, grey))
    data = base64.b64encode(zlib.compress(colours)).decode()
    pieces = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    head = f"a=T,f=24,o=z,q=2,s={picture.width_px},v={picture.height_px},r={rows}"
    sent = []
    for number, piece in enumerate(pieces):
        more = int(number < len(pieces) - 1)
        sent.append(f"\x1b_G{f'{head},m={more}' if number == 0 else f'm={more}'};{piece}\x1b\\")
    return "".join(sent)


def _grey_of(picture: "Picture", column: int, row: int) -> int:
    """One of the terminal's 24 greys (232 is nearly black, 255 nearly white)."""
    return 232 + picture.grey[row * picture.width_px + column] * 23 // 255
