"""`poststelle config apply`."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean
from poststelle.errors import ConfigurationError, ExitStatus

if TYPE_CHECKING:
    from poststelle.verbs.applying import Applied

LONGEST_VALUE = 100


@click.group(short_help="Make config.yaml law.")
def command() -> None:
    """config.yaml is the wish, the signed key book the law.

    \b
    Example:
      poststelle --identity identities/owner.identity config apply

    \b
    EXIT STATUS: as for each command below
    """


@command.command("apply", short_help="Sign what config.yaml says into the key book.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def apply_command(context: Context, dry_run: bool, yes: bool) -> int:
    """Make roles, compartments, classes, retention and mode what config.yaml says, by your signature.

    It takes the right to grant, and nobody can give a right that they do not hold. Keys follow at once. People are not
    applied, for an old file would take back what was granted since: where the file names others than the key book, the
    commands are shown that would follow it.

    \b
    Example:
      poststelle --identity identities/owner.identity config apply --dry-run

    \b
    EXIT STATUS: 0 applied, or nothing to apply · 1 with --dry-run: there are differences · 2 config.yaml is wrong, or
    takes away what letters need · 3 not permitted, or separation of duties · 130 not confirmed
    """
    from poststelle.verbs.applying import apply, compare
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        found = compare(at_desk.person)
        if not found.differences or dry_run:
            context.printer.result(_as_json(found), lambda: _text(found))
            return ExitStatus.PROBLEMS if found.differences else ExitStatus.DONE
        if not yes:
            if not sys.stdin.isatty():
                raise ConfigurationError("Nobody can be asked here. Look with --dry-run, then say --yes.")
            click.echo(_text(found), err=True)
            click.confirm("Sign this?", abort=True, err=True)
        applied = apply(at_desk)
    context.printer.result(_as_json(applied), lambda: _text(applied))
    return ExitStatus.DONE


def _text(applied: "Applied") -> str:
    lines = []
    for difference in applied.differences:
        lines.append(click.style(difference.place, bold=True))
        lines += [click.style(f"  - {_short(difference.law)}", fg="red")] if difference.law is not None else []
        lines += [click.style(f"  + {_short(difference.wish)}", fg="green")] if difference.wish is not None else []
    if not lines:
        lines.append("The key book says what config.yaml says.")
    elif applied.applied:
        lines.append("This is law now.")
    if applied.users:
        lines.append("\nPeople are not applied. Whoever holds the rights says, if the file is to be followed:")
    for user in applied.users:
        lines += [f"  {user.sentence}", *(f"    {command}" for command in user.commands)]
    return "\n".join(lines)


def _short(value: Any) -> str:
    text = clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _as_json(applied: "Applied") -> dict[str, Any]:
    return {
        "applied": applied.applied,
        "differences": [{"place": d.place, "law": d.law, "wish": d.wish} for d in applied.differences],
        "users": [user.sentence for user in applied.users],
        "people": [{"user": user.user, "commands": list(user.commands)} for user in applied.users],
    }
