"""Letters drawn as scans and read by recognition: the text that search really gets."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.kept_readings import kept_folder, read_letters
from bench.letters import Letter, make_letter

BAD_OF = 4
"""One scan in so many is a bad one."""


def recognised_pages(seeds: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Text of each letter's page, read from a 300-dpi scan; kept between runs, since a page costs a CPU-second."""
    read: dict[int, tuple[str, ...]] = {}
    with tempfile.TemporaryDirectory() as work:
        for preset in ("office", "bad"):
            letters = [_drawn(seed) for seed in seeds if (seed % BAD_OF == 0) == (preset == "bad")]
            documents = read_letters(letters, preset, kept_folder(), Path(work))
            for letter, document in zip(letters, documents, strict=True):
                read[letter.seed] = tuple(page.text for page in document.pages)
    return read


def _drawn(seed: int) -> Letter:
    return make_letter(seed, half=1 + seed % 2, pages=1)
