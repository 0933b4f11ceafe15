"""The story of intake: a claimed file is recognised, classified, filed, and only then taken out of the inbox.

    claim → recognise → classify → parts → wraps → commit → read back → source removed → index → log

One thread tells the story; recognition happens in the pool's worker processes, a few letters ahead. The
claim is the journal: after a crash `resume` finishes what was committed and starts over what was not.

A stack with separator sheets becomes one letter for each: recognise → cut → note → each letter as above → source
removed. The signed note is the plan: a restart carries it out and decides nothing anew.
"""

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from archive.filing import Content, Filing
from archive.transfer import TransferNote, Transfers
from classifiers.hints import Folders
from intake import (
    Claim,
    CutOut,
    Inbox,
    NotCut,
    Notice,
    Recognition,
    RecognitionPool,
    Snapshot,
    SourceChanged,
    StackPlan,
    is_whole,
    letter_barcodes,
    letter_pages,
    plan_stack,
    unreadable,
)
from poststelle.durable import Disk
from poststelle.errors import StorageError, UnreadableFile
from poststelle.records import (
    ArchivedDocument,
    ClassifiedDocument,
    Quarantined,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
)

NOT_CUT = "The file has separator sheets but could not be cut into its letters; it was filed as one."
"""E-invoices are never cut, nor what carries attachments, forms or signatures."""
LETTERS_AHEAD = 4
"""Letters in recognition at a time, per worker: enough to keep every core busy, few enough for memory."""
STOP_SECONDS = 0.5
SPACE_SECONDS = 2.0
"""How often a watch looks whether a full disk has room again."""


class Classify(Protocol):
    """What the pipeline needs of the classifier."""

    def classify(self, document: RecognisedDocument, received_on: date) -> ClassifiedDocument:
        """Class, compartment, facts."""

    def is_sealed(self, first: RecognisedPage) -> bool:
        """Whether a letter with this first page stays unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one dropped file."""

    claim: Claim
    pages: int
    sha256: str
    """Of the source that was taken in."""
    filed: ArchivedDocument | None = None
    quarantined: Quarantined | None = None

    @property
    def status(self) -> str:
        """ "filed", "review", "duplicate" or "quarantined"."""
        if self.filed is None:
            return "quarantined"
        if self.filed.duplicate_of is not None:
            return "duplicate"
        return "review" if self.filed.classified.needs_review else "filed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A page of a letter was read."""

    claim: Claim
    pages_done: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A letter whose recognition has ended, one way or the other."""

    claim: Claim
    snapshot: Snapshot
    future: "Future[Recognition]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """A stack whose letters have been cut out, or could not be."""

    read: _Read
    recognition: Recognition
    plan: StackPlan
    note: TransferNote | None
    """Written before a crash; None for a stack that is new."""
    future: "Future[tuple[CutOut, ...]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A claim that this run did not make: handed over by `quarantine retry`, or left when the inbox went away."""

    claim: Claim


