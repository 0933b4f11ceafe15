"""The input drill: files that nobody should be able to harm us with, dropped beside ordinary mail.

Made here: truncated and mutated good files, bombs, polyglots, encrypted files, far too many pages or pixels, rings of
PDF objects and TIFF directories, embedded scripts and files, hostile XML, strange names; plus every file of a folder
that is named. One `watch` takes them all. It must stay alive, give each file a place (archive or quarantine, with the
reason that is true where we know it), keep its workers within their memory, and take in ordinary letters meanwhile.
"""

import io
import json
import os
import random
import struct
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf
from conftest import first_letter
from drills.checker import Kit, Place, digests, examine, read
from PIL import Image
from simulators import Office

from bench.letters import write_scan

ANY = frozenset({"letter", "damaged", "unsupported-type", "unfinished", "encrypted-pdf", "too-many-pixels",
                 "too-many-pages", "too-large", "empty"})  # fmt: skip
"""Where the file itself leaves it open, any place and any reason is right; nowhere, or two places, never is."""
WORKER_MEGABYTES = 3072 + 300
"""`intake: page_megabytes` as shipped, and the interpreter around it."""
KNOWN_ENDINGS = (".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png", ".bmp", ".xml", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file, and what may be said of it."""

    name: str
    content: bytes
    right: frozenset[str] = ANY


@dataclass(slots=True)
class Report:
    """What happened."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    peak_megabytes: float = 0
    letters_seconds: list[float] = field(default_factory=list)
    """How long each ordinary letter waited in the inbox meanwhile."""
    failures: list[str] = field(default_factory=list)


def made(folder: Path, mutations: int) -> Iterator[Hostile]:
    """Hostile files of our own making, the same every time."""
    yield Hostile("leer.pdf", b"", frozenset({"empty"}))
    yield Hostile("null.tif", bytes(5000), frozenset({"unsupported-type", "damaged"}))
    yield Hostile("rauschen.jpg", random.Random(1).randbytes(50_000), frozenset({"unsupported-type", "damaged"}))
    yield Hostile("programm.exe", b"MZ" + random.Random(2).randbytes(9000), frozenset({"unsupported-type"}))
    yield Hostile("brief.docx", b"PK\3\4" + random.Random(3).randbytes(9000), frozenset({"unsupported-type"}))
    yield from _mutated(folder, mutations)
    yield from _pdfs()
    yield from _pictures()
    yield from _xml()


def _good(folder: Path) -> Iterator[Path]:
    kinds = ("pdf", "tiff", "jpeg", "png", "pdf-digital")
    for number, kind in enumerate(kinds):
        letter = first_letter("invoice", f"Muster{number}wort")
        yield write_scan(letter, folder, f"gut-{number}", kind, dpi=200, preset="clean")


def _mutated(folder: Path, mutations: int) -> Iterator[Hostile]:
    cut = frozenset({"unfinished", "damaged", "letter", "empty"})
    for path in _good(folder):
        whole, dice = path.read_bytes(), random.Random(path.name)
        for part in (1, 3, 5, 8):
            yield Hostile(f"cut-{part}-{path.name}", whole[: len(whole) * part // 9], cut)
        for number in range(mutations):
            content = bytearray(whole)
            for _ in range(dice.choice((1, 8, 200))):
                content[dice.randrange(len(content))] = dice.randrange(256)
            if number % 3 == 0:
                start = dice.randrange(len(content))
                del content[start : start + dice.randrange(1, 2000)]
            yield Hostile(f"mutated-{number}-{path.name}", bytes(content))


def _pdfs() -> Iterator[Hostile]:
    def saved(pdf: pikepdf.Pdf, **options: object) -> bytes:
        target = io.BytesIO()
        pdf.save(target, **options)
        return target.getvalue()

    pdf = pikepdf.new()
    pdf.add_blank_page()
    locked = pikepdf.Encryption(owner="geheim", user="geheim")
    yield Hostile("kennwort.pdf", saved(pdf, encryption=locked), frozenset({"encrypted-pdf"}))
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="while (true) { app.alert('x'); }")
    pdf.attachments["rechnung.exe"] = pikepdf.AttachedFileSpec(pdf, b"MZ" + bytes(9000))
    yield Hostile("skript-und-anhang.pdf", saved(pdf), frozenset({"letter"}))
    many = pikepdf.new()
    many.add_blank_page()
    for _ in range(9_999):
        many.pages.append(many.pages[0])
    yield Hostile("zehntausend-seiten.pdf", saved(many), frozenset({"too-many-pages"}))
    ring = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R 2 0 R]/Count 2>>endobj
3 0 obj<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>endobj
trailer<</Root 1 0 R/Size 4/Prev 9>>
startxref
9
%%EOF
"""
    yield Hostile("ring.pdf", ring, frozenset({"damaged", "unfinished", "letter"}))
    deep = b"%PDF-1.4\n1 0 obj\n" + b"[" * 200_000 + b"]" * 200_000 + b"\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    yield Hostile("tief.pdf", deep, frozenset({"damaged", "unfinished"}))
    stream = zlib.compress(bytes(400_000_000), 9)
    stream = zlib.compress(stream, 9)
    bomb = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n"
        b"4 0 obj<</Filter[/FlateDecode/FlateDecode]/Length " + str(len(stream)).encode() + b">>stream\n" + stream
        + b"\nendstream endobj\ntrailer<</Root 1 0 R/Size 5>>\n%%EOF\n"
    )  # fmt: skip
    yield Hostile("bombe.pdf", bomb)
    giant = bomb.replace(b"/MediaBox[0 0 595 842]/Contents 4 0 R", b"/MediaBox[0 0 14400000 14400000]")
    yield Hostile("riesig.pdf", giant)
    yield Hostile("vieldeutig.pdf", b"<html><script>alert(1)</script>\n" + ring + b"PK\3\4" + bytes(100))
    small = pikepdf.new()
    small.add_blank_page()
    yield Hostile("zweierlei.pdf", saved(small) + b"PK\3\4" + random.Random(4).randbytes(3000))


def _pictures() -> Iterator[Hostile]:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def png(width: int, height: int) -> bytes:
        rows = zlib.compressobj(9)
        row, packed = bytes(1 + (width + 7) // 8), []
        for _ in range(height):
            packed.append(rows.compress(row))
        header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        data = b"".join((*packed, rows.flush()))
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

    yield Hostile("hundertfuenfzig-megapixel.png", png(15_000, 10_000), frozenset({"too-many-pixels"}))
    yield Hostile("hundert-megapixel.png", png(10_000, 10_000), frozenset({"letter"}))
    claims = bytearray(png(100, 100))
    claims[16:24] = struct.pack(">II", 2_000_000_000, 2_000_000_000)
    claims[29:33] = struct.pack(">I", zlib.crc32(bytes(claims[12:29])))
    yield Hostile("verlogen.png", bytes(claims), frozenset({"too-many-pixels", "damaged"}))
    ring = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8)
    yield Hostile("ring.tif", ring, frozenset({"damaged", "unfinished"}))
    chain = bytearray(b"II*\0" + struct.pack("<I", 8))
    for number in range(70_000):
        chain += struct.pack("<H", 0) + struct.pack("<I", 8 + 6 * (number + 1))
    yield Hostile("kette.tif", bytes(chain), frozenset({"damaged", "unfinished", "too-many-pages"}))
    page = io.BytesIO()
    Image.new("L", (800, 1100), 255).save(page, "JPEG")
    lying = bytearray(page.getvalue())
    size = lying.index(b"\xff\xc0") + 5
    lying[size : size + 4] = struct.pack(">HH", 65_500, 65_500)
    yield Hostile("verlogen.jpg", bytes(lying), frozenset({"too-many-pixels", "damaged", "letter"}))
    yield Hostile("jpeg-als.pdf", page.getvalue(), frozenset({"letter"}))


def _xml() -> Iterator[Hostile]:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    root = '<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100">'
    end = "</rsm:CrossIndustryInvoice>"
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]>{root}&a11;{end}'
    yield Hostile("lachen.xml", bomb.encode())
    outside = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{root}&e;{end}'
    yield Hostile("fremd.xml", outside.encode())
    yield Hostile("kein.xml", b"<a><b></a>")
    yield Hostile("gross.xml", root.encode() + b"<x>" + b"y" * 40_000_000 + b"</x>" + end.encode())


NAMES = ("Brief mit\nZeilenumbruch.pdf", "ä" * 120 + ".pdf", "\u202egpj.fdp.pdf", "-rf.pdf", "'; DROP TABLE x;--.pdf",
         "Bu\u0308ro.pdf")  # fmt: skip


def drill(empty: Office, folder: Path, *, mutations: int, foreign: Path | None, every: int = 1) -> Report:
    """Drop everything, watch, and look at what became of each file."""
    office, report = empty.copy_to(folder / "input"), Report()
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace("give_up_minutes: 15 ", "give_up_minutes: 0.3 "), encoding="utf-8")
    scratch = folder / "scratch"
    scratch.mkdir()
    files = list(made(scratch, mutations))[:: 1 if every == 1 else max(1, every // 4)]
    files += [Hostile(name, _simple_pdf(name)) for name in NAMES]
    if foreign is not None:
        paths = sorted(p for p in foreign.rglob("*") if p.is_file() and p.suffix.lower() in KNOWN_ENDINGS)
        files += [Hostile(f"{n}-{p.name}", p.read_bytes()) for n, p in enumerate(paths[::every])]
    report.files = len(files)
    ordinary = [path.read_bytes() for path in _good(scratch)]
    watch = office.start("watch", out=office.root / "watch.log")
    try:
        _drop_and_wait(office, watch.pid, files, ordinary, report)
        if watch.poll() is not None:
            report.failures.append(f"the watcher ended with {watch.returncode}")
        watch.terminate()
        if watch.wait(120) != 0:
            report.failures.append(f"the watcher's exit status is {watch.returncode}")
    finally:
        watch.kill()
        watch.wait()
    if b"Traceback" in (office.root / "watch.log").read_bytes():
        report.failures.append("a traceback in the log")
    _judge(office, files, ordinary, report)
    return report


def _simple_pdf(name: str) -> bytes:
    pdf, target = pikepdf.new(), io.BytesIO()
    pdf.add_blank_page()
    pdf.docinfo["/Title"] = name.encode("ascii", "replace").decode()
    pdf.save(target)
    return target.getvalue()


def _drop_and_wait(office: Office, pid: int, files: list[Hostile], ordinary: list[bytes], report: Report) -> None:
    dropped = time.monotonic()
    for number, file in enumerate(files):
        _drop(office, file.name, file.content, number)
        if number % max(1, len(files) // len(ordinary)) == 0 and ordinary:
            name = f"gewöhnlich-{number}.pdf"
            content = ordinary[number // max(1, len(files) // len(ordinary)) % len(ordinary)]
            _drop(office, name, content + b"\n" * (number + 1), number)
            _wait(office, pid, lambda name=name: (office.inbox / name).exists(), report, seconds=900)
            report.letters_seconds.append(time.monotonic() - dropped)
        dropped = time.monotonic()
    _wait(office, pid, lambda: any(name for name in office.waiting() if "lock" not in name), report, seconds=7200)


def _drop(office: Office, name: str, content: bytes, number: int) -> None:
    aside = office.inbox / f".{number}.part"
    aside.write_bytes(content)
    aside.rename(office.inbox / name)


def _wait(office: Office, pid: int, waits, report: Report, *, seconds: float) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while waits():
        if time.monotonic() > deadline or not Path(f"/proc/{pid}").exists():
            report.failures.append(f"after {seconds} s there waits {office.waiting()[:5]}")
            return
        report.peak_megabytes = max(report.peak_megabytes, *_resident(pid), 0)
        time.sleep(0.1)


def _resident(pid: int) -> Iterator[float]:
    yield 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if int(fields["PPid"]) == pid:
                yield int(fields["VmRSS"].split()[0]) / 1024
        except (OSError, KeyError, ValueError):
            continue


def _judge(office: Office, files: list[Hostile], ordinary: list[bytes], report: Report) -> None:
    """Each file in exactly one place; where we know what is wrong with it, the reason says so."""
    place = Place.of(office.folder)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        found = read(place, Path(scratch), indexed=False)
        kit = Kit(place, Path(scratch) / "again")
        outcome: dict[str, list[str]] = {}
        for held in found.documents.values():
            what = "letter"
            if held.kind == "quarantine":
                what = json.loads(kit.part(held.document, "text", 1))["reason_code"]
            outcome.setdefault(held.sha256 or "", []).append(what)
    drops = Counter(digests(file.content for file in files))
    wanted = {next(iter(digests([file.content]))): file for file in files}
    for sha, file in wanted.items():
        said = outcome.pop(sha, [])
        report.outcomes.update(said)
        if not said:
            report.failures.append(f"{file.name!r} is nowhere")
        elif not set(said) <= file.right:
            report.failures.append(f"{file.name!r} is {said}; right is {sorted(file.right)}")
    filed = [what for rest in outcome.values() for what in rest]
    report.outcomes["ordinary letters filed"] = filed.count("letter")
    if set(filed) - {"letter"} or not filed:
        report.failures.append(f"ordinary letters became {Counter(filed)}")
    drops.update({sha: len(rest) for sha, rest in outcome.items()})
    report.failures += examine(place, drops)
    if report.peak_megabytes > WORKER_MEGABYTES:
        report.failures.append(f"a worker took {report.peak_megabytes:.0f} MB")
