"""`poststelle event set`."""

from datetime import datetime

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean
from poststelle.cli.retention import explained_json


@click.group(short_help="Days that retention periods start with.")
def command() -> None:
    """Days that retention periods start with and no letter tells: end of a contract, a rejection, somebody leaving.

    \b
    Example:
      poststelle --identity identities/hr.identity event set HR-2026-000003 rejection 2026-04-02

    \b
    EXIT STATUS: as for each command below
    """


@command.command("set", short_help="Tell the day something happened.")
@click.argument("letter", metavar="ID")
@click.argument("event")
@click.argument("day", metavar="DATE", type=DAY)
@pass_context
def set_command(context: Context, letter: str, event: str, day: datetime) -> None:
    """Tell the day an EVENT happened (contract-end, rejection, leaving, …); signed and logged.

    \b
    Example:
      poststelle --identity identities/management.identity event set MAN-2026-000001 contract-end 2027-06-30

    \b
    EXIT STATUS: 0 done · 2 the letter's period does not start with this event · 3 not permitted · 4 no such letter
    """
    from poststelle.verbs.keeping import set_event
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        explained = set_event(at_desk, letter, event, day.date())
    value = explained_json(explained)
    context.printer.result(value, lambda: clean(f"{explained.number}: {value['reason']}"))
