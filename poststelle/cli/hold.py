"""`poststelle hold place|lift|list`."""

from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import count, table
from poststelle.cli.reasons import REASON

if TYPE_CHECKING:
    from poststelle.verbs.keeping import Hold


@click.group(short_help="Legal holds: what must not be destroyed.")
def command() -> None:
    """Legal holds: letters that must not be destroyed, whatever their period says.

    \b
    Example:
      poststelle --identity identities/legal.identity hold place LEG-2026-000001 --reason "Klage 4 O 112/26"

    \b
    EXIT STATUS: as for each command below
    """


@command.command("place", short_help="Put letters on hold.")
@click.argument("letters", nargs=-1, required=True, metavar="ID…")
@click.option("--reason", type=REASON, required=True, help="Why; signed, and readable by those who keep the records.")
@pass_context
def place_command(context: Context, letters: tuple[str, ...], reason: str) -> None:
    """Stop the disposition of letters until the hold is lifted. All of them or none.

    \b
    Example:
      poststelle --identity identities/records-manager.identity hold place FIN-2026-000001 --reason "Betriebsprüfung"

    \b
    EXIT STATUS: 0 placed · 2 one was destroyed already · 3 not permitted · 4 no such letter (or not yours)
    """
    from poststelle.verbs.keeping import place_hold
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        hold = place_hold(at_desk, letters, reason)
    text = f"Hold {hold.hold_id[:12]} on {count(len(hold.documents), 'letter', 'letters')}."
    context.printer.result({"holds": [_as_json(hold)]}, lambda: text)


@command.command("lift", short_help="End a hold.")
@click.argument("hold", metavar="HOLD")
@click.option("--reason", type=REASON, required=True, help="Why; signed.")
@pass_context
def lift_command(context: Context, hold: str, reason: str) -> None:
    """End a hold, named by its id or at least its first eight digits.

    \b
    Example:
      poststelle --identity identities/records-manager.identity hold lift 3f9a12cc80d1 --reason "Prüfung beendet"

    \b
    EXIT STATUS: 0 lifted · 3 not permitted · 4 no such hold in force
    """
    from poststelle.verbs.keeping import lift_hold
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        lifted = lift_hold(at_desk, hold, reason)
    context.printer.result({"holds": [_as_json(lifted)]}, lambda: f"Hold {lifted.hold_id[:12]} is lifted.")


@command.command("list", short_help="Holds in force.")
@pass_context
def list_command(context: Context) -> None:
    """List the holds in force, with who placed them and why.

    Whoever keeps the records sees all of them; a department those it placed, and those on its own letters alone.

    \b
    Example:
      poststelle --identity identities/records-manager.identity hold list

    \b
    EXIT STATUS: 0 done · 3 not permitted
    """
    from poststelle.verbs.keeping import list_holds
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        holds = list_holds(at_desk)

    def as_text() -> str:
        rows = [
            [h.hold_id[:12], h.placed_at[:10], h.placed_by or "(not genuine)", str(len(h.documents)), h.reason]
            for h in holds
        ]
        return table(["HOLD", "SINCE", "BY", "LETTERS", "REASON"], rows) if rows else "No hold is in force."

    context.printer.result({"holds": [_as_json(h) for h in holds]}, as_text)


def _as_json(hold: "Hold") -> dict[str, Any]:
    return {
        "hold": hold.hold_id,
        "documents": list(hold.documents),
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at,
        "sound": hold.sound,
    }