_Event = _Read | _Cut | Progress | Claim | _Found | Exception | None
"""What the story waits for; None means: no more files will come."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Takes files in. `index` makes a filed letter findable; it may fail without harm, search catches up."""

    inbox: Inbox
    pool: RecognitionPool
    classifier: Classify
    filing: Filing
    transfers: Transfers
    index: Callable[[ArchivedDocument], None]
    log: Callable[[], None]
    """Moves committed log entries from the catalogue into the audit log."""
    disk: Disk
    new_id: Callable[[], str]
    max_bytes: int
    work_folder: Path
    workers: int
    received_on: date | None = None
    """The day of receipt if it is not the day of intake."""
    has_space: Callable[[], bool] = lambda: True
    """Asked before each claim: with a nearly full disk nothing more is taken, and what waits in the inbox is safe."""
    held_up: bool = False
    """Whether a drain ended for want of space."""
    catch_up: Callable[[], None] = lambda: None
    """Makes findable what a crash left out of an index."""
    guard: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    """Entered for each step that writes: rights and keys do not change meanwhile, and those of now are used."""
    on_progress: Callable[[Progress], None] = lambda progress: None
    folders: Folders = field(default_factory=lambda: Folders({}))
    """What the inbox's sub-folders stand for."""
    _events: "queue.SimpleQueue[_Event]" = field(default_factory=queue.SimpleQueue)
    _notes: dict[str, TransferNote] = field(default_factory=dict)
    """Of stacks that an earlier run began to file, by claim."""
    _in_flight: int = 0
    _seen: set[str] = field(default_factory=set)
    """Claims that this run knows of and that may still lie in the inbox."""
    _at_work: set[str] = field(default_factory=set)
    """Claims that this run made and has not settled."""
    _room: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._room = threading.Semaphore(LETTERS_AHEAD * self.workers)

    # The three ways in ------------------------------------------------------------------------------------

    def resume(self) -> Iterator[Outcome]:
        """After a crash: finish what was committed, take in what was only claimed."""
        self.inbox.sweep()
        claims = self.inbox.leftovers()
        self.filing.repair([claim.document_id for claim in claims])
        self.log()
        with self.guard():
            again = [claim for claim in claims if not self._finish_committed(claim)]
        self.catch_up()
        yield from self.take_in(again)

    def take_in(self, claims: Iterable[Claim]) -> Iterator[Outcome]:
        """Take in claimed files; yields an outcome when a file has left the inbox."""
        waiting = iter(claims)
        ended = False
        while not ended or self._in_flight:
            while not ended and self._in_flight < LETTERS_AHEAD * self.workers:
                claim = next(waiting, None)
                ended = claim is None
                if claim is not None:
                    yield from self._guarded(self._begin(claim))
            if self._in_flight:
                yield from self._guarded(self._handle(self._events.get()))

    def _guarded(self, work: Iterator[Outcome]) -> list[Outcome]:
        with self.guard():
            return list(work)

    def watch(self, stop: threading.Event, tell: Callable[[Notice], None] = lambda notice: None) -> Iterator[Outcome]:
        """Take in what drops until `stop` is set; call `hand_back` afterwards for what was not committed.

        `tell` hears, from another thread, what a person should know of the inbox.
        """
        watcher = threading.Thread(target=self._listen, args=(stop, tell), name="inbox", daemon=True)
        watcher.start()
        while (event := self._events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            before = self._in_flight
            outcomes = self._guarded(self._handle_if_there(event))
            if self._has_left(event, before):
                self._room.release()
            yield from outcomes
        watcher.join()

    def _handle_if_there(self, event: _Event) -> Iterator[Outcome]:
        """One event. Where it fails because the inbox went away, its claim lies there and is found again."""
        before = self._in_flight
        try:
            if isinstance(event, _Found):
                if not self._finish_committed(event.claim):
                    yield from self._begin(event.claim)
            elif isinstance(event, Claim):
                yield from self._begin(event)
            else:
                yield from self._handle(event)
        except (OSError, StorageError):
            if self.inbox.is_there():
                raise
        else:
            if self._has_left(event, before):
                self._seen.discard(_claim_of(event).document_id)
        finally:
            if self._has_left(event, before):
                self._at_work.discard(_claim_of(event).document_id)

    def _has_left(self, event: _Event, before: int) -> bool:
        """Whether the file of an event is no longer at work; `before` was at work before the event."""
        return self._in_flight < before or (isinstance(event, Claim | _Found) and self._in_flight == before)

    def _listen(self, stop: threading.Event, tell: Callable[[Notice], None]) -> None:
        """Claim what is whole, a few letters ahead: the rest stays in the inbox where people see it."""

        def told(notice: Notice) -> None:
            if notice is Notice.BACK:
                # What was being taken in when the share went away lies there, claimed.
                self._seen = set(self._at_work)
            tell(notice)

        def look(waiting: bool) -> None:
            if waiting:
                self.pool.warm_up()
            for claim in self._found():
                if not self._may_begin(stop, tell):
                    return
                self._seen.add(claim.document_id)
                self._at_work.add(claim.document_id)
                self._events.put(_Found(claim=claim))

        try:
            for path in self.inbox.watch(stop, tell=told, on_look=look):
                if not self._may_begin(stop, tell):
                    return
                claim = self._claim_if_there(path)
                if claim is None:
                    self._room.release()
                else:
                    self.disk.reached("claimed")
                    self._events.put(claim)
        except Exception as err:
            # Told by the thread that tells the story: a watch that no longer listens must not look alive.
            self._events.put(err)
        finally:
            self._events.put(None)

    def _found(self) -> list[Claim]:
        try:
            return self.inbox.leftovers(besides=self._seen)
        except OSError:
            if self.inbox.is_there():
                raise
            return []

    def _may_begin(self, stop: threading.Event, tell: Callable[[Notice], None]) -> bool:
        """Wait until one more letter may be begun; False if the watch ends. Space is looked for last: the letters
        before it took some."""
        return self._wait_for_room(stop) and self._wait_for_space(stop, tell)

    def _wait_for_room(self, stop: threading.Event) -> bool:
        while not self._room.acquire(timeout=STOP_SECONDS):
            if stop.is_set():
                return False
        return True

    def _wait_for_space(self, stop: threading.Event, tell: Callable[[Notice], None]) -> bool:
        if self.has_space():
            return True
        tell(Notice.FULL)
        while not self.has_space():
            if stop.wait(SPACE_SECONDS):
                return False
        tell(Notice.ROOM)
        return True

    def _claim_if_there(self, path: Path) -> Claim | None:
        document_id = self.new_id()
        self._seen.add(document_id)
        self._at_work.add(document_id)
        try:
            claim = self.inbox.claim(path, document_id)
        except OSError:
            if self.inbox.is_there():
                raise
            claim = None
        if claim is None:
            self._at_work.discard(document_id)
            self._seen.discard(document_id)
        return claim

    def claims(self) -> Iterator[Claim]:
        """Claim what is whole in the inbox now, oldest first."""
        if self.inbox.scan():
            # They load their models while the files settle.
            self.pool.warm_up(every=True)
        for path in self.inbox.whole_files():
            if not self.has_space():
                self.held_up = True
                return
            claim = self.inbox.claim(path, self.new_id())
            if claim is not None:
                self.disk.reached("claimed")
                yield claim

    def hand_back(self) -> None:
        """Stop early: what is not committed goes back to the inbox under its old name."""
        self.pool.abort()
        for claim in self.inbox.leftovers():
            if not self._finish_committed(claim):
                if claim.document_id in self._notes or self.filing.is_retry(claim.document_id):
                    # A stack, half of whose letters may be committed, or the copy of a file that is in quarantine too,
                    # which under another id would be a second letter: the next start finishes it.
                    continue
                # Parts or wraps of an attempt that did not commit go with the claim: its id is not used again.
                self.filing.destroy(claim.document_id)
                self.inbox.hand_back(claim)

    # One letter -------------------------------------------------------------------------------------------

    def _begin(self, claim: Claim) -> Iterator[Outcome]:
        """Read the file's bytes once and send them to recognition; what cannot be read goes to quarantine."""
        try:
            snapshot = Snapshot.read(claim.path, self.max_bytes, self.work_folder)
        except UnreadableFile as err:
            try:
                yield self._quarantine(claim, _FileContent(claim.path), err)
            except Unreachable:
                # Not even its bytes can be had: it waits in the inbox until somebody mends its permissions.
                self.inbox.hand_back(claim)
            return
        if not is_whole(snapshot):
            # A scan that was cut off may still open, with fewer pages: nobody would miss them.
            with snapshot:
                yield self._quarantine(claim, snapshot, unreadable("unfinished"))
            return
        self._in_flight += 1

        def page_read(done: int, pages: int) -> None:
            self._events.put(Progress(claim=claim, pages_done=done, pages=pages))

        languages = self.folders.find(claim.hint).languages
        future = self.pool.recognise(snapshot, page_read, languages, is_sealed=self.classifier.is_sealed)
        future.add_done_callback(lambda done: self._events.put(_Read(claim=claim, snapshot=snapshot, future=done)))

    def _handle(self, event: _Event) -> Iterator[Outcome]:
        if isinstance(event, Progress):
            self.on_progress(event)
        elif isinstance(event, _Read):
            self._in_flight -= 1
            if event.future.cancelled() or not self._begin_cutting(event):
                with event.snapshot:
                    if not event.future.cancelled():
                        yield self._settle(event)
        elif isinstance(event, _Cut):
            self._in_flight -= 1
            with event.read.snapshot:
                if not event.future.cancelled():
                    yield from self._settle_stack(event)

    def _settle(self, read: _Read) -> Outcome:
        try:
            recognition = read.future.result()
        except UnreadableFile as err:
            return self._quarantine(read.claim, read.snapshot, err)
        self.disk.reached("recognised")
        document = RecognisedDocument(
            file=_scanned_file(read.claim, read.snapshot.size_bytes, read.snapshot.sha256),
            media_type=recognition.media_type,
            pages=recognition.pages,
            einvoice=recognition.einvoice,
            barcodes=recognition.barcodes,
        )
        received_on = self.received_on or local_day(read.claim.received_at)
        classified = self.folders.follow(self.classifier.classify(document, received_on))
        if plan_stack(recognition.pages, recognition.barcodes) is not None:
            reasons = (*classified.review_reasons, NOT_CUT)
            classified = replace(classified, needs_review=True, review_reasons=reasons)
        self.disk.reached("classified")
        # A searchable PDF would hold the words that were not to be read.
        rendition = None if classified.sealed_for else recognition.rendition
        filed = self.filing.file_letter(classified, read.snapshot, received_on, rendition)
        self._remove_source(read.claim, read.snapshot.sha256)
        self.index(filed)
        self.log()
        return Outcome(claim=read.claim, pages=len(recognition.pages), sha256=read.snapshot.sha256, filed=filed)

    # A stack ----------------------------------------------------------------------------------------------

    def _begin_cutting(self, read: _Read) -> bool:
        """Send a stack to be cut; False if the file is one letter."""
        if read.future.exception() is not None:
            return False
        recognition, note = read.future.result(), self._notes.get(read.claim.document_id)
        plan = _plan_of(note) if note is not None else None
        if plan is None and recognition.einvoice is None:
            plan = plan_stack(recognition.pages, recognition.barcodes)
        if plan is None or plan.pages != len(recognition.pages):
            return False
        cut = self.pool.cut(read.snapshot, recognition, plan.letters)
        self._in_flight += 1

        def done(future: "Future[tuple[CutOut, ...]]") -> None:
            self._events.put(_Cut(read=read, recognition=recognition, plan=plan, note=note, future=future))

        cut.add_done_callback(done)
        return True

    def _settle_stack(self, cut: _Cut) -> Iterator[Outcome]:
        """File the letters of a stack one by one; its source goes when the last one was read back."""
        claim, source = cut.read.claim, cut.read.snapshot
        try:
            cut_outs = cut.future.result()
        except NotCut:
            yield self._settle(cut.read)
            return
        if cut.note is not None and self.transfers.mark_of(claim.document_id, source.chunks()) != cut.note.mark:
            # Written over in this very moment: what it has become is a new drop, under a new id.
            for cut_out in cut_outs:
                cut_out.snapshot.close()
            self.inbox.hand_back(claim)
            return
        with contextlib.ExitStack() as closing:
            for cut_out in cut_outs:
                closing.enter_context(cut_out.snapshot)
            note = cut.note
            if note is None:
                note = self.transfers.write(
                    claim.document_id,
                    source.chunks(),
                    letters=cut.plan.letters,
                    separators=cut.plan.separators,
                    blanks=cut.plan.blanks,
                )
                self._notes[claim.document_id] = note
            self.disk.reached("noted")
            filed = [
                self._file_cut_out(cut, cut_out, letter.document_id, letter.pages)
                for letter, cut_out in zip(note.letters, cut_outs, strict=True)
                if not self.filing.is_committed(letter.document_id)
            ]
        self._end_stack(claim, note, source.sha256)
        self.log()
        for archived in filed:
            pages = len(archived.classified.document.pages)
            yield Outcome(claim=claim, pages=pages, sha256=source.sha256, filed=archived)

    def _file_cut_out(self, cut: _Cut, cut_out: CutOut, document_id: str, numbers: tuple[int, ...]) -> ArchivedDocument:
        claim, snapshot = cut.read.claim, cut_out.snapshot
        file = _scanned_file(claim, snapshot.size_bytes, snapshot.sha256)
        document = RecognisedDocument(
            # Nothing in it tells that, or where, it lay in a stack: other letters of it may not be the reader's.
            file=replace(file, document_id=document_id),
            media_type=cut.recognition.media_type,
            pages=letter_pages(cut.recognition.pages, numbers),
            barcodes=letter_barcodes(cut.recognition.barcodes, numbers),
        )
        received_on = self.received_on or local_day(claim.received_at)
        classified = self.folders.follow(self.classifier.classify(document, received_on))
        self.disk.reached("classified")
        rendition = None if classified.sealed_for else cut_out.rendition
        filed = self.filing.file_letter(classified, snapshot, received_on, rendition)
        self.index(filed)
        return filed

    def _end_stack(self, claim: Claim, note: TransferNote, sha256: str) -> None:
        for letter in note.letters:
            self.filing.require_parts(letter.document_id)
        self.filing.end_retry(claim.document_id)
        self._remove_source(claim, sha256)
        self._notes.pop(claim.document_id, None)

    def _finish_stack(self, claim: Claim, note: TransferNote) -> bool:
        """After a crash: False if letters of the stack are not committed yet."""
        content = _FileContent(claim.path)
        sha256 = _measure(content)[1]  # before it is compared, as in `_finish_committed`
        if self.transfers.mark_of(claim.document_id, content.chunks()) != note.mark:
            # Somebody wrote over it after it was cut: what it has become is a new drop.
            self.inbox.hand_back(claim)
            return True
        if not all(self.filing.is_committed(letter.document_id) for letter in note.letters):
            self._notes[claim.document_id] = note
            return False
        self._end_stack(claim, note, sha256)
        return True

    def _quarantine(self, claim: Claim, content: Content, err: UnreadableFile) -> Outcome:
        size, sha256 = _measure(content)
        file = _scanned_file(claim, size, sha256)
        quarantined = self.filing.quarantine(file, content, err.reason_code, err.reason)
        self._remove_source(claim, sha256)
        self.log()
        return Outcome(claim=claim, pages=0, sha256=sha256, quarantined=quarantined)

    def _remove_source(self, claim: Claim, sha256: str) -> None:
        """The last step: the source goes, unless somebody changed it since it was read."""
        try:
            self.inbox.remove(claim, sha256)
        except SourceChanged:
            # What was sealed stays; what the file has become is a new drop.
            self.inbox.hand_back(claim)
        self.disk.reached("removed")

    def _finish_committed(self, claim: Claim) -> bool:
        """After a crash behind the commit point: check by ciphertext hash, then remove the source."""
        if not self.filing.is_committed(claim.document_id):
            note = self.transfers.note_of(claim.document_id)
            return note is not None and self._finish_stack(claim, note)
        content = _FileContent(claim.path)
        # Measured before it is compared: what somebody writes in between must not be taken for what was sealed.
        sha256 = _measure(content)[1]
        try:
            if self.filing.source_may_go(claim.document_id, content):
                self.inbox.remove(claim, sha256)
            else:
                self.inbox.hand_back(claim)
        except SourceChanged:
            self.inbox.hand_back(claim)
        return True


class Unreachable(StorageError):
    """A file in the inbox cannot be read at all, so it can neither be filed nor sealed in quarantine."""

    code = "I012"


class _FileContent:
    """The bytes of a file that could not be read into memory, straight from the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def chunks(self) -> Iterator[bytes]:
        try:
            # Never through a link: whoever may write into the inbox must not choose what the service reads.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                while chunk := stream.read(1 << 20):
                    yield chunk
        except OSError as err:
            raise Unreachable(
                f"A file in the inbox cannot be read ({err.strerror}). It stays there; check its permissions."
            ) from err


def _claim_of(event: _Event) -> Claim:
    """The claim that an event is about."""
    if isinstance(event, Claim):
        return event
    if isinstance(event, _Cut):
        return event.read.claim
    assert isinstance(event, _Read | _Found | Progress)
    return event.claim


def _plan_of(note: TransferNote) -> StackPlan:
    letters = tuple(letter.pages for letter in note.letters)
    return StackPlan(letters=letters, separators=note.separators, blanks=note.blanks)


def local_day(at: datetime) -> date:
    """The calendar day here; what the date stamp on the letter would say."""
    return at.astimezone().date()


def _scanned_file(claim: Claim, size_bytes: int, sha256: str) -> ScannedFile:
    return ScannedFile(
        document_id=claim.document_id,
        source_name=claim.source_name,
        size_bytes=size_bytes,
        sha256=sha256,
        received_at=claim.received_at,
        hint=claim.hint,
    )


def _measure(content: Content) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for chunk in content.chunks():
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()
