"""`poststelle retention explain|table`."""

from datetime import datetime
from typing import Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, table


@click.group(short_help="How long letters are kept, and why.")
def command() -> None:
    """How long letters are kept, and why.

    \b
    Example:
      poststelle --identity identities/accounting.identity retention explain FIN-2026-000001

    \b
    EXIT STATUS: as for each command below
    """


@command.command("explain", short_help="When may this letter be destroyed?")
@click.argument("letter", metavar="ID")
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), help="Ask for another day than today.")
@pass_context
def explain_command(context: Context, letter: str, on: datetime | None) -> None:
    """Say a letter's class, period, paragraph, start, holds and due day in a sentence to read out.

    For the people of its compartment, and for holders of the intake book.

    \b
    Example:
      poststelle --identity identities/records-manager.identity retention explain FIN-2026-000001 --on 2035-01-01

    \b
    EXIT STATUS: 0 done · 4 no such letter (or not yours)
    """
    from poststelle.verbs.keeping import explain
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        day = on.date() if on else at_desk.person.now().astimezone().date()
        explained = explain(at_desk, letter, day)
    value = explained_json(explained)

    def as_text() -> str:
        blocked = explained.considered.blocked_by
        verdict = f"On {day} it stays: {'; '.join(blocked)}." if blocked else f"On {day} it may be destroyed."
        return clean(f"{explained.number} ({explained.class_label}). {value['reason']}\n{verdict}")

    context.printer.result(value, as_text)


@command.command("table", short_help="The retention schedule of this vault.")
@pass_context
def table_command(context: Context) -> None:
    """Print the retention schedule that is law in this vault, with paragraphs and the classes that follow each line.

    \b
    Example:
      poststelle retention table

    \b
    EXIT STATUS: 0 done
    """
    from poststelle.verbs.keeping import schedule
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        entries = schedule(session.book)
    lines = [
        {
            "code": e.line.code,
            "label": e.line.label,
            "period": str(e.line.period),
            "start_event": e.line.start_event,
            "cutoff": e.line.cutoff,
            "basis": e.line.basis,
            "tax_relevant": e.line.tax_relevant,
            "release": e.line.release,
            "earlier": [{"until": v.until.isoformat(), "period": str(v.period)} for v in e.line.earlier],
            "classes": list(e.classes),
        }
        for e in entries
    ]

    def as_text() -> str:
        rows = [
            [e.line.code, str(e.line.period), e.line.start_event, e.line.release, e.line.label, ", ".join(e.classes)]
            for e in entries
        ]
        basis = "\n".join(f"{e.line.code}: {e.line.basis}" for e in entries)
        return f"{table(['LINE', 'KEPT', 'FROM', 'RELEASE', 'WHAT', 'CLASSES'], rows)}\n\n{basis}"

    context.printer.result({"lines": lines}, as_text)


def explained_json(explained: Any) -> dict[str, Any]:
    """The documented shape of an explanation."""
    considered = explained.considered
    return {
        "id": considered.letter.document_id,
        "accession": explained.number,
        "class": considered.letter.record_class,
        "line": considered.retention.line.code,
        "period": str(considered.retention.line.period),
        "start_event": considered.retention.line.start_event,
        "started_on": None if considered.retention.started_on is None else str(considered.retention.started_on),
        "due_on": None if considered.retention.due_on is None else str(considered.retention.due_on),
        "waiting_for": considered.retention.waiting_for,
        "reason": considered.retention.reason,
        "basis": considered.retention.line.basis,
        "blocked_by": list(considered.blocked_by),
        "on": explained.on.isoformat(),
        "practice": explained.practice,
    }
