"""The picture of a letter's first page for a terminal, drawn where no key is.

Mail is made by strangers, and what draws it goes through C libraries: so a fresh, confined process draws, as workers
do, and the caller gets nothing but grey pixels. The bytes go through pipes; nothing is written anywhere.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BOOTSTRAP = "import sys; sys.path.append(sys.argv.pop(1)); from intake.picture import main; main()"
_WALL_SECONDS = 20
_CPU_SECONDS = 10
_MEMORY_BYTES = 1 << 30
_MOST_PIXELS = 120_000_000
_FONT_FOLDERS = ["/usr/share/fonts", "/usr/local/share/fonts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A grey picture, row by row, one byte a pixel."""

    width_px: int
    height_px: int
    grey: bytes


def draw_first_page(content: bytes, *, width_px: int, height_px: int) -> Picture | None:
    """The first page of a PDF or image, at most so large; None if it cannot be drawn."""
    try:
        drawn = subprocess.run(
            [sys.executable, "-I", "-c", _BOOTSTRAP, str(Path(__file__).parent.parent), str(width_px), str(height_px)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
            timeout=_WALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    head, _, grey = drawn.stdout.partition(b"\n")
    sides = head.split()
    if drawn.returncode or len(sides) != 2 or not all(side.isdigit() and len(side) < 6 for side in sides):
        return None
    width, height = map(int, sides)
    # What came out of a stranger's file is believed only as far as it was asked for.
    if not (0 < width <= width_px and 0 < height <= height_px and len(grey) == width * height):
        return None
    return Picture(width_px=width, height_px=height, grey=grey)


def main() -> None:
    """Draw standard input at most as large as the arguments say; in the confined process."""
    width, height = int(sys.argv[1]), int(sys.argv[2])
    content = sys.stdin.buffer.read()

    import pypdfium2
    from PIL import Image

    from intake import limits

    Image.init()
    limits.confine_for_good()
    limits.lock_out_files_and_network([*_FONT_FOLDERS, "/proc/self"])
    limits.allow_for_one_job(_CPU_SECONDS, _MEMORY_BYTES)
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    if b"%PDF-" in content[:1024]:
        page = pypdfium2.PdfDocument(content)[0]
        scale = min(width / page.get_width(), height / page.get_height())
        picture = page.render(scale=scale, grayscale=True).to_pil()
    else:
        import io

        picture = Image.open(io.BytesIO(content))
        if picture.width * picture.height > _MOST_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("L", (2 * width, 2 * height))
    picture = picture.convert("L")
    picture.thumbnail((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    sys.stdout.buffer.write(f"{picture.width} {picture.height}\n".encode() + picture.tobytes())
