"""The story of intake: a claimed file is recognised, classified, filed, and only then taken out of the inbox.

    claim → recognise → classify → parts → wraps → commit → read back → source removed → index → log

One thread tells the story; recognition happens in the pool's worker processes, a few letters ahead. The
claim is the journal: after a crash `resume` finishes what was committed and starts over what was not.
"""

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from archive.filing import Content, Filing
from intake import Claim, Inbox, Recognition, RecognitionPool, Snapshot, SourceChanged, is_whole, unreadable
from poststelle.durable import Disk
from poststelle.errors import StorageError, UnreadableFile
from poststelle.records import ArchivedDocument, ClassifiedDocument, Quarantined, RecognisedDocument, ScannedFile

LETTERS_AHEAD = 4
"""Letters in recognition at a time, per worker: enough to keep every core busy, few enough for memory."""
STOP_SECONDS = 0.5


class Classify(Protocol):
    """What the pipeline needs of the classifier."""

    def classify(self, document: RecognisedDocument, received_on: date) -> ClassifiedDocument:
        """Class, compartment, facts."""


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


_Event = _Read | Progress | Claim | None
"""What the story waits for; None means: no more files will come."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Takes files in. `index` makes a filed letter findable; it may fail without harm, search catches up."""

    inbox: Inbox
    pool: RecognitionPool
    classifier: Classify
    filing: Filing
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
    catch_up: Callable[[], None] = lambda: None
    """Makes findable what a crash left out of an index."""
    on_progress: Callable[[Progress], None] = lambda progress: None
    _events: "queue.SimpleQueue[_Event]" = field(default_factory=queue.SimpleQueue)
    _in_flight: int = 0
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
                    yield from self._begin(claim)
            if self._in_flight:
                yield from self._handle(self._events.get())

    def watch(self, stop: threading.Event) -> Iterator[Outcome]:
        """Take in what drops until `stop` is set; call `hand_back` afterwards for what was not committed."""
        watcher = threading.Thread(target=self._listen, args=(stop,), name="inbox", daemon=True)
        watcher.start()
        while (event := self._events.get()) is not None:
            for outcome in self._begin(event) if isinstance(event, Claim) else self._handle(event):
                self._room.release()
                yield outcome
        watcher.join()

    def _listen(self, stop: threading.Event) -> None:
        """Claim what is whole, a few letters ahead: the rest stays in the inbox where people see it."""
        try:
            for path in self.inbox.watch(stop):
                while not self._room.acquire(timeout=STOP_SECONDS):
                    if stop.is_set():
                        return
                claim = self.inbox.claim(path, self.new_id())
                if claim is None:
                    self._room.release()
                else:
                    self.disk.reached("claimed")
                    self._events.put(claim)
        finally:
            self._events.put(None)

    def claims(self) -> Iterator[Claim]:
        """Claim what is whole in the inbox now, oldest first."""
        for path in self.inbox.whole_files():
            claim = self.inbox.claim(path, self.new_id())
            if claim is not None:
                self.disk.reached("claimed")
                yield claim

    def hand_back(self) -> None:
        """Stop early: what is not committed goes back to the inbox under its old name."""
        self.pool.abort()
        for claim in self.inbox.leftovers():
            if not self._finish_committed(claim):
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

        future = self.pool.recognise(snapshot, page_read)
        future.add_done_callback(lambda done: self._events.put(_Read(claim=claim, snapshot=snapshot, future=done)))

    def _handle(self, event: _Event) -> Iterator[Outcome]:
        if isinstance(event, Progress):
            self.on_progress(event)
        elif isinstance(event, _Read):
            self._in_flight -= 1
            with event.snapshot:
                if not event.future.cancelled():
                    yield self._settle(event)

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
        )
        received_on = self.received_on or local_day(read.claim.received_at)
        classified = self.classifier.classify(document, received_on)
        self.disk.reached("classified")
        filed = self.filing.file_letter(classified, read.snapshot, received_on, recognition.rendition)
        self._remove_source(read.claim, read.snapshot.sha256)
        self.index(filed)
        self.log()
        return Outcome(claim=read.claim, pages=len(recognition.pages), sha256=read.snapshot.sha256, filed=filed)

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
            return False
        content = _FileContent(claim.path)
        if self.filing.source_may_go(claim.document_id, content):
            self.inbox.remove(claim, _measure(content)[1])
        else:
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
