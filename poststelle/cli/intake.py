"""`poststelle intake`."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import Printer, clean, count, facts_json, table
from poststelle.errors import ExitStatus
from poststelle.records import Reason

if TYPE_CHECKING:
    from poststelle.verbs.taking_in import Intake, TakenIn


@click.command(short_help="Take in files, or what waits in the inbox.")
@click.argument("paths", nargs=-1, metavar="[PATH…]", type=click.Path(exists=True, path_type=Path))
@click.option("--move", is_flag=True, help="Remove the files once they are safely filed.")
@click.option("--received-on", type=DAY, help="Day of receipt, if it was not today.")
@pass_context
def command(context: Context, paths: tuple[Path, ...], move: bool, received_on: datetime | None) -> int:
    """Take in copies of files or folders; without PATH, drain the inbox once.

    Runs as the service. With --identity, only what that person may see is shown of each letter. Files that cannot be
    read go to quarantine, whole; `poststelle quarantine list` says why.

    \b
    Example:
      poststelle intake
      poststelle intake --received-on 2026-03-15 old-scans/

    \b
    EXIT STATUS: 0 all filed (review and duplicates included) · 1 something went to quarantine, or no room ·
    2 usage or configuration, or another intake is running · 130 interrupted, nothing lost
    """
    from poststelle.verbs.taking_in import intake

    with context.printer.progress("Taking in") as update:
        pages: dict[str, str] = {}

        def on_progress(progress: Any) -> None:
            pages["now"] = f"{progress.claim.source_name}: page {progress.pages_done} of {progress.pages}"
            update(done, total, pages["now"])

        done, total = 0, None
        with intake(
            context.environment(),
            paths,
            move=move,
            received_on=received_on.date() if received_on else None,
            on_progress=on_progress,
        ) as run:
            total = run.total
            documents = []
            for document in run.outcomes:
                done += 1
                documents.append(document)
                update(done, total, "")
            left = run.left()
    if left.unfinished:
        files = count(left.unfinished, "file is not whole yet and stays", "files are not whole yet and stay")
        context.printer.note(f"{files} in the inbox; `poststelle watch` waits for their writers.")
    if left.no_space:
        context.printer.note(
            "The disk of the vault, its keys or their mirror is nearly full: the rest was not taken and stays where it "
            "is, whole. Make room, then run this again. `poststelle status` shows the free space."
        )
    if left.refused:
        context.printer.note(f"{count(left.refused, 'link or device', 'links or devices')} in the inbox: never taken.")
    status = report(context.printer, documents)
    return ExitStatus.PROBLEMS if left.no_space else status


def report(printer: Printer, documents: "list[TakenIn]") -> int:
    """Print what became of each file; returns the exit status."""
    printer.result({"documents": [as_json(d) for d in documents]}, lambda: _text(documents))
    return ExitStatus.PROBLEMS if any(d.status == "quarantined" for d in documents) else ExitStatus.DONE


def collect(printer: Printer, description: str, run: "Intake") -> "list[TakenIn]":
    """All outcomes of a run, with a bar."""
    with printer.progress(description) as update:
        documents = []
        for document in run.outcomes:
            documents.append(document)
            update(len(documents), run.total, "")
        return documents


def as_json(document: "TakenIn") -> dict[str, Any]:
    """The documented shape of a document that was taken in."""
    return {
        "id": document.document_id,
        "accession": document.accession,
        "source": document.source,
        "status": document.status,
        "class": document.record_class,
        "compartment": document.compartment,
        "confidence": None if document.confidence is None else round(document.confidence, 3),
        "pages": document.pages,
        "reasons": [r.text if isinstance(r, Reason) else r for r in document.reasons],
        "facts": facts_json(document.facts),
    }


def _text(documents: "list[TakenIn]") -> str:
    if not documents:
        return "Nothing was taken in."
    rows = []
    for d in documents:
        subject = next((f.value for f in d.facts if f.name == "subject"), "")
        reason = d.reasons[-1] if d.status in ("quarantined", "review") and d.reasons else ""
        what = reason.text if isinstance(reason, Reason) else reason or subject
        rows.append([d.accession or d.document_id[:8], d.status, d.record_class or "-", d.source or "-", clean(what)])
    totals = Counter(d.status for d in documents)
    summary = ", ".join(f"{number} {status}" for status, number in sorted(totals.items()))
    pages = count(sum(d.pages for d in documents), "page", "pages")
    return f"{table(['NUMBER', 'STATUS', 'CLASS', 'SOURCE', 'SUBJECT OR REASON'], rows)}\n\n{summary} ({pages})."
