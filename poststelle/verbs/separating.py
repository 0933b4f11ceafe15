"""`separators`: the sheets that split a stack into letters."""

from intake.separator_sheet import separator_sheets


def separators(count: int) -> bytes:
    """So many separator sheets as one PDF, A4."""
    return separator_sheets(count)
