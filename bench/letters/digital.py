"""Born-digital letters: a PDF with real text in embedded fonts, as an accounting program writes it."""

from io import BytesIO
from typing import Any

from bench.letters.faces import face_path, load_face
from bench.letters.values import PAGE_HEIGHT_PT, PAGE_WIDTH_PT, Colour, Letter, PageLayout

_CODES = range(32, 256)
_EM = 1000


def digital_pdf(letter: Letter, *, rotate: int = 0) -> bytes:
    """The letter as a PDF whose text can be extracted, umlauts and euro sign included (WinAnsi)."""
    import pikepdf

    pdf = pikepdf.new()
    faces = sorted({run.face for page in letter.pages for run in page.runs})
    names = {face: f"F{number}" for number, face in enumerate(faces)}
    fonts = pikepdf.Dictionary({f"/{names[face]}": pdf.make_indirect(_font(pdf, face)) for face in faces})
    for layout in letter.pages:
        page = pdf.add_blank_page(page_size=(PAGE_WIDTH_PT, PAGE_HEIGHT_PT))
        page.obj.Resources = pikepdf.Dictionary(Font=fonts)
        page.obj.Contents = pdf.make_stream(_content(layout, names))
        if rotate:
            page.obj.Rotate = rotate
    out = BytesIO()
    pdf.save(out, deterministic_id=True, compress_streams=True)
    return out.getvalue()


def _font(pdf: Any, face: str) -> Any:
    """A simple TrueType font with the whole font file; widths as drawn."""
    import pikepdf

    path = face_path(face)
    drawn = load_face(face, _EM)
    ascent, descent = drawn.getmetrics()
    widths = [round(drawn.getlength(_character(code))) for code in _CODES]
    postscript = pikepdf.Name("/" + path.stem)
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor, FontName=postscript, Flags=32, ItalicAngle=0, StemV=90, CapHeight=700,
        Ascent=ascent, Descent=-descent, FontBBox=[-200, -descent, 1200, ascent],
        FontFile2=pdf.make_stream(path.read_bytes()),
    )  # fmt: skip
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.TrueType, BaseFont=postscript,
        Encoding=pikepdf.Name.WinAnsiEncoding, FirstChar=_CODES.start, LastChar=_CODES.stop - 1, Widths=widths,
        FontDescriptor=pdf.make_indirect(descriptor),
    )  # fmt: skip


def _character(code: int) -> str:
    return bytes([code]).decode("cp1252", errors="replace")


def _content(layout: PageLayout, names: dict[str, str]) -> bytes:
    parts: list[bytes] = []
    for area in layout.areas:
        wide, high = area.right - area.left, area.bottom - area.top
        if area.round:
            # A line of no length with round ends is a disc: shorter than four curves.
            x, y = area.left + wide / 2, PAGE_HEIGHT_PT - area.top - high / 2
            parts.append(f"1 J {wide:.2f} w {_rgb(area.colour)} RG {x:.2f} {y:.2f} m {x:.2f} {y:.2f} l S 0 J".encode())
        else:
            bottom = PAGE_HEIGHT_PT - area.bottom
            parts.append(f"{_rgb(area.colour)} rg {area.left:.2f} {bottom:.2f} {wide:.2f} {high:.2f} re f".encode())
    for stroke in layout.strokes:
        points = [f"{x:.2f} {PAGE_HEIGHT_PT - y:.2f}" for x, y in stroke.points]
        path = f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:])
        parts.append(f"{stroke.width:.2f} w {_rgb(stroke.colour)} RG {path} S".encode())
    for run in layout.runs:
        text = run.text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
        place = f"{run.x:.2f} {PAGE_HEIGHT_PT - run.y:.2f} Td"
        begin = f"BT {_rgb(run.colour)} rg /{names[run.face]} {run.size:.2f} Tf {place} ("
        parts.append(begin.encode() + text + b") Tj ET")
    return b"\n".join(parts)


def _rgb(colour: Colour) -> str:
    return " ".join(f"{channel / 255:.3f}" for channel in colour)
