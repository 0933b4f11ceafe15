"""`poststelle facts set`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.review import print_decided


@click.group(short_help="Correct what was read from a letter.")
def command() -> None:
    """Correct what was read from a letter. The original never changes; the old value stays in the letter's history.

    \b
    Example:
      poststelle --identity identities/accounting.identity facts set FIN-2026-000001 amount 1.234,56

    \b
    EXIT STATUS: as for each command below
    """


@command.command("set", short_help="Correct one fact.")
@click.argument("letter", metavar="ID")
@click.argument("name")
@click.argument("value")
@pass_context
def set_command(context: Context, letter: str, name: str, value: str) -> None:
    """Set a fact: sender, subject, date, reference, customer_number, amount, currency, due_date or iban.

    \b
    Example:
      poststelle --identity identities/accounting.identity facts set FIN-2026-000001 date 2026-03-15

    \b
    EXIT STATUS: 0 done · 2 no such fact, or not a value of its kind · 3 not permitted · 4 no such letter (or not yours)
    """
    from poststelle.verbs.deciding import set_fact
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        decided = set_fact(at_desk, letter, name, value)
    print_decided(context, decided, f"{name} of {decided.number} was corrected.")
