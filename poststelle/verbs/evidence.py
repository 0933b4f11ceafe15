"""`evidence export|check`: the papers of live state, and whether they still describe it."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from poststelle.access.audit import Head
from poststelle.access.checkpoints import read_chain
from poststelle.access.keybook import RECORDS
from poststelle.access.statements import InvalidStatement, Statement, check_statement, make_statement
from poststelle.errors import ConfigurationError, NotPermitted, StorageError
from poststelle.verbs.papers.blocks import Paper, sections, to_markdown
from poststelle.verbs.papers.deletion import deletion_concept
from poststelle.verbs.papers.live import Live, live_state
from poststelle.verbs.papers.measures import measures_list
from poststelle.verbs.papers.procedure import procedural_documentation
from poststelle.verbs.papers.processing import record_of_processing
from poststelle.verbs.papers.sheets import to_pdf
from poststelle.verbs.papers.state import Operation, state_of_operation
from poststelle.wiring import Session, is_configured_law

KIND = "evidence"
MANIFEST, SUMS = "evidence.json", "SHA256SUMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an export wrote."""

    folder: Path
    files: tuple[str, ...]
    statement_id: str
    is_configured_law: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found."""

    made_on: date
    problems: tuple[str, ...]
    files: int


def export(session: Session, folder: Path) -> Written:
    """Write all papers, as Markdown and PDF, with a hash list and a signed manifest, into a new folder.

    Raises:
        NotPermitted: the identity does not keep the records.
        ConfigurationError: the folder has something in it.
        StorageError: it cannot be written.
    """
    _require_right(session)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is not empty, and nothing in it was replaced. Name a new folder.")
    live = live_state(session, session.now().astimezone().date())
    operation = _operation(session)
    papers = [*_lasting(live), state_of_operation(live, operation)]
    files = {f"{paper.name}.md": to_markdown(paper).encode() for paper in papers}
    files |= {f"{paper.name}.pdf": to_pdf(paper) for paper in papers}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    statement = _signed(session, live, operation.chain.head, hashes)
    files[MANIFEST] = statement.line + b"\n"
    files[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode()
    session.note("evidence-exported", manifest=statement.statement_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as err:
        raise StorageError(f"{folder} cannot be written ({err.strerror}); the papers there are not complete.") from err
    return Written(
        folder=folder,
        files=tuple(sorted(files)),
        statement_id=statement.statement_id,
        is_configured_law=operation.is_configured_law,
    )


def check(session: Session, folder: Path) -> Checked:
    """Whether papers are whole, genuine and still what live state would give.

    Raises:
        NotPermitted: the identity does not keep the records.
        ConfigurationError: there are no papers of this vault.
    """
    _require_right(session)
    manifest = _manifest(session, folder)
    made_on = date.fromisoformat(manifest.body["day"])
    problems = [*_changed(folder, manifest.body["files"]), *_outdated(session, folder, made_on)]
    if (head := manifest.body["head"]) is not None and not session.unchecked_audit.contains(Head(**head)):
        problems.append(f"The log no longer contains entry {head['number']}, which was its last when they were made.")
    if not is_configured_law(session.config, session.book):
        problems.append(
            "config.yaml says something else than the key book, of which papers are made: sign it (`poststelle config "
            "apply`) or undo it."
        )
    session.note("evidence-checked", manifest=manifest.statement_id, problems=len(problems))
    return Checked(made_on=made_on, problems=tuple(problems), files=len(manifest.body["files"]))


def _lasting(live: Live) -> list[Paper]:
    """Papers that stay true as long as configuration, key book and program stay as they are."""
    return [procedural_documentation(live), deletion_concept(live), record_of_processing(live), measures_list(live)]


def _require_right(session: Session) -> None:
    if not session.book.holds_right(session.identity.person_id, RECORDS):
        raise NotPermitted(
            "Your role does not include the papers. Ask the records manager or the data protection officer."
        )


def _operation(session: Session) -> Operation:
    counts: Counter[str] = Counter()
    last: dict[str, datetime] = {}
    chain = read_chain(session.audit, session.book)
    if not chain.problems:
        for _, line in session.audit.lines():
            counts[line["kind"]] += 1
            last[line["kind"]] = datetime.fromisoformat(line["at"])
    return Operation(
        counts=counts, last=last, chain=chain, is_configured_law=is_configured_law(session.config, session.book)
    )


def _signed(session: Session, live: Live, head: Head | None, hashes: dict[str, str]) -> Statement:
    seen = None if head is None else {"number": head.number, "hash": head.hash, "offset_bytes": head.offset_bytes}
    content = {"day": live.day.isoformat(), "version": live.version, "head": seen, "files": hashes}
    return make_statement(session.identity, session.book.vault_id, KIND, content, at=session.now(), head=head)


def _manifest(session: Session, folder: Path) -> Statement:
    try:
        return check_statement(
            (folder / MANIFEST).read_bytes().removesuffix(b"\n"), session.book, KIND, or_removed=True
        )
    except OSError as err:
        raise ConfigurationError(f"{folder} holds no papers: {MANIFEST} cannot be read ({err.strerror}).") from err
    except InvalidStatement as err:
        raise ConfigurationError(f"The papers in {folder} are not genuine papers of this vault. {err}") from err


def _changed(folder: Path, hashes: dict[str, str]) -> Iterator[str]:
    for name, digest in hashes.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing."
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{name} was changed after it was made."


def _outdated(session: Session, folder: Path, made_on: date) -> Iterator[str]:
    """Papers that live state would give otherwise now, with the sections that differ."""
    for paper in _lasting(live_state(session, made_on)):
        path = folder / f"{paper.name}.md"
        now = sections(to_markdown(paper))
        then = sections(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else {}
        differ = [title for title in dict.fromkeys([*now, *then]) if now.get(title) != then.get(title)]
        if differ:
            yield f"{path.name} no longer describes this office: {'; '.join(differ)}. Export anew."
