"""`poststelle rebuild index|catalogue|keys|letters`: each says first what it will do."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count, table
from poststelle.errors import ConfigurationError, ExitStatus
from poststelle.records import Problem

if TYPE_CHECKING:
    from archive.repairing import KeyPlan
    from poststelle.verbs.rebuilding import CataloguePlan, IndexPlan
    from poststelle.verbs.repairing import PartsPlan

DRY_RUN = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(short_help="Repair what is damaged, or make it anew.")
def command() -> None:
    """Repair: the index from the letters, the catalogue from all that is left, the keys from their mirror, letters
    from a backup.

    Each command says first what it found and what it will do; with --dry-run that is all. `poststelle verify` names
    what is damaged. What none of them can repair, `poststelle restore` brings back.

    \b
    Example:
      poststelle rebuild keys --dry-run

    \b
    EXIT STATUS: as for each command below
    """


@command.command("index", short_help="Make the search index anew.")
@click.argument("compartments", nargs=-1, metavar="[COMPARTMENT]...")
@DRY_RUN
@pass_context
def index_command(context: Context, compartments: tuple[str, ...], dry_run: bool) -> int:
    """Make the index of compartments anew from the sealed letters: all that the identity may open, or those named.

    For an index that is damaged or missing, and after an update that reads words differently. People can go on
    searching; mail can go on coming in. Runs as the service; where that holds no index key (`intake: mode: blind`),
    name an identity of the department with --identity. The index of what is shared with an auditor is called share-N,
    as its file.

    \b
    Example:
      poststelle rebuild index
      poststelle --identity identities/accounting.identity rebuild index finance

    \b
    EXIT STATUS: 0 done · 1 a letter could not be read; each is listed · 2 no such compartment, or a rebuild is
    running · 3 not permitted · 5 a key is damaged
    """
    from poststelle.verbs.rebuilding import plan_indexes, rebuild_indexes
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        plan = plan_indexes(session, compartments)
        if dry_run:
            return _only_planned(context, _index_plan(plan), {"compartments": [line.compartment for line in plan]})
        context.printer.note(_index_plan(plan))
        with context.printer.progress("Indexing") as update:
            rebuilt = rebuild_indexes(session, compartments, update)
    value = _value(rebuilt.letters, rebuilt.problems) | {"compartments": list(rebuilt.compartments)}
    done = f"Made anew: {', '.join(rebuilt.compartments)} with {count(rebuilt.letters, 'letter', 'letters')}."
    context.printer.result(value, lambda: _text(done, rebuilt.problems))
    return ExitStatus.PROBLEMS if rebuilt.problems else ExitStatus.DONE


@command.command("catalogue", short_help="Make a lost catalogue anew.")
@DRY_RUN
@YES
@pass_context
def catalogue_command(context: Context, dry_run: bool, yes: bool) -> int:
    """Make the catalogue anew after it was lost or damaged: from keys, letters, log, and what is left of it.

    Needs an owner, whose keys open every letter, and no running intake. A sound catalogue is not touched; a damaged
    one is moved aside as catalogue.db.damaged-TIME. Whatever could not be brought back is listed: plans that were not
    carried out are drawn up again; a hold stays in force, but is to be placed again with its reason; an open request
    of a data subject is to be registered again. Run `poststelle verify` afterwards. Asks on a terminal; without one it
    goes on, since nothing is destroyed by it.

    \b
    Example:
      poststelle --identity identities/owner.identity rebuild catalogue

    \b
    EXIT STATUS: 0 done · 1 done, but something could not be brought back; each is listed · 2 the catalogue is sound,
    or an intake is running · 3 not an owner · 5 a key is damaged
    """
    from poststelle.verbs.rebuilding import plan_catalogue, rebuild_catalogue
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        plan = _catalogue_plan(plan_catalogue(session))
        if dry_run:
            return _only_planned(context, plan, {})
        _say_and_ask(context, plan, "Make the catalogue anew?", ask=not yes and sys.stdin.isatty())
        with context.printer.progress("Reading letters") as update:
            rebuilt = rebuild_catalogue(session, update)
    aside = None if rebuilt.aside is None else os.fspath(rebuilt.aside)
    value = _value(rebuilt.letters, rebuilt.problems) | {"moved_aside": aside}
    done = f"The catalogue was made anew with {count(rebuilt.letters, 'letter', 'letters')}."
    if aside is not None:
        done += f" What was left of the old one lies at {aside}."
    context.printer.result(value, lambda: _text(done, rebuilt.problems))
    return ExitStatus.PROBLEMS if rebuilt.problems else ExitStatus.DONE


@command.command("keys", short_help="Repair key store or mirror from the other.")
@DRY_RUN
@YES
@pass_context
def keys_command(context: Context, dry_run: bool, yes: bool) -> int:
    """Repair the key store from its mirror, or the mirror from the key store: whichever is damaged, lost or older.

    Looks through both page by page, and asks key book and catalogue which is right if both are whole. The whole one is
    only read. What is left of the damaged one is kept beside it as keys.db.damaged-TIME, until somebody removes it or
    the next purge does: it holds keys. While keys are missing that it may hold, no purge runs. If the mirror's disk is
    only not mounted, mount it instead. Nothing else may be at work on the vault.

    \b
    Example:
      poststelle rebuild keys --dry-run
      poststelle rebuild keys --yes

    \b
    EXIT STATUS: 0 repaired, or nothing to repair · 1 repaired, but keys are missing in both; each is listed · 2
    something is at work, or nobody could be asked · 3 neither the service nor an owner · 5 nothing can be repaired
    """
    from poststelle.verbs.repairing import plan_keys, rebuild_keys
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment(), as_it_is=True) as session:
        plan = plan_keys(session)
        said: dict[str, object] = {"replaces": plan.broken.name if plan.broken else None, "source": plan.source.name}
        if plan.broken is None or dry_run:
            return _only_planned(context, _key_plan(plan), said, plan.source.problems)
        _agreed(context, _key_plan(plan), "Repair it?", yes)
        repaired = rebuild_keys(session, plan)
    aside = None if repaired.aside is None else os.fspath(repaired.aside)
    value = _problems(repaired.problems) | said | {"moved_aside": aside}
    done = f"The {repaired.replaced} was repaired; it and its copy are whole and hold the same."
    if aside is not None:
        done += f" What was left of it lies at {aside}: remove it once nobody wants to look into it."
    context.printer.result(value, lambda: _text(done, repaired.problems))
    return ExitStatus.PROBLEMS if repaired.problems else ExitStatus.DONE


@command.command("letters", short_help="Bring damaged letters back from a backup.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@DRY_RUN
@YES
@pass_context
def letters_command(context: Context, folder: Path, dry_run: bool, yes: bool) -> int:
    """Replace sealed parts that are damaged or missing by those in the backup in DIR.

    Only what has exactly the bytes that were sealed takes their place: the catalogue holds the hash of each part.
    Nothing that was destroyed comes back. The backup is only read.

    \b
    Example:
      poststelle rebuild letters /media/nas/poststelle

    \b
    EXIT STATUS: 0 repaired, or nothing to repair · 1 some are not whole in this backup either (--dry-run: would not
    be repaired); each is listed · 2 no backup of this vault in DIR, or nobody could be asked · 3 not permitted ·
    5 the catalogue is damaged
    """
    from poststelle.verbs.repairing import plan_letters, rebuild_letters, still_lost
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        with context.printer.progress("Looking through the backup") as update:
            plan = plan_letters(session, folder, lambda done, total: update(done, total, ""))
        documents = sorted({part.name.document_id for part in plan.found})
        if (not plan.found and not plan.lost) or dry_run:
            return _only_planned(context, _parts_plan(plan), {"letters": documents}, still_lost(plan.lost))
        _agreed(context, _parts_plan(plan), "Bring them back?", yes)
        problems = rebuild_letters(session, plan)
    done = f"Brought back: {count(len(plan.found), 'sealed part', 'sealed parts')}."
    context.printer.result(_problems(problems) | {"letters": documents}, lambda: _text(done, problems))
    return ExitStatus.PROBLEMS if problems else ExitStatus.DONE


def _agreed(context: Context, plan: str, question: str, yes: bool) -> None:
    """Say what will be done and let the person decide; where nobody can be asked, only --yes goes on."""
    if not yes and not sys.stdin.isatty():
        raise ConfigurationError(f"{plan}\nNobody can be asked here. Look with --dry-run, then say --yes.")
    _say_and_ask(context, plan, question, ask=not yes)


def _say_and_ask(context: Context, plan: str, question: str, *, ask: bool) -> None:
    if not ask:
        context.printer.note(clean(plan))
        return
    # Whoever is asked must know what, --quiet or not.
    click.echo(clean(plan), err=True)
    click.confirm(question, abort=True, err=True)


def _only_planned(context: Context, plan: str, value: dict[str, object], problems: tuple[Problem, ...] = ()) -> int:
    """The plan is the result; what it would leave damaged counts as when it is carried out."""
    context.printer.result(_problems(problems) | {"plan": plan} | value, lambda: clean(plan))
    return ExitStatus.PROBLEMS if problems else ExitStatus.DONE


def _index_plan(plan: "tuple[IndexPlan, ...]") -> str:
    return "\n".join(
        f"The index {line.compartment} is {'sound: it is filled' if line.is_sound else 'damaged or lost: it is made'} "
        f"anew from {count(line.letters, 'letter', 'letters')}."
        for line in plan
    )


def _catalogue_plan(plan: "CataloguePlan") -> str:
    state = "is not there" if plan.lost else f"is damaged: not readable are {', '.join(plan.unreadable) or 'pages'}"
    old = "" if plan.lost else " What is left of the old one is used, and kept aside."
    return (
        f"The catalogue {state}. It is made anew from {count(plan.letters, 'letter', 'letters')} in the key store, "
        f"their sealed parts, and the log.{old} What could not be brought back is listed at the end."
    )


def _key_plan(plan: "KeyPlan") -> str:
    lines = [plan.reason]
    if plan.broken is not None:
        lines.append(
            f"A copy of the {plan.source.name} takes its place at {plan.broken.path}; what is left of it stays beside "
            "it."
        )
    if plan.source.problems:
        lines.append(f"Not repaired by this, because the {plan.source.name} lacks it too:")
        lines += [f"  {problem.code} {problem.id}: {problem.message}" for problem in plan.source.problems]
    return "\n".join(lines)


def _parts_plan(plan: "PartsPlan") -> str:
    if not plan.found and not plan.lost:
        return "Every sealed part is there and whole."
    lines = [f"Replaced from {plan.folder}:"] if plan.found else ["Nothing can be replaced from this backup."]
    lines += [f"  {part.name.document_id}: {part.name.part}" for part in plan.found]
    if plan.lost:
        lines.append("Not whole in this backup either:")
        lines += [f"  {part.name.document_id}: {part.name.part}" for part in plan.lost]
    return "\n".join(lines)


def _value(letters: int, problems: tuple[Problem, ...]) -> dict[str, object]:
    return _problems(problems) | {"letters": letters}


def _problems(problems: tuple[Problem, ...]) -> dict[str, object]:
    return {
        "ok": not problems,
        "problems": [{"code": p.code, "id": p.id, "message": p.message} for p in problems],
    }


def _text(done: str, problems: tuple[Problem, ...]) -> str:
    if not problems:
        return clean(done)
    return f"{table(['CODE', 'WHERE', 'WHAT'], [[p.code, p.id, p.message] for p in problems])}\n\n{clean(done)}"
