"""`poststelle list`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import count, table

if TYPE_CHECKING:
    from poststelle.verbs.deciding import BookEntry


@click.command(short_help="The intake book.")
@click.option("--class", "record_class", metavar="CLASS", help="Only this class, e.g. invoice or Rechnung.")
@click.option("--from", "from_date", type=DAY, help="Received on or after this day.")
@click.option("--to", "to_date", type=DAY, help="Received on or before this day.")
@pass_context
def command(context: Context, record_class: str | None, from_date: datetime | None, to_date: datetime | None) -> None:
    """List every letter by receipt number: number, class, day of receipt, stage. No sender, no subject.

    For holders of the records key: mailroom, records manager, auditor, data protection officer, owner.

    \b
    Example:
      poststelle --identity identities/records-manager.identity list --class invoice --from 2026-01-01

    \b
    EXIT STATUS: 0 done · 2 no such class · 3 not permitted
    """
    from poststelle.verbs.deciding import intake_book
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        entries = intake_book(
            at_desk,
            record_class=record_class,
            from_date=from_date.date() if from_date else None,
            to_date=to_date.date() if to_date else None,
        )

    def as_text() -> str:
        rows = [
            [str(e.letter.receipt), e.number, e.letter.record_class, str(e.letter.received_on), e.letter.stage.value]
            for e in entries
        ]
        book = table(["RECEIPT", "NUMBER", "CLASS", "RECEIVED", "STAGE"], rows)
        return f"{book}\n\n{count(len(entries), 'letter', 'letters')}."

    context.printer.result({"documents": [_as_json(e) for e in entries]}, as_text)


def _as_json(entry: "BookEntry") -> dict[str, Any]:
    letter = entry.letter
    return {
        "id": letter.document_id,
        "receipt_number": letter.receipt,
        "accession": entry.number,
        "class": letter.record_class,
        "compartment": letter.compartment,
        "received_on": letter.received_on.isoformat(),
        "filed_at": letter.filed_at.isoformat(),
        "status": letter.stage.value,
        "pages": letter.pages,
        "retention": letter.retention,
    }
