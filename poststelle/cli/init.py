"""`poststelle init`."""

import sys
from pathlib import Path

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import table


@click.command(short_help="Make the office: vault, keys, recovery kit, identities.")
@click.option("--no-passphrase", is_flag=True, help="Identity files that open without a passphrase (try-outs, demos).")
@click.option("--practice", is_flag=True, help="A vault for practice: marked as such for ever.")
@click.option("--kit", type=click.Path(path_type=Path), help="Where to write the recovery kit, e.g. a stick.")
@pass_context
def command(context: Context, no_passphrase: bool, practice: bool, kit: Path | None) -> None:
    """Make the vault that config.yaml describes, and an identity for each of its users.

    Where there is no config.yaml, the shipped office is copied first. The recovery kit is tried by recover.py in
    a process of its own before the vault counts as made. Without --no-passphrase each identity opens with a
    one-time code that is shown once; its owner replaces it with `poststelle identity passphrase`.

    \b
    Example:
      poststelle init --kit /media/stick/kit.txt

    \b
    EXIT STATUS: 0 made · 2 there is a vault or a key file already, or config.yaml is wrong
    """
    from poststelle.verbs.founding import found
    from poststelle.verbs.people import lone_owner

    made = found(context.environment(), no_passphrase=no_passphrase, practice=practice, kit_file=kit)
    value = {
        "vault_id": made.vault_id,
        "vault": str(made.vault),
        "config": str(made.config),
        "practice": practice,
        "identities": [
            {"user": i.user, "roles": list(i.roles), "file": str(i.file), "one_time_code": i.one_time_code}
            for i in made.identities
        ],
        "recovery_kit": str(made.recovery_kit),
        "kit_check": made.kit_check_code,
        "kit_proof": made.kit_proof,
    }

    def as_text() -> str:
        rows = [[i.user, ", ".join(i.roles), _short(i.file), i.one_time_code or "-"] for i in made.identities]
        return "\n".join(
            [
                f"The vault {_short(made.vault)} is made{' (for practice)' if practice else ''}.",
                f"recover.py tried the recovery kit and says: {made.kit_proof}.",
                "",
                table(["USER", "ROLES", "IDENTITY FILE", "ONE-TIME CODE"], rows),
                "",
                f"Recovery kit: {_short(made.recovery_kit)}",
                "Print it or move it to a stick, then remove it from this machine: whoever has it can read everything,",
                "and make themselves an owner.",
                "Hand each person their identity file; keep none of them here.",
            ]
        )

    context.printer.result(value, as_text)
    owners = [identity.user for identity in made.identities if "owner" in identity.roles]
    warning = lone_owner(owners, kit_signs=True)
    if warning is not None and not practice:
        context.printer.note(f"{warning}.")
    if sys.stdin.isatty() and sys.stdout.isatty() and not context.printer.as_json:
        typed = click.prompt(
            "To show that you have the kit, type its check code (six characters after `check:`)", err=True
        )
        if typed.strip().upper() != made.kit_check_code:
            context.printer.note("That is not the code. Look at the kit again before you rely on it.")


def _short(path: Path) -> str:
    """Relative where that is shorter: what the user would type next."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
