"""`intake` and `watch`: what drops becomes a filed letter."""

import contextlib
import ctypes
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from intake import Claim, Inbox, Notice, RecognitionPool, require_languages
from poststelle.access.keybook import index_scope
from poststelle.config import Config
from poststelle.errors import ConfigurationError, Damaged, StorageError
from poststelle.pipeline import Outcome, Pipeline, Progress
from poststelle.records import ArchivedDocument, Fact, IndexEntry, Reason
from poststelle.verbs.learning import FollowingClassifier
from poststelle.wiring import (
    Environment,
    Session,
    find_config,
    folders,
    harden_process,
    intake_settings,
    only_intake,
    open_person,
    open_service,
    work_folder,
)

_LARGE_FROM = -3
"""M_MMAP_THRESHOLD of mallopt(3): set once, it no longer follows what was freed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of one file, as far as the asking identity may know."""

    document_id: str
    status: str
    """"filed", "review", "duplicate" or "quarantined"."""
    pages: int
    visible: bool
    """Whether the identity can open the letter's compartment; if not, the fields below are empty."""
    confidence: float | None = None
    accession: str | None = None
    source: str | None = None
    record_class: str | None = None
    compartment: str | None = None
    reasons: tuple[Reason | str, ...] = ()
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """An intake that is ready to run: its total (None if open-ended) and its outcomes as they come."""

    total: int | None
    outcomes: Iterator[TakenIn]
    left: Callable[[], "Left"] = lambda: Left()
    """What stays in the inbox after a drain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What an intake did not touch."""

    unfinished: int = 0
    """Files that are not whole yet."""
    refused: int = 0
    """Links, pipes and devices: never taken."""
    no_space: bool = False
    """Whether files were left because a disk is nearly full."""


@contextlib.contextmanager
def intake(
    environment: Environment,
    paths: Sequence[Path],
    *,
    move: bool,
    received_on: date | None,
    on_progress: Callable[[Progress], None],
) -> Iterator[Intake]:
    """Take in copies of files (with `move`, the files themselves), or what lies whole in the inbox now.

    Raises:
        ConfigurationError: one of the paths is in the inbox, or holds it.
    """
    _require_outside(find_config(environment).inbox, paths)
    with opened_intake(environment, received_on, on_progress) as (_session, viewer, pipeline):
        if paths:
            files = [file for path in paths for file in _files_of(path)]
            total, outcomes = len(files), _take_copies(pipeline, files, move)
        else:
            total, outcomes = None, _drain(pipeline)
        try:
            yield Intake(
                total=total,
                outcomes=(seen(outcome, viewer) for outcome in outcomes),
                left=lambda: _left(pipeline),
            )
        except (KeyboardInterrupt, GeneratorExit):
            pipeline.hand_back()
            raise


@contextlib.contextmanager
def watch(
    environment: Environment,
    stop: threading.Event,
    on_progress: Callable[[Progress], None],
    on_notice: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Intake]:
    """Take in what drops until `stop` is set; what is not committed then goes back into the inbox.

    `on_notice` hears, from another thread, a sentence about the inbox; `status` tells the last one too.
    """
    with opened_intake(environment, None, on_progress, wait_for_inbox=True) as (session, viewer, pipeline):

        def tell(notice: Notice) -> None:
            _leave_notice(session, notice)
            on_notice(NOTICES[notice])

        def outcomes() -> Iterator[TakenIn]:
            for outcome in pipeline.resume():
                yield seen(outcome, viewer)
            for outcome in pipeline.watch(stop, tell):
                yield seen(outcome, viewer)
            pipeline.hand_back()

        _leave_notice(session, None)
        try:
            yield Intake(total=None, outcomes=outcomes())
        finally:
            _leave_notice(session, None)


NOTICES = {
    Notice.GONE: (
        "The inbox is not there. If it is on a network drive, mount it; nothing is lost, and the watch goes on by "
        "itself as soon as it is back."
    ),
    Notice.BACK: "The inbox is there again.",
    Notice.FULL: (
        "The disk of the vault, its keys or their mirror is nearly full. Nothing more is taken in; files stay in the "
        "inbox, whole. Make room: the watch goes on by itself."
    ),
    Notice.ROOM: "There is room again; the watch goes on.",
    Notice.POLLING: (
        "The system watches no more folders for us: new files are looked for every few seconds instead. Raise "
        "fs.inotify.max_user_instances and max_user_watches, or drop into fewer sub-folders."
    ),
}


