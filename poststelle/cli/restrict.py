"""`poststelle restrict place|lift|list`."""

from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, table
from poststelle.cli.reasons import REASON

if TYPE_CHECKING:
    from poststelle.verbs.keeping import Restriction
    from poststelle.verbs.restricting import Restricted


@click.group(short_help="Restricted letters: kept, but out of use.")
def command() -> None:
    """Restricted letters: sealed and counted, but out of search and out of the departments' reach.

    \b
    Example:
      poststelle --identity identities/dpo.identity restrict place HR-2026-000003 --ground art18 --reason "Antrag 12/26"

    \b
    EXIT STATUS: as for each command below
    """


@command.command("place", short_help="Restrict a letter.")
@click.argument("letter", metavar="ID")
@click.option(
    "--ground", type=click.Choice(["art18", "retention"]), required=True, help="On request, or until its period ends."
)
@click.option("--reason", type=REASON, required=True, help="Why; signed.")
@pass_context
def place_command(context: Context, letter: str, ground: str, reason: str) -> None:
    """Move a letter to the restricted compartment; it gets a number there, and its old one is marked as moved.

    art18: somebody asked for it (Art. 18 GDPR). Nothing of it is destroyed until that is lifted.
    retention: it should be erased, but a period still runs. It is destroyed on its day.

    \b
    Example:
      poststelle --identity identities/dpo.identity restrict place SAL-2026-000001 --ground retention --reason Antrag

    \b
    EXIT STATUS: 0 restricted · 2 restricted on this ground already · 3 not permitted · 4 no such letter (or not yours)
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.restricting import restrict

    with desk(context.environment()) as at_desk:
        done = restrict(at_desk, letter, ground, reason)
    text = f"Restricted ({ground}); it is {done.number} now."
    context.printer.result(_as_json(done), lambda: text)
    _note_index(context, done)


@command.command("lift", short_help="Lift a restriction.")
@click.argument("letter", metavar="ID")
@click.option("--ground", type=click.Choice(["art18", "retention"]), help="Only this ground; without it, all.")
@click.option("--reason", type=REASON, required=True, help="Why; signed.")
@pass_context
def lift_command(context: Context, letter: str, ground: str | None, reason: str) -> None:
    """Lift the restrictions of a letter. With none left it goes back to where it was, under a new number.

    \b
    Example:
      poststelle --identity identities/dpo.identity restrict lift RES-2026-000001 --reason "Antrag zurückgenommen"

    \b
    EXIT STATUS: 0 lifted · 3 not permitted · 4 no such letter (or not yours), or not restricted on that ground
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.restricting import lift

    with desk(context.environment()) as at_desk:
        done = lift(at_desk, letter, ground, reason)
    left = f"still restricted ({', '.join(r.ground for r in done.restrictions)})" if done.restrictions else "lifted"
    context.printer.result(_as_json(done), lambda: f"{done.number}: {left}.")
    _note_index(context, done)


@command.command("list", short_help="Restrictions in force.")
@pass_context
def list_command(context: Context) -> None:
    """List the restrictions in force: ground, since when, by whom and why.

    \b
    Example:
      poststelle --identity identities/dpo.identity restrict list

    \b
    EXIT STATUS: 0 done · 3 not permitted
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.restricting import list_restrictions

    with desk(context.environment()) as at_desk:
        restrictions = list_restrictions(at_desk)

    def as_text() -> str:
        rows = [[r.document, r.ground, r.placed_at[:10], r.placed_by, r.reason] for r in restrictions]
        return table(["LETTER", "GROUND", "SINCE", "BY", "REASON"], rows) if rows else "No letter is restricted."

    context.printer.result({"restrictions": [_restriction_json(r) for r in restrictions]}, as_text)


def _note_index(context: Context, done: "Restricted") -> None:
    if not done.purged:
        context.printer.note(
            "The index it was in is being read, so its words may still be in a log file there; run `poststelle rebuild "
            "index` when nobody searches."
        )


def _as_json(done: "Restricted") -> dict[str, Any]:
    return {
        "id": done.document_id,
        "accession": done.number,
        "compartment": done.compartment,
        "restrictions": [_restriction_json(r) for r in done.restrictions],
        "purged": done.purged,
    }


def _restriction_json(restriction: "Restriction") -> dict[str, Any]:
    return {
        "restriction": restriction.restriction_id,
        "id": restriction.document,
        "ground": restriction.ground,
        "reason": clean(restriction.reason),
        "placed_by": restriction.placed_by,
        "placed_at": restriction.placed_at,
    }
