"""`poststelle quarantine list|show|retry|discard`."""

from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.intake import collect, report
from poststelle.cli.printing import clean, table
from poststelle.cli.reasons import REASON

if TYPE_CHECKING:
    from poststelle.verbs.quarantine import QuarantinedItem


@click.group(short_help="Files that could not be taken in.")
def command() -> None:
    """Files that could not be taken in: kept whole and sealed, each with a reason.

    \b
    Example:
      poststelle --identity identities/mailroom.identity quarantine list
      poststelle --identity identities/mailroom.identity quarantine retry Q-2026-000003

    \b
    EXIT STATUS: as for each command below
    """


@command.command("list", short_help="What is in quarantine, and why.")
@pass_context
def list_command(context: Context) -> None:
    """List quarantined files, oldest first. Without --identity, as the service (not in blind mode).

    \b
    Example:
      poststelle quarantine list

    \b
    EXIT STATUS: 0 done, also if there is nothing · 3 not permitted
    """
    from poststelle.verbs.quarantine import listed
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        items = listed(session)

    def as_text() -> str:
        if not items:
            return "Nothing is in quarantine."
        rows = [[i.number, f"{i.received_at:%Y-%m-%d}", i.source_name, i.reason] for i in items]
        return table(["NUMBER", "RECEIVED", "SOURCE", "REASON"], rows)

    context.printer.result({"documents": [_as_json(item) for item in items]}, as_text)


@command.command("show", short_help="One quarantined file.")
@click.argument("number")
@pass_context
def show_command(context: Context, number: str) -> None:
    """Show one quarantined file by its number or id.

    \b
    Example:
      poststelle quarantine show Q-2026-000003

    \b
    EXIT STATUS: 0 done · 3 not permitted · 4 not in quarantine
    """
    from poststelle.verbs.quarantine import shown
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        item = shown(session, number)
    context.printer.result(
        {"documents": [_as_json(item)]},
        lambda: clean(
            f"{item.number}  {item.source_name}  {item.size_bytes} bytes, received {item.received_at:%Y-%m-%d %H:%M}\n"
            f"{item.reason}"
        ),
    )


@command.command("retry", short_help="Take quarantined files in again.")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@pass_context
def retry_command(context: Context, numbers: tuple[str, ...]) -> int:
    """Take quarantined files in again, for example after a limit in config.yaml was raised.

    Needs --identity of the mailroom: the service cannot open sealed originals.

    \b
    Example:
      poststelle --identity identities/mailroom.identity quarantine retry Q-2026-000003

    \b
    EXIT STATUS: 0 filed · 1 in quarantine again · 3 not permitted · 4 not in quarantine
    """
    from poststelle.verbs.quarantine import retry

    with retry(context.environment(), numbers, lambda progress: None) as run:
        documents = collect(context.printer, "Taking in again", run)
    return report(context.printer, documents)


@command.command("discard", short_help="Destroy quarantined files for good.")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@click.option("--reason", type=REASON, required=True, help="Why; kept sealed in the log with your signature.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def discard_command(context: Context, numbers: tuple[str, ...], reason: str, yes: bool) -> None:
    """Destroy quarantined files: their keys first, then their sealed parts. The number stays in the log.

    \b
    Example:
      poststelle --identity identities/mailroom.identity quarantine discard Q-2026-000003 --reason "empty scan" --yes

    \b
    EXIT STATUS: 0 done · 3 not permitted · 4 not in quarantine · 130 not confirmed
    """
    from poststelle.verbs.quarantine import discard
    from poststelle.wiring import open_person

    if not yes:
        click.confirm(f"Destroy {', '.join(numbers)} for good?", abort=True, err=True)
    with open_person(context.environment()) as session:
        ids = discard(session, numbers, reason)
    context.printer.result(
        {"documents": [{"id": i, "status": "discarded"} for i in ids]}, lambda: f"Discarded: {', '.join(numbers)}."
    )


def _as_json(item: "QuarantinedItem") -> dict[str, Any]:
    return {
        "id": item.document_id,
        "accession": item.number,
        "status": "quarantined",
        "source": item.source_name,
        "reason_code": item.reason_code,
        "reason": item.reason,
        "size_bytes": item.size_bytes,
        "received_at": item.received_at.isoformat(),
    }
