"""The generator of German business letters that demo, tests and benchmarks share; all of it is invented.

Letters are deterministic by seed, carry their own truth (facts and text in reading order), and come in two
halves that share no sender, sentence or house style, so that what is learned on one can be judged on the other.
"""

from bench.letters.making import draw_page, make_letter
from bench.letters.office import (
    OFFICE_COMPANY,
    OFFICE_EMPLOYEE,
    OFFICE_QUERIES,
    office_letters,
    old_mail,
    sample_office,
)
from bench.letters.scans import write_scan
from bench.letters.texts import sample_text
from bench.letters.values import RECORD_CLASSES, Letter, PageLayout
from bench.letters.wear import PRESETS

__all__ = [
    "OFFICE_COMPANY",
    "OFFICE_EMPLOYEE",
    "OFFICE_QUERIES",
    "PRESETS",
    "RECORD_CLASSES",
    "Letter",
    "PageLayout",
    "draw_page",
    "make_letter",
    "office_letters",
    "old_mail",
    "sample_office",
    "sample_text",
    "write_scan",
]
