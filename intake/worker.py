"""A worker process: reads pages of hostile mail, far from any key; answers the pool over its standard input.

It starts bare, a tenth of the size it has at work: libraries and models come with the first job.
"""

import contextlib
import json
import mmap
import os
import socket
import sys
from typing import TYPE_CHECKING

from intake.protocol import Disconnected, Message, receive_with_file, send, send_attached

if TYPE_CHECKING:
    from intake.engine import Engine
    from intake.reading import Pages

_FONT_FOLDERS = ["/usr/share/fonts", "/usr/local/share/fonts"]
"""A PDF may name fonts that it does not carry; drawing such a page needs the system's."""


def main() -> None:
    """Serve jobs until the pool hangs up. The one argument is the job limits as JSON."""
    worker = Worker(json.loads(sys.argv[1]))
    with socket.socket(fileno=0) as connection:
        while True:
            try:
                message, descriptor = receive_with_file(connection)
                answer = worker.handle(message, descriptor)
                if isinstance(answer, bytes):
                    send_attached(connection, {"rendition": True}, answer)
                elif isinstance(answer, tuple):
                    # A letter cut out of a stack, and behind it its searchable PDF.
                    send_attached(connection, {"cut_bytes": len(answer[0])}, b"".join(answer))
                elif answer is not None:
                    send(connection, answer)
            except Disconnected:
                return


