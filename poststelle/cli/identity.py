"""`poststelle identity passphrase`."""

import os
import sys
from pathlib import Path

import click

from poststelle.cli import Context, ask_passphrase, pass_context, passphrase_in
from poststelle.errors import ConfigurationError


@click.group(short_help="Your identity file.")
def command() -> None:
    """Your identity file: the keys that say who you are and open your mail.

    \b
    Example:
      poststelle --identity my.identity identity passphrase

    \b
    EXIT STATUS: as for each command below
    """


@command.command("passphrase", short_help="Choose a new passphrase.")
@click.option("--new-file", type=click.Path(path_type=Path), help="Read the new passphrase from this file.")
@pass_context
def passphrase_command(context: Context, new_file: Path | None) -> None:
    """Choose a new passphrase for your identity file; also the way from the one-time code to your own.

    The old one is asked for (or read from POSTSTELLE_PASSPHRASE_FILE). The file is replaced whole or not at all.

    \b
    Example:
      poststelle --identity my.identity identity passphrase

    \b
    EXIT STATUS: 0 changed · 2 wrong old passphrase, or the new one is too short
    """
    from poststelle.access.identities import read_identity
    from poststelle.verbs.identities import SHORTEST_PASSPHRASE, change_passphrase

    path = context.identity_file
    if path is None:
        raise ConfigurationError("Name your identity file with --identity FILE or POSTSTELLE_IDENTITY.")
    file = read_identity(path)
    what = "One-time code" if file.is_one_time else "Passphrase"
    old = ask_passphrase(file.user, what) if file.needs_passphrase else None
    if new_file is not None:
        new = passphrase_in(new_file, "--new-file")
    elif sys.stdin.isatty():
        file.open(lambda: old or "")  # a slip is told before the new one is thought of and typed twice
        asked = f"New passphrase (at least {SHORTEST_PASSPHRASE} characters)"
        new = click.prompt(asked, hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise ConfigurationError("Nobody can be asked here. Name a file with the new passphrase: --new-file FILE.")
    user = change_passphrase(path, old, new, context.environment().disk)
    context.printer.result({"user": user, "file": os.fspath(path)}, lambda: f"The passphrase of {user} was changed.")


@command.command("replace", short_help="New keys for somebody whose identity was lost.")
@click.argument("user")
@click.option("--identity-out", type=click.Path(path_type=Path), help="Where to write the new identity file.")
@click.option("--no-passphrase", is_flag=True, help="An identity file that opens without a passphrase (try-outs).")
@click.option("--kit", type=click.Path(path_type=Path), help="The recovery kit, for an owner: nobody else has to sign.")
@pass_context
def replace_command(
    context: Context, user: str, identity_out: Path | None, no_passphrase: bool, kit: Path | None
) -> None:
    """Give somebody new keys in place of lost or stolen ones; the old identity is worth nothing from now on.

    An owner signs it, about anybody but themselves. The recovery kit signs it about an owner, and nobody else: the way
    back when the only owner's identity is lost. Then no --identity is needed, everybody is told, and the kit has to be
    renewed: it was in use on a machine.

    `service` names intake's own identity; letters that came before are then not recognised as duplicates.

    \b
    Example:
      poststelle --identity identities/owner.identity identity replace accounting
      poststelle identity replace owner --kit /media/stick/kit.txt

    \b
    EXIT STATUS: 0 replaced · 2 no such user, no kit of this vault, or a file is in the way ·
    3 not permitted, or a kit that another took the place of
    """
    from poststelle.cli.user import print_issued
    from poststelle.verbs.people import replace_identity
    from poststelle.wiring import open_person

    if kit is not None:
        _replace_with_kit(context, user, kit, identity_out, no_passphrase)
        return
    with open_person(context.environment()) as session:
        issued = replace_identity(session, user, identity_out=identity_out, no_passphrase=no_passphrase)
    print_issued(context, issued, f"The identity of {user} was replaced.")


def _replace_with_kit(context: Context, user: str, kit: Path, identity_out: Path | None, no_passphrase: bool) -> None:
    from poststelle.cli.user import print_issued
    from poststelle.verbs.rescuing import replace_owner

    environment = context.environment()
    issued = replace_owner(environment, user, kit, identity_out=identity_out, no_passphrase=no_passphrase)
    print_issued(context, issued, f"The recovery kit replaced the identity of the owner {user}.")
    context.printer.note(
        "Everybody is told so by their next command, and it is in the log. The kit was in use on this machine: renew "
        f"it now (`poststelle --identity {issued.file} kit renew --kit NEW-FILE`), destroy this one, and take it off "
        "every disk."
    )
