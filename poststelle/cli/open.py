"""`poststelle open`."""

import shlex
import sys

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.completing import complete_letter
from poststelle.cli.printing import clean
from poststelle.errors import ConfigurationError

DESKTOP = "xdg-open"


@click.command(short_help="Look at a letter in a viewer.")
@click.argument("letter", metavar="ID", shell_complete=complete_letter)
@click.option("--with", "viewer", metavar="COMMAND", help="Program to look with; it must stay until you close it.")
@click.option("--reason", help="Why you need a restricted letter; logged.")
@pass_context
def command(context: Context, letter: str, viewer: str | None, reason: str | None) -> None:
    """Show the pages of a letter in a viewer: its searchable PDF, or else its original. ID is its id or number.

    The file lies in memory, in a folder that only you can enter, and goes when you close the viewer. Without --with,
    your desktop's own viewer is started; it does not say when it ends, so you are asked to press a key then.

    \b
    Example:
      poststelle --identity identities/accounting.identity open FIN-2026-000001 --with evince

    \b
    EXIT STATUS: 0 done · 2 the viewer cannot be started · 3 your role may not look at letters ·
    4 no such letter (or not yours) · 5 damaged
    """
    from poststelle.verbs.finding import pages_of, view
    from poststelle.wiring import open_person

    try:
        program = shlex.split(DESKTOP if viewer is None else viewer)
    except ValueError:
        program = []
    if not program:
        raise ConfigurationError("--with names no program. Expected a command such as `--with evince`.")
    if viewer is None and not sys.stdin.isatty():
        raise ConfigurationError(
            "Nobody can be asked here when the viewer was closed. Name a viewer that stays open with --with COMMAND."
        )

    def wait() -> None:
        if viewer is None:
            click.pause("Press a key when you have closed the viewer; the file goes then. ", err=True)

    with open_person(context.environment()) as session:
        pages = pages_of(session, letter, reason)
        config = session.config
    view(config, pages, program, wait)
    value = {"id": pages.document_id, "accession": pages.accession, "part": pages.part.value}
    context.printer.result({"document": value}, lambda: clean(f"{pages.accession} was shown ({pages.part.value})."))