class Worker:
    """The letters that are open here, and the engine once it is needed."""

    def __init__(self, limits: Message) -> None:
        self._limits = limits
        self._engines: dict[tuple[str, ...], Engine] = {}
        """One for each set of languages: behind the locked door no further model can be loaded."""
        self._data: dict[int, mmap.mmap] = {}
        self._pages: dict[int, Pages] = {}

    def handle(self, message: Message, descriptor: int | None) -> Message | bytes | tuple[bytes, bytes] | None:
        """Do what one message asks; None if it asks for no answer."""
        letter = message["letter"]
        if message["kind"] == "prepare":
            return self._prepare()
        if message["kind"] == "open":
            assert descriptor is not None
            # A private mapping: pdfium wants writable memory, the snapshot itself cannot be written.
            self._data[letter] = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
            os.close(descriptor)
            return None
        if message["kind"] == "forget":
            self._forget(letter)
            return None
        if message["kind"] == "rendition":
            return self._rendition(message)
        if message["kind"] == "cut":
            return self._cut(message)
        return self._work(message)

    def _prepare(self) -> Message:
        """Load everything, then lock the door: from here on only the letter can surprise us."""
        from intake import limits
        from poststelle.errors import ConfigurationError

        try:
            from intake.engine import open_engine
            from intake.preloading import load_libraries
            from intake.rendition import warm_up

            limits.confine_for_good()
            load_libraries()
            warm_up()
            for languages in (self._limits["languages"], *self._limits.get("more_languages", ())):
                engine = open_engine(self._limits["engine"])
                engine.prepare(tuple(languages))
                self._engines[tuple(languages)] = engine
        except ImportError as err:
            return {"misconfigured": f"A library that reading needs is missing ({err}). Install Poststelle again."}
        except ConfigurationError as err:
            return {"misconfigured": str(err)}
        if all(engine.in_process for engine in self._engines.values()):
            limits.lock_out_files_and_network([*_FONT_FOLDERS, "/proc/self"])
        return {"ready": True}

    def _work(self, message: Message) -> Message:
        from intake import limits
        from intake.reading import DamagedPage
        from poststelle.errors import UnreadableFile

        limits.allow_for_one_job(self._limits["cpu_seconds"], self._limits["memory_bytes"])
        try:
            pages = self._opened(message["letter"])
            if message["kind"] == "inspect":
                return {"media_type": pages.media_type, "pages": pages.count()} | _einvoice_of(
                    pages, self._data[message["letter"]], message["simple"]
                )
            if message.get("codes_only"):
                return {"page": _codes_of(pages, message["page"])}
            languages = tuple(message.get("languages") or self._limits["languages"])
            return {"page": self._read(pages, message["page"], languages, message["simple"])}
        except UnreadableFile as err:
            return {"refused": err.reason_code}
        except DamagedPage:
            return {"damaged": True}

    def _rendition(self, message: Message) -> Message | bytes:
        """The letter's searchable PDF from the pages as they were recognised, by this worker or another."""
        from intake import limits
        from intake.answers import pages_from_question
        from intake.rendition import NoRenditionPossible, make_rendition

        pages = pages_from_question(message["pages"])
        # A page costs a fiftieth of a second; a tenth is allowed beyond what any single page may take.
        limits.allow_for_one_job(self._limits["cpu_seconds"] + len(pages) // 10, self._limits["memory_bytes"])
        try:
            rendition = make_rendition(self._data[message["letter"]], message["media_type"], pages)
        except NoRenditionPossible as err:
            return {"no_rendition": str(err)}
        return rendition if len(rendition) <= self._limits["max_bytes"] else {"no_rendition": "too large"}

    def _cut(self, message: Message) -> Message | tuple[bytes, bytes]:
        """One letter of a stack as a file of its own, and its searchable PDF (no bytes if none can be made)."""
        from intake import limits
        from intake.answers import needs_rendition, pages_from_question
        from intake.rendition import NoRenditionPossible, make_rendition
        from intake.stack_cutting import NotCuttable, cut_out

        pages, media_type = pages_from_question(message["pages"]), message["media_type"]
        limits.allow_for_one_job(self._limits["cpu_seconds"] + len(pages) // 10, self._limits["memory_bytes"])
        try:
            letter = cut_out(self._data[message["letter"]], media_type, message["numbers"])
        except NotCuttable as err:
            return {"uncut": str(err)}
        if len(letter) > self._limits["max_bytes"]:
            return {"uncut": "too large"}
        rendition = b""
        if not message["simple"] and needs_rendition(media_type, pages):
            with contextlib.suppress(NoRenditionPossible):
                rendition = make_rendition(letter, media_type, pages)
        return letter, rendition if len(rendition) <= self._limits["max_bytes"] else b""

    def _read(self, pages: "Pages", number: int, languages: tuple[str, ...], simple: bool) -> Message:
        from intake.answers import codes_answer, page_answer
        from intake.page import read_page
        from intake.reading import Scan

        page = pages.page(number)
        answer = page_answer(read_page(page, self._engines[languages], languages, simple))
        picture = page if isinstance(page, Scan) else page.drawn
        if picture is not None and not simple:
            from intake.barcodes import find_barcodes

            answer["codes"] = codes_answer(find_barcodes(picture.grey, picture.dpi))
        return answer

    def _opened(self, letter: int) -> "Pages":
        from intake.reading import open_pages

        if letter not in self._pages:
            limits = self._limits
            self._pages[letter] = open_pages(self._data[letter], limits["max_pages"], limits["max_pixels"])
        return self._pages[letter]

    def _forget(self, letter: int) -> None:
        pages = self._pages.pop(letter, None)
        if pages is not None:
            pages.close()
        # Not closed but let go: a library may still hold a view, and closing under it would fail.
        self._data.pop(letter, None)


def _codes_of(pages: "Pages", number: int) -> Message:
    """The codes of a page that is not to be read: it may be a separator sheet."""
    from intake.answers import codes_answer
    from intake.barcodes import find_barcodes
    from intake.reading import Scan

    page = pages.page(number)
    picture = page if isinstance(page, Scan) else page.drawn
    return {"codes": [] if picture is None else codes_answer(find_barcodes(picture.grey, picture.dpi))}


def _einvoice_of(pages: "Pages", data: mmap.mmap, simple: bool) -> Message:
    """The invoice that the file is or carries, if any; not looked for again in a file that killed its worker once."""
    from intake.answers import einvoice_answer
    from intake.einvoice import read_embedded
    from intake.pages_pdf import PdfPages
    from intake.pages_xml import XmlPages

    invoice = None
    if isinstance(pages, XmlPages):
        invoice = pages.einvoice
    elif isinstance(pages, PdfPages) and not simple:
        invoice = read_embedded(pages.pdf, data)
    return {} if invoice is None else {"einvoice": einvoice_answer(invoice)}


if __name__ == "__main__":
    main()
