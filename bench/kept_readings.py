"""Letters as recognition really read them, kept between runs: a page costs a CPU-second, judging it a millisecond.

A kept reading counts while the letter's own ink is the same; after a change of recognition, remove the folder.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.letters import Letter, write_scan
from intake import IntakeSettings, Recognition, RecognitionPool, Snapshot
from poststelle.records import PageOrigin, RecognisedDocument, RecognisedPage, ScannedFile, Word

WORKERS = 2
NICE = 10
"""Others may work on this machine while a thousand pages are read."""
LARGEST_BYTES = 100_000_000


def kept_folder() -> Path:
    """Where readings are kept unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poststelle-bench"


def read_letters(letters: Sequence[Letter], preset: str, kept: Path, work: Path) -> Iterator[RecognisedDocument]:
    """Each letter as read from a 300-dpi scan of that preset, in order; what was never read is read now."""
    kept.mkdir(parents=True, exist_ok=True)
    missing = [letter for letter in letters if not _path(letter, preset, kept).exists()]
    if missing:
        _read_missing(missing, preset, kept, work)
    for letter in letters:
        yield _restore(letter.seed, json.loads(gzip.decompress(_path(letter, preset, kept).read_bytes())))


def hand_in(pool: RecognitionPool, path: Path, work: Path) -> "Future[Recognition]":
    """Send a file to recognition as intake does."""
    with Snapshot.read(path, LARGEST_BYTES, work) as snapshot:
        return pool.recognise(snapshot)


def read_document(number: int, read: Recognition) -> RecognisedDocument:
    """What recognition answered, as the classifier gets it."""
    return RecognisedDocument(
        file=nameless_file(number),
        media_type=read.media_type,
        pages=read.pages,
        einvoice=read.einvoice,
        barcodes=read.barcodes,
    )


def nameless_file(number: int) -> ScannedFile:
    """A claimed file of which nothing is known but a number."""
    return ScannedFile(
        document_id=f"{number:032x}", source_name="scan", size_bytes=1, sha256="", received_at=datetime.now(UTC)
    )


def _path(letter: Letter, preset: str, kept: Path) -> Path:
    ink = hashlib.sha256(repr((letter.seed, [(page.runs, page.strokes, page.areas) for page in letter.pages])).encode())
    return kept / f"{letter.half}-{letter.seed}-{preset}-{ink.hexdigest()[:16]}.json.gz"


def _read_missing(letters: Sequence[Letter], preset: str, kept: Path, work: Path) -> None:
    os.nice(max(0, NICE - os.nice(0)))
    pool = RecognitionPool(IntakeSettings(workers=WORKERS), work)
    waiting: list[tuple[Letter, Future[Recognition]]] = []
    try:
        for letter in letters:
            path = write_scan(letter, work, f"{letter.half}-{letter.seed}-{preset}", preset=preset)
            waiting.append((letter, hand_in(pool, path, work)))
            path.unlink()
            if len(waiting) > 2 * WORKERS:
                _keep(*waiting.pop(0), preset, kept)
        for letter, future in waiting:
            _keep(letter, future, preset, kept)
    finally:
        pool.close(wait=False)


def _keep(letter: Letter, future: "Future[Recognition]", preset: str, kept: Path) -> None:
    read = future.result()
    value = {"media_type": read.media_type, "pages": [_page_value(page) for page in read.pages]}
    path = _path(letter, preset, kept)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(gzip.compress(json.dumps(value, ensure_ascii=False).encode(), 5))
    fresh.rename(path)


def _page_value(page: RecognisedPage) -> dict[str, Any]:
    return {
        "number": page.number,
        "size": [page.width_px, page.height_px, page.dpi],
        "origin": page.origin.value,
        "text": page.text,
        "confidence": page.confidence,
        "rotation": page.rotation_degrees,
        "skew": page.skew_degrees,
        "notes": list(page.notes),
        "words": [[w.text, w.left, w.top, w.right, w.bottom, w.confidence, w.line, w.block] for w in page.words],
    }


def _restore(number: int, value: dict[str, Any]) -> RecognisedDocument:
    pages = tuple(
        RecognisedPage(
            number=page["number"],
            width_px=page["size"][0],
            height_px=page["size"][1],
            dpi=page["size"][2],
            origin=PageOrigin(page["origin"]),
            words=tuple(
                Word(text=w[0], left=w[1], top=w[2], right=w[3], bottom=w[4], confidence=w[5], line=w[6], block=w[7])
                for w in page["words"]
            ),
            text=page["text"],
            confidence=page["confidence"],
            rotation_degrees=page["rotation"],
            skew_degrees=page["skew"],
            notes=tuple(page["notes"]),
        )
        for page in value["pages"]
    )
    return RecognisedDocument(file=nameless_file(number), media_type=value["media_type"], pages=pages)
