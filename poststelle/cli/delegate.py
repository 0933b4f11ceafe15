"""`poststelle delegate`, `delegate list|end`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import table
from poststelle.cli.reasons import REASON

if TYPE_CHECKING:
    from poststelle.verbs.delegating import Lent


@click.group(short_help="Stand-ins with an end.", invoke_without_command=True)
@click.option("--role", help="The role that is lent.")
@click.option("--to", "user", help="Who stands in.")
@click.option("--until", type=DAY, help="The last day, e.g. 2026-04-30.")
@click.option("--reason", type=REASON, help="Why; signed.")
@click.pass_context
def command(
    click_context: click.Context, role: str | None, user: str | None, until: datetime | None, reason: str | None
) -> None:
    """Lend a role until the end of a day. It ends by itself; nothing that arrives later opens for the deputy.

    Only who may give the role for good may lend it; a deputy cannot lend it on.

    \b
    Example:
      poststelle --identity identities/owner.identity delegate --role hr --to anna --until 2026-04-30 --reason Urlaub

    \b
    EXIT STATUS: 0 lent · 2 no such user or role, or a day that cannot be · 3 not permitted
    """
    if click_context.invoked_subcommand is not None:
        return
    context = click_context.find_object(Context)
    assert context is not None
    if role is None or user is None or until is None or reason is None:
        raise click.UsageError("Say --role, --to, --until and --reason; or use `delegate list` or `delegate end`.")
    from poststelle.verbs.delegating import delegate
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        lent = delegate(session, role, user, until.date(), reason)
    text = f"{lent.to} stands in as {lent.role} until {_moment(lent.until)} (delegation {lent.number})."
    context.printer.result({"delegations": [_as_json(lent)]}, lambda: text)


@command.command("list", short_help="Who stands in for whom.")
@pass_context
def list_command(context: Context) -> None:
    """List all delegations, those in force first.

    \b
    Example:
      poststelle --identity identities/owner.identity delegate list

    \b
    EXIT STATUS: 0 done
    """
    from poststelle.verbs.delegating import delegations
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        found = delegations(session)

    def as_text() -> str:
        rows = [
            [str(d.number), d.role, d.to, d.by, _moment(d.until), "in force" if d.in_force else "ended", d.reason]
            for d in found
        ]
        header = ["NUMBER", "ROLE", "TO", "BY", "UNTIL", "", "REASON"]
        return table(header, rows) if rows else "Nothing was ever delegated."

    context.printer.result({"delegations": [_as_json(d) for d in found]}, as_text)


@command.command("end", short_help="End a delegation before its day.")
@click.argument("number", type=int)
@pass_context
def end_command(context: Context, number: int) -> None:
    """End a delegation now. Who may give the role may end it, and the deputy may lay it down.

    \b
    Example:
      poststelle --identity identities/owner.identity delegate end 7

    \b
    EXIT STATUS: 0 ended · 2 no such delegation in force · 3 not permitted
    """
    from poststelle.verbs.delegating import end_delegation
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        ended = end_delegation(session, number)
    context.printer.result({"delegations": [_as_json(ended)]}, lambda: f"Delegation {number} is ended.")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _as_json(lent: "Lent") -> dict[str, Any]:
    return {
        "number": lent.number,
        "role": lent.role,
        "to": lent.to,
        "by": lent.by,
        "since": lent.since,
        "until": lent.until,
        "reason": lent.reason,
        "in_force": lent.in_force,
    }
