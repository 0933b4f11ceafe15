"""`poststelle rebuild index|catalogue`."""

import os

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count, table
from poststelle.errors import ExitStatus
from poststelle.records import Problem


@click.group(short_help="Make index or catalogue anew.")
def command() -> None:
    """Make anew what is derived: the search index from the letters, the catalogue from all that is left.

    \b
    Example:
      poststelle rebuild index finance

    \b
    EXIT STATUS: as for each command below
    """


@command.command("index", short_help="Make the search index anew.")
@click.argument("compartments", nargs=-1, metavar="[COMPARTMENT]...")
@pass_context
def index_command(context: Context, compartments: tuple[str, ...]) -> int:
    """Make the index of compartments anew from the sealed letters: all that the identity may open, or those named.

    For an index that is damaged or missing, and after an update that reads words differently. People can go on
    searching; mail can go on coming in. Runs as the service; where that holds no index key (`intake: mode: blind`),
    name an identity of the department with --identity.

    \b
    Example:
      poststelle rebuild index
      poststelle --identity identities/accounting.identity rebuild index finance

    \b
    EXIT STATUS: 0 done · 1 a letter could not be read; each is listed · 2 no such compartment, or a rebuild is
    running · 3 not permitted · 5 a key is damaged
    """
    from poststelle.verbs.rebuilding import rebuild_indexes
    from poststelle.wiring import open_person_or_service

    with (
        open_person_or_service(context.environment()) as session,
        context.printer.progress("Indexing") as update,
    ):
        rebuilt = rebuild_indexes(session, compartments, update)
    value = _value(rebuilt.letters, rebuilt.problems) | {"compartments": list(rebuilt.compartments)}
    done = f"Made anew: {', '.join(rebuilt.compartments)} with {count(rebuilt.letters, 'letter', 'letters')}."
    context.printer.result(value, lambda: _text(done, rebuilt.problems))
    return ExitStatus.PROBLEMS if rebuilt.problems else ExitStatus.DONE


@command.command("catalogue", short_help="Make a lost catalogue anew.")
@pass_context
def catalogue_command(context: Context) -> int:
    """Make the catalogue anew after it was lost or damaged: from keys, letters, log, and what is left of it.

    Needs an owner, whose keys open every letter, and no running intake. A sound catalogue is not touched; a damaged
    one is moved aside as catalogue.db.damaged-TIME. Whatever could not be brought back is listed: plans that were not
    carried out are drawn up again; a hold stays in force, but is to be placed again with its reason. Run
    `poststelle verify` afterwards.

    \b
    Example:
      poststelle --identity identities/owner.identity rebuild catalogue

    \b
    EXIT STATUS: 0 done · 1 done, but something could not be brought back; each is listed · 2 the catalogue is sound,
    or an intake is running · 3 not an owner · 5 a key is damaged
    """
    from poststelle.verbs.rebuilding import rebuild_catalogue
    from poststelle.wiring import open_person

    with (
        open_person(context.environment()) as session,
        context.printer.progress("Reading letters") as update,
    ):
        rebuilt = rebuild_catalogue(session, update)
    aside = None if rebuilt.aside is None else os.fspath(rebuilt.aside)
    value = _value(rebuilt.letters, rebuilt.problems) | {"moved_aside": aside}
    done = f"The catalogue was made anew with {count(rebuilt.letters, 'letter', 'letters')}."
    if aside is not None:
        done += f" What was left of the old one lies at {aside}."
    context.printer.result(value, lambda: _text(done, rebuilt.problems))
    return ExitStatus.PROBLEMS if rebuilt.problems else ExitStatus.DONE


def _value(letters: int, problems: tuple[Problem, ...]) -> dict[str, object]:
    return {
        "ok": not problems,
        "problems": [{"code": p.code, "id": p.id, "message": p.message} for p in problems],
        "letters": letters,
    }


def _text(done: str, problems: tuple[Problem, ...]) -> str:
    if not problems:
        return clean(done)
    return f"{table(['CODE', 'WHERE', 'WHAT'], [[p.code, p.id, p.message] for p in problems])}\n\n{clean(done)}"
