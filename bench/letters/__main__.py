"""`python -m bench.letters`: write letters into a folder, with the truth beside them."""

import argparse
import sys
from pathlib import Path

from bench.letters import PRESETS, RECORD_CLASSES, make_letter, old_mail, sample_office, write_scan


def main(arguments: list[str]) -> int:
    """Write what was asked for and print one path a line."""
    parser = argparse.ArgumentParser(prog="python -m bench.letters", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first letter")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="office")
    parser.add_argument("--kind", choices=("pdf", "tiff", "jpeg", "png", "pdf-digital"), default="pdf")
    parser.add_argument("--colour", choices=("grey", "bilevel", "colour"), default="grey")
    parser.add_argument("--class", dest="record_class", choices=RECORD_CLASSES)
    parser.add_argument("--half", type=int, choices=(1, 2), default=1)
    parser.add_argument("--pages", type=int, help="pages of each letter (default: as the text needs)")
    parser.add_argument("--dpi", type=int, default=300)
    parser.add_argument("--old", action="store_true", help="a voucher of 2014 and a letter of 2018 instead")
    parser.add_argument("--office", action="store_true", help="the sample office's mail instead; --count is moot")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.old:
        for path in old_mail(chosen.out, chosen.seed, preset=chosen.preset):
            print(path)
        return 0
    if chosen.office:
        for path in sample_office(chosen.out, chosen.seed, preset=chosen.preset):
            print(path)
        return 0
    pages = 1 if chosen.kind in ("jpeg", "png") else chosen.pages
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        letter = make_letter(seed, record_class=chosen.record_class, half=chosen.half, pages=pages)
        name = f"{letter.record_class}-{seed:04d}"
        print(write_scan(letter, chosen.out, name, chosen.kind, dpi=chosen.dpi, preset=chosen.preset,
                         colour=chosen.colour, truth=True))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
