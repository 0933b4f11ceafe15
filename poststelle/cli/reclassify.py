"""`poststelle reclassify`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.review import print_decided


@click.command(short_help="Correct what a letter is.")
@click.argument("letter", metavar="ID")
@click.argument("record_class", metavar="CLASS")
@pass_context
def command(context: Context, letter: str, record_class: str) -> None:
    """Give a letter another class; it moves to that class's compartment, under a new number there.

    Its keys are wrapped for the new readers and destroyed for the old ones. What was read before cannot be unread.

    \b
    Example:
      poststelle --identity identities/accounting.identity reclassify FIN-2026-000004 offer

    \b
    EXIT STATUS: 0 done · 2 no such class · 3 not permitted · 4 no such letter (or not yours)
    """
    from poststelle.verbs.deciding import decide
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        decided = decide(at_desk, letter, record_class, kind="reclassified")
    print_decided(context, decided)
