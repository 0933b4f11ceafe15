"""`poststelle retention explain|table|selftest`."""

from datetime import datetime
from typing import Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count, table
from poststelle.errors import ExitStatus


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
@click.option("--on", "on", type=DAY, help="Ask for another day than today.")
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
            "extended_by": [
                {"name": x.name, "label": x.label, "basis": x.basis, "years_after": x.years_after}
                for x in e.line.extended_by
            ],
            "sign_off": e.line.sign_off,
            "classes": list(e.classes),
        }
        for e in entries
    ]

    def as_text() -> str:
        rows = [
            [e.line.code, str(e.line.period), e.line.start_event, e.line.release, e.line.label, ", ".join(e.classes)]
            for e in entries
        ]
        basis = "\n".join(_details(e.line) for e in entries)
        return f"{table(['LINE', 'KEPT', 'FROM', 'RELEASE', 'WHAT', 'CLASSES'], rows)}\n\n{clean(basis)}"

    context.printer.result({"lines": lines}, as_text)


def _details(line: Any) -> str:
    """Paragraphs, the versions of the law, what extends the period, and what the company has to sign off."""
    said = [f"{line.code}: {line.basis}"]
    said += [f"{version.period} until {version.until}" for version in sorted(line.earlier, key=lambda v: v.until)]
    if line.extended_by:
        said.append(f"extended by {', '.join(e.name for e in line.extended_by)}")
    return "\n    ".join(["; ".join(said), *([f"to sign off: {line.sign_off}"] if line.sign_off else [])])


@command.command("selftest", short_help="Check the schedule against pinned days.")
@pass_context
def selftest_command(context: Context) -> int:
    """Check the retention table against days that were computed by hand: year ends, leap days, changes of law, audits.

    Looks at the table that is law in the vault, and at config.yaml where it says something else. After you changed a
    line it names the days that no longer hold. Needs no identity.

    \b
    Example:
      poststelle retention selftest

    \b
    EXIT STATUS: 0 every day holds · 1 one does not · 2 the office's own file of pinned days cannot be read
    """
    from poststelle.verbs.keeping import selftest

    tables = selftest(context.environment())
    ok = all(tested.ok for tested in tables)
    value = {
        "ok": ok,
        "vectors": tables[0].vectors,
        "tables": [
            {
                "table": t.table,
                "held": t.result.held,
                "skipped": len(t.result.skipped),
                "failures": [
                    {
                        "vector": f.vector.number,
                        "line": f.line,
                        "expected": None if f.vector.due_on is None else f.vector.due_on.isoformat(),
                        "found": f.found,
                        "why": f.vector.why,
                    }
                    for f in t.result.failures
                ],
            }
            for t in tables
        ],
    }

    def as_text() -> str:
        lines = []
        for t in tables:
            skipped = f", {len(t.result.skipped)} without a line here" if t.result.skipped else ""
            said = f"{t.result.held} of {count(t.vectors, 'pinned day', 'pinned days')} hold{skipped}"
            lines.append(f"{t.table}: {said}{'.' if t.ok else ' — NOT ALL OF THEM.'}")
            lines += [
                f"  {f.vector.number:4} {f.line}: expected {f.vector.due_on or 'no known day'}, found: {f.found} "
                f"({f.vector.why})"
                for f in t.result.failures
            ]
        if not ok:
            lines.append(
                "Either the table was changed on purpose (then pin its days in a file of your own), or undo it."
            )
        return clean("\n".join(lines))

    context.printer.result(value, as_text)
    return ExitStatus.DONE if ok else ExitStatus.PROBLEMS


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
