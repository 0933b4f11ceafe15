"""Why a file goes to quarantine: one code and one sentence each, saying what happened and what to do."""

from typing import Final

from poststelle.errors import UnreadableFile

SENTENCES: Final[dict[str, str]] = {
    "empty": "The file is empty. Scan the letter again.",
    "not-a-file": "This is not an ordinary file (a link, a folder or a device). Drop the scan itself into the inbox.",
    "unreachable": "The file could not be read from the inbox. Check its permissions, then retry.",
    "too-large": "The file is larger than {limit} MB. Scan it in smaller stacks, or raise `intake: max_megabytes`.",
    "too-many-pages": "The file has more than {limit} pages. Split it, or raise `intake: max_pages`.",
    "too-many-pixels": (
        "A page is larger than {limit} million pixels. Scan it again at 300 dpi, or raise `intake: max_megapixels`."
    ),
    "encrypted-pdf": "The PDF is protected by a password. Ask the sender for an open copy, or print and scan it.",
    "damaged": "The file is damaged and no page of it could be read. Scan the letter again or ask for a new copy.",
    "unsupported-type": (
        "Only PDF, TIFF, JPEG and PNG, and XML invoices, can be taken in. Convert the file to PDF and drop it again."
    ),
    "unfinished": "The file was never finished by the program that wrote it. Scan the letter again.",
}


def unreadable(code: str, limit: int | None = None) -> UnreadableFile:
    """The error for a reason code; `limit` is the number its sentence names."""
    return UnreadableFile(code, SENTENCES[code].format(limit=limit))
