"""`poststelle deadlines`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count

if TYPE_CHECKING:
    from poststelle.verbs.deadlines import Deadline


@click.command(short_help="What falls due, and when.")
@click.option("--from", "from_date", type=DAY, help="Due on or after this day.  [default: today]")
@click.option("--to", "to_date", type=DAY, help="Due on or before this day.")
@click.option("--ics", is_flag=True, help="Print a calendar file that calendar programs import.")
@pass_context
def command(context: Context, from_date: datetime | None, to_date: datetime | None, ics: bool) -> None:
    """List due dates and other deadlines of the letters that your identity may see, the earliest first.

    Periods such as "one month after notification" are counted, on the early side. Each says what it is for (payment,
    objection, termination, reply, appointment, other); the sentence that sets it stands below it. Check it in the
    letter before you rely on it.

    \b
    Example:
      poststelle --identity identities/accounting.identity deadlines --to 2026-12-31
      poststelle --identity identities/legal.identity deadlines --ics > deadlines.ics

    \b
    EXIT STATUS: 0 done, also with none · 2 usage · 3 your role may not search
    """
    from poststelle.verbs.deadlines import calendar, deadlines
    from poststelle.wiring import open_person

    if ics and context.printer.as_json:
        raise click.UsageError("Choose one of --json and --ics.")
    with open_person(context.environment()) as session:
        first = from_date.date() if from_date else session.now().astimezone().date()
        found = deadlines(session, first, to_date.date() if to_date else None)
        made_at = session.now()
    if found.not_yet_findable:
        letters = count(found.not_yet_findable, "letter is", "letters are")
        context.printer.note(f"{letters} not in the index yet; ask again to catch up further.")
    if ics:
        click.echo(calendar(found.deadlines, made_at), nl=False)
        return
    context.printer.result(
        {"deadlines": [_as_json(item) for item in found.deadlines], "not_yet_findable": found.not_yet_findable},
        lambda: "\n".join(
            [*map(_as_text, found.deadlines), f"{count(len(found.deadlines), 'deadline', 'deadlines')}."]
        ),
    )


def _as_json(item: "Deadline") -> dict[str, Any]:
    return {
        "due_on": item.due_on.isoformat(),
        "name": item.name,
        "kind": item.kind,
        "id": item.document_id,
        "accession": item.accession,
        "class": item.record_class,
        "sender": item.sender,
        "title": item.title,
        "confidence": round(item.confidence, 3),
        "source": item.source,
    }


def _as_text(item: "Deadline") -> str:
    head = f"{item.due_on}  {item.kind:11}  {item.accession}  {item.record_class}  {clean(item.sender)}"
    sentence = f"\n  “{clean(item.source)}”" if item.source else ""
    return f"{click.style(head, bold=True)}\n  {clean(item.title)}{sentence}\n"
