"""Letters drawn as scans and read by Poststelle itself: the text that search really gets."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.intake import make_office, page_texts, poststelle
from bench.letters import make_letter, write_scan
from bench.measuring import measure

BAD_OF = 4
"""One scan in so many is a bad one."""


def recognised_pages(seeds: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The pages' text of each letter after `poststelle intake` read its scan: one page, 300 dpi."""
    with tempfile.TemporaryDirectory() as name:
        office = Path(name) / "office"
        owner = make_office(office)
        inbox = office / "inbox"
        inbox.mkdir(exist_ok=True)
        for seed in seeds:
            letter = make_letter(seed, half=1 + seed % 2, pages=1)
            write_scan(letter, inbox, str(seed), "jpeg", preset="bad" if seed % BAD_OF == 0 else "office")
        taken = measure(poststelle("--json", "intake"), folder=office)
        read: dict[int, tuple[str, ...]] = {}
        for document in json.loads(taken.output)["documents"]:
            shown = measure(poststelle("--identity", str(owner), "--json", "show", document["id"]), folder=office)
            if shown.status == 0:
                read[int(Path(document["source"]).stem)] = tuple(page_texts(json.loads(shown.output)))
        return read
