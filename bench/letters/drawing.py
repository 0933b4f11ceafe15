"""Ink on paper: a page layout drawn as an image, clean, before any scanner has seen it."""

from PIL import Image, ImageDraw

from bench.letters.faces import load_face
from bench.letters.values import PAGE_HEIGHT_PT, PAGE_WIDTH_PT, Colour, PageLayout


def draw_clean(layout: PageLayout, dpi: int, *, grey: bool) -> Image.Image:
    """The page at a resolution, black on white, in mode "L" or "RGB"."""
    scale = dpi / 72
    mode = "L" if grey else "RGB"
    image = Image.new(mode, (round(PAGE_WIDTH_PT * scale), round(PAGE_HEIGHT_PT * scale)), _ink((255, 255, 255), grey))
    draw = ImageDraw.Draw(image)
    for area in layout.areas:
        box = [area.left * scale, area.top * scale, area.right * scale, area.bottom * scale]
        (draw.ellipse if area.round else draw.rectangle)(box, fill=_ink(area.colour, grey))
    for stroke in layout.strokes:
        points = [(x * scale, y * scale) for x, y in stroke.points]
        draw.line(points, fill=_ink(stroke.colour, grey), width=max(1, round(stroke.width * scale)), joint="curve")
    for run in layout.runs:
        face = load_face(run.face, round(run.size * scale, 2))
        draw.text((run.x * scale, run.y * scale), run.text, fill=_ink(run.colour, grey), font=face, anchor="ls")
    return image


def _ink(colour: Colour, grey: bool) -> int | Colour:
    red, green, blue = colour
    return (red * 299 + green * 587 + blue * 114) // 1000 if grey else colour
