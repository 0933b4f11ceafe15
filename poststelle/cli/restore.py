"""`poststelle restore`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count, table
from poststelle.errors import ExitStatus

if TYPE_CHECKING:
    from poststelle.verbs.restoring import Plan, Restored

FILE = click.Path(path_type=Path)


@click.command(short_help="Bring a vault back from a backup.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]", required=False)
@click.option("--kit", type=FILE, help="The recovery kit: opens the backup where no owner's identity is left.")
@click.option("--generation", type=int, metavar="N", help="Another generation than the newest.")
@click.option(
    "--tombstones", type=FILE, multiple=True, metavar="FILE", help="A list of destroyed letters from elsewhere."
)
@click.option(
    "--accept-tombstones-as-of", "accept_as_of", type=DAY, metavar="DATE", help="No newer list exists; signed."
)
@click.option(
    "--skip-numbers", "skip", type=click.IntRange(0, 1_000_000), default=1000, show_default=True, metavar="N",
    help="Numbers left out in each series, for letters that were filed after the backup and are lost.",
)  # fmt: skip
@click.option("--drill", is_flag=True, help="Only try it, in a place that is thrown away; logged in the living vault.")
@click.option("--confirm", is_flag=True, help="As an owner, sign a restore that was made with the kit alone.")
@pass_context
def command(
    context: Context,
    folder: Path | None,
    kit: Path | None,
    generation: int | None,
    tombstones: tuple[Path, ...],
    accept_as_of: datetime | None,
    skip: int,
    drill: bool,
    confirm: bool,
) -> int:
    """Bring the vault back from the backup in DIR to an empty place: an owner's identity signs it.

    Needs nothing but the program, DIR, and --identity of an owner or --kit. Where there is no config.yaml, the one
    that was backed up is put here first. Letters that were destroyed after the backup stay destroyed: the list of
    them must be the newest, or the owner accepts it by its date. Letters filed after the backup are lost; their
    numbers are left out, and that is on record. Ends with the indexes made anew and everything verified.

    \b
    Example:
      poststelle --identity owner.identity restore /media/nas/poststelle
      poststelle restore /media/nas/poststelle --kit /media/stick/kit.txt
      poststelle --identity owner.identity restore /media/nas/poststelle --drill

    \b
    EXIT STATUS: 0 done · 1 done, but something could not be brought back; each is listed · 2 the place is not empty,
    or the list of destroyed letters was not accepted · 3 not an owner · 5 the backup was changed
    """
    if confirm:
        if folder is not None:
            raise click.UsageError("--confirm signs what was restored here; leave the folder out.")
        return _confirm(context)
    if folder is None:
        raise click.UsageError("Name the folder of the backup.")
    from poststelle.verbs.restoring import Wish, restore

    wish = Wish(
        folder=folder,
        generation=generation,
        kit=kit,
        tombstones=tombstones,
        accept_as_of=accept_as_of.date() if accept_as_of else None,
        skip=skip,
        drill=drill,
    )
    with context.printer.progress("Restoring") as update:
        restored = restore(context.environment(), wish, update, lambda plan: context.printer.note(_plan(plan, drill)))
    context.printer.result(_value(restored), lambda: clean(_text(restored)))
    return ExitStatus.PROBLEMS if restored.problems else ExitStatus.DONE


def _plan(plan: "Plan", drill: bool) -> str:
    where = "a folder that is thrown away" if drill else str(plan.place)
    return clean(
        f"Bringing back generation {plan.generation} of {plan.made_at.astimezone():%Y-%m-%d %H:%M} with "
        f"{count(plan.letters, 'letter', 'letters')} into {where}. On the list of destroyed letters, which stay out: "
        f"{plan.destroyed}."
    )


def _confirm(context: Context) -> int:
    from poststelle.verbs.restoring import confirm
    from poststelle.wiring import open_person

    with open_person(context.environment(), as_restored=True) as session:
        statement_id = confirm(session)
    text = "Signed: whoever remembers entries of the log that were lost with it is told so once, and can go on."
    context.printer.result({"statement": statement_id}, lambda: text)
    return ExitStatus.DONE


def _value(restored: "Restored") -> dict[str, object]:
    return {
        "ok": not restored.problems,
        "problems": [{"code": p.code, "id": p.id, "message": p.message} for p in restored.problems],
        "drill": restored.drill,
        "vault": str(restored.vault),
        "generation": restored.generation,
        "made_at": restored.made_at.isoformat(),
        "tombstones_as_of": restored.tombstones_as_of.isoformat(),
        "letters": restored.letters,
        "parts": restored.parts,
        "destroyed": list(restored.destroyed),
        "gaps": [{"series": g.series, "year": g.year, "first": g.first, "last": g.last} for g in restored.gaps],
        "signed_by_owner": restored.signed_by_owner,
        "service_restored": restored.service_restored,
        "seconds": dict(restored.seconds),
    }


def _text(restored: "Restored") -> str:
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in restored.seconds)
    what = "A drill brought back and threw away" if restored.drill else "Brought back"
    lines = [
        f"{what}: {count(restored.letters, 'letter', 'letters')} as of "
        f"{restored.made_at.astimezone():%Y-%m-%d %H:%M} (generation {restored.generation}).",
        f"Time: {steps}.",
    ]
    if restored.destroyed:
        gone = count(len(restored.destroyed), "letter that was", "letters that were")
        lines.append(f"Left out: {gone} destroyed since. `poststelle purge run` completes their certificates.")
    if restored.drill:
        lines.append("Nothing of the vault in use was touched.")
    else:
        lines += _next_steps(restored)
    if restored.problems:
        rows = [[p.code, p.id, p.message] for p in restored.problems]
        lines += ["", table(["CODE", "WHERE", "WHAT"], rows)]
    return "\n".join(lines)


def _next_steps(restored: "Restored") -> list[str]:
    lines = []
    if restored.gaps:
        size = max(g.last - g.first + 1 for g in restored.gaps)
        lines.append(f"In each series {size} numbers are left out: letters that were lost may have had them.")
    if not restored.signed_by_owner:
        lines.append(
            "It was signed with the kit alone. Whoever remembers a later log is refused until an owner signs: "
            "`poststelle --identity … restore --confirm`."
        )
    if not restored.service_restored:
        lines.append(
            "The service's identity is not here. Before mail can be taken in, an owner makes a new one: `poststelle "
            "--identity … identity replace service`."
        )
    lines.append("Back it up again soon: `poststelle backup`.")
    return lines
