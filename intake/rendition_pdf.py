"""What stands on a page of a scanned PDF: where its picture lies, and which text nobody can see."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf
from pikepdf import Matrix, Name, Operator

from intake.rendition_font import compress, compressed
from intake.rendition_text import Rectangle

_PAGE = "page"
_MAX_DEPTH = 4
_COVERS = 0.9
_SAME_EDGE = 0.015
_INVISIBLE = 3
_SHOWS = frozenset(("Tj", "TJ", "'", '"'))
_PAINTS = frozenset(("f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh"))
_MOVES = frozenset(("Td", "Tm", "T*"))
_MARKS = frozenset(("BMC", "BDC", "EMC"))
_TEXT_SETTINGS = frozenset(("Tc", "Tw", "Tz", "TL", "Tf", "Tr", "Ts"))
_TURNED_INTO_STATE = "TD"
"""Moves, but sets the leading too."""


@dataclass(slots=True)
class _Block:
    """One text object, from BT to ET, of one content stream."""

    first: int
    last: int = -1
    shown: int = 0
    """When its text was drawn, counted over the page; its latest showing."""
    seen: bool = False
    """Whether any of its text is drawn visibly."""
    shows: bool = False


@dataclass(slots=True)
class _Content:
    """One content stream: the page's own, or that of a form."""

    instructions: list[Any]
    blocks: list[_Block] = field(default_factory=list)


@dataclass(slots=True)
class _State:
    matrix: Matrix
    mode: int


class PageContent:
    """A page's drawing, looked through once."""

    def __init__(self, page: pikepdf.Page) -> None:
        self._page = page
        self._box = page_box(page)
        self._contents: dict[Any, _Content] = {}
        self._order = 0
        self._covered_at = -1
        self._images: list[tuple[Matrix, bool]] = []
        self._painted = False
        self._walk(_PAGE, page.obj, page.resources, _State(Matrix(), 0), 0)

    # What is asked ----------------------------------------------------------------------------------------

    def picture_place(self) -> Rectangle:
        """Where the pixels lie that were recognised: the one picture that is the page, or else the whole page."""
        if len(self._images) == 1 and not self._painted and not self._sees_text() and "/Annots" not in self._page.obj:
            matrix, on_page = self._images[0]
            place = _bounds(matrix)
            width, height = self._box[2] - self._box[0], self._box[3] - self._box[1]
            slack = (_SAME_EDGE * width, _SAME_EDGE * height) * 2
            near = all(abs(a - b) <= s for a, b, s in zip(place, self._box, slack, strict=True))
            if on_page and near and matrix.a > 0 and matrix.d > 0:
                return place
        return self._box

    def remove_hidden_text(self, pdf: pikepdf.Pdf) -> None:
        """Take out text that is invisible or lies under the picture: else every word would be found twice.

        Only whole text objects go, so that nothing that can be seen moves.
        """
        for owner, content in self._contents.items():
            hidden = [block for block in content.blocks if block.shows and self._is_hidden(block)]
            if not hidden:
                continue
            # Where no text is left, nothing has to stay set for it, and its fonts can go.
            data = pikepdf.unparse_content_stream(list(_without(content.instructions, hidden, self._sees_text())))
            if owner == _PAGE:
                self._page.obj.Contents = compressed(pdf, data)
            else:
                pdf.get_object(owner).write(compress(data), filter=Name.FlateDecode)

    def _is_hidden(self, block: _Block) -> bool:
        return not block.seen or block.shown < self._covered_at

    def _sees_text(self) -> bool:
        blocks = [block for content in self._contents.values() for block in content.blocks]
        return any(block.shows and not self._is_hidden(block) for block in blocks)

    # How it is found --------------------------------------------------------------------------------------

    def _walk(self, owner: Any, source: Any, resources: Any, state: _State, depth: int) -> None:
        known = owner in self._contents
        if not known:
            self._contents[owner] = _Content(pikepdf.parse_content_stream(source))
        content = self._contents[owner]
        saved: list[_State] = []
        blocks = iter(content.blocks) if known else None
        block: _Block | None = None
        for index, instruction in enumerate(content.instructions):
            if isinstance(instruction, pikepdf.ContentStreamInlineImage):
                self._see_image(state.matrix, on_page=False, covers=False)
                continue
            name = str(instruction.operator)
            operands = instruction.operands
            if name == "q":
                saved.append(_State(state.matrix, state.mode))
            elif name == "Q" and saved:
                state = saved.pop()
            elif name == "cm":
                state.matrix = Matrix(*(float(value) for value in operands)) @ state.matrix
            elif name == "Tr":
                state.mode = int(operands[0])
            elif name == "BT":
                block = next(blocks, None) if blocks is not None else _Block(first=index)
                if blocks is None and block is not None:
                    content.blocks.append(block)
            elif name == "ET" and block is not None:
                block.last = index
                block = None
            elif name in _SHOWS and block is not None:
                self._order += 1
                block.shows, block.shown = True, self._order
                block.seen = block.seen or state.mode != _INVISIBLE
            elif name in _PAINTS:
                self._painted = True
            elif name == "Do":
                self._do(operands[0], resources, state, depth)

    def _do(self, name: Any, resources: Any, state: _State, depth: int) -> None:
        thing = resources.get("/XObject", {}).get(str(name))
        if thing is None:
            return
        if thing.get("/Subtype") == Name.Image:
            # A stencil or a masked picture lets what lies under it through.
            covers = not any(key in thing for key in ("/SMask", "/Mask")) and not thing.get("/ImageMask", False)
            self._see_image(state.matrix, on_page=depth == 0 and "/SMask" not in thing, covers=covers)
        elif thing.get("/Subtype") == Name.Form and depth < _MAX_DEPTH:
            own = Matrix(thing.Matrix) if "/Matrix" in thing else Matrix()
            inner = own @ state.matrix
            self._walk(thing.objgen, thing, thing.get("/Resources", resources), _State(inner, state.mode), depth + 1)

    def _see_image(self, matrix: Matrix, *, on_page: bool, covers: bool) -> None:
        self._order += 1
        self._images.append((matrix, on_page and abs(matrix.b) + abs(matrix.c) < 1e-3))
        left, bottom, right, top = self._box
        place = _bounds(matrix)
        across, up = min(place[2], right) - max(place[0], left), min(place[3], top) - max(place[1], bottom)
        if covers and across > 0 and up > 0 and across * up > _COVERS * (right - left) * (top - bottom):
            self._covered_at = self._order


