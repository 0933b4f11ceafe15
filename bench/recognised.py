"""Letters drawn as scans and read by Poststelle itself: the text that search really gets."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.intake import make_office, poststelle
from bench.letters import make_letter, write_scan
from bench.measuring import measure
from poststelle.records import IndexEntry

BAD_OF = 4
"""Every so-manieth scan is a bad one."""


def recognised_letters(seeds: Sequence[int]) -> dict[int, IndexEntry]:
    """What the index holds of each letter after `poststelle intake` read its scan: one page, 300 dpi."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = make_office(folder)
        scans = folder / "scans"
        scans.mkdir()
        for seed in seeds:
            letter = make_letter(seed, half=1 + seed % 2, pages=1)
            preset = "bad" if seed % BAD_OF == 0 else "office"
            write_scan(letter, scans, f"{seed}", "jpeg", preset=preset)
        return _taken_in(config, scans, seeds)
