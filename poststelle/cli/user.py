"""`poststelle user add|remove|list`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import table

if TYPE_CHECKING:
    from poststelle.verbs.people import Issued


@click.group(short_help="Who works here: add, remove, list.")
def command() -> None:
    """People in the key book. Every change is signed by you; keys follow it at once.

    \b
    Example:
      poststelle --identity identities/owner.identity user add anna --role accounting

    \b
    EXIT STATUS: as for each command below
    """


@command.command("add", short_help="Add somebody, with an identity file.")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, help="What they may; repeat for several. None: an auditor, see `role grant`."
)
@click.option("--identity-out", type=click.Path(path_type=Path), help="Where to write their identity file.")
@click.option("--no-passphrase", is_flag=True, help="An identity file that opens without a passphrase (try-outs).")
@pass_context
def add_command(
    context: Context, name: str, roles: tuple[str, ...], identity_out: Path | None, no_passphrase: bool
) -> None:
    """Add somebody to the office. Nobody can give what they do not hold themselves.

    The identity file opens with a one-time code that is shown once; its owner replaces it with `poststelle identity
    passphrase`. Hand over file and code by different ways.

    \b
    Example:
      poststelle --identity identities/owner.identity user add anna --role accounting

    \b
    EXIT STATUS: 0 added · 2 the name is taken or the file exists · 3 not permitted
    """
    from poststelle.verbs.people import add_user
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        issued = add_user(session, name, roles, identity_out=identity_out, no_passphrase=no_passphrase)
    print_issued(context, issued, f"{issued.user} was added: {', '.join(issued.roles) or 'without a role'}.")


@command.command("remove", short_help="Take somebody's keys away.")
@click.argument("name")
@pass_context
def remove_command(context: Context, name: str) -> None:
    """Remove somebody: their keys are deleted at once, and letters that arrive from now on get new ones.

    What they read, printed or copied before cannot be unread. Keys that you do not hold yourself are renewed by the
    next who does; `poststelle doctor` shows what is pending.

    \b
    Example:
      poststelle --identity identities/owner.identity user remove anna

    \b
    EXIT STATUS: 0 removed · 2 no such user · 3 not permitted
    """
    from poststelle.verbs.people import remove_user
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        changed = remove_user(session, name)
    value = {"user": changed.user, "pending": list(changed.still_pending)}
    context.printer.result(value, lambda: f"{changed.user} was removed." + pending_text(changed.still_pending))


@command.command("list", short_help="Who is in the key book.")
@pass_context
def list_command(context: Context) -> None:
    """List the people of the office with their roles, since when, and what was delegated to them.

    \b
    Example:
      poststelle --identity identities/owner.identity user list

    \b
    EXIT STATUS: 0 done
    """
    from poststelle.verbs.people import list_users
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        members = list_users(session)
    value = {
        "users": [
            {
                "user": m.user,
                "person": m.person_id,
                "roles": [{"role": role, "since": since} for role, since in m.roles],
                "deputy": [{"role": role, "until": until} for role, until in m.deputy],
                "removed": m.removed,
            }
            for m in members
        ]
    }

    def as_text() -> str:
        rows = [
            [
                m.user,
                ", ".join(f"{role} (since {since:%Y-%m-%d})" if since else role for role, since in m.roles),
                ", ".join(f"{role} until {until.astimezone():%Y-%m-%d %H:%M}" for role, until in m.deputy),
                "removed" if m.removed else "",
            ]
            for m in members
        ]
        return table(["USER", "ROLES", "DEPUTY FOR", ""], rows)

    context.printer.result(value, as_text)


def print_issued(context: Context, issued: "Issued", sentence: str) -> None:
    """An identity that was made, and what its owner has to do."""
    value: dict[str, Any] = {
        "user": issued.user,
        "roles": list(issued.roles),
        "file": str(issued.file),
        "one_time_code": issued.one_time_code,
        "pending": list(issued.still_pending),
    }

    def as_text() -> str:
        lines = [sentence, f"Identity file: {issued.file}"]
        if issued.one_time_code:
            lines.append(f"One-time code: {issued.one_time_code} (shown this once)")
        return "\n".join(lines) + pending_text(issued.still_pending)

    context.printer.result(value, as_text)


def pending_text(scopes: tuple[str, ...]) -> str:
    """What somebody else has to finish."""
    if not scopes:
        return ""
    return f"\nStill to be renewed by the next who holds them: the keys of {', '.join(scopes)}."
