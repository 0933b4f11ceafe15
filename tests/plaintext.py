"""Looks for plaintext of letters in places where none may be: raw, compressed, in other encodings, in names."""

import base64
import random
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SIGNATURES = {
    "PDF": b"%PDF-1.",
    "JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "PNG": b"\x89PNG\r\n\x1a\n",
}
"""Long enough not to turn up in ciphertext by chance; four bytes of TIFF are looked for at beginnings only."""
TIFF = (b"II*\0", b"MM\0*")
WINDOW_BYTES = 32
WINDOWS = 64
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_GZIP = re.compile(rb"\x1f\x8b\x08")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}=*")
_LEAST_INFLATED = 16
_MOST_INFLATED = 8_000_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What gives a letter away: words (looked for in any case and encoding) and pieces of the original files."""

    words: tuple[str, ...]
    pieces: tuple[bytes, ...]

    @classmethod
    def of(cls, words: Iterable[str], originals: Iterable[Path]) -> "Evidence":
        """The words, and random windows of the files."""
        pieces = [piece for file in originals for piece in windows(file.read_bytes())]
        return cls(tuple(words), tuple(pieces))


def windows(content: bytes, seed: int = 1) -> list[bytes]:
    """Random 32-byte windows that say something: white paper and padding look alike everywhere."""
    dice, found = random.Random(seed), []
    for _ in range(WINDOWS * 20):
        start = dice.randrange(max(1, len(content) - WINDOW_BYTES))
        piece = content[start : start + WINDOW_BYTES]
        if len(set(piece)) >= 12:
            found.append(piece)
        if len(found) == WINDOWS:
            break
    return found


def leaks(folders: Iterable[Path], evidence: Evidence) -> list[str]:
    """Every place that gives something away, as "file: what"."""
    return sorted({f"{path}: {what}" for folder in folders for path, what in _leaks_below(folder, evidence)})


def _leaks_below(folder: Path, evidence: Evidence) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder)).lower().encode("utf-8", "surrogateescape")
        yield from ((path, f"{word} in its name") for word in evidence.words if word.lower().encode() in name)
        if path.is_file() and not path.is_symlink():
            for what in leaks_in(path.read_bytes(), evidence):
                yield path, what


def leaks_in(content: bytes, evidence: Evidence) -> set[str]:
    """What one file's bytes give away."""
    return {what for layer, data in _layers(content) for what in _told(layer, data, evidence)}


def _layers(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes themselves, whatever inflates wherever a stream begins, and what is written as base64."""
    yield "as it is", content
    for pattern, bits, name in ((_ZLIB, zlib.MAX_WBITS, "zlib"), (_GZIP, zlib.MAX_WBITS | 16, "gzip")):
        for match in pattern.finditer(content):
            engine = zlib.decompressobj(bits)
            try:
                inflated = engine.decompress(content[match.start() :], _MOST_INFLATED)
            except zlib.error:
                continue
            if len(inflated) >= _LEAST_INFLATED:
                yield f"inside {name}", inflated
    for match in _BASE64.finditer(content):
        yield "inside base64", base64.b64decode(match[0][: len(match[0]) // 4 * 4])


def _told(layer: str, data: bytes, evidence: Evidence) -> Iterator[str]:
    lower = data.lower()
    for word in evidence.words:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
            sign = word.lower().encode(encoding, errors="ignore")
            if len(sign) >= len(word) and sign in lower:
                yield f"{word} {layer}"
    yield from (f"a piece of an original {layer}" for piece in evidence.pieces if piece in data)
    yield from (f"{name} {layer}" for name, signature in SIGNATURES.items() if signature in data)
    if data.startswith(TIFF):
        yield f"TIFF {layer}"


def copy_living(source: Path, target: Path) -> None:
    """Copy a folder that a program is changing; what vanishes meanwhile is not copied."""
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        try:
            if path.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
        except FileNotFoundError:
            continue
