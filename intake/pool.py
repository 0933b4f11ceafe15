"""The recognition pool: pages of all letters share the workers, and no page can hold up or lose a letter."""

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from intake.answers import (
    Implausible,
    codes_from_answer,
    einvoice_from_answer,
    needs_rendition,
    page_from_answer,
    pages_question,
    unread_page,
)
from intake.fair_queue import FairQueue
from intake.process import NotStarted, WorkerProcess
from intake.protocol import Disconnected, Message
from intake.reasons import SENTENCES, unreadable
from intake.settings import IntakeSettings
from intake.snapshot import Snapshot
from intake.stacks import letter_pages, plan_stack
from poststelle.errors import ConfigurationError
from poststelle.records import Barcode, EInvoice, RecognisedPage

OnPage = Callable[[int, int], None]
IsSealed = Callable[[RecognisedPage], bool]
_MEDIA_TYPES = ("application/pdf", "image/tiff", "image/jpeg", "image/png", "application/xml")
_FALSE_STARTS = 3
_SHORT_PAGES = 2
_WORKERS_DO_NOT_START = (
    "The processes that read letters end before they begin. No letter was taken out of the inbox. Check free memory, "
    "then run `poststelle doctor`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """A whole file, read."""

    media_type: str
    pages: tuple[RecognisedPage, ...]
    rendition: bytes | None = None
    """The searchable PDF; None if the file is one already, or none could be made of it."""
    einvoice: EInvoice | None = None
    barcodes: tuple[Barcode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOut:
    """One letter of a stack, as a file of its own. Whoever gets it closes the snapshot."""

    snapshot: Snapshot
    rendition: bytes | None


class NotCut(Exception):
    """A stack could not be cut into letters; the reason is a word for tests and logs."""


@dataclass(slots=True, kw_only=True)
class _Letter:
    """A file on its way through the pool. Changed only under the pool's lock."""

    key: int
    descriptor: int
    future: "Future[Any]"
    on_page: OnPage | None
    languages: tuple[str, ...] = ()
    """Empty: the office's."""
    is_sealed: "IsSealed | None" = None
    """To be asked about the first page; None once it was."""
    stays_unread: bool = False
    media_type: str = ""
    page_count: int = 0
    einvoice: EInvoice | None = None
    pages: dict[int, RecognisedPage] = field(default_factory=dict)
    barcodes: dict[int, tuple[Barcode, ...]] = field(default_factory=dict)
    parts: Sequence[Sequence[int]] = ()
    """Page numbers of each letter that is to be cut out."""
    cut_outs: dict[int, CutOut] = field(default_factory=dict)
    damaged: int = 0
    jobs_at_work: int = 0
    finished: bool = False

    @property
    def is_short(self) -> bool:
        """Whether it goes before thick ones: it is done in a moment, and somebody may wait for it."""
        return self.page_count <= _SHORT_PAGES

    @property
    def pages_in_order(self) -> tuple[RecognisedPage, ...]:
        """The pages read so far."""
        return tuple(self.pages[number] for number in sorted(self.pages))

    @property
    def barcodes_in_order(self) -> tuple[Barcode, ...]:
        """The codes found so far."""
        return tuple(code for number in sorted(self.barcodes) for code in self.barcodes[number])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One question to a worker: page 0 asks what the file is, the page behind the last for the searchable PDF."""

    letter: _Letter
    page: int
    simple: bool = False
    """Second try, with simpler settings."""
    false_starts: int = 0
    """How many workers ended before they saw anything of the letter."""
    codes_only: bool = False
    """The page is not read; a separator sheet is noticed."""
    cut: int | None = None
    """Place of the part that is to be cut out; such a job reads no page."""

    @property
    def allowed_bytes(self) -> int:
        """How often the size of the largest file may come with the answer."""
        return 2 if self.cut is not None else 1 if self.asks_for_rendition else 0

    @property
    def asks_for_rendition(self) -> bool:
        """Whether all pages are read and this is the letter's last job."""
        return self.cut is None and 0 < self.letter.page_count < self.page

    @property
    def message(self) -> Message:
        if self.cut is not None:
            numbers = self.letter.parts[self.cut]
            return {
                "kind": "cut",
                "media_type": self.letter.media_type,
                "numbers": list(numbers),
                "pages": pages_question(letter_pages(self.letter.pages_in_order, numbers)),
                "simple": self.simple,
            }
        if self.page == 0:
            return {"kind": "inspect", "simple": self.simple}
        if self.asks_for_rendition:
            pages = pages_question(self.letter.pages_in_order)
            return {"kind": "rendition", "media_type": self.letter.media_type, "pages": pages}
        if self.codes_only:
            return {"kind": "page", "page": self.page, "codes_only": True}
        return {"kind": "page", "page": self.page, "languages": self.letter.languages, "simple": self.simple}


class _WarmUp:
    """Asks a worker to load everything before a letter comes; stands in the queue as letter 0."""


class RecognitionPool:
    """Reads letters in worker processes. They are started here, before the caller holds any key."""

    def __init__(self, settings: IntakeSettings, work_folder: Path) -> None:
        self._settings = settings
        self._work_folder = work_folder
        self._keys = itertools.count(1)
        self._queue: FairQueue[_Job | _WarmUp] = FairQueue()
        self._is_warming_up = False
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._letters: dict[int, _Letter] = {}
        self._aborted = False
        self._workers = [WorkerProcess(settings, work_folder) for _ in range(max(1, settings.workers))]
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), name=f"recognition-{slot}", daemon=True)
            for slot in range(len(self._workers))
        ]
        for thread in self._threads:
            thread.start()

    def recognise(
        self,
        snapshot: Snapshot,
        on_page: OnPage | None = None,
        languages: tuple[str, ...] = (),
        is_sealed: IsSealed | None = None,
    ) -> "Future[Recognition]":
        """Read a file; `on_page(done, total)` is called from a pool thread after each page.

        `is_sealed` is asked about the first page, before any other is read: if it says so, the others stay unread
        (only their codes are looked for: a separator sheet behind it means that it is one letter of a stack).
        `languages` is one of the settings' `more_languages`; without it the office's are read.
        The future fails with `UnreadableFile` for quarantine, with `ConfigurationError` if the engine is
        missing, and is cancelled by `abort`.
        """
        future: Future[Recognition] = Future()
        # Our own descriptor: the caller may close the snapshot before we noticed that it lost interest.
        letter = _Letter(
            key=next(self._keys),
            descriptor=os.dup(snapshot.fileno()),
            future=future,
            on_page=on_page,
            languages=languages if languages in self._settings.more_languages else (),
            is_sealed=is_sealed,
        )
        self._begin(letter, [_Job(letter=letter, page=0)])
        return future

    def _begin(self, letter: _Letter, jobs: "Sequence[_Job]") -> None:
        with self._lock:
            if self._queue.closed:
                os.close(letter.descriptor)
                raise RuntimeError("the pool is closed")
            self._letters[letter.key] = letter
        # Looking what a file is costs little, and a thick one may hide a short letter behind it.
        self._queue.put(letter.key, list(jobs), ahead=all(job.page == 0 and job.cut is None for job in jobs))

    def cut(self, snapshot: Snapshot, recognition: Recognition, parts: Sequence[Sequence[int]]) -> "Future[Any]":
        """Cut letters out of a stack that was read: a tuple of `CutOut`, one for each part (page numbers, 1-based).

        The future fails with `NotCut`, or with `ConfigurationError` if no worker starts.
        """
        future: Future[Any] = Future()
        letter = _Letter(
            key=next(self._keys),
            descriptor=os.dup(snapshot.fileno()),
            future=future,
            on_page=None,
            media_type=recognition.media_type,
            pages={page.number: page for page in recognition.pages},
            parts=parts,
        )
        self._begin(letter, [_Job(letter=letter, page=0, cut=place) for place in range(len(parts))])
        return future

    def warm_up(self, *, every: bool = False) -> None:
        """Let a worker, or every one, load its libraries and models now: letters are coming. Cheap where one is ready
        or at work."""
        with self._lock:
            if self._is_warming_up or self._letters or any(worker.has_worked for worker in self._workers):
                return
            self._is_warming_up = not self._queue.closed
            if self._is_warming_up:
                self._queue.put(0, [_WarmUp() for _ in (self._workers if every else self._workers[:1])])

    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers, for `status` and for drills that kill one."""
        with self._lock:
            return tuple(worker.pid for worker in self._workers)

    def close(self, wait: bool = True) -> None:
        """Stop; with `wait` all letters that were handed in are read first, else they are cancelled."""
        if not wait:
            self.abort()
            return
        with self._idle:
            self._idle.wait_for(lambda: not self._letters or self._aborted)
        self._queue.close()
        for thread in self._threads:
            thread.join()

    def abort(self) -> None:
        """Stop at once: kill the workers, cancel what is not finished. Nothing is lost, it is read again later."""
        with self._lock:
            self._aborted = True
            self._queue.close()
            letters = list(self._letters.values())
            for worker in self._workers:
                worker.kill()
        for letter in letters:
            self._finish(letter)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def _serve(self, slot: int) -> None:
        """One thread per worker: take a job, ask, pass the answer on; until the pool is closed."""
        while True:
            job = self._queue.take(self._settings.workers_idle_seconds)
            if isinstance(job, _WarmUp):
                self._get_ready(slot)
            elif job is not None:
                self._do(slot, job)
            elif self._queue.closed:
                break
            elif self._workers[slot].has_worked:
                # A worker that has loaded models holds ten times the memory of a fresh one.
                self._replace(slot, WorkerProcess.stop)
        if not self._aborted:
            self._workers[slot].stop()

    def _do(self, slot: int, job: _Job) -> None:
        letter = job.letter
        with self._lock:
            if letter.future.cancelled() and not letter.finished:
                self._finish(letter)
            if letter.finished:
                return
            letter.jobs_at_work += 1
        try:
            # Only a searchable PDF and a letter of a stack come as bytes.
            allowed = self._settings.max_bytes * job.allowed_bytes
            answer = self._workers[slot].ask(job.message, letter.key, letter.descriptor, allowed)
        except Disconnected:
            answer = None
            self._replace(slot, WorkerProcess.kill)
        except (NotStarted, ConfigurationError) as err:
            self._start_again(slot, job, err)
            self._let_go(letter)
            return
        try:
            # Nothing is said about a letter whose worker we ended ourselves.
            if not self._aborted:
                self._take_answer(job, answer)
        except Exception as err:
            # Also what a caller's on_page raises: the letter fails, the thread and the others go on.
            self._finish(letter, error=err)
        finally:
            self._let_go(letter)

    def _get_ready(self, slot: int) -> None:
        try:
            self._workers[slot].prepare()
        except (NotStarted, ConfigurationError):
            # The letter that comes will tell what is wrong.
            self._replace(slot, WorkerProcess.kill)
        finally:
            self._is_warming_up = False

    def _start_again(self, slot: int, job: _Job, err: Exception) -> None:
        """The letter is not to blame: another worker may try, but not for ever."""
        self._replace(slot, WorkerProcess.kill)
        if self._aborted:
            return
        if isinstance(err, ConfigurationError):
            self._finish(job.letter, error=err)
        elif job.false_starts < _FALSE_STARTS:
            self._queue.put(job.letter.key, [replace(job, false_starts=job.false_starts + 1)])
        else:
            self._finish(job.letter, error=ConfigurationError(_WORKERS_DO_NOT_START))

    def _replace(self, slot: int, end: Callable[[WorkerProcess], None]) -> None:
        end(self._workers[slot])
        with self._lock:
            if not self._aborted:
                self._workers[slot] = WorkerProcess(self._settings, self._work_folder)

    def _take_answer(self, job: _Job, answer: Message | None) -> None:
        letter = job.letter
        if job.cut is not None:
            self._take_cut_out(job, job.cut, answer)
            return
        if job.asks_for_rendition:
            rendition = (answer or {}).get("attached")
            is_pdf = isinstance(rendition, bytes) and rendition.startswith(b"%PDF-")
            self._finish_read(letter, rendition if is_pdf else None)
            return
        if answer is not None and (code := answer.get("refused")) in SENTENCES:
            raise unreadable(str(code), self._limit_of(str(code)))
        if job.page == 0 and (answer is not None or job.simple):
            self._plan_pages(letter, answer)
            return
        if job.codes_only:
            letter.barcodes[job.page] = _codes_of(job, answer)
            self._add_page(letter, unread_page(job.page), False)
            return
        damaged = answer is not None and answer.get("damaged") is True
        page, codes = (None, ()) if damaged else _page_of(job, answer)
        if page is None and not damaged and not job.simple:
            self._queue.put(letter.key, [replace(job, simple=True)])
            return
        letter.barcodes[job.page] = codes
        self._add_page(letter, page or unread_page(job.page), damaged)

    def _take_cut_out(self, job: _Job, place: int, answer: Message | None) -> None:
        letter, attached, size = job.letter, (answer or {}).get("attached"), (answer or {}).get("cut_bytes")
        if answer is None and not job.simple:
            self._queue.put(letter.key, [replace(job, simple=True)])
            return
        if not isinstance(attached, bytes) or type(size) is not int or not 0 < size <= len(attached):
            raise NotCut(str((answer or {}).get("uncut"))[:80])
        rendition = attached[size:]
        cut_out = CutOut(
            snapshot=Snapshot.from_bytes(attached[:size], self._work_folder),
            rendition=rendition if rendition.startswith(b"%PDF-") else None,
        )
        with self._lock:
            letter.cut_outs[place] = cut_out
            done = len(letter.cut_outs) == len(letter.parts)
            if letter.finished:
                cut_out.snapshot.close()
        if done:
            self._finish(letter, result=tuple(letter.cut_outs[number] for number in sorted(letter.cut_outs)))

    def _plan_pages(self, letter: _Letter, answer: Message | None) -> None:
        """Whoever kills the worker by being looked at is damaged, or worse."""
        media_type, count = (answer or {}).get("media_type"), (answer or {}).get("pages")
        if media_type not in _MEDIA_TYPES or type(count) is not int or not 1 <= count <= self._settings.max_pages:
            raise unreadable("damaged")
        try:
            letter.einvoice = einvoice_from_answer((answer or {}).get("einvoice"))
        except Implausible as err:
            raise unreadable("damaged") from err
        letter.media_type, letter.page_count = media_type, count
        if letter.einvoice is not None:
            letter.is_sealed = None
        # Whether the others may be read at all, the first page says.
        first = 1 if letter.is_sealed is not None else count
        self._queue.put(
            letter.key, [_Job(letter=letter, page=number + 1) for number in range(first)], ahead=letter.is_short
        )

    def _add_page(self, letter: _Letter, page: RecognisedPage, damaged: bool) -> None:
        with self._lock:
            letter.pages[page.number] = page
            letter.damaged += damaged
            done = len(letter.pages)
        if letter.on_page is not None:
            letter.on_page(done, letter.page_count)
        if letter.is_sealed is not None and page.number == 1:
            letter.stays_unread, letter.is_sealed = letter.is_sealed(page), None
            self._queue.put(
                letter.key,
                [
                    _Job(letter=letter, page=number, codes_only=letter.stays_unread)
                    for number in range(2, letter.page_count + 1)
                ],
            )
        if done < letter.page_count:
            return
        if letter.stays_unread and self._read_after_all(letter):
            return
        if letter.damaged == letter.page_count:
            raise unreadable("damaged")
        # The letters of a stack get searchable PDFs of their own when they are cut out.
        is_stack = plan_stack(letter.pages_in_order, letter.barcodes_in_order) is not None
        wanted = not is_stack and not letter.stays_unread
        if wanted and needs_rendition(letter.media_type, letter.pages.values()):
            # Never tried twice: the letter is whole without it.
            self._queue.put(letter.key, [_Job(letter=letter, page=letter.page_count + 1)], ahead=letter.is_short)
        else:
            self._finish_read(letter)

    def _read_after_all(self, letter: _Letter) -> bool:
        """Behind a sealed letter there are others in the stack: they are read; it is sealed again when they are cut."""
        letter.stays_unread = plan_stack(letter.pages_in_order, letter.barcodes_in_order) is None
        if letter.stays_unread:
            return False
        with self._lock:
            letter.pages = {1: letter.pages[1]}
        self._queue.put(
            letter.key,
            [_Job(letter=letter, page=number) for number in range(2, letter.page_count + 1)],
            ahead=letter.is_short,
        )
        return True

    def _finish_read(self, letter: _Letter, rendition: bytes | None = None) -> None:
        pages = letter.pages_in_order
        recognition = Recognition(
            media_type=letter.media_type,
            pages=pages,
            rendition=rendition,
            einvoice=letter.einvoice,
            barcodes=letter.barcodes_in_order,
        )
        self._finish(letter, result=recognition)

    def _finish(self, letter: _Letter, result: Any = None, error: Exception | None = None) -> None:
        """Settle the future once; without result or error it is cancelled."""
        with self._lock:
            if letter.finished:
                return
            letter.finished = True
            self._queue.drop(letter.key)
            if result is None:
                for cut_out in letter.cut_outs.values():
                    cut_out.snapshot.close()
            if letter.jobs_at_work == 0:
                self._release(letter)
        try:
            if result is not None:
                letter.future.set_result(result)
            elif error is not None:
                letter.future.set_exception(error)
            else:
                letter.future.cancel()
        except InvalidStateError:
            pass  # the caller cancelled it in this very moment

    def _let_go(self, letter: _Letter) -> None:
        with self._lock:
            letter.jobs_at_work -= 1
            if letter.finished and letter.jobs_at_work == 0:
                self._release(letter)

    def _release(self, letter: _Letter) -> None:
        """Free the letter's bytes here and in the workers."""
        if self._letters.pop(letter.key, None) is None:
            return
        os.close(letter.descriptor)
        for worker in self._workers:
            worker.forget(letter.key)
        self._idle.notify_all()

    def _limit_of(self, code: str) -> int | None:
        settings = self._settings
        limits = {"too-many-pages": settings.max_pages, "too-many-pixels": settings.max_pixels_per_page // 1_000_000}
        return limits.get(code)


def _codes_of(job: _Job, answer: Message | None) -> tuple[Barcode, ...]:
    found = (answer or {}).get("page")
    try:
        return codes_from_answer(found.get("codes"), job.page) if isinstance(found, dict) else ()
    except Implausible:
        return ()


def _page_of(job: _Job, answer: Message | None) -> tuple[RecognisedPage | None, tuple[Barcode, ...]]:
    """The page a worker sent and its codes, or None if it sent none that can be believed."""
    if answer is None or not isinstance(found := answer.get("page"), dict):
        return None, ()
    try:
        page = page_from_answer(found, job.page, ("retried",) if job.simple else ())
        return page, codes_from_answer(found.get("codes"), job.page)
    except Implausible:
        return None, ()
