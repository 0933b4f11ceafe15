"""Pages of TIFF, JPEG and PNG files, decoded by Pillow to upright grey."""

import mmap
import warnings

import numpy
from PIL import Image, UnidentifiedImageError

from intake.reading import DamagedPage, Scan
from intake.reasons import unreadable

_FORMATS = {"image/tiff": "TIFF", "image/jpeg": "JPEG", "image/png": "PNG"}
_EXIF_ORIENTATION = 274
_A4_HEIGHT_INCHES = 11.69
# What decoders raise on hostile or cut files. MemoryError is not among them: it ends the worker, the page is
# tried once more in a fresh one.
_DECODER_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError, RuntimeError,
)  # fmt: skip


class ImagePages:
    """One image file; a TIFF may hold many pages."""

    def __init__(self, data: mmap.mmap, media_type: str, max_pages: int, max_pixels: int) -> None:
        self.media_type = media_type
        # Our own limit, with its own message, stands in for Pillow's.
        Image.MAX_IMAGE_PIXELS = None
        try:
            data.seek(0)
            self._image = Image.open(data, formats=[_FORMATS[media_type]])  # type: ignore[arg-type]
            self._count = self._count_frames(max_pages, max_pixels)
        except (UnidentifiedImageError, *_DECODER_ERRORS) as err:
            raise unreadable("damaged") from err

    def count(self) -> int:
        """How many pages there are, counted up to one more than the limit."""
        return self._count

    def _count_frames(self, max_pages: int, max_pixels: int) -> int:
        if self.media_type != "image/tiff":
            self._check_pixels(max_pixels)
            return 1
        # One step at a time: Pillow's n_frames would follow a chain of a million directories.
        frames = 0
        while frames <= max_pages:
            try:
                self._image.seek(frames)
            except EOFError:
                break
            self._check_pixels(max_pixels)
            frames += 1
        return frames

    def _check_pixels(self, max_pixels: int) -> None:
        if self._image.width * self._image.height > max_pixels:
            raise unreadable("too-many-pixels", max_pixels // 1_000_000)

    def page(self, number: int) -> Scan:
        """Decode one page, turned as its EXIF orientation says."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._image.seek(number - 1)
                if self.media_type == "image/jpeg":
                    # Only the brightness channel is decoded: half the time of colour.
                    self._image.draft("L", self._image.size)
                dpi = self._dpi()
                grey = numpy.asarray(_upright(self._image, self._orientation()))
        except _DECODER_ERRORS as err:
            raise DamagedPage from err
        return Scan(grey=numpy.ascontiguousarray(grey), dpi=dpi)

    def _orientation(self) -> int:
        if self.media_type == "image/tiff":
            return 1  # Pillow turns TIFF pages itself while it loads them
        return int(self._image.getexif().get(_EXIF_ORIENTATION, 1))

    def _dpi(self) -> int:
        """What the file says, if it can be true for a letter; else as if the page were A4."""
        stated = self._image.info.get("dpi", (0, 0))
        inches = max(self._image.size) / _A4_HEIGHT_INCHES
        dpi = round(float(stated[1] or stated[0])) if isinstance(stated, tuple) and len(stated) == 2 else 0
        # 96 and 72 are what cameras and editors write when they do not know.
        return dpi if 100 <= dpi <= 1200 else min(1200, max(70, round(inches)))

    def close(self) -> None:
        """Give the memory back."""
        self._image.close()


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    grey = _to_grey(image)
    turn = _TURNS.get(orientation)
    return grey if turn is None else grey.transpose(turn)


def _to_grey(image: Image.Image) -> Image.Image:
    """Grey with transparency on white paper; 16-bit scans scaled to 8 bits."""
    image.load()
    if image.mode.startswith(("I", "F")):
        values = numpy.asarray(image, dtype=numpy.float32)
        if not numpy.isfinite(values).all():
            raise ValueError("not a picture of paper")
        top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
        return Image.fromarray(numpy.clip(values * (255.0 / top), 0, 255).astype(numpy.uint8))
    if image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image.convert("RGBA")
        paper = Image.new("RGBA", colours.size, "white")
        return Image.alpha_composite(paper, colours).convert("L")
    return image if image.mode == "L" else image.convert("L")
