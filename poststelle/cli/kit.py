"""`poststelle kit renew|check`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from poststelle.cli import Context, pass_context

if TYPE_CHECKING:
    from poststelle.wiring import Session


@click.group(short_help="The recovery kit: renew it, try it.")
def command() -> None:
    """The recovery kit: keys on paper or a stick that open every letter when all identities are lost.

    It signs one thing: that an owner whose identity is lost gets a new one (`identity replace USER --kit FILE`).

    \b
    Example:
      poststelle --identity identities/owner.identity kit renew --kit /media/stick/kit.txt

    \b
    EXIT STATUS: as for each command below
    """


@command.command("renew", short_help="Make a new kit in place of the old one.")
@click.option("--kit", type=click.Path(path_type=Path), help="Where to write the recovery kit, e.g. a stick.")
@pass_context
def renew_command(context: Context, kit: Path | None) -> None:
    """Make a new recovery kit, try it with recover.py, and put it in the old one's place.

    The old kit goes on opening what it could open in old copies of the vault, and nothing that arrives from now on. It
    signs nothing any more. Destroy it. An owner does this, for a kit can make an owner.

    \b
    Example:
      poststelle --identity identities/owner.identity kit renew --kit /media/stick/kit.txt

    \b
    EXIT STATUS: 0 renewed · 2 the file exists, or the new kit did not open every key · 3 not permitted
    """
    from poststelle.verbs.founding import renew_kit
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        renewed = renew_kit(session, kit)
        _note_owners(context, session)
    value = {"recovery_kit": str(renewed.file), "kit_check": renewed.check_code, "kit_proof": renewed.proof}
    lines = [
        f"recover.py tried the new recovery kit and says: {renewed.proof}.",
        f"Recovery kit: {renewed.file}",
        "Print it or move it to a stick, then remove it from this machine, and destroy the old one.",
    ]
    context.printer.result(value, lambda: "\n".join(lines))
    if sys.stdin.isatty() and sys.stdout.isatty() and not context.printer.as_json:
        typed = click.prompt(
            "To show that you have the kit, type its check code (six characters after `check:`)", err=True
        )
        if typed.strip().upper() != renewed.check_code:
            context.printer.note("That is not the code. Look at the kit again before you rely on it.")


@command.command("check", short_help="Try a kit on every key there is.")
@click.argument("kit", type=click.Path(path_type=Path))
@pass_context
def check_command(context: Context, kit: Path) -> None:
    """Let recover.py open every key with the kit, those made since it was printed included; changes nothing.

    The keys that sign for an owner who lost their identity are compared with the key book, too.

    \b
    Example:
      poststelle --identity identities/owner.identity kit check /media/stick/kit.txt

    \b
    EXIT STATUS: 0 it opens every key and can sign · 2 it does not
    """
    from poststelle.verbs.founding import check_kit
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        proof = check_kit(session, kit)
        _note_owners(context, session)
    context.printer.result({"kit_proof": proof}, lambda: proof)


def _note_owners(context: Context, session: "Session") -> None:
    from poststelle.verbs.people import lone_owner, owners_of

    warning = lone_owner(owners_of(session.book), kit_signs=session.book.kit_signing is not None)
    if warning is not None and not session.book.practice:
        context.printer.note(f"{warning}.")
