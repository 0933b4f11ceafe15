"""`poststelle role grant|revoke|list`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import count, table
from poststelle.cli.reasons import REASON
from poststelle.cli.user import pending_text

if TYPE_CHECKING:
    from poststelle.verbs.people import Changed
    from poststelle.verbs.sharing import Shared


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
@click.option("--class", "classes", multiple=True, help="With `auditor`: letters of this class only; repeatable.")
@click.option("--year", "years", multiple=True, type=int, help="With `auditor`: received in this year; repeatable.")
@click.option("--until", type=DAY, help="With --class: the last day, e.g. 2026-04-30.")
@click.option("--reason", type=REASON, help="With --class: why; signed.")
@pass_context
def grant_command(
    context: Context,
    user: str,
    role: str,
    classes: tuple[str, ...],
    years: tuple[int, ...],
    until: datetime | None,
    reason: str | None,
) -> None:
    """Give somebody a role for good, its old letters included. For a time: `poststelle delegate`.

    An auditor who is to see some classes and years only, until a day, gets the role with limits: keys and an index of
    its own for those letters, to search, show and export (`export --package`). It ends by itself.

    \b
    Example:
      poststelle --identity identities/owner.identity role grant anna sales
      poststelle --identity identities/owner.identity role grant pruefer auditor --class invoice --year 2026 \\
        --until 2027-04-30 --reason Betriebsprüfung

    \b
    EXIT STATUS: 0 given · 2 no such user, role or letters · 3 not permitted, or separation of duties
    """
    if classes or years or until or reason:
        if role != "auditor" or not (classes and years and until and reason):
            raise click.UsageError("Limits are for `auditor`, and go together: --class, --year, --until and --reason.")
        from poststelle.verbs.locating import desk
        from poststelle.verbs.sharing import share

        with desk(context.environment()) as at_desk:
            shared = share(at_desk, user, classes, years, until.date(), reason)
        letters = count(shared.letters, "letter", "letters")
        text = f"{shared.to} may read {letters} until {_moment(shared.until)} (share {shared.number})."
        context.printer.result({"shares": [_share_json(shared)]}, lambda: text)
        return
    from poststelle.verbs.people import grant_role
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        changed = grant_role(session, user, role)
    _print_roles(context, changed)


@command.command("revoke", short_help="Take a role away.")
@click.argument("user")
@click.argument("role")
@click.option("--share", "number", type=int, help="End this share of an auditor instead, before its day.")
@pass_context
def revoke_command(context: Context, user: str, role: str, number: int | None) -> None:
    """Take a role away: its keys are deleted at once, and letters that arrive from now on get new ones.

    \b
    Example:
      poststelle --identity identities/owner.identity role revoke anna sales

    \b
    EXIT STATUS: 0 taken · 2 no such user, or they do not have it · 3 not permitted
    """
    if number is not None:
        from poststelle.verbs.locating import desk
        from poststelle.verbs.sharing import end_share

        with desk(context.environment()) as at_desk:
            ended = end_share(at_desk, number)
        context.printer.result({"shares": [_share_json(ended)]}, lambda: f"Share {number} is ended.")
        return
    from poststelle.verbs.people import revoke_role
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        changed = revoke_role(session, user, role)
    _print_roles(context, changed)


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
    from poststelle.verbs.sharing import shares
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        roles, shared = list_roles(session), shares(session)
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
        ],
        "shares": [_share_json(s) for s in shared],
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
        blocks += [
            f"share {s.number}: {s.to} reads {', '.join(s.classes)} of {', '.join(map(str, s.years))} "
            f"until {_moment(s.until)}{'' if s.in_force else ' (ended)'}: {s.reason}"
            for s in shared
        ]
        return "\n\n".join(blocks)

    context.printer.result(value, as_text)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _print_roles(context: Context, changed: "Changed") -> None:
    value = {"user": changed.user, "roles": list(changed.roles), "pending": list(changed.still_pending)}
    roles = ", ".join(changed.roles)
    text = f"{changed.user} has the roles {roles}." if roles else f"{changed.user} has no role any more."
    context.printer.result(value, lambda: text + pending_text(changed.still_pending))


def _share_json(shared: "Shared") -> dict[str, Any]:
    return {
        "number": shared.number,
        "to": shared.to,
        "by": shared.by,
        "classes": list(shared.classes),
        "years": list(shared.years),
        "until": shared.until,
        "reason": shared.reason,
        "in_force": shared.in_force,
        "letters": shared.letters,
    }
