"""`poststelle role grant|revoke|list`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import table
from poststelle.cli.user import pending_text


@click.group(short_help="What people may: grant, revoke, list.")
def command() -> None:
    """Roles: what people may do, on which compartments. What a role may is in config.yaml (`config apply`).

    \b
    Example:
      poststelle --identity identities/owner.identity role grant anna sales

    \b
    EXIT STATUS: as for each command below
    """


@command.command("grant", short_help="Give somebody a role.")
@click.argument("user")
@click.argument("role")
@pass_context
def grant_command(context: Context, user: str, role: str) -> None:
    """Give somebody a role for good, its old letters included. For a time: `poststelle delegate`.

    \b
    Example:
      poststelle --identity identities/owner.identity role grant anna sales

    \b
    EXIT STATUS: 0 given · 2 no such user or role · 3 not permitted, or separation of duties
    """
    from poststelle.verbs.people import grant_role
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        changed = grant_role(session, user, role)
    value = {"user": changed.user, "roles": list(changed.roles), "pending": list(changed.still_pending)}
    text = f"{user} has the roles {', '.join(changed.roles)}."
    context.printer.result(value, lambda: text + pending_text(changed.still_pending))


@command.command("revoke", short_help="Take a role away.")
@click.argument("user")
@click.argument("role")
@pass_context
def revoke_command(context: Context, user: str, role: str) -> None:
    """Take a role away: its keys are deleted at once, and letters that arrive from now on get new ones.

    \b
    Example:
      poststelle --identity identities/owner.identity role revoke anna sales

    \b
    EXIT STATUS: 0 taken · 2 no such user, or they do not have it · 3 not permitted
    """
    from poststelle.verbs.people import revoke_role
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        changed = revoke_role(session, user, role)
    value = {"user": changed.user, "roles": list(changed.roles), "pending": list(changed.still_pending)}
    text = f"{user} has the roles {', '.join(changed.roles) or '-'}."
    context.printer.result(value, lambda: text + pending_text(changed.still_pending))


@command.command("list", short_help="The rights matrix, and who holds what.")
@pass_context
def list_command(context: Context) -> None:
    """List every role: what it may on which compartment, who holds it since when, who is deputy until when.

    \b
    Example:
      poststelle --identity identities/owner.identity role list

    \b
    EXIT STATUS: 0 done
    """
    from poststelle.verbs.people import list_roles
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        roles = list_roles(session)
    value = {
        "roles": [
            {
                "role": r.code,
                "label": r.label,
                "compartments": {c: list(verbs) for c, verbs in r.compartments.items()},
                "rights": list(r.rights),
                "holders": [{"user": user, "since": since} for user, since in r.holders],
                "deputies": [{"user": user, "until": until} for user, until in r.deputies],
            }
            for r in roles
        ]
    }

    def as_text() -> str:
        blocks = []
        for r in roles:
            people = [f"{user} (since {since:%Y-%m-%d})" if since else user for user, since in r.holders]
            people += [f"{user} (deputy until {until.astimezone():%Y-%m-%d %H:%M})" for user, until in r.deputies]
            rows = [["", c, ", ".join(verbs)] for c, verbs in r.compartments.items()]
            rows += [["", "rights", ", ".join(r.rights)]] if r.rights else []
            head = f"{r.code} ({r.label}): {', '.join(people) or 'nobody'}"
            blocks.append("\n".join([head, *(table(["", "", ""], rows).splitlines()[1:])]))
        return "\n\n".join(blocks)

    context.printer.result(value, as_text)