def _leave_notice(session: Session, notice: Notice | None) -> None:
    """Write into the lock file what `status` should say while this watch runs; the latest counts."""
    path = session.layout.lock
    if notice is None and not path.stat().st_size:
        return
    with contextlib.suppress(OSError):  # the watch itself does not depend on it
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            session.disk.truncate(descriptor, path.name, 0)
            if notice not in (None, Notice.BACK, Notice.ROOM):
                session.disk.append(descriptor, path.name, notice.value.encode())
        finally:
            os.close(descriptor)


def notice_of(lock: Path) -> str | None:
    """What the running watch has to say of the inbox, as a sentence; None if all is well."""
    notice = _noticed(lock)
    return None if notice is None else NOTICES[notice]


def what_holds_up(lock: Path) -> str | None:
    """Why the running watch takes nothing in now, as a sentence; None if it does."""
    notice = _noticed(lock)
    return NOTICES[notice] if notice in (Notice.GONE, Notice.FULL) else None


def _noticed(lock: Path) -> Notice | None:
    try:
        return Notice(lock.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def opened_intake(
    environment: Environment,
    received_on: date | None,
    on_progress: Callable[[Progress], None],
    *,
    wait_for_inbox: bool = False,
) -> Iterator[tuple[Session, Session, Pipeline]]:
    """(service, viewer, pipeline). Workers start before any identity is read; one intake per vault at a time."""
    config = find_config(environment)
    harden_process()
    _give_large_blocks_back()
    settings = intake_settings(config)
    require_languages(settings.all_languages)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(work_folder(config))
        pool = RecognitionPool(settings, folder)
        stack.callback(pool.abort)
        session = stack.enter_context(open_service(environment))
        viewer = session if environment.identity_file is None else stack.enter_context(open_person(environment))
        stack.enter_context(only_intake(session))
        if not wait_for_inbox:
            _require_inbox(config)
        with session.alone():
            session.objects.sweep()
        inbox = inbox_of(session)
        filing = session.filing()
        yield (
            session,
            viewer,
            Pipeline(
                inbox=inbox,
                pool=pool,
                classifier=FollowingClassifier(config, session),
                filing=filing,
                transfers=session.transfers(),
                index=_indexer(session),
                log=session.flush_outbox,
                disk=session.disk,
                new_id=lambda: secrets.token_hex(16),
                max_bytes=settings.max_bytes,
                work_folder=folder,
                workers=settings.workers,
                received_on=received_on,
                catch_up=lambda: _catch_up(session),
                guard=lambda: _lawful(session, viewer),
                folders=folders(config, session.book.office),
                has_space=lambda: free_bytes(session) >= least_free_bytes(config),
                on_progress=on_progress,
            ),
        )


def _give_large_blocks_back() -> None:
    """Have the C library return large blocks to the system for good, instead of keeping ever larger ones: a watch runs
    for months, and the holes that they left made it grow by half a megabyte for each thousand letters."""
    with contextlib.suppress(OSError, AttributeError):  # other C libraries do as they do
        ctypes.CDLL(None).mallopt(_LARGE_FROM, 128 * 1024)


@contextlib.contextmanager
def _lawful(session: Session, viewer: Session) -> Iterator[None]:
    """One step under the law of this moment: new keys are used, and a viewer who lost a right sees no more."""
    with session.sealing():
        if viewer is not session:
            viewer.refresh()
        yield


def inbox_of(session: Session) -> Inbox:
    """The office's drop folder."""
    settings = intake_settings(session.config)
    return Inbox(
        session.config.inbox,
        session.disk,
        settle_seconds=settings.settle_seconds,
        give_up_seconds=settings.give_up_seconds,
        now=session.now,
        how_to_watch=settings.watch,
    )


def _drain(pipeline: Pipeline) -> Iterator[Outcome]:
    yield from pipeline.resume()
    yield from pipeline.take_in(pipeline.claims())


def _take_copies(pipeline: Pipeline, files: Sequence[Path], move: bool) -> Iterator[Outcome]:
    yield from pipeline.resume()
    sources: dict[str, Path] = {}

    def claims() -> Iterator[Claim]:
        for file in files:
            if not pipeline.has_space():
                pipeline.held_up = True
                return
            claim = pipeline.inbox.adopt(file, pipeline.new_id())
            sources[claim.document_id] = file
            yield claim

    for outcome in pipeline.take_in(claims()):
        source = sources.pop(outcome.claim.document_id, None)
        if move and source is not None:
            pipeline.inbox.remove_adopted(source, outcome.sha256)
        yield outcome


def _left(pipeline: Pipeline) -> Left:
    inbox = pipeline.inbox
    unfinished = 0 if pipeline.held_up else len(inbox.scan())
    return Left(unfinished=unfinished, refused=len(inbox.refused()), no_space=pipeline.held_up)


def free_bytes(session: Session) -> int:
    """Room where a letter is filed: the least of vault, key store and its mirror."""
    places = (session.layout.vault, session.layout.key_store, session.layout.mirror)
    return min(shutil.disk_usage(place).free for place in places if place.exists())


def least_free_bytes(config: Config) -> int:
    """With less, nothing more is taken in."""
    return int(config.value["intake"]["least_free_megabytes"]) * 1_000_000


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return [path]


def _indexer(session: Session) -> Callable[[ArchivedDocument], None]:
    """Make a filed letter findable at once where the service holds the index key (`intake.mode: live`)."""
    from archive.textpart import LetterText, index_entry

    def index(filed: ArchivedDocument) -> None:
        compartment = filed.classified.compartment
        if not session.keyring.holds(index_scope(compartment)):
            return
        scope_id = session.book.current(index_scope(compartment)).scope_id
        text = LetterText(classified=filed.classified, received_on=filed.received_on, duplicate_of=filed.duplicate_of)

        def entries() -> Iterator[IndexEntry]:
            """Asked inside the index's transaction: somebody may have moved, revised or destroyed it just now."""
            registered = session.mirrored_keys.find(filed.document_id)
            if registered is not None and (registered.scope_id, registered.text_version) == (scope_id, 1):
                yield index_entry(text, filed.accession, registered.sequence)

        # The archive is the truth: an index that fails now is caught up by the next search.
        with contextlib.suppress(StorageError, Damaged):
            session.index(compartment).add_many(entries())

    return index


def _catch_up(session: Session) -> None:
    """After a crash: make findable what was committed but not indexed. Whatever fails here, a search will tell."""
    from poststelle.verbs.finding import catch_up

    for compartment in session.book.office["compartments"]:
        if session.keyring.holds(index_scope(compartment)):
            with contextlib.suppress(StorageError, Damaged):
                catch_up(session, compartment, session.index(compartment))


def seen(outcome: Outcome, viewer: Session) -> TakenIn:
    """The outcome without what the viewer may not know."""
    if outcome.quarantined is not None:
        item = outcome.quarantined
        visible = viewer.keyring.holds(index_scope("unsorted"))
        return TakenIn(
            document_id=item.document_id,
            status=outcome.status,
            pages=outcome.pages,
            visible=visible,
            accession=item.number,
            source=item.source_name if visible else None,
            reasons=(item.reason,) if visible else (),
        )
    assert outcome.filed is not None
    filed, classified = outcome.filed, outcome.filed.classified
    visible = viewer.keyring.holds(index_scope(classified.compartment))
    # Whether a letter is a second copy is told only to those who may see the first.
    status = outcome.status if visible or outcome.status != "duplicate" else "filed"
    shown = TakenIn(document_id=filed.document_id, status=status, pages=outcome.pages, visible=visible)
    if not visible:
        return shown
    return TakenIn(
        document_id=filed.document_id,
        status=status,
        pages=outcome.pages,
        visible=True,
        confidence=classified.confidence,
        accession=filed.accession,
        source=classified.document.file.source_name,
        record_class=classified.record_class,
        compartment=classified.compartment,
        reasons=(*classified.reasons, *classified.review_reasons),
        facts=classified.facts,
    )


def _require_outside(inbox: Path, paths: Sequence[Path]) -> None:
    """Copies of what waits in the inbox would be second letters: the files themselves are taken in as well."""
    inbox = inbox.resolve()
    for path in paths:
        named = path.resolve()
        if named == inbox or inbox in named.parents or named in inbox.parents:
            where = "holds the inbox" if named in inbox.parents else "is in the inbox"
            raise ConfigurationError(
                f"{path} {where}: what waits there would be filed twice. Nothing was taken in. Run `poststelle intake` "
                "without a path; it takes in what is whole in the inbox."
            )


def _require_inbox(config: Config) -> None:
    if not config.inbox.is_dir():
        raise ConfigurationError(
            f"The inbox {config.inbox} is not there. If it is on a network drive, mount it; else make the folder."
        )