def page_box(page: pikepdf.Page) -> Rectangle:
    """What a viewer shows of a page: the crop box inside the media box."""
    media, crop = _rectangle(page.mediabox), _rectangle(page.cropbox)
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    box = (left, bottom, right, top) if left < right and bottom < top else media
    if not (0 < box[2] - box[0] < 1e5 and 0 < box[3] - box[1] < 1e5):
        raise ValueError("a page without a size")
    return box


def _rectangle(array: Any) -> Rectangle:
    x1, y1, x2, y2 = (float(value) for value in array)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _bounds(matrix: Matrix) -> Rectangle:
    """The rectangle around the unit square that the matrix moves."""
    xs = sorted((matrix.e, matrix.e + matrix.a, matrix.e + matrix.c, matrix.e + matrix.a + matrix.c))
    ys = sorted((matrix.f, matrix.f + matrix.b, matrix.f + matrix.d, matrix.f + matrix.b + matrix.d))
    return xs[0], ys[0], xs[-1], ys[-1]


def _without(instructions: list[Any], hidden: list[_Block], text_left: bool) -> Iterator[Any]:
    """The instructions without these text objects; if there is other text, what they set for it stays set."""
    inside = {index: block for block in hidden for index in range(block.first, block.last + 1)}
    lasting: dict[str, Any] = {}
    marks: list[Any] = []
    for index, instruction in enumerate(instructions):
        block = inside.get(index)
        if block is None:
            yield instruction
            continue
        name = "" if isinstance(instruction, pikepdf.ContentStreamInlineImage) else str(instruction.operator)
        if name == '"':
            words, letters, _ = instruction.operands
            lasting["Tw"], lasting["Tc"] = ([words], Operator("Tw")), ([letters], Operator("Tc"))
        elif name == _TURNED_INTO_STATE:
            lasting["TL"] = ([-instruction.operands[1]], Operator("TL"))
        elif name in _MARKS:
            marks.append(instruction)
        elif name not in _SHOWS and name not in _MOVES and name not in ("BT", "ET"):
            # The last setting of each kind is what later text sees.
            lasting.pop(name, None)
            lasting[name] = instruction
        if index == block.last:
            opened = sum(1 if str(mark.operator) != "EMC" else -1 for mark in marks)
            yield from (setting for name, setting in lasting.items() if text_left or name not in _TEXT_SETTINGS)
            if opened:
                yield from marks  # they belong to something around the text
            lasting, marks = {}, []
